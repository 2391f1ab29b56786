/** `petalgrad interpolate`: walks between sentences, between styles, or both, as one PNG and as an animation. */
import { extname } from "node:path";
import { typed } from "../command-line.js";
import { encodePng } from "../node/files/png.js";
import { UserError } from "../errors.js";
import { imageGrid, pleasantScale } from "../pictures/image-grid.js";
import type { Course } from "../drawing/interpolate.js";
import type { StyleFileSource } from "../node/drawing.js";
import { PATHS } from "../drawing/walk.js";
import type { Values } from "../option-spec.js";
import { readyAdapter } from "./adapter.js";
import { defineCommand, withDefaults } from "./command.js";
import { checkExtension, DRAWING_OPTIONS, MODEL_OPTION, RUN_OPTION, sourceOf, tellOn, TRUNCATION_OPTION, writePicture } from "./drawing.js";
import { REFINE_OPTION, STYLE_LENGTH_OPTION, STYLE_STRENGTH_OPTION } from "./restyle.js";

const OPTIONS = {
  from: { type: "text", placeholder: '"..."', description: "the sentence to begin with" },
  to: { type: "text", placeholder: '"..."', description: "the sentence to end with" },
  text: { type: "texts", placeholder: '"..."', description: "the sentence that stays, where only the style changes; one row each" },
  styleFrom: { type: "text", placeholder: "SEED|FILE", description: "the style to begin with: noise of a seed, or an image's" },
  styleTo: { type: "text", placeholder: "SEED|FILE", description: "the style to end with" },
  style: {
    type: "texts",
    placeholder: "SEED|FILE",
    description: "the style that stays, where only the text changes; one row each",
    defaultText: "1",
  },
  steps: { type: "integer", min: 2, max: 256, default: 8, description: "images from one end to the other" },
  path: {
    type: "choice",
    choices: PATHS,
    description: "along a line, or along the arc around the origin",
    defaultText: "linear for texts, spherical for styles",
  },
  run: RUN_OPTION,
  model: {
    ...MODEL_OPTION,
    description: "draw from a model file (.safetensors) instead of a run; photographs need its style encoder in it",
  },
  truncation: TRUNCATION_OPTION,
  styleStrength: STYLE_STRENGTH_OPTION,
  styleLength: STYLE_LENGTH_OPTION,
  refine: REFINE_OPTION,
  ...DRAWING_OPTIONS,
  generator: {
    ...DRAWING_OPTIONS.generator,
    defaultText: "where images give styles, the one of the style encoder; else ema, if there is one",
  },
  out: { type: "text", placeholder: "FILE", default: "interpolation.png", description: "PNG file to write" },
  animation: { type: "text", placeholder: "FILE", description: "animation to write, .gif or .webp; there and back", defaultText: "none" },
  delay: { type: "integer", min: 20, max: 10_000, description: "milliseconds a frame of the animation", defaultText: "120" },
} as const;

export const interpolate = defineCommand({
  name: "interpolate",
  summary: "walk from one sentence to another, from one style to another, or both at once",
  details:
    "With both pairs, columns walk from --from to --to and rows from --style-from to --style-to. With one pair, its walk is the\n" +
    "columns, and what stays (--style, --text) may be several, a row each.\n" +
    `A style is a seed or an image file; images need the run's style encoder: ${typed("train-style --run DIR")}.`,
  options: OPTIONS,
  examples: [
    ['interpolate --from "a red flower" --to "a blue flower"', "eight images of the same noise, the newest run"],
    [
      'interpolate --text "a red flower" --style-from 3 --style-to photo.jpg --steps 24 --animation walk.gif',
      "from the noise of seed 3 to a photograph's style",
    ],
    ['interpolate --from "red petals" --to "white petals" --style-from 1 --style-to 2 --steps 6', "a grid of both"],
  ],
  async run(given, context) {
    const { run, model, steps, path, truncation, styleStrength, styleLength, refine, generator, scale, tune, out, animation, delay } =
      withDefaults(OPTIONS, given);
    const courses = coursesOf(given);
    checkUse({ ...courses, truncation, styleStrength, styleLength, refine, animation, delay });
    checkExtension("--out", out, ".png");
    if (animation !== undefined) checkExtension("--animation", animation, ".gif", ".webp");
    const source = sourceOf({ run, model }, context);
    // Loaded here, so that --help needs no engine.
    await readyAdapter();
    const [{ interpolate: draw }, { frames }] = await Promise.all([import("../node/drawing.js"), import("../drawing/interpolate.js")]);
    const request = { source, ...courses, steps, path, truncation, styleStrength, styleLength, refine, generator, tune };
    const drawn = await draw(request, tellOn(context));
    for (const warning of drawn.warnings) context.stderr.write(`warning: ${warning}\n`);
    const { images, size, columns, rows } = drawn;
    const enlarged = scale ?? pleasantScale(size);
    const written = [writePicture(out, encodePng(imageGrid(images, size, { columns, scale: enlarged })))];
    if (animation !== undefined) {
      const { animation: animate } = await import("../node/files/animation.js");
      const format = extname(animation).toLowerCase() === ".gif" ? "gif" : "webp";
      written.push(
        writePicture(animation, await animate(frames(drawn), size, { format, columns: rows, delay: delay ?? 120, scale: enlarged })),
      );
    }
    context.print([drawn.model, ...written].join("\n"));
  },
});

type Given = Partial<Values<typeof OPTIONS>>;

/** What walks and what stays. @throws UserError where that is not clear */
function coursesOf({ from, to, text, style, styleFrom, styleTo }: Given): { texts: Course<string>; styles: Course<StyleFileSource> } {
  const texts = course(["--from", from], ["--to", to], ["--text", text]);
  const styles = course(["--style-from", styleFrom], ["--style-to", styleTo], ["--style", style]);
  if ((texts && "from" in texts) || (styles && "from" in styles)) {
    if (!texts) throw new UserError('give the sentence that stays: --text "a flower with red petals"');
    const sources = styles ?? { at: ["1"] };
    return {
      texts,
      styles: "at" in sources ? { at: sources.at.map(styleSource) } : { from: styleSource(sources.from), to: styleSource(sources.to) },
    };
  }
  throw new UserError('give both ends of a walk: --from "red petals" --to "blue petals", or --style-from 1 --style-to 2');
}

type Words<T> = readonly [flag: string, value: T | undefined];

function course(from: Words<string>, to: Words<string>, at: Words<readonly string[]>): Course<string> | undefined {
  const [begin, end] = [from[1], to[1]];
  if ((begin === undefined) !== (end === undefined)) {
    const [there, missing] = begin === undefined ? [to[0], from[0]] : [from[0], to[0]];
    throw new UserError(`${there} is one end of a walk: give the other with ${missing}`);
  }
  if (begin === undefined || end === undefined) return at[1] && { at: at[1] };
  if (at[1]) throw new UserError(`${at[0]} stays and ${from[0]} walks: give one of them`);
  return { from: begin, to: end };
}

/** A whole number is a seed; anything else is a file. */
function styleSource(word: string): StyleFileSource {
  if (!/^\d+$/.test(word)) return { image: word };
  if (Number(word) > 2 ** 32 - 1) throw new UserError(`the seed ${word} is too large: at most ${2 ** 32 - 1}`);
  return { seed: Number(word) };
}

/** An option that would change nothing was given by mistake: say so rather than ignore it. */
function checkUse(use: {
  styles: Course<StyleFileSource>;
  truncation: number | undefined;
  styleStrength: number | undefined;
  styleLength: number | undefined;
  refine: number;
  animation: string | undefined;
  delay: number | undefined;
}): void {
  const sources = "at" in use.styles ? use.styles.at : [use.styles.from, use.styles.to];
  const count = (key: string) => sources.filter((source) => key in source).length;
  if (use.truncation !== undefined && count("seed") === 0)
    throw new UserError("--truncation has no meaning where every style is an image's");
  const ofImages = { "--refine": use.refine || undefined, "--style-strength": use.styleStrength, "--style-length": use.styleLength };
  for (const [flag, value] of Object.entries(ofImages))
    if (value !== undefined && count("image") === 0) throw new UserError(`${flag} has no meaning where no style is an image's`);
  if (use.delay !== undefined && use.animation === undefined) throw new UserError("--delay has no meaning without --animation FILE");
}
