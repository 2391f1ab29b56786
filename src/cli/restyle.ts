/** `petalgrad restyle`: sentences drawn in the style of photographs, as one PNG. */
import { typed } from "../command-line.js";
import { encodePng } from "../node/files/png.js";
import { UserError } from "../errors.js";
import { imageGrid, pleasantScale } from "../pictures/image-grid.js";
import { readyAdapter } from "./adapter.js";
import { defineCommand, withDefaults } from "./command.js";
import { checkExtension, DRAWING_OPTIONS, MODEL_OPTION, RUN_OPTION, sourceOf, tellOn, writePicture } from "./drawing.js";

/** How a style is taken from an image file. */
export const REFINE_OPTION = {
  type: "integer",
  min: 0,
  max: 10_000,
  default: 0,
  description: "after the style encoder, so many steps of gradient descent on the style until the generator draws the image",
} as const;

/** How much of such a style is taken. */
export const STYLE_STRENGTH_OPTION = {
  type: "number",
  min: 0.1,
  max: 10,
  description: "a style read from an image is taken so many times, before it is shortened: 2 or 3 where styles come out faint",
  defaultText: "1",
} as const;

/** How long such a style may be. */
export const STYLE_LENGTH_OPTION = {
  type: "number",
  min: 0.1,
  max: 100,
  description: "a style read from an image that is longer than this many times the noise's average length is shortened to it",
  defaultText: "1",
} as const;

const OPTIONS = {
  style: { type: "texts", placeholder: "FILE", description: "an image to take the style from, one row of the grid" },
  text: { type: "texts", placeholder: '"..."', description: "a sentence to draw, one column of the grid" },
  run: RUN_OPTION,
  model: { ...MODEL_OPTION, description: "draw from a model file (.safetensors) that holds its style encoder, instead of a run" },
  styleStrength: STYLE_STRENGTH_OPTION,
  styleLength: STYLE_LENGTH_OPTION,
  refine: REFINE_OPTION,
  caption: {
    type: "texts",
    placeholder: '"..."',
    description: "for --refine: what the image of each --style shows",
    defaultText: "found by the descent as well",
  },
  ...DRAWING_OPTIONS,
  generator: { ...DRAWING_OPTIONS.generator, defaultText: "the one that the style encoder was trained to invert" },
  out: { type: "text", placeholder: "FILE", default: "restyled.png", description: "PNG file to write" },
} as const;

export const restyle = defineCommand({
  name: "restyle",
  summary: "draw sentences in the style (background, position, size) of photographs",
  details:
    "Rows are styles, columns are texts; the first column shows the photographs as the network sees them. The run needs a\n" +
    `style encoder: ${typed("train-style --run DIR")}; a model file holds it after ${typed("export DIR --with style")}.`,
  options: OPTIONS,
  examples: [
    ['restyle --style photo.jpg --text "a red flower" --text "a white flower"', "one photograph, two texts, the newest run"],
    [
      'restyle --run runs/flowers-1 --style a.jpg --style b.webp --text "blue petals" --refine 200 --out grid.png',
      "two photographs, the styles refined for 200 steps",
    ],
  ],
  async run(given, context) {
    const {
      style: styles,
      text: texts,
      run,
      model: file,
      styleStrength,
      styleLength,
      refine,
      caption: captions,
      generator,
      scale,
      tune,
      out,
    } = withDefaults(OPTIONS, given);
    if (!styles) throw new UserError("give an image to take the style from: --style photo.jpg");
    if (!texts) throw new UserError('give a sentence to draw: --text "a flower with red petals"');
    if (captions && refine === 0) throw new UserError("--caption has no meaning without --refine N");
    checkExtension("--out", out, ".png");
    const source = sourceOf({ run, model: file }, context);
    // Loaded here, so that --help needs no engine.
    await readyAdapter();
    const { restyle: draw } = await import("../node/drawing.js");
    const request = { source, styles, texts, styleStrength, styleLength, refine, captions, generator, tune };
    const { images, size, model, warnings, inversion } = await draw(request, tellOn(context));
    for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`);
    const enlarged = scale ?? pleasantScale(size);
    const path = writePicture(out, encodePng(imageGrid(images, size, { columns: 1 + texts.length, scale: enlarged })));
    context.print(model);
    styles.forEach((file, row) => {
      const error = inversion && ` (mean squared error ${inversion.before[row]!.toFixed(3)}, refined ${inversion.after[row]!.toFixed(3)})`;
      context.print(`row ${row + 1}: ${file}${error ?? ""}`);
    });
    texts.forEach((text, column) => context.print(`column ${column + 2}: ${text}`));
    context.print(path);
  },
});
