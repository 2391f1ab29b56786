/** `petalgrad train`: hands the options to the training loop and shows how it goes. */
import { TRAIN_OPTIONS } from "../train/gan/options.js";
import { commandLine } from "../command-line.js";
import { GROUPS } from "../train/run/options.js";
import { defineCommand } from "./command.js";
import { RANK_OPTIONS, SUM_OPTIONS } from "./ranks.js";
import { RECOVER_OPTION } from "./recover-option.js";
import { inTraining, requireOne } from "./training.js";

export const train = defineCommand({
  name: "train",
  summary: "train a text-to-image GAN: first its text encoder, then GAN-INT-CLS or a variant",
  details:
    "Without options: flowers drawn by petalgrad itself, at sizes that the adapter can carry. A run is a folder with its\n" +
    "config.json, metrics.jsonl, samples/, curves.svg and checkpoint/. Ctrl-C saves a checkpoint and ends the run;\n" +
    "--resume goes on with the same bits as if it had never stopped.",
  options: {
    ...TRAIN_OPTIONS,
    run: {
      type: "text",
      placeholder: "DIR",
      description: "folder of the new run",
      defaultText: "a new one under runs/",
      group: GROUPS.run,
    },
    resume: {
      type: "text",
      placeholder: "DIR",
      description:
        "go on with the run in this folder; of the others only --steps, --diversity-weight, --data-dir, --recompute and the two --...-every may be given",
      group: GROUPS.run,
    },
    recover: RECOVER_OPTION,
    ...RANK_OPTIONS,
    ...SUM_OPTIONS,
  },
  examples: [
    ["train", "petals, with the preset the adapter can carry"],
    ["train --dataset flowers --recipe photographs", "Oxford-102 with captions"],
    ["train --dataset flowers --variant gan-cls --recipe paper", "another variant, as the paper has it"],
    ["train --resume runs/flowers-1 --steps 8000", "go on where the run stopped, for longer"],
  ],
  async run({ run, resume, recover, mpiLibrary, rankTimeout, orderedSum, wire, ...given }, context) {
    requireOne(run, resume, "a run");
    await inTraining({ mpiLibrary, rankTimeout, orderedSum, wire }, context, async ({ world, hooks, print }) => {
      // Loaded here, so that --help needs no engine.
      const { train: runTraining } = await import("../node/train.js");
      const result = await runTraining({ given, run, resume, recover, world }, hooks);
      return () => {
        if (result.grid) print(`samples: ${result.grid}`);
        if (result.end === "stopped")
          return print(`stopped at step ${result.step}; go on with: ${commandLine("train", "--resume", result.run)}`);
        const text = result.caption ?? "a flower with red petals";
        print(`draw your own: ${commandLine("sample", "--run", result.run, "--text", text)}`);
      };
    });
  },
});
