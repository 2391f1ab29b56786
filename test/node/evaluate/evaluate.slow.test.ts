/** The whole command on two tiny runs: the columns it makes, what it keeps, what it refuses. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluateRequest } from "../../../src/node/evaluate/evaluate.js";
import { evaluateToFiles } from "../../../src/node/evaluate/files.js";
import type { Report } from "../../../src/evaluate/report.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import type { GivenOptions } from "../../../src/train/gan/options.js";
import { train } from "../../../src/node/train.js";
import { fewSteps } from "../../evaluate/few-steps.js";

const before = process.env.PETALGRAD_CACHE;
const folder = mkdtempSync(join(tmpdir(), "petalgrad-evaluate-"));
const [one, two] = [join(folder, "one"), join(folder, "two")];

const signal = new AbortController().signal;

const networks = fewSteps({ renders: 40 });

async function ask(runs: readonly string[], more: Partial<EvaluateRequest> = {}) {
  const events: TrainEvent[] = [];
  const request = { ...{ runs, samples: 24, seed: 1, zeroShot: false, networks }, ...more };
  const { report, table, files } = await evaluateToFiles(request, join(runs[0]!, "evaluation", "report.json"), {
    onEvent: (event) => events.push(event),
    signal,
  });
  return { report, table, files, events };
}

beforeAll(async () => {
  process.env.PETALGRAD_CACHE = join(folder, "cache");
  const given: GivenOptions = { preset: "tiny", steps: 3, textSteps: 2 };
  await train({ given, run: one }, { onEvent: () => undefined, signal });
  await train({ given: { ...given, ema: 0, variant: "gan" }, run: two }, { onEvent: () => undefined, signal });
});

afterAll(() => {
  if (before === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = before;
  rmSync(folder, { recursive: true, force: true });
});

describe("evaluate", () => {
  it("gives every generator a column, with every measure for both splits", async () => {
    const drawnClasses = { training: networks.classifier, perClass: 2 };
    const { report, table, files } = await ask([one, two], { samples: 150, zeroShot: true, drawnClasses });
    expect(report.columns.map(({ label }) => label)).toEqual(["real", "noise", "one ema", "one raw", "two raw"]);
    const ids = [
      "rPrecision100",
      "rPrecision10",
      "petalColour",
      "petalCount",
      "centreColour",
      "fid",
      "kid",
      "inception",
      "variety",
      "pixels",
      "checkerboard",
    ];
    const expected = [...ids.flatMap((id) => [`${id}.train`, `${id}.test`]), "zeroShot"];
    for (const { label, values } of report.columns) {
      if (label === "noise") continue;
      expect(Object.keys(values)).toEqual(expect.arrayContaining(expected));
      for (const { value } of Object.values(values)) expect(value).toSatisfy(Number.isFinite);
    }
    const [real, noise, ema, raw, other] = report.columns.map(({ values }) => values);
    expect(noise!["rPrecision100.test"]).toEqual({ value: 0.01 });
    expect(noise!.zeroShot).toEqual({ value: 1 / 26 });
    // Different generators, different images; real images are nearer to real ones than what three steps teach.
    expect(new Set([ema, raw, other].map((values) => values!["pixels.test"]!.value)).size).toBe(3);
    expect(real!["fid.train"]!.value).toBeLessThan(ema!["fid.train"]!.value);
    expect(Object.keys(ema!)).toEqual(expect.arrayContaining(["groundByNoise.train", "groundByText.test"]));
    expect(ema!["background.text"]!.value).toBeGreaterThan(0);
    expect(table).toContain("one ema");
    expect(files).toEqual(["report.json", "bars.svg", "roc.svg"]);
    const json = JSON.parse(readFileSync(join(one, "evaluation", "report.json"), "utf8")) as Report & { format: string };
    expect(json.format).toBe("petalgrad evaluation 1");
    expect(json.columns).toEqual(JSON.parse(JSON.stringify(report.columns)));
  });

  it("trains its networks once, says so beforehand, and comes to the same numbers again", async () => {
    const networkFiles = () => readdirSync(join(folder, "cache")).filter((name) => name.startsWith("evaluation-"));
    for (const name of networkFiles()) rmSync(join(folder, "cache", name));
    const first = await ask([two]);
    expect(networkFiles()).toHaveLength(3);
    // 24 captions are no 100 candidates, and 24 images few: the row is left out, and both are said.
    expect(first.report.columns.flatMap(({ values }) => Object.keys(values)).filter((id) => id.startsWith("rPrecision100"))).toEqual([]);
    expect(first.table).toMatch(/training classes: "own caption first among 100" is not measured: .* each has \d+ different ones/);
    expect(first.table).toMatch(/unseen classes: FID and KID stand on 24 images a side with \d+ features/);
    const told = (events: readonly TrainEvent[]) =>
      events.filter((event) => event.kind === "message" && event.text.startsWith("trained once for petals")).length;
    expect(told(first.events)).toBe(1);
    const times = networkFiles().map((name) => statSync(join(folder, "cache", name)).mtimeMs);
    const again = await ask([two]);
    expect(told(again.events)).toBe(0);
    expect(networkFiles().map((name) => statSync(join(folder, "cache", name)).mtimeMs)).toEqual(times);
    expect(again.report.columns).toEqual(first.report.columns);
    const seeded = await ask([two], { seed: 2 });
    expect(seeded.report.columns).not.toEqual(first.report.columns);
  });

  it("says in one line what it cannot do", async () => {
    await expect(ask([one, one])).rejects.toThrow(`${one} is given twice`);
    // A run that was begun elsewhere with images of another size, and has come no further.
    const smaller = join(folder, "smaller");
    mkdirSync(smaller);
    const config = readFileSync(join(one, "config.json"), "utf8");
    writeFileSync(join(smaller, "config.json"), config.replace('"imageSize": 16', '"imageSize": 32'));
    await expect(ask([one, smaller])).rejects.toThrow(`${smaller} cannot stand beside ${one}: its image size is 32, not 16`);
    writeFileSync(join(smaller, "config.json"), config.replace('"embeddings": null', '"embeddings": "vectors.npy"'));
    await expect(ask([smaller])).rejects.toThrow(`${smaller} was trained on given embeddings`);
    writeFileSync(join(smaller, "config.json"), config);
    await expect(ask([smaller])).rejects.toThrow(`${smaller} has no checkpoint to evaluate yet`);
    expect(existsSync(join(smaller, "evaluation", "report.json"))).toBe(false);
  });
});
