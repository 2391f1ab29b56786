/** `petalgrad evaluate --text-encoder`: measures of text encoders, as one table, a JSON file and a chart. */
import { extname } from "node:path";
import { fileProblemOr } from "../node/files/file-problem.js";
import { UserError } from "../errors.js";
import { writeFileAtomic } from "../node/files/atomic-file.js";
import { flagName, type Given } from "../option-spec.js";
import { DATA_OPTIONS } from "../train/run/options.js";
import { readyAdapter } from "./adapter.js";
import type { Context } from "./command.js";
import { Progress } from "./progress.js";
import { show } from "./training-events.js";

const TEXT_GROUP = "The measures of a text encoder (with --against, --seed, --json and --data-dir as for runs)";

/** The options of `evaluate` that are about text encoders. */
export const TEXT_ENCODER_OPTIONS = {
  textEncoder: {
    type: "text",
    placeholder: "FILE",
    description: "measure a text encoder on the unseen classes, instead of a run",
    group: TEXT_GROUP,
  },
  dataset: {
    type: "text",
    placeholder: "petals|flowers|birds|coco|DIR",
    description: "on which data set",
    defaultText: "petals",
    group: TEXT_GROUP,
  },
  captions: {
    type: "text",
    placeholder: "en|fa|FILE",
    description: "which captions, where there are several",
    defaultText: "en, or the only ones",
    group: TEXT_GROUP,
  },
  layout: { ...DATA_OPTIONS.layout, group: TEXT_GROUP },
  heldOut: { ...DATA_OPTIONS.heldOut, group: TEXT_GROUP },
  captionTemplate: { ...DATA_OPTIONS.captionTemplate, group: TEXT_GROUP },
  imageFeatures: { type: "text", placeholder: "FILE", description: "the image features that it was trained with", group: TEXT_GROUP },
  chart: { type: "text", placeholder: "FILE", description: "an SVG of the measures by the number of sentences", group: TEXT_GROUP },
} as const;

/** What else of `evaluate` is for text encoders too. */
const SHARED = ["against", "seed", "json", "dataDir"];

/** Options of `evaluate` as they were given. */
type GivenEvaluation = Given<typeof TEXT_ENCODER_OPTIONS> & {
  readonly against?: readonly string[];
  readonly seed?: number;
  readonly json?: string;
  readonly dataDir?: string;
};

/** @returns whether a text encoder was asked for; if not, nothing was done */
export async function evaluateTextIfAsked(given: GivenEvaluation, context: Context): Promise<boolean> {
  const own = Object.keys(TEXT_ENCODER_OPTIONS);
  const { textEncoder, against = [], dataset = "petals", seed = 1, json, chart, dataDir, captions, imageFeatures } = given;
  const { layout, heldOut, captionTemplate } = given;
  if (textEncoder === undefined) {
    const stray = own.find((key) => key in given);
    if (stray !== undefined) throw new UserError(`--${flagName(stray)} has no meaning without --text-encoder FILE`);
    return false;
  }
  const stray = Object.keys(given).find((key) => !own.includes(key) && !SHARED.includes(key));
  if (stray !== undefined) throw new UserError(`--${flagName(stray)} has no meaning with --text-encoder, which measures no run`);
  if (chart !== undefined && extname(chart).toLowerCase() !== ".svg")
    throw new UserError(`--chart ${chart}: the chart is an SVG, so its name must end in .svg`);
  // Loaded here, so that --help needs no engine.
  await readyAdapter();
  const { evaluateTextEncoderFiles } = await import("../node/evaluate/text-encoders.js");
  const { encoderChart, encoderTable } = await import("../evaluate/text-report.js");
  const progress = new Progress(context.stderr);
  const signal = context.catchInterrupt("stopping");
  try {
    const request = { files: [textEncoder, ...against], dataset, dataDir, captions, layout, heldOut, captionTemplate, imageFeatures, seed };
    const report = await evaluateTextEncoderFiles(request, { onEvent: (event) => show(progress, event), signal });
    progress.end();
    context.print(encoderTable(report));
    const write = (path: string, text: string) => {
      try {
        writeFileAtomic(path, text);
      } catch (error) {
        throw new UserError(`${path} cannot be written: ${fileProblemOr(error)}`);
      }
      context.print(path);
    };
    if (json !== undefined) write(json, `${JSON.stringify(report, null, 2)}\n`);
    if (chart !== undefined && report.classless)
      throw new UserError(`--chart ${chart}: the chart shows measures of classes, and ${report.dataset} has none`);
    if (chart !== undefined) write(chart, encoderChart(report));
    return true;
  } finally {
    progress.end();
  }
}
