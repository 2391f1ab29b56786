/**
 * Writes the tables of docs/explanation/many-machines.md, between its markers, from what `npm run bench -- --ranks` measured:
 *
 *     node --import tsx bench/ranks-page.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format, resolveConfig } from "prettier";
import { Gan } from "../src/train/gan/gan.js";
import { PRESET_VALUES, type PresetName } from "../src/train/gan/presets.js";
import { resolveOptions } from "../src/train/gan/resolve-options.js";
import { modelLines, type RanksReport, waiting } from "./ranks.js";
import { crossover, fitStep, sharedStepSeconds, stepSeconds, type StepModel, type SumModel, sumSeconds } from "./ranks-model.js";
import type { Report } from "./report.js";

const root = new URL("../", import.meta.url);
export const PAGE = fileURLToPath(new URL("docs/explanation/many-machines.md", root));
const MEASURED = new URL("docs/explanation/performance/ranks-software.json", root);
const SCALING = new URL("docs/explanation/performance/scaling-software.json", root);

/** Networks as one has them: a message's latency in seconds, and bits a second. */
const NETWORKS = [
  { name: "1 Gb/s", latency: 100e-6, bits: 1e9 },
  { name: "10 Gb/s", latency: 30e-6, bits: 10e9 },
  { name: "100 Gb/s", latency: 5e-6, bits: 100e9 },
] as const;

/** From a card to the host, through it and back: two copies over PCIe and two in memory, of 10 GB/s or so each. */
const CARD = 4 / 10e9;
/** The part of a step that does not grow with its rows, where that was not measured: dispatches, the optimizer. */
const CONSTANT = 0.1;

/** A step alone, in seconds, as docs/explanation/performance.md has it. */
interface Case {
  readonly preset: PresetName;
  readonly on: string;
  readonly seconds: number;
  readonly hostPerByte: number;
  /** By how its time grows with the batch, where that was measured. */
  readonly step?: StepModel;
}

function cases({ model }: RanksReport, scaling: Report): Case[] {
  const host = model.sum.hostPerByte;
  const points = scaling.rows.filter(({ name }) => name === "batch").map(({ ms, more }) => ({ rows: more.x!, seconds: ms / 1000 }));
  return [
    { preset: "small", on: "two cores", seconds: 0.239, hostPerByte: host, step: fitStep(points) },
    { preset: "medium", on: "two cores", seconds: 0.785, hostPerByte: host },
    { preset: "paper", on: "two cores", seconds: 10.807, hostPerByte: host },
    { preset: "paper", on: "an H200", seconds: 0.028, hostPerByte: CARD },
  ];
}

const stepOf = ({ step, seconds, preset }: Case): StepModel =>
  step ?? { constant: CONSTANT * seconds, perRow: ((1 - CONSTANT) * seconds) / PRESET_VALUES[preset].batch };

const known = new Map<PresetName, number>();

/** Bytes of a step's gradients. */
export function gradientBytes(preset: PresetName): number {
  let bytes = known.get(preset);
  if (bytes === undefined) {
    // Lengths alone are asked for: random values of `paper` would take seconds.
    const anything = { uniform: () => 0, normal: () => 0 };
    const { generator, discriminator } = new Gan(resolveOptions({ preset }, { software: true }), anything);
    known.set(preset, (bytes = 4 * (generator.parameters.length + discriminator.parameters.length)));
  }
  return bytes;
}

const wire = ({ latency, bits }: (typeof NETWORKS)[number], hostPerByte: number): SumModel => ({ latency, perByte: 8 / bits, hostPerByte });

/** Three digits. */
function short(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return rounded >= 0.01 || rounded === 0 ? String(rounded) : rounded.toExponential(1);
}
const percent = (share: number): string => `${Math.round(100 * share)} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_, i) => (i === 0 ? "---" : "--:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Each table by the name of its place in the page. */
export function tables(report: RanksReport, scaling: Report): Record<string, string> {
  const { results, cores, preset } = report;
  const all = cases(report, scaling);
  const batchOf = (c: Case) => PRESET_VALUES[c.preset].batch;
  const presets = ["tiny", "small", "medium", "paper", "coco-paper"] as const;
  const measured = [
    `Measured on ${report.date} by \`npm run bench -- --ranks ${results.map(({ ranks }) => ranks).join(",")}\`: ${cores} cores, ${results[0]!.adapter}, ` +
      `a thread of its own for each rank as far as there are cores.`,
    table(
      ["ranks", ...results[0]!.sums.map(({ bytes }) => `sum of ${bytes / 1e6} MB, ms`)],
      results.map(({ ranks, sums }) => [
        ranks === 1 ? "1 (to the host and back)" : String(ranks),
        ...sums.map(({ seconds }) => short(1000 * seconds)),
      ]),
    ),
    table(
      [`step of ${preset}`, "images", "ms", "images/s", "computing alone, ms", "waiting, of the step"],
      results.flatMap(({ ranks, steps }) =>
        steps.map(({ rows, seconds, compute }) => [
          `${ranks} ${ranks === 1 ? "rank" : `ranks, ${rows === PRESET_VALUES[preset].batch ? "weak" : "strong"}`}`,
          ...[rows * ranks, 1000 * seconds, (rows * ranks) / seconds, 1000 * compute].map(short),
          percent(waiting(seconds, compute)),
        ]),
      ),
    ),
    `${results.some(({ ranks }) => ranks > cores) ? `More ranks than the ${cores} cores take each other's time: those rows measure the overhead only.\n` : ""}` +
      modelLines(report)
        .map((line) => `- ${line}`)
        .join("\n"),
  ].join("\n\n");

  const arithmetic = table(
    ["preset", "gradients, MB", ...NETWORKS.flatMap(({ name }) => [`2 ranks, ${name}, ms`, `64 ranks, ${name}, ms`])],
    presets.map((name) => {
      const bytes = gradientBytes(name);
      const of = (network: (typeof NETWORKS)[number], ranks: number) => short(1000 * sumSeconds(wire(network, 0), ranks, bytes));
      return [name, short(bytes / 1e6), ...NETWORKS.flatMap((network) => [of(network, 2), of(network, 64)])];
    }),
  );

  const crossovers = table(
    ["preset", "a step alone, ms", ...NETWORKS.flatMap(({ name }) => [`ranks, ${name}`, "times as fast"])],
    all.map((c) => {
      const [step, bytes] = [stepOf(c), gradientBytes(c.preset)];
      const cells = NETWORKS.flatMap((network) => {
        const secondsOf = (ranks: number) => sharedStepSeconds(step, wire(network, c.hostPerByte), ranks, batchOf(c), bytes);
        const best = crossover(secondsOf, Math.min(64, batchOf(c)));
        return [String(best), short(secondsOf(1) / secondsOf(best))];
      });
      return [`${c.preset}, ${c.on}`, short(1000 * stepSeconds(step, batchOf(c))), ...cells];
    }),
  );

  const counts = [1, 2, 4, 8, 16, 32, 64];
  const simulated = table(
    ["images/s", "network", ...counts.map((ranks) => `${ranks}`)],
    all.flatMap((c) =>
      NETWORKS.map((network) => {
        const [step, bytes] = [stepOf(c), gradientBytes(c.preset)];
        const sum = wire(network, c.hostPerByte);
        const rate = (ranks: number) => (ranks * batchOf(c)) / sharedStepSeconds(step, sum, ranks, ranks * batchOf(c), bytes);
        return [`${c.preset}, ${c.on}`, network.name, ...counts.map((ranks) => short(rate(ranks)))];
      }),
    ),
  );
  return { measured, arithmetic, crossovers, simulated };
}

/** The page with its tables anew. */
export function withTables(page: string, made: Readonly<Record<string, string>>): string {
  return Object.entries(made).reduce(
    (text, [name, table]) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- end -->)`),
        (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
      ),
    page,
  );
}

/** As it should be. */
export async function writtenPage(): Promise<string> {
  const read = (url: URL): unknown => JSON.parse(readFileSync(url, "utf8"));
  const made = tables(read(MEASURED) as RanksReport, read(SCALING) as Report);
  return format(withTables(readFileSync(PAGE, "utf8"), made), { ...(await resolveConfig(PAGE)), parser: "markdown" });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(PAGE, await writtenPage());
