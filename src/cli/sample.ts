/** `petalgrad sample`: images for sentences, from a run or a model file, as one PNG. */
import { basename, extname } from "node:path";
import { UserError } from "../errors.js";
import { writeFileAtomic } from "../train/atomic-file.js";
import { captionList, imageGrid } from "../train/image-grid.js";
import { TRAIN_OPTIONS } from "../train/options.js";
import { newestRun } from "../train/run-folder.js";
import { defineCommand, withDefaults } from "./command.js";

const OPTIONS = {
  text: { type: "texts", placeholder: '"..."', description: "a sentence to draw, one row of the grid" },
  run: { type: "text", placeholder: "DIR", description: "draw from this run's newest checkpoint", defaultText: "the newest under runs/" },
  model: { type: "text", placeholder: "FILE", description: "draw from a model file (.safetensors) instead of a run" },
  count: { type: "integer", min: 1, max: 64, default: 8, description: "images of each sentence, from different noise" },
  seed: { type: "integer", min: 0, max: 2 ** 32 - 1, default: 1, description: "of the noise; every sentence gets the same" },
  scale: { type: "integer", min: 1, max: 16, default: 1, description: "enlarge every pixel to a square of this side" },
  out: { type: "text", placeholder: "FILE", default: "grid.png", description: "PNG file to write" },
  tune: TRAIN_OPTIONS.tune,
} as const;

export const sample = defineCommand({
  name: "sample",
  summary: "draw images of your own sentences with a trained model",
  options: OPTIONS,
  examples: [
    ['sample -- --text "a flower with long red petals and a yellow centre"', "eight images from the newest run"],
    [
      'sample -- --run runs/petals-1 --text "blue petals" --text "white petals" --count 6 --out two.png',
      "two rows, the same noise in each column",
    ],
  ],
  async run(given, context) {
    const { text, run, model, count, seed, scale, out, tune } = withDefaults(OPTIONS, given);
    if (!text) throw new UserError('give a sentence to draw: --text "a flower with red petals"');
    if (run !== undefined && model !== undefined) throw new UserError("--run and --model both name what to draw from: give one of them");
    if (extname(out).toLowerCase() !== ".png") throw new UserError(`--out ${out}: the grid is a PNG, so its name must end in .png`);
    const source = model ?? run ?? newestRun();
    if (source === undefined)
      throw new UserError("there is no run under runs/ yet: train one (npm run train), or name a model file with --model");
    // Loaded here, so that --help needs no engine.
    const { sample: drawSamples } = await import("../train/sample.js");
    const {
      images,
      size,
      model: name,
      warnings,
    } = await drawSamples({ source, texts: text, count, seed, ...(tune && { tune }) }, (event) => {
      if (event.kind === "message") context.stderr.write(`${event.text}\n`);
      if (event.kind === "warning") context.stderr.write(`warning: ${event.text}\n`);
    });
    for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`);
    try {
      writeFileAtomic(out, imageGrid(images, size, { columns: count, scale }));
    } catch (error) {
      throw new UserError(`${out} cannot be written: ${(error as Error).message}`);
    }
    context.print(`${name}\n${captionList(text)}${basename(out) === out ? `./${out}` : out}`);
  },
});
