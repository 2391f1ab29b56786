/** The presets of a training run: sizes of the networks, of the batches and of the training that go together. */

import type { RecipeName } from "./recipes.js";

/** Names of the presets, smallest first; "coco-paper" is the paper's for MS-COCO. */
export const PRESETS = ["tiny", "small", "medium", "paper", "coco-paper"] as const;
/** Sizes of everything, from seconds on a CPU to the paper's. */
export type PresetName = (typeof PRESETS)[number];

/** The options that a preset decides; the table in options.ts says what they are. */
export const PRESET_KEYS = [
  ...(["steps", "batch", "imageSize", "generatorWidth", "discriminatorWidth", "noiseSize", "textProjection"] as const),
  ...(["textSteps", "textWidth", "textSize", "sampleEvery", "checkpointEvery"] as const),
] as const;
/** The values of one preset. */
export type Preset = Readonly<Record<(typeof PRESET_KEYS)[number], number>>;

/** What help says of the options that a preset decides. */
export const FROM_PRESET = "from the preset";

/**
 * `tiny` is for tests (seconds), `small` for a CPU, `paper` for a GPU: the sizes of the authors' scripts, 600 epochs of the flowers;
 * `coco-paper`: the paper's MS-COCO (section 5.5), of which it says that all is as for flowers but that texts match images and no classes. The
 * sizes are those of the authors' script for it: both networks 196 wide, 200 epochs of 82,783 images. As in the paper, `small`'s generator is twice as wide as its discriminator: one of the same width loses against it, draws coarsely and ignores
 * its noise (docs/notebook/2026-11-26-generator-width.md).
 */
export const PRESET_VALUES: Readonly<Record<PresetName, Preset>> = {
  tiny: {
    ...{ steps: 100, batch: 8, imageSize: 16, generatorWidth: 8, discriminatorWidth: 8, noiseSize: 16, textProjection: 16 },
    ...{ textSteps: 50, textWidth: 16, textSize: 32, sampleEvery: 50, checkpointEvery: 50 },
  },
  small: {
    ...{ steps: 2600, batch: 16, imageSize: 64, generatorWidth: 32, discriminatorWidth: 16, noiseSize: 100, textProjection: 128 },
    ...{ textSteps: 1000, textWidth: 128, textSize: 256, sampleEvery: 100, checkpointEvery: 250 },
  },
  medium: {
    ...{ steps: 8000, batch: 32, imageSize: 64, generatorWidth: 32, discriminatorWidth: 32, noiseSize: 100, textProjection: 128 },
    ...{ textSteps: 2500, textWidth: 256, textSize: 512, sampleEvery: 100, checkpointEvery: 250 },
  },
  paper: {
    ...{ steps: 66000, batch: 64, imageSize: 64, generatorWidth: 128, discriminatorWidth: 64, noiseSize: 100, textProjection: 128 },
    ...{ textSteps: 16400, textWidth: 512, textSize: 1024, sampleEvery: 500, checkpointEvery: 1000 },
  },
  "coco-paper": {
    ...{ steps: 258800, batch: 64, imageSize: 64, generatorWidth: 196, discriminatorWidth: 196, noiseSize: 100, textProjection: 128 },
    ...{ textSteps: 258800, textWidth: 512, textSize: 1024, sampleEvery: 500, checkpointEvery: 1000 },
  },
};

/** Their program for COCO, main_cls.lua, its script and main_txt_coco.lua, where they differ from those for flowers. */
const COCO_CODE = {
  // Figure 7 is GAN-CLS's too.
  variant: "gan-cls",
  textBatchNorm: false,
  missingLeakyRelu: "restore",
  // Three different ones of an image's five captions.
  numCaptions: 3,
  differentCaptions: true,
  lrDecayEvery: 40,
  textCell: "gru",
} as const;

/** What a preset sets besides, by recipe; it comes before what the recipe sets, which is for flowers. */
export const PRESET_SETTINGS = {
  "coco-paper": { petalgrad: COCO_CODE, photographs: COCO_CODE, authors: COCO_CODE, paper: { variant: "gan-cls" } },
} as const;

/** What a preset sets besides under a recipe. */
export const presetSettings = (preset: PresetName, recipe: RecipeName): object =>
  preset in PRESET_SETTINGS ? PRESET_SETTINGS[preset as keyof typeof PRESET_SETTINGS][recipe] : {};

/** The presets of the paper's own sizes. */
export const isPapersSize = (preset: PresetName): boolean => preset === "paper" || preset === "coco-paper";
