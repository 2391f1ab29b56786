/** A run that is killed ten times, once in the middle of a checkpoint: in the end it is what it would have been without. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { parseMetrics } from "../../src/train/run/metrics-file.js";
import { tinyFolder } from "./datasets/tiny-folder.js";

const KILLS = 10;
const WORDS = ["--preset", "tiny", "--batch", "4", "--text-steps", "6", "--steps", "80", "--checkpoint-every", "3", "--sample-every", "20"];

let folder: string;
const inside = (...parts: string[]) => join(folder, ...parts);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-kill-"));
  tinyFolder(inside("data"));
  // Kills the process when half of a checkpoint is written beside its place.
  writeFileSync(
    inside("kill.mjs"),
    `import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const { openSync, writeSync } = fs;
    let checkpoint;
    fs.openSync = (path, ...rest) => {
      const file = openSync(path, ...rest);
      if (/step-\\d+\\.safetensors\\.tmp/.test(path)) checkpoint = file;
      return file;
    };
    fs.writeSync = (file, bytes, at, length) => {
      if (file !== checkpoint) return writeSync(file, bytes, at, length);
      writeSync(file, bytes, at, length >> 1);
      process.kill(process.pid, "SIGKILL");
      for (;;);
    };
    syncBuiltinESMExports();`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each run with a cache of its own: none takes over what another has trained. */
function begin(
  run: string,
  more: readonly string[] = [],
): { child: ChildProcess; ended: Promise<{ signal: string | null; code: number | null; said: string }> } {
  const env = { ...process.env, PETALGRAD_CACHE: inside(`cache-${run}`) };
  const begun = existsSync(inside(run, "config.json"));
  const words = begun ? ["--resume", inside(run)] : ["--dataset", inside("data"), "--run", inside(run), ...WORDS];
  const child = spawn(process.execPath, ["--import", "tsx", ...more, "src/cli/main.ts", "train", ...words], { env });
  let said = "";
  child.stderr.on("data", (part) => (said += String(part)));
  const ended = new Promise<{ signal: string | null; code: number | null; said: string }>((resolve) =>
    child.on("close", (code, signal) => resolve({ signal, code, said })),
  );
  return { child, ended };
}

const records = (run: string) => {
  const path = inside(run, "metrics.jsonl");
  return existsSync(path) ? parseMetrics(readFileSync(path, "utf8")).records : [];
};
/** Comparable: speeds differ from run to run. */
const metrics = (run: string) => records(run).map((record) => ({ ...record, imagesPerSecond: 0 }));

it("ends with the bytes of a run that nobody killed", async () => {
  expect((await begin("straight").ended).code).toBe(0);
  const random = new RandomStream(20, 5);
  const inCheckpoint = 1 + random.below(KILLS - 1);
  let [kills, takenOver] = [0, 0];
  while (kills < KILLS) {
    if (kills === inCheckpoint) {
      const { signal, said } = await begin("killed", ["--import", inside("kill.mjs")]).ended;
      expect({ signal, said }).toMatchObject({ signal: "SIGKILL" });
      expect(readdirSync(inside("killed", "checkpoint")).filter((name) => name.includes(".tmp-"))).toHaveLength(1);
      kills++;
      continue;
    }
    const { child, ended } = begin("killed");
    // So many lines further, and a moment later: in a step, beside one, while something is written.
    const [until, moment] = [records("killed").length + random.below(5), random.below(60)];
    const early = random.below(4) === 0;
    const started = Date.now();
    const watch = setInterval(() => {
      const due = early ? Date.now() - started > 300 + 20 * moment : records("killed").length > until;
      if (!due) return;
      clearInterval(watch);
      setTimeout(() => child.kill("SIGKILL"), moment);
    }, 5);
    const { signal, code, said } = await ended;
    clearInterval(watch);
    if (said.includes("its lock is taken over")) takenOver++;
    expect({ signal, code, said }).toMatchObject({ signal: "SIGKILL", code: null });
    kills++;
  }
  const { code, said } = await begin("killed").ended;
  expect({ code, said }).toMatchObject({ code: 0 });
  expect(takenOver).toBeGreaterThan(0);
  for (const file of ["model.safetensors", "text-encoder.safetensors", "checkpoint/step-000080.safetensors", "samples/step-000080.png"]) {
    const [one, other] = ["straight", "killed"].map((run) => readFileSync(inside(run, file)).toString("base64"));
    expect(one === other, file).toBe(true);
  }
  expect(metrics("killed")).toEqual(metrics("straight"));
  expect(readdirSync(inside("killed")).sort()).toEqual(readdirSync(inside("straight")).sort());
});
