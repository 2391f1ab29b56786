/** How the learning rate of a GAN goes down: by epochs, as in the authors' code, and over the last steps. */
import { describe, expect, it } from "vitest";
import { learningRate } from "../../../src/train/gan/learning-rate.js";

const base = { learningRate: 1, lrDecay: 1, lrDecayEvery: 100, lrFall: 0, steps: 100, batch: 10 };
const rates = (options: Partial<typeof base>, steps: readonly number[], images = 50) =>
  steps.map((step) => learningRate({ ...base, ...options }, step, images));

describe("the learning rate", () => {
  it("stays, where nothing lowers it", () => expect(rates({}, [1, 50, 100])).toEqual([1, 1, 1]));

  it("is multiplied by lrDecay every lrDecayEvery epochs, of images / batch steps rounded up", () => {
    // 5 steps an epoch; the factor comes with the epoch of that number, as in the authors' loop.
    expect(rates({ lrDecay: 0.5, lrDecayEvery: 2 }, [1, 5, 6, 15, 16])).toEqual([1, 1, 0.5, 0.5, 0.25]);
    expect(rates({ lrDecay: 0.5, lrDecayEvery: 2 }, [6, 7], 51)).toEqual([1, 0.5]);
  });

  it("falls in a straight line over the last share of the steps, and the last step still counts", () => {
    expect(rates({ lrFall: 0.5 }, [1, 50, 51, 52, 76, 100])).toEqual([1, 1, 1, 0.98, 0.5, 0.02]);
    expect(rates({ lrFall: 1 }, [1, 51, 100])).toEqual([1, 0.5, 0.01]);
    expect(rates({ lrFall: 0.5, steps: 3 }, [1, 2, 3])).toEqual([1, 1, 2 / 3]);
  });

  it("both at once", () => expect(rates({ lrDecay: 0.5, lrDecayEvery: 10, lrFall: 0.5 }, [76])).toEqual([0.5 * 0.5]));
});
