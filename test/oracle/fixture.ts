/** Reads what scripts/fixtures/make_fixtures.py wrote, and compares with it. */
import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { readSafetensors } from "../../src/formats/safetensors.js";

export interface Fixture<Facts> {
  readonly facts: Facts;
  /** The values of a tensor. @throws when the file has none of that name. */
  readonly values: (name: string) => Float32Array;
  /** The tensors whose names begin with `prefix` and a dot, by the rest of the name. */
  readonly under: (prefix: string) => ReadonlyMap<string, Float32Array>;
  readonly shape: (name: string) => readonly number[];
}

export async function fixture<Facts>(name: string): Promise<Fixture<Facts>> {
  const path = (extension: string) => new URL(`../fixtures/${name}.${extension}`, import.meta.url);
  const facts = JSON.parse(await readFile(path("json"), "utf8")) as Facts;
  const { tensors } = await readSafetensors(await readFile(path("safetensors")), name);
  const find = (key: string) => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`${name}.safetensors has no ${key}`);
    return tensor;
  };
  const values = (key: string) => Float32Array.from(find(key).data as Float32Array | Uint32Array);
  const under = (prefix: string) => {
    const names = [...tensors.keys()].filter((key) => key.startsWith(`${prefix}.`));
    return new Map(names.map((key) => [key.slice(prefix.length + 1), values(key)]));
  };
  return { facts, values, under, shape: (key) => find(key).shape };
}

export interface Tolerance {
  /** Of the largest magnitude in the expected tensor. */
  readonly relative: number;
  /** On top, for tensors that are zero but for rounding. */
  readonly absolute?: number;
}

/** max |a − b| over max |b|, less what `absolute` allows; infinite for another length or a value that is no number. */
function excess(actual: ArrayLike<number>, expected: ArrayLike<number>, { absolute = 0 }: Tolerance): number {
  if (actual.length !== expected.length) return Infinity;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!);
    difference = Number.isNaN(d) ? Infinity : Math.max(difference, d);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference <= absolute ? 0 : (difference - absolute) / scale;
}

/** Compares tensors by name: the names must be the same, and each tensor within the tolerance. Lists all that are not. */
export function expectClose(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
  tolerance: Tolerance,
): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  const errors = [...expected].map(([name, values]) => ({ name, error: excess(actual.get(name)!, values, tolerance) }));
  if (process.env.PETALGRAD_ORACLE_ERRORS) {
    const { name, error } = errors.reduce((a, b) => (b.error > a.error ? b : a));
    console.log(`${expect.getState().currentTestName}: ${error.toExponential(1)} at worst, in ${name}`);
  }
  expect(
    errors.filter(({ error }) => !(error <= tolerance.relative)).map(({ name, error }) => `${name}: off by ${error.toExponential(1)}`),
  ).toEqual([]);
}

/** `expectClose` for records of scalars, each relative to itself. */
export function expectScalars(
  actual: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
  relative: number,
): void {
  const asTensors = (record: Readonly<Record<string, number>>) => new Map(Object.keys(expected).map((name) => [name, [record[name]!]]));
  expectClose(asTensors(actual), asTensors(expected), { relative });
}
