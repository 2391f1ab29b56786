/** What a reader does with a stranger's nonsense: a value or one line, in a bounded time and memory. */
import { expect } from "vitest";
import { UserError } from "../../src/errors.js";
import { type Random, randomStream } from "./mutations.js";

const RUNS = 300;
/** Generous on a busy machine; what hangs takes for ever. */
const SECONDS = 20;
/** Beyond what the process held before, of files of some kilobytes. */
const MEGABYTES = 1000;

/** The peak of the process so far. */
const peak = (): number => process.resourceUsage().maxRSS / 1024;

/** @param mutate The i-th mutation, made with its own stream of numbers; handed to `read`, which must not need more than a value or an error. */
export async function survives<T>(mutate: (random: Random, i: number) => T | Promise<T>, read: (mutated: T) => unknown): Promise<void> {
  let values = 0;
  for (let i = 0; i < RUNS; i++) {
    const mutated = await mutate(randomStream(1000 + i), i);
    const [begun, before] = [performance.now(), peak()];
    try {
      await read(mutated);
      values++;
    } catch (error) {
      if (!(error instanceof UserError)) throw new Error(`mutation ${i}: ${(error as Error).stack}`, { cause: error });
      expect(error.message, `mutation ${i}`).toMatch(/^.{1,1500}$/);
    }
    expect(performance.now() - begun, `mutation ${i}: milliseconds`).toBeLessThan(1000 * SECONDS);
    expect(peak() - before, `mutation ${i}: megabytes`).toBeLessThan(MEGABYTES);
  }
  // What refuses everything, or nothing, was not tried.
  expect(values).toBeLessThan(RUNS);
}
