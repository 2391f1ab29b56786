/** The networks' sizes against those of the original programs. */
import { describe, expect, it } from "vitest";
import { Discriminator } from "../../src/models/discriminator.js";
import { Generator } from "../../src/models/generator.js";
import { TextEncoder } from "../../src/models/text-encoder.js";
import { PRESET_SETTINGS, PRESET_VALUES } from "../../src/train/gan/presets.js";

/** Leaves zeros: only the number of values is looked at. */
const zeros = { convolution: () => {}, normScale: () => {}, linear: () => () => {} };
const noRandom = { uniform: () => 0.5, normal: () => 0 };

/** Trained values of both networks with an `[ngf, ndf]`, all else as in the preset `paper`. */
function sizes([generatorWidth, discriminatorWidth]: readonly [number, number], textBatchNorm = true) {
  const { imageSize, noiseSize, textSize, textProjection } = PRESET_VALUES.paper;
  const shared = { imageSize, textSize, textProjection, residual: true };
  return {
    generator: new Generator({ ...shared, width: generatorWidth, noiseSize }, zeros).size,
    discriminator: new Discriminator(
      { ...shared, width: discriminatorWidth, missingLeakyRelu: "restore", textBatchNorm, minibatchDeviation: false },
      zeros,
    ).size,
  };
}

/** Totals of the original programs, and the biases in them that are held at zero: one for each output channel of every convolution. */
describe("generator and discriminator", () => {
  it("preset paper: the birds' and flowers' scripts, 128/64", () => {
    const { generatorWidth, discriminatorWidth } = PRESET_VALUES.paper;
    expect(sizes([generatorWidth, discriminatorWidth])).toEqual({ generator: 18_909_699 - 4_227, discriminator: 4_032_321 - 2_241 });
  });

  it("preset coco-paper: the COCO script, 196/196, without batch norm in the discriminator's text layer", () => {
    const { generatorWidth, discriminatorWidth } = PRESET_VALUES["coco-paper"];
    const { textBatchNorm } = PRESET_SETTINGS["coco-paper"].authors;
    expect(sizes([generatorWidth, discriminatorWidth], textBatchNorm)).toEqual({
      ...{ generator: 41_107_551 - 6_471, discriminator: 36_190_301 - 6_861 },
    });
  });

  it("64/64", () => {
    expect(sizes([64, 64])).toEqual({ generator: 5_764_419 - 2_115, discriminator: 4_032_321 - 2_241 });
  });
});

describe("text encoder, embedding 1024", () => {
  it.each([
    [256, "rnn", 1_814_144],
    [512, "rnn", 2_994_560],
    [512, "gru", 4_045_184],
  ] as const)("width %i, %s", (width, cell, expected) => {
    expect(new TextEncoder({ alphabet: 70, width, embedding: 1024, cell }, noRandom).size).toBe(expected);
  });
});
