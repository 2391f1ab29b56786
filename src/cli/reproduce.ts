/** `petalgrad reproduce`: trains and measures what docs/results shows, and prints it again. */
import { typed } from "../command-line.js";
import { ABLATION_CHANGES } from "../node/reproduce/ablation-changes.js";
import { type GivenOptions, TRAIN_OPTIONS, VARIANTS } from "../train/gan/options.js";
import { STYLE_OPTIONS } from "../train/style/options.js";
import { readyAdapter } from "./adapter.js";
import { defineCommand, withDefaults } from "./command.js";
import { Progress } from "./progress.js";
import { inWorld, RANK_OPTIONS } from "./ranks.js";
import { show } from "./training-events.js";

const OPTIONS = {
  what: { type: "choice", choices: ["ablation"], default: "ablation", description: "which results" },
  dataset: TRAIN_OPTIONS.dataset,
  dataDir: TRAIN_OPTIONS.dataDir,
  captions: TRAIN_OPTIONS.captions,
  preset: { ...TRAIN_OPTIONS.preset, default: "small", defaultText: "small" },
  steps: TRAIN_OPTIONS.steps,
  textEncoder: {
    type: "text",
    placeholder: "FILE",
    description: `the text encoder of all runs, as ${typed("train-text")} makes them`,
    defaultText: `trained as ${typed("train")} does, one a seed`,
  },
  recipe: TRAIN_OPTIONS.recipe,
  upsampling: TRAIN_OPTIONS.upsampling,
  smoothLayers: TRAIN_OPTIONS.smoothLayers,
  discriminatorBatches: TRAIN_OPTIONS.discriminatorBatches,
  minibatchDeviation: TRAIN_OPTIONS.minibatchDeviation,
  infoWeight: TRAIN_OPTIONS.infoWeight,
  diversityWeight: TRAIN_OPTIONS.diversityWeight,
  matchFrom: TRAIN_OPTIONS.matchFrom,
  variant: { type: "choice", choices: VARIANTS, description: "train and measure this one only", defaultText: "all four" },
  seeds: { type: "integer", min: 1, max: 100, default: 1, description: "runs of each variant, with seeds one after the other" },
  firstSeed: { type: "integer", min: 0, max: 1000, default: 0, description: "the first of the seeds" },
  styleSteps: { ...STYLE_OPTIONS.steps, description: "training steps of each run's style encoder" },
  samples: { type: "integer", min: 20, max: 50000, default: 1000, description: "captions of each split that the evaluation draws" },
  zeroShot: { type: "flag", default: true, description: "the classifier that learns the unseen classes from drawn images" },
  ...RANK_OPTIONS,
  out: { type: "text", placeholder: "DIR", description: "folder of the runs", defaultText: "runs/ablation-DATASET-PRESET" },
  results: {
    type: "text",
    placeholder: "DIR",
    default: "docs/results",
    description: "folder of the printed pages: tables, images, and the measures of each seed",
  },
} as const;

export const reproduce = defineCommand({
  name: "reproduce",
  summary: "train the four variants side by side, measure them, and print a page of results",
  details:
    "ablation: GAN, GAN-CLS, GAN-INT and GAN-INT-CLS with the same seeds, steps and text encoders, a style encoder for each, and\n" +
    `every measure of ${typed("evaluate")}.\n` +
    "It says first how long it should take. Ctrl-C stops it; the same command goes on. The measures are\n" +
    "kept beside the page, a file a seed; what was measured before or elsewhere with the same options counts in its table. Other options of\n" +
    "training than the defaults have a page and files of their own.",
  options: OPTIONS,
  examples: [
    ["reproduce --what ablation --seeds 3", "petals, preset small, three seeds"],
    ["reproduce --what ablation --first-seed 3 --seeds 2", "two more, beside those"],
    ["reproduce --what ablation --first-seed 5 --variant gan-cls", "one more run: another machine can take another"],
    ["reproduce --what ablation --recipe paper --variant gan-int-cls", "as the paper says"],
    ["reproduce --what ablation --info-weight 1", "with backgrounds that the noise decides, beside the paper's way"],
    ["reproduce --what ablation --dataset flowers --preset medium --steps 2000", "flowers, one seed"],
  ],
  async run(given, context) {
    const values = withDefaults(OPTIONS, given);
    // Loaded here, so that --help needs no engine.
    await readyAdapter();
    const { reproduceAblation } = await import("../node/reproduce/reproduce.js");
    const { dataset, dataDir, captions, preset, steps, textEncoder, variant, styleSteps, samples, zeroShot, out, results } = values;
    const seeds = Array.from({ length: values.seeds }, (_, i) => values.firstSeed + i);
    const optional = { dataDir, captions, steps, textEncoder };
    const changes = ABLATION_CHANGES.filter((key) => given[key] !== undefined && given[key] !== OPTIONS[key].default).map((key) => [
      key,
      values[key],
    ]);
    const common: GivenOptions = {
      ...{ dataset, preset, ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) },
      ...Object.fromEntries(changes),
    };
    await inWorld(values, context, async ({ world, progress: output, print, catchInterrupt }) => {
      const progress = new Progress(output);
      const signal = catchInterrupt("stopping after this step; the same command goes on; Ctrl-C again ends at once");
      try {
        const page = await reproduceAblation(
          {
            given: common,
            seeds,
            variants: variant ? [variant] : VARIANTS,
            styleSteps,
            samples,
            zeroShot,
            world,
            ...(out !== undefined && { folder: out }),
          },
          results,
          { onEvent: (event) => show(progress, event), signal },
        );
        progress.end();
        print(page);
      } finally {
        progress.end();
      }
    });
  },
});
