/** `petalgrad train-style`: trains the style encoder of a run and shows how it goes. */
import { commandLine } from "../command-line.js";
import { UserError } from "../errors.js";
import { newestRun } from "../node/files/run-folder.js";
import { STYLE_OPTIONS } from "../train/style/options.js";
import { GROUPS } from "../train/run/options.js";
import { defineCommand } from "./command.js";
import { RANK_OPTIONS, SUM_OPTIONS } from "./ranks.js";
import { RECOVER_OPTION } from "./recover-option.js";
import { inTraining, requireOne } from "./training.js";

export const trainStyle = defineCommand({
  name: "train-style",
  summary: "train a run's style encoder, which finds the noise vector behind an image",
  details:
    "It needs a run with a model and is kept in the run's folder, under style/: checkpoints, curves, grids of real images\n" +
    "drawn again in their style with their own and with other captions, and recovery.json: how much of the noise it finds.\n" +
    "Ctrl-C saves a checkpoint; --resume goes on with the same bits.",
  options: {
    run: {
      type: "text",
      placeholder: "DIR",
      description: "the run whose generator is inverted",
      defaultText: "the newest under runs/",
      group: GROUPS.run,
    },
    resume: {
      type: "text",
      placeholder: "DIR",
      description: "go on with this run's style encoder; of the others only --data-dir and the two --...-every may be given",
      group: GROUPS.run,
    },
    ...STYLE_OPTIONS,
    recover: RECOVER_OPTION,
    ...RANK_OPTIONS,
    ...SUM_OPTIONS,
  },
  examples: [
    ["train-style", "for the newest run"],
    ["train-style --run runs/flowers-1 --steps 5000 --texts interpolated", "for longer, on mixtures of captions"],
    ["train-style --resume runs/flowers-1", "go on where it stopped"],
  ],
  async run({ run, resume, recover, mpiLibrary, rankTimeout, orderedSum, wire, ...given }, context) {
    requireOne(run, resume, "a style encoder");
    const path = resume ?? run ?? newestRun();
    if (path === undefined)
      throw new UserError(`there is no run under runs/ yet: train one (${commandLine("train")}), or name one with --run DIR`);
    await inTraining({ mpiLibrary, rankTimeout, orderedSum, wire }, context, async ({ world, hooks, print }) => {
      // Loaded here, so that --help needs no engine.
      const { trainStyle: runTraining } = await import("../node/train.js");
      const result = await runTraining({ given, run: path, resume: resume !== undefined, recover, world }, hooks);
      return () => {
        if (result.recovery) {
          const { mean, byDimension, images, captions } = result.recovery;
          const [low, high] = [Math.min(...byDimension), Math.max(...byDimension)].map((r) => r.toFixed(2));
          print(
            `recovered of the noise: R² ${mean.toFixed(3)} on average, ${low} to ${high} by dimension (${images} images, captions of ${captions})`,
          );
        }
        if (result.grid) print(`samples: ${result.grid}`);
        if (result.end === "stopped")
          return print(`stopped at step ${result.step}; go on with: ${commandLine("train-style", "--resume", path)}`);
        print(
          `draw in a photograph's style: ${commandLine("restyle", "--run", path, "--style", "photo.jpg", "--text", "a flower with red petals")}`,
        );
      };
    });
  },
});
