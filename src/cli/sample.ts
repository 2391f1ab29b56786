/** `petalgrad sample`: images for sentences, from a run or a model file, as one PNG. */
import { encodePng } from "../node/files/png.js";
import { UserError } from "../errors.js";
import { captionList, imageGrid, isolated, pleasantScale } from "../pictures/image-grid.js";
import { readyAdapter } from "./adapter.js";
import { defineCommand, withDefaults } from "./command.js";
import { inWorld, RANK_OPTIONS } from "./ranks.js";
import { checkExtension, DRAWING_OPTIONS, MODEL_OPTION, RUN_OPTION, sourceOf, tellOn, TRUNCATION_OPTION, writePicture } from "./drawing.js";

const OPTIONS = {
  text: { type: "texts", placeholder: '"..."', description: "a sentence to draw, one row of the grid" },
  pick: {
    type: "texts",
    placeholder: "NAME[:K]",
    description:
      "an embedding to draw instead, with --embeddings: a class, an image or a row's number, the mean of its vectors or the K-th",
  },
  embeddings: { type: "text", placeholder: "PATH", description: "where --pick looks, in any form that train --embeddings takes" },
  textEncoder: {
    type: "text",
    placeholder: "FILE",
    description: "for a model that was trained on given embeddings: the text encoder that made them",
  },
  run: RUN_OPTION,
  model: MODEL_OPTION,
  count: { type: "integer", min: 1, max: 64, default: 8, description: "images of each sentence, from different noise" },
  seed: { type: "integer", min: 0, max: 2 ** 32 - 1, default: 1, description: "of the noise; every sentence gets the same" },
  truncation: TRUNCATION_OPTION,
  ...DRAWING_OPTIONS,
  ...RANK_OPTIONS,
  plain: { type: "flag", description: "images only, without the sentences beside their rows" },
  out: { type: "text", placeholder: "FILE", default: "grid.png", description: "PNG file to write" },
} as const;

export const sample = defineCommand({
  name: "sample",
  summary: "draw images of your own sentences with a trained model",
  options: OPTIONS,
  examples: [
    ['sample --text "a flower with long red petals and a yellow centre"', "eight images from the newest run"],
    [
      'sample --run runs/petals-1 --text "blue petals" --text "white petals" --count 6 --out two.png',
      "two rows, the same noise in each column",
    ],
    ["sample --run runs/birds-1 --embeddings birds/ --pick 001.Black_footed_Albatross", "a class, of a model trained on given embeddings"],
    ['sample --text "blue petals" --truncation 1 --generator raw', "typical noise only, from the generator without averaging"],
  ],
  async run(given, context) {
    const values = withDefaults(OPTIONS, given);
    const { text, pick, embeddings, textEncoder, run, model, count, seed, scale, plain, out, truncation, generator, tune } = values;
    const texts = text ?? pick;
    if (!texts) throw new UserError('give a sentence to draw: --text "a flower with red petals"');
    if (text && pick) throw new UserError("--text draws sentences and --pick embeddings: give one of them");
    if ((pick === undefined) !== (embeddings === undefined)) throw new UserError("--pick NAME and --embeddings PATH need each other");
    if (pick && textEncoder !== undefined) throw new UserError("--text-encoder has no meaning with --pick, which draws from embeddings");
    checkExtension("--out", out, ".png");
    await inWorld(values, context, async ({ world, progress, print }) => {
      const own = { ...context, stderr: progress };
      const source = sourceOf({ run, model }, own);
      // Loaded here, so that --help needs no engine.
      await readyAdapter();
      const { sample: drawSamples } = await import("../node/drawing.js");
      const { captionedPng, enlarge } = await import("../node/files/captioned.js");
      const request = { source, texts, textEncoder, embeddings, count, seed, truncation, generator, tune, world };
      const { images, size, model: name, warnings } = await drawSamples(request, tellOn(own));
      if (world.rank > 0) return;
      for (const warning of warnings) progress.write(`warning: ${warning}\n`);
      const grid = imageGrid(images, size, { columns: count });
      const enlarged = scale ?? pleasantScale(size);
      const path = writePicture(out, plain ? encodePng(enlarge(grid, enlarged)) : await captionedPng(grid, texts, enlarged));
      print(`${name}\n${captionList(texts.map(isolated))}${path}`);
    });
  },
});
