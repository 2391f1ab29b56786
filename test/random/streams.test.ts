/** The list of random streams: no number twice, none changed, and no stream in the product that is not in it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KeyStream, StreamPurpose } from "../../src/random/streams.js";

const distinct = (numbers: readonly number[]): boolean => new Set(numbers).size === numbers.length;

it("gives every purpose a number of its own, and every step's tensors theirs", () => {
  expect(distinct(Object.values(StreamPurpose))).toBe(true);
  for (const step of Object.values(KeyStream)) expect(distinct(Object.values(step))).toBe(true);
});

it("keeps the numbers that seeded runs were made with", () => {
  expect(Object.values(StreamPurpose)).toEqual([
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9],
    ...[100, 101, 102, 103, 104, 105, 106, 107],
    ...[120, 121, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141],
  ]);
  expect(KeyStream).toEqual({ gan: { noiseD: 1, noiseG: 2, alpha: 3, haze: 4 }, text: { text: 1, image: 2 }, style: { noise: 1 } });
  expect(StreamPurpose).toMatchObject({
    pairBatch: 1,
    petalsClasses: 5,
    textValues: 100,
    ganValues: 101,
    sampleNoise: 102,
    noiseImages: 133,
  });
});

/** The streams that a text makes of something else than the list: numbers, and names of numbers. */
function strays(text: string): string[] {
  const named = [...text.matchAll(/new RandomStream\(([^,()]+), (?!StreamPurpose\.)([^)]*)\)/g)];
  const keyed = [...text.matchAll(/random(?:Normal|Uniform)\([^;]*?key(?:Input\(\))?, (?!KeyStream\.|stream\))([^)]*)\)/g)];
  return [...named, ...keyed].map(([call]) => call);
}

it("knows a stray stream when it sees one", () => {
  expect(strays("new RandomStream(seed, 7)")).toHaveLength(1);
  expect(strays("new RandomStream(options.seed, VALUES, step)")).toHaveLength(1);
  expect(strays("randomNormal([2, 3], keyInput(), NOISE)")).toHaveLength(1);
  expect(strays("randomUniform(shape, key, 4)")).toHaveLength(1);
  expect(
    strays("new RandomStream(seed, StreamPurpose.sentences, n); new RandomStream(0); randomNormal(shape, key, KeyStream.gan.haze)"),
  ).toEqual([]);
});

it("is all that the product draws from", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const found = files.flatMap((name) => strays(readFileSync(join("src", name), "utf8")).map((call) => `${name}: ${call}`));
  expect(found).toEqual([]);
});
