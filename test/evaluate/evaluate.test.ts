/** An evaluation without folders: of generators in memory, on a data set in memory. */
import { expect, it } from "vitest";
import { evaluate } from "../../src/evaluate/evaluate.js";
import { type CaptionEmbeddings, styleAmong, type Subject } from "../../src/evaluate/subject.js";
import { Generator } from "../../src/models/generator.js";
import { ganInitializers } from "../../src/models/initializers.js";
import { StyleEncoder } from "../../src/models/style-encoder.js";
import { RandomStream } from "../../src/random/philox.js";
import { networkDigest } from "../../src/train/run/network-file.js";
import { MemoryStore } from "../../src/train/run/store.js";
import { device } from "../device.js";
import { fewSteps } from "./few-steps.js";
import { patches } from "./patches.js";

const networks = fewSteps();
const hooks = { onEvent: () => undefined, signal: new AbortController().signal };

it("gives a column to each generator that is handed in, one subject after the other", async () => {
  const dataset = patches();
  const generator = (seed: number) =>
    new Generator(
      { imageSize: dataset.size, width: 4, noiseSize: 3, textSize: 2, textProjection: 4, residual: false },
      ganInitializers(new RandomStream(seed)),
    );
  const captions: CaptionEmbeddings = {
    size: 2,
    need: () => Promise.resolve(),
    means: (rows, perRow) =>
      Float32Array.from({ length: (2 * rows.length) / perRow }, (_, i) => Math.sin(3 * rows[Math.floor(i / 2) * perRow]! + i)),
  };
  const [ema, raw, other] = [generator(1), generator(2), generator(3)];
  const style = new StyleEncoder(
    { imageSize: dataset.size, noiseSize: 3, width: 4, residual: false, missingLeakyRelu: "keep" },
    ganInitializers(new RandomStream(4)),
  );
  const generators = [["ema", ema], ["raw", raw]] as const; // prettier-ignore
  const file = { style, generator: await networkDigest(raw), kind: "raw" as const };
  expect((await styleAmong({ ...file, generator: await networkDigest(other) }, generators)).kind).toBeUndefined();
  const asked: string[] = [];
  function* subjects(): IterableIterator<Subject> {
    asked.push("own");
    yield { name: "own", generators, captions, style: { encoder: style, kind: "raw" } };
    asked.push("plain");
    yield { name: "plain", generators: [["raw", other]], captions };
  }
  expect((await styleAmong(file, generators)).kind).toBe("raw");
  const questions = { samples: 16, seed: 1, zeroShot: false, networks };
  const laboratory = { device: await device(), dataset, store: new MemoryStore() };
  const report = await evaluate(laboratory, subjects(), questions, hooks);
  expect(asked).toEqual(["own", "plain"]);
  expect(report.columns.map(({ label }) => label)).toEqual(["real", "noise", "own ema", "own raw", "plain raw"]);
  const [, , first, second, third] = report.columns.map(({ values }) => values);
  for (const values of [first, second, third]) expect(values!["fid.test"]!.value).toSatisfy(Number.isFinite);
  expect(first!["pixels.train"]!.value).not.toBe(second!["pixels.train"]!.value);
  // A style belongs to the generator that it inverts; texts stand beside the first.
  expect(Object.keys(first!)).toContain("background.text");
  expect(Object.keys(first!)).not.toContain("background.style");
  expect(Object.keys(second!)).toContain("background.style");
  expect([first, second, third].map((values) => "groundByStyle" in values!)).toEqual([false, true, false]);
  expect(report.curves.map(({ label }) => label)).toEqual(["own text", "own style", "plain text"]);
  // Where nobody says how a style encoder is had, the note says no more than that there is none.
  expect(report.notes.filter((note) => note.includes("style encoder"))).toEqual(["plain has no style encoder"]);
});
