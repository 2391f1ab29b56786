/** `petalgrad evaluate --text-encoder`: measures of text encoders, as one table, a JSON file and a chart. */
import { extname } from "node:path";
import { UserError } from "../errors.js";
import { writeFileAtomic } from "../train/atomic-file.js";
import type { Context } from "./command.js";
import { Progress } from "./progress.js";
import { show } from "./training-events.js";

/** The options of `evaluate` that are about text encoders. */
export const TEXT_ENCODER_OPTIONS = {
  textEncoder: { type: "text", placeholder: "FILE", description: "measure a text encoder on the unseen classes, instead of a run" },
  dataset: { type: "text", placeholder: "petals|flowers|birds|DIR", description: "with --text-encoder: on which data set", defaultText: "petals" },
  captions: {
    type: "text",
    placeholder: "en|fa|FILE",
    description: "with --text-encoder: which captions, where there are several",
    defaultText: "en, or the only ones",
  },
  imageFeatures: { type: "text", placeholder: "FILE", description: "with --text-encoder: the image features that it was trained with" },
  chart: { type: "text", placeholder: "FILE", description: "with --text-encoder: an SVG of the measures by the number of sentences" },
} as const;

export interface TextEvaluationOptions {
  readonly textEncoder: string;
  readonly against: readonly string[];
  readonly dataset: string;
  readonly dataDir: string | undefined;
  readonly captions: string | undefined;
  readonly imageFeatures: string | undefined;
  readonly seed: number;
  readonly json: string | undefined;
  readonly chart: string | undefined;
}

export async function evaluateText(options: TextEvaluationOptions, context: Context): Promise<void> {
  const { textEncoder, against, json, chart } = options;
  if (chart !== undefined && extname(chart).toLowerCase() !== ".svg")
    throw new UserError(`--chart ${chart}: the chart is an SVG, so its name must end in .svg`);
  // Loaded here, so that --help needs no engine.
  const { evaluateTextEncoder } = await import("../evaluate/text-encoder.js");
  const { textTable, textChart } = await import("../evaluate/text-report.js");
  const progress = new Progress(context.stderr);
  const signal = context.catchInterrupt("stopping");
  try {
    const report = await evaluateTextEncoder({ ...options, files: [textEncoder, ...against] }, { onEvent: (event) => show(progress, event), signal });
    progress.end();
    context.print(textTable(report));
    const write = (path: string, text: string) => {
      try {
        writeFileAtomic(path, text);
      } catch (error) {
        throw new UserError(`${path} cannot be written: ${(error as Error).message}`);
      }
      context.print(path);
    };
    if (json !== undefined) write(json, `${JSON.stringify(report, null, 2)}\n`);
    if (chart !== undefined) write(chart, textChart(report));
  } finally {
    progress.end();
  }
}
