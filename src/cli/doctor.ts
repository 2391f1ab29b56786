/** `petalgrad doctor`: what this machine offers to petalgrad, and what is wrong with it. */
import { existsSync, statfsSync } from "node:fs";
import { arch, cpus, totalmem } from "node:os";
import { UserError } from "../errors.js";
import { describeRanks } from "../node/distributed/open.js";
import { WANTED_FEATURES, WANTED_LIMITS } from "../gpu/wants.js";
import { type Context, defineCommand } from "./command.js";
import { adapterAdvice, describeSystem, installPlan } from "./driver.mjs";
import { type Probe, probeAdapter } from "./probe-adapter.mjs";
import { bytes } from "./progress.js";
import { dependencyVersion, packageVersion } from "./version.js";

export const doctor = defineCommand({
  name: "doctor",
  summary: "show the adapter, its driver and limits, the versions, and what is wrong",
  options: {
    json: { type: "flag", description: "print everything the adapter says as JSON, to paste into a report" },
  },
  examples: [["doctor", "read this first when something does not run"]],
  async run(given, context) {
    const probe = await probeAdapter({ compute: true });
    const ranks = await describeRanks();
    if (given.json)
      return context.print(
        JSON.stringify({ petalgrad: packageVersion(), versions: versions(), system: systemLine(), ranks, ...probe }, null, 2),
      );
    for (const [name, value] of [["petalgrad", packageVersion()], ...versions(), ["system", systemLine()]])
      row(context, name as string, value as string);
    for (const [name, value] of ranks) row(context, name, value);
    describeAdapter(context, probe);
    const problems = problemsOf(probe);
    context.print("");
    if (problems.length === 0) return context.print("Nothing is wrong.");
    context.print(problems.length === 1 ? "One thing is wrong:" : `${problems.length} things are wrong:`);
    for (const problem of problems) context.print(`- ${problem.replaceAll("\n", "\n  ")}`);
    throw new UserError("not ready; see above");
  },
});

function row(context: Context, name: string, value: string): void {
  context.print(`${name.padEnd(34)} ${value}`);
}

function versions(): [string, string][] {
  const names = ["webgpu", "wgsl-preprocessor", "sharp", "pngjs", "tar-stream"];
  return [["node", process.version], ...names.map((name): [string, string] => [name, dependencyVersion(name) ?? "not installed"])];
}

function systemLine(): string {
  return `${describeSystem().name}, ${arch()}, ${cpus().length} cores, ${bytes(totalmem())} of memory`;
}

function describeAdapter(context: Context, probe: Probe): void {
  context.print("");
  row(context, "adapter", probe.adapter ?? "none");
  if (!probe.adapter) return;
  const { description, device, vendor, architecture, ...rest } = probe.info ?? {};
  row(context, "vendor, architecture", [vendor, architecture].filter(Boolean).join(", "));
  row(context, "device", String(device ?? ""));
  row(context, "driver", String(description ?? ""));
  for (const [name, value] of Object.entries(rest)) row(context, name, String(value));
  row(context, "kind", isSoftware(probe) ? "software: a CPU plays the GPU; presets tiny and small" : "GPU");
  context.print("");
  for (const [feature, without] of Object.entries(WANTED_FEATURES))
    row(context, feature, probe.features?.includes(feature) ? "yes" : `no: ${without}`);
  row(context, "all features", (probe.features ?? []).join(" "));
  context.print("");
  for (const name of Object.keys(WANTED_LIMITS)) {
    const limit = probe.limits?.[name];
    row(context, name, limit === undefined ? "unknown" : limitText(name, limit));
  }
}

function limitText(name: string, limit: number): string {
  if (!/(Buffer|Binding|Storage)Size$/.test(name)) return String(limit);
  return limit < 2 ** 20 ? `${Math.round(limit / 2 ** 10)} KiB` : `${Math.round(limit / 2 ** 20)} MiB`;
}

function isSoftware(probe: Probe): boolean {
  return probe.info?.isFallbackAdapter === true;
}

/** What keeps petalgrad from running or from running well, each with the way out. */
function problemsOf(probe: Probe): string[] {
  const problems: string[] = [];
  for (const [name, version] of versions())
    if (version === "not installed") problems.push(`the package ${name} is missing: run \`npm install\``);
  if (!probe.adapter) {
    const system = describeSystem();
    problems.push(adapterAdvice(system, probe, installPlan(system, probe)));
  }
  if (probe.fault) problems.push(`the adapter does not compute: ${probe.fault}; update its driver`);
  for (const [name, least] of Object.entries(WANTED_LIMITS)) {
    const limit = probe.limits?.[name];
    if (limit !== undefined && limit < least) problems.push(`${name} is ${limit}; the preset paper needs ${least}: use a smaller preset`);
  }
  const data = process.env.PETALGRAD_DATA;
  if (data && !existsSync(data)) problems.push(`PETALGRAD_DATA=${data} is no folder: unset it, or name one that holds data sets`);
  const disk = statfsSync(".");
  const free = disk.bavail * disk.bsize;
  if (free < 2e9) problems.push(`only ${bytes(free)} are free on this disk: a run with its checkpoints wants 2 GB`);
  return problems;
}
