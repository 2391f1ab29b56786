/** `petalgrad sample`: images for sentences, from a run or a model file, as one PNG. */
import { UserError } from "../errors.js";
import { captionList, imageGrid } from "../train/image-grid.js";
import { defineCommand, withDefaults } from "./command.js";
import { checkExtension, DRAWING_OPTIONS, RUN_OPTION, sourceOf, tellOn, TRUNCATION_OPTION, writePicture } from "./drawing.js";

const OPTIONS = {
  text: { type: "texts", placeholder: '"..."', description: "a sentence to draw, one row of the grid" },
  run: RUN_OPTION,
  model: { type: "text", placeholder: "FILE", description: "draw from a model file (.safetensors) instead of a run" },
  count: { type: "integer", min: 1, max: 64, default: 8, description: "images of each sentence, from different noise" },
  seed: { type: "integer", min: 0, max: 2 ** 32 - 1, default: 1, description: "of the noise; every sentence gets the same" },
  truncation: TRUNCATION_OPTION,
  ...DRAWING_OPTIONS,
  out: { type: "text", placeholder: "FILE", default: "grid.png", description: "PNG file to write" },
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
    ['sample -- --text "blue petals" --truncation 1 --generator raw', "typical noise only, from the generator without averaging"],
  ],
  async run(given, context) {
    const { text, run, model, count, seed, scale, out, truncation, generator, tune } = withDefaults(OPTIONS, given);
    if (!text) throw new UserError('give a sentence to draw: --text "a flower with red petals"');
    checkExtension("--out", out, ".png");
    const source = sourceOf({ run, model });
    // Loaded here, so that --help needs no engine.
    const { sample: drawSamples } = await import("../train/sample.js");
    const request = { source, texts: text, count, seed, truncation, generator, tune };
    const { images, size, model: name, warnings } = await drawSamples(request, tellOn(context));
    for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`);
    const path = writePicture(out, imageGrid(images, size, { columns: count, scale }));
    context.print(`${name}\n${captionList(text)}${path}`);
  },
});
