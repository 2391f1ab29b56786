/** The options of training that make an ablation another one, with a section and reports of its own. */
import { flagName, valueWord } from "../../option-spec.js";
import type { GivenOptions } from "../../train/gan/options.js";

export const ABLATION_CHANGES = [
  "recipe",
  "upsampling",
  "smoothLayers",
  "discriminatorBatches",
  "minibatchDeviation",
  "infoWeight",
  "diversityWeight",
  "matchFrom",
] as const;

/** Those of them that were given: flags and their values. */
export const changesOf = (given: GivenOptions): [flag: string, value: string][] =>
  ABLATION_CHANGES.flatMap((key): [string, string][] => (given[key] === undefined ? [] : [[flagName(key), valueWord(given[key])]]));
