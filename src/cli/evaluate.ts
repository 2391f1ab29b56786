/** `petalgrad evaluate`: measures of a run, as one table, a JSON file and charts. */
import { dirname, join } from "node:path";
import { commandLine } from "../command-line.js";
import { UserError } from "../errors.js";
import { TRAIN_OPTIONS } from "../train/gan/options.js";
import { newestRun } from "../node/files/run-folder.js";
import { readyAdapter } from "./adapter.js";
import { defineCommand, withDefaults } from "./command.js";
import { evaluateTextIfAsked, TEXT_ENCODER_OPTIONS } from "./evaluate-text.js";
import { Progress } from "./progress.js";
import { inWorld, RANK_OPTIONS, refuseRanks } from "./ranks.js";
import { show } from "./training-events.js";

const RUN_GROUP = "The measures of a run";

const OPTIONS = {
  run: { type: "text", placeholder: "DIR", description: "the run to evaluate", defaultText: "the newest under runs/", group: RUN_GROUP },
  against: { type: "texts", placeholder: "DIR", description: "another run on the same data set, in columns beside it", group: RUN_GROUP },
  samples: {
    type: "integer",
    min: 20,
    max: 50000,
    default: 1000,
    description: "captions of training classes, and of unseen ones, to draw",
    group: RUN_GROUP,
  },
  seed: {
    type: "integer",
    min: 0,
    max: 2 ** 32 - 1,
    default: 1,
    description: "of the choice of captions and of the noise",
    group: RUN_GROUP,
  },
  zeroShot: {
    type: "flag",
    default: true,
    description: "the classifier that learns the unseen classes from drawn images (the slowest part)",
    group: RUN_GROUP,
  },
  features: {
    type: "text",
    placeholder: "FILE.onnx",
    description: "also FID, KID and inception score as published, by an Inception network that you have (needs onnxruntime-node)",
    group: RUN_GROUP,
  },
  featureSamples: {
    type: "integer",
    min: 2,
    max: 100000,
    default: 10000,
    description: "images that each generator draws for --features",
    group: RUN_GROUP,
  },
  json: {
    type: "text",
    placeholder: "FILE",
    description: "where the numbers go; the charts go beside it",
    defaultText: "evaluation/report.json in the run's folder",
    group: RUN_GROUP,
  },
  dataDir: { ...TRAIN_OPTIONS.dataDir, defaultText: "where the run found it", group: RUN_GROUP },
  ...RANK_OPTIONS,
  ...TEXT_ENCODER_OPTIONS,
} as const;

export const evaluate = defineCommand({
  name: "evaluate",
  summary: "measure a trained run: text match, quality, variety, zero-shot classification, style; or a text encoder",
  details:
    "Every generator of a run has a column: its moving average (ema), which draws the samples, and the trained one (raw); real images\n" +
    "and noise are the two ends of each scale. The networks that look are trained once for a data set, a few minutes on a CPU, and kept.\n" +
    "Names that end in -petalgrad are measured with these networks: compare them with each other, never with published figures.\n" +
    "--features FILE.onnx: input [N, 3, 299, 299] in [-1, 1], output [N, 2048] features and, for the score, [N, classes] logits.",
  options: OPTIONS,
  examples: [
    ["evaluate --run runs/petals-1", "one table, its numbers and charts in runs/petals-1/evaluation/"],
    ["evaluate --run runs/petals-2 --against runs/petals-1 --samples 2000", "two runs side by side"],
    [
      "evaluate --text-encoder runs/text-flowers-1/text-encoder.safetensors --dataset flowers",
      "zero-shot, retrieval, recall, on unseen classes",
    ],
  ],
  async run(given, context) {
    if (given.textEncoder !== undefined) refuseRanks("evaluate --text-encoder");
    if (await evaluateTextIfAsked(given, context)) return;
    const values = withDefaults(OPTIONS, given);
    const { run: named, against, samples, seed, zeroShot, json, dataDir, features, featureSamples } = values;
    if (given.featureSamples !== undefined && features === undefined)
      throw new UserError("--feature-samples has no meaning without --features");
    const run = named ?? newestRun();
    if (run === undefined)
      throw new UserError(`there is no run under runs/ yet: train one (${commandLine("train")}), or name one with --run`);
    // Loaded here, so that --help needs no engine.
    await readyAdapter();
    const { evaluateToFiles } = await import("../node/evaluate/files.js");
    const { OnnxFeatures } = await import("../node/evaluate/onnx-features.js");
    const network = features === undefined ? undefined : await OnnxFeatures.open(features);
    await inWorld(values, context, async ({ world, progress: output, print, catchInterrupt }) => {
      const progress = new Progress(output);
      const signal = catchInterrupt("stopping; networks that are finished are kept for the next time");
      try {
        const { table, files } = await evaluateToFiles(
          {
            ...{ runs: [run, ...(against ?? [])], samples, seed, zeroShot, world },
            ...(network && { features: { network, samples: featureSamples } }),
            ...(dataDir !== undefined && { dataDir }),
          },
          json ?? join(run, "evaluation", "report.json"),
          { onEvent: (event) => show(progress, event), signal },
        );
        progress.end();
        print(table);
        print(`\n${files.join(", ")} in ${dirname(json ?? join(run, "evaluation", "report.json"))}`);
      } finally {
        progress.end();
      }
    });
  },
});
