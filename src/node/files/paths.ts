/** The paths among a training's options: kept absolute, so that it goes on from any folder, and found again where its data have moved. */
import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { isDatasetName } from "../../data/dataset-names.js";
import { END_TO_END, FINE_TUNE } from "../../train/gan/text-source.js";

/** By option; a value that is no path stays as it is. */
const ABSOLUTE: Readonly<Record<string, (value: string) => string>> = {
  // Neither a name nor a folder: the message about it should show what was typed.
  dataset: (value) => (isDatasetName(value) || !existsSync(value) ? value : resolve(value)),
  dataDir: (value) => resolve(value),
  // "en"; or a path, which may also be one inside the data set's folder.
  captions: (value) => (/^\w+$/.test(value) || isAbsolute(value) || !existsSync(value) ? value : resolve(value)),
  embeddings: (value) => resolve(value),
  imageFeatures: (value) => resolve(value),
  textEncoder: (value) => {
    if (value === END_TO_END || value === FINE_TUNE) return value;
    const tuned = `${FINE_TUNE}:`;
    return value.startsWith(tuned) ? `${tuned}${resolve(value.slice(tuned.length))}` : resolve(value);
  },
};

/** The same options with absolute paths. */
export function withAbsolutePaths<Options extends object>(options: Options): Options {
  const entries = Object.entries(options).map(([key, value]: [string, unknown]) => {
    const absolute = typeof value === "string" && value !== "" ? ABSOLUTE[key] : undefined;
    return [key, absolute ? absolute(value as string) : value];
  });
  return Object.fromEntries(entries) as Options;
}
