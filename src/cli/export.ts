/** `petalgrad export`: a trained model as one file for others, small and with the parts that they need. */
import { extname } from "node:path";
import { UserError } from "../errors.js";
import { GENERATORS } from "../train/gan/options.js";
import { PRECISIONS } from "../train/run/network-file.js";
import { defineCommand, withDefaults } from "./command.js";
import { checkExtension, writePicture } from "./drawing.js";
import { bytes as size } from "./progress.js";

/** What --with may name, with what it is for. */
const PARTS = { discriminator: "judges images", raw: "the generator without averaging", style: "reads styles of photographs" } as const;

const FORMATS = ["safetensors", "onnx"] as const;

const OPTIONS = {
  out: { type: "text", placeholder: "FILE", description: "file to write, .safetensors or .onnx" },
  format: {
    type: "choice",
    choices: FORMATS,
    description: "petalgrad's own, or ONNX (operator set 17, any number of images), with which other programs draw",
    defaultText: "as --out ends",
  },
  precision: {
    type: "choice",
    choices: PRECISIONS,
    default: "f32",
    description: "of the weights: f16 makes half the size, and images that differ by less than a grey level",
  },
  with: {
    type: "texts",
    placeholder: "PARTS",
    description: `more parts, by commas: ${Object.entries(PARTS).map(([part, what]) => `${part} (${what})`).join(", ")}`, // prettier-ignore
  },
  example: {
    type: "texts",
    placeholder: "TEXT",
    description: "a sentence to begin with, instead of captions of the data set",
    defaultText: "those of the run's sample grid",
  },
  generator: {
    type: "choice",
    choices: GENERATORS,
    description: "the moving average of the generator, or the generator as it was trained",
    defaultText: "ema, unless the run has no average",
  },
} as const;

type Part = keyof typeof PARTS;

/** The parts that --with names. @throws UserError for a word that is none */
export function partsIn(words: readonly string[] = []): Part[] {
  const parts = words.flatMap((list) => list.split(",")).map((word) => word.trim());
  const unknown = parts.find((word) => !Object.hasOwn(PARTS, word));
  if (unknown !== undefined) throw new UserError(`--with ${unknown}: it must be of ${Object.keys(PARTS).join(", ")}`);
  return parts as Part[];
}

export const exportModel = defineCommand({
  name: "export",
  summary: "write a trained model as one file for others, in half the size if wanted",
  details:
    "SOURCE is a run's folder or a model file. The file holds the generator, its text encoder and their settings; all commands that draw\n" +
    "take it (sample --model FILE), so does a page. What a run keeps besides goes into it by --with.\n" +
    "An ONNX file holds the generator alone: inputs noise [N, Z] and text [N, T], embeddings as the model's text encoder gives them\n" +
    "(embeddings --text-encoder FILE), output image [N, 3, S, S] from -1 to 1.",
  words: ["SOURCE"],
  options: OPTIONS,
  examples: [
    ["export runs/petals-1 --out petals.safetensors --precision f16", "to give away: half the size"],
    ["export runs/petals-1 --out petals.safetensors --with discriminator,style", "also judges images and restyles photographs"],
    ["export runs/petals-1 --out petals.onnx", "for onnxruntime and others"],
  ],
  async run(given, context, [source]) {
    const { out, format, precision, with: words, example, generator } = withDefaults(OPTIONS, given);
    if (out === undefined) throw new UserError("say where to write: --out FILE.safetensors or FILE.onnx");
    checkExtension("--out", out, ...(format ? [`.${format}`] : [".safetensors", ".onnx"]));
    const parts = partsIn(words);
    // Loaded here, so that --help needs no engine.
    const { exportModel: write } = await import("../node/export.js");
    const { bytes, holds, warnings } = await write({
      source: source!,
      format: extname(out).toLowerCase() === ".onnx" ? "onnx" : "safetensors",
      precision,
      parts,
      ...(example && { examples: example }),
      ...(generator && { generator }),
    });
    for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`);
    context.print(`${holds.join(", ")}\n${writePicture(out, bytes)} (${size(bytes.length)})`);
  },
});
