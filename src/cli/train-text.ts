/** `petalgrad train-text`: trains a text encoder by itself and shows how it goes. */
import { commandLine } from "../command-line.js";
import { TEXT_OPTIONS } from "../train/text/options.js";
import { GROUPS } from "../train/run/options.js";
import { defineCommand } from "./command.js";
import { RANK_OPTIONS, SUM_OPTIONS } from "./ranks.js";
import { RECOVER_OPTION } from "./recover-option.js";
import { inTraining, requireOne } from "./training.js";

export const trainText = defineCommand({
  name: "train-text",
  summary: "train a text encoder, its best step chosen on held-out training classes",
  details:
    "A training is a folder with its config.json, metrics.jsonl, curves.svg, checkpoint/ and, in the end, text-encoder.safetensors,\n" +
    "which `train --text-encoder` conditions a GAN on. Ctrl-C saves a checkpoint; --resume goes on with the same bits.",
  options: {
    ...TEXT_OPTIONS,
    run: {
      type: "text",
      placeholder: "DIR",
      description: "folder of the new training",
      defaultText: "a new one under runs/",
      group: GROUPS.run,
    },
    resume: {
      type: "text",
      placeholder: "DIR",
      description: "go on with the training in this folder; of the others only --data-dir and --checkpoint-every may be given",
      group: GROUPS.run,
    },
    recover: RECOVER_OPTION,
    ...RANK_OPTIONS,
    ...SUM_OPTIONS,
  },
  examples: [
    ["train-text --dataset flowers", "the char-CNN-RNN of the paper, by InfoNCE, with an image network of our own"],
    ["train-text --dataset flowers --cell gru --objective ds-sje", "GRU over 18 steps, by the paper's symmetric hinge"],
    ["train-text --dataset flowers --encoder bag-of-words --run runs/bag", "the baseline"],
    ["train-text --dataset birds --objective text-only", "without images: two captions of one image against others"],
    ["train-text --dataset flowers --image-features googlenet.npy", "with features of the images from elsewhere"],
  ],
  async run({ run, resume, recover, mpiLibrary, rankTimeout, orderedSum, wire, ...given }, context) {
    requireOne(run, resume, "a training");
    await inTraining({ mpiLibrary, rankTimeout, orderedSum, wire }, context, async ({ world, hooks, print }) => {
      // Loaded here, so that --help needs no engine.
      const { trainText: runTraining } = await import("../node/train.js");
      const { encoder, best, end, step, run: folder, options } = await runTraining({ given, run, resume, recover, world }, hooks);
      return () => {
        if (encoder) print(`text encoder: ${encoder}${best ? ` (of step ${best.step}, the best on the held-out classes)` : ""}`);
        if (end === "stopped") return print(`stopped at step ${step}; go on with: ${commandLine("train-text", "--resume", folder)}`);
        if (encoder)
          print(`measure it on the unseen classes: ${commandLine("evaluate", "--text-encoder", encoder, "--dataset", options.dataset)}`);
      };
    });
  },
});
