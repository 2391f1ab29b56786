/** The GAN that the tests of several ranks train. */
import type { GivenOptions } from "../../../src/train/gan/options.js";

export const GIVEN: GivenOptions = { preset: "tiny", batch: 4, textSteps: 2, seed: 2, checkpointEvery: 2, sampleEvery: 100 };
