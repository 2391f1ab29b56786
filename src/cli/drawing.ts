/** What the commands that draw share: their common options, where to draw from, what is said meanwhile, writing a picture. */
import { existsSync } from "node:fs";
import { basename, extname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { commandLine } from "../command-line.js";
import { fileProblemOr } from "../node/files/file-problem.js";
import { UserError } from "../errors.js";
import { writeFileAtomic } from "../node/files/atomic-file.js";
import type { TrainEvent } from "../train/run/events.js";
import { GENERATORS, TRAIN_OPTIONS } from "../train/gan/options.js";
import { newestRun } from "../node/files/run-folder.js";
import type { Context } from "./command.js";

export const RUN_OPTION = {
  type: "text",
  placeholder: "DIR",
  description: "draw from this run's newest checkpoint",
  defaultText: "the newest under runs/",
} as const;

/** Which generator, how large, with which kernels. */
export const DRAWING_OPTIONS = {
  generator: {
    type: "choice",
    choices: GENERATORS,
    description: "the moving average of the generator, or the generator as it was trained",
    defaultText: "ema, unless the run has no average",
  },
  scale: {
    type: "integer",
    min: 1,
    max: 16,
    description: "enlarge every pixel to a square of this side",
    defaultText: "so that an image is about 128 wide",
  },
  tune: TRAIN_OPTIONS.tune,
} as const;

export const TRUNCATION_OPTION = {
  type: "number",
  min: 0.1,
  max: 10,
  description: "draw noise further from 0 than this again: more typical images, less variety",
  defaultText: "none",
} as const;

export const MODEL_OPTION = {
  type: "text",
  placeholder: "FILE|petals|flowers",
  description: "draw from a model file (.safetensors), or a model in the box, instead of a run",
  defaultText: "where there is no run, petals of the box",
} as const;

/** A model that a clone has beside its sources; the installed package has none. */
const inTheBox = (name: string): string => fileURLToPath(new URL(`../../models/${name}.safetensors`, import.meta.url));

/**
 * What to draw from: what is named, else the newest run, else the model in the box, which is said.
 * @throws UserError where there is none of them
 */
export function sourceOf(
  { run, model }: { readonly run?: string | undefined; readonly model?: string | undefined },
  context: Context,
): string {
  if (run !== undefined && model !== undefined) throw new UserError("--run and --model both name what to draw from: give one of them");
  // A file of that name comes first.
  if (model !== undefined) return /^[a-z]+$/.test(model) && !existsSync(model) && existsSync(inTheBox(model)) ? inTheBox(model) : model;
  const source = run ?? newestRun();
  if (source !== undefined) return source;
  const box = inTheBox("petals");
  if (!existsSync(box))
    throw new UserError(`there is no run under runs/ yet: train one (${commandLine("train")}), or name one with --run DIR`);
  context.stderr.write(`there is no run under runs/ yet: drawing with the model in the box, ${named(box)}\n`);
  return box;
}

/** A path as a person in this folder would write it. */
const named = (path: string): string => (relative("", path).startsWith("..") ? path : relative("", path));

/** Messages and warnings, a line each, on standard error. */
export const tellOn =
  ({ stderr }: Context) =>
  (event: TrainEvent): void => {
    if (event.kind === "message") stderr.write(`${event.text}\n`);
    if (event.kind === "warning") stderr.write(`warning: ${event.text}\n`);
  };

/** @throws UserError for a file name that does not end in one of the extensions */
export function checkExtension(flag: string, path: string, ...extensions: readonly string[]): void {
  if (extensions.includes(extname(path).toLowerCase())) return;
  throw new UserError(`${flag} ${path}: its name must end in ${extensions.join(" or ")}`);
}

/** Writes a picture. @returns how to name it to the user */
export function writePicture(path: string, bytes: Uint8Array): string {
  try {
    writeFileAtomic(path, bytes);
  } catch (error) {
    throw new UserError(`${path} cannot be written: ${fileProblemOr(error)}`);
  }
  return basename(path) === path ? `./${path}` : path;
}
