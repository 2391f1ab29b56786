/** A GAN's run among the kinds of runs. */
import type { RunKind } from "../run/run.js";
import type { TrainOptions } from "./options.js";
import { optionsFromJson, optionsToJson } from "./resolve-options.js";

export const GAN_RUN: RunKind<TrainOptions> = {
  options: optionsFromJson,
  toJson: optionsToJson,
  goOn: (path) => ["train", "--resume", path],
};
