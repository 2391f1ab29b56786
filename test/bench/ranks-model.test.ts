/** The model of a step on several ranks: it is the ring's, it finds its numbers again, and says where ranks stop helping. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PAGE, writtenPage } from "../../bench/ranks-page.js";
import { crossover, errors, fitStep, fitSum, sharedStepSeconds, stepSeconds, sumSeconds } from "../../bench/ranks-model.js";

/** A sum round a ring, message by message: in every round each rank sends one part to its neighbour, all at the same time. */
function ringSeconds(ranks: number, bytes: number, latency: number, bandwidth: number): number {
  const parts = Array.from({ length: ranks }, (_, rank) => Array.from({ length: ranks }, (__, part) => new Set([rank * ranks + part])));
  let seconds = 0;
  for (let round = 0; round < 2 * (ranks - 1); round++) {
    const sent = parts.map((own, rank) => {
      const part = (rank - round + 2 * ranks) % ranks;
      return { part, what: new Set(own[part]!) };
    });
    sent.forEach(({ part, what }, rank) => what.forEach((summand) => parts[(rank + 1) % ranks]![part]!.add(summand)));
    seconds += latency + bytes / ranks / bandwidth;
  }
  // Everybody has everybody's part of everything.
  for (const own of parts) own.forEach((summands) => expect(summands.size).toBe(ranks));
  return seconds;
}

describe("a sum over ranks", () => {
  it("takes as long as its messages round the ring", () => {
    const sum = { latency: 5e-5, perByte: 1e-9, hostPerByte: 0 };
    for (const ranks of [2, 3, 8]) expect(sumSeconds(sum, ranks, 12e6)).toBeCloseTo(ringSeconds(ranks, 12e6, 5e-5, 1e9), 12);
    expect(sumSeconds(sum, 1, 12e6)).toBe(0);
    expect(sumSeconds({ ...sum, hostPerByte: 1e-9 }, 2, 12e6) - sumSeconds(sum, 2, 12e6)).toBeCloseTo(0.012, 12);
  });

  it("is found again from measurements, none of its numbers negative", () => {
    const truth = { latency: 1e-4, perByte: 8e-9, hostPerByte: 1.5e-9 };
    const measured = [1, 2, 4].flatMap((ranks) =>
      [1e6, 4e6, 16e6, 64e6].map((bytes) => ({
        ...{ ranks, bytes },
        seconds: ranks === 1 ? truth.hostPerByte * bytes : sumSeconds(truth, ranks, bytes),
      })),
    );
    const found = fitSum(measured);
    for (const key of ["latency", "perByte", "hostPerByte"] as const) expect(found[key] / truth[key]).toBeCloseTo(1, 6);
    // Some a tenth too slow, some a tenth too fast.
    const rough = fitSum(measured.map((m, i) => ({ ...m, seconds: m.seconds * (i % 2 === 0 ? 1.1 : 0.9) })));
    expect(Math.abs(rough.perByte / truth.perByte - 1)).toBeLessThan(0.15);
    // Of one number of ranks, host and wire cannot be told apart: no failure, and together they are right.
    const two = fitSum(measured.filter(({ ranks }) => ranks === 2));
    expect(Math.min(...Object.values(two))).toBeGreaterThanOrEqual(0);
    expect(sumSeconds(two, 2, 8e6)).toBeCloseTo(sumSeconds(truth, 2, 8e6), 6);
  });
});

it("stands in its page as it is made", async () => {
  expect(readFileSync(PAGE, "utf8")).toBe(await writtenPage());
});

describe("a step on several ranks", () => {
  it("is its rows' and its sum's", () => {
    const step = fitStep([4, 8, 16].map((rows) => ({ rows, seconds: 0.04 + 0.013 * rows })));
    expect(step.constant).toBeCloseTo(0.04, 9);
    expect(step.perRow).toBeCloseTo(0.013, 9);
    const sum = { latency: 0, perByte: 8e-9, hostPerByte: 0 };
    expect(sharedStepSeconds(step, sum, 4, 16, 1e6)).toBeCloseTo(stepSeconds(step, 4) + 0.012, 9);
  });

  it("gets no faster from where doubling the ranks gains less than a tenth", () => {
    const step = { constant: 0, perRow: 1 };
    expect(crossover((ranks) => stepSeconds(step, 64 / ranks))).toBe(64);
    // More messages eat what fewer rows gain.
    const sum = { latency: 1, perByte: 0, hostPerByte: 1 };
    expect([1, 2, 4, 8].map((ranks) => sharedStepSeconds(step, sum, ranks, 64, 1))).toEqual([64, 35, 23, 23]);
    expect(crossover((ranks) => sharedStepSeconds(step, sum, ranks, 64, 1))).toBe(4);
    expect(errors([[1, 2], [3, 3], [5, 4]])).toEqual({ median: 0.25, most: 0.5 }); // prettier-ignore
  });
});
