/** A trained model as one file for others, petalgrad's own or ONNX: from a run's folder or a model file, with the parts that are asked for. */
import { statSync } from "node:fs";
import { UserError } from "../errors.js";
import { encodeGan, type GeneratorFile, readGenerator } from "../train/gan/model-file.js";
import type { GeneratorKind } from "../train/gan/options.js";
import { encodeOnnx } from "../train/gan/onnx.js";
import { partsOfRun } from "../train/gan/run-model.js";
import { networkDigest, type Precision } from "../train/run/network-file.js";
import { mismatch, type StyleFile, stylePart } from "../train/style/file.js";
import { loadGenerator } from "./files/load-model.js";
import { openRun } from "./files/run-folder.js";
import { styleOfRun } from "./files/style-of-run.js";

/** What may stand in a model's file beside the generator and its text encoder. */
export const MODEL_PARTS = ["discriminator", "raw", "style"] as const;
/** One of these. */
export type ModelPart = (typeof MODEL_PARTS)[number];

/** Forms of the file: petalgrad's own, or what other programs draw with. */
export const MODEL_FORMATS = ["safetensors", "onnx"] as const;
/** One of these. */
export type ModelFormat = (typeof MODEL_FORMATS)[number];

/** A model wanted as a file. */
export interface ExportRequest {
  /** A run's folder, or a model file. */
  readonly source: string;
  /** Which generator; by default the one that drew the run's samples. */
  readonly generator?: GeneratorKind;
  /** Default safetensors; ONNX holds the generator alone. */
  readonly format?: ModelFormat;
  /** Default f32. */
  readonly precision?: Precision;
  /** Default none. */
  readonly parts?: readonly ModelPart[];
  /** Sentences to begin with, instead of the run's captions, which are the data set's. */
  readonly examples?: readonly string[];
}

/** A model as a file. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  /** What the file holds, in words. */
  readonly holds: readonly string[];
  readonly warnings: readonly string[];
}

/** @throws UserError when there is no model, it is damaged, or a part is asked for that is not there, or that the format does not hold */
export async function exportModel(request: ExportRequest): Promise<ExportedModel> {
  const { source, generator, format = "safetensors", precision = "f32", parts = [], examples } = request;
  const beside = [...parts, ...(examples ? ["sentences"] : [])];
  if (format === "onnx" && beside.length > 0)
    throw new UserError(`an ONNX file holds the generator alone: ${beside.join(", ")} cannot go with it`);
  const { path, warnings, ...loaded } = await loadGenerator(source, generator);
  if (format === "onnx") return { bytes: await encodeOnnx(loaded, precision), holds: [generatorName(loaded)], warnings };
  const notes = [...warnings];
  const { discriminator, raw } = await partsFor(source, loaded, parts, notes);
  // Only what was asked for, also of a file that holds more.
  const { discriminator: _d, raw: _r, ...plain } = loaded;
  const model: GeneratorFile = { ...plain, ...(discriminator && { discriminator }), ...(raw && { raw }), ...(examples && { examples }) };
  const style = parts.includes("style") ? await styleFor(source, model, precision, path, notes) : undefined;
  const bytes = await encodeGan(model, { precision, ...(style && { part: await stylePart(style) }) });
  const holds = [
    generatorName(model),
    ...("encoder" in model ? ["text encoder"] : []),
    ...(discriminator ? ["discriminator"] : []),
    ...(raw ? ["raw generator"] : []),
    ...(style ? ["style encoder"] : []),
  ];
  return { bytes, holds, warnings: notes };
}

/** Files of earlier versions do not say which it is. */
const generatorName = ({ kind }: GeneratorFile): string =>
  kind === undefined ? "generator" : `${kind === "raw" ? "raw" : "averaged"} generator`;

/** The discriminator and the raw generator where they are asked for. */
async function partsFor(
  source: string,
  model: GeneratorFile,
  parts: readonly ModelPart[],
  notes: string[],
): Promise<Pick<GeneratorFile, "discriminator" | "raw">> {
  const [judges, trained] = [parts.includes("discriminator"), parts.includes("raw")];
  if (!judges && !trained) return {};
  if (trained && model.kind === "raw")
    throw new UserError(`${source}: the raw generator is the one that is exported; leave raw out of --with`);
  const inRun = statSync(source).isDirectory();
  const found = inRun ? await partsOfRun(await openRun(source), { raw: trained }) : model;
  if ("warnings" in found) notes.push(...found.warnings.filter((text) => !notes.includes(text)));
  if (judges && !found.discriminator) throw new UserError(`${source} has no discriminator: export it from its run's folder`);
  if (trained && !found.raw) throw new UserError(`${source} has no generator but the one: export it from its run's folder`);
  return { ...(judges && found.discriminator && { discriminator: found.discriminator }), ...(trained && found.raw && { raw: found.raw }) };
}

/** The style encoder; in a file of halves it inverts the generator as that file holds it. */
async function styleFor(source: string, model: GeneratorFile, precision: Precision, path: string, notes: string[]): Promise<StyleFile> {
  const style = await styleOfRun(source);
  const digests: string[] = [];
  for (const network of [model.generator, ...(model.raw ? [model.raw] : [])]) digests.push(await networkDigest(network));
  const which = digests.indexOf(style.generator);
  if (which < 0) {
    const off = await mismatch(style, model.generator, path);
    if (off) notes.push(off);
    return style;
  }
  if (precision === "f32") return style;
  const rounded = await readGenerator(await encodeGan(model, { precision }), path);
  return { ...style, generator: await networkDigest([rounded.generator, rounded.raw][which]!) };
}
