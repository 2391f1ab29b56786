/** A model as one file for others: halves draw the same images, parts come with it, and what is not there is said. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partsIn } from "../../src/cli/export.js";
import { UserError } from "../../src/errors.js";
import { Discriminator } from "../../src/models/discriminator.js";
import { ganInitializers } from "../../src/models/initializers.js";
import { restyle, sample } from "../../src/node/drawing.js";
import { exportModel, type ExportRequest } from "../../src/node/export.js";
import { loadModel } from "../../src/node/files/load-model.js";
import { styleOfRun } from "../../src/node/files/style-of-run.js";
import { RandomStream } from "../../src/random/philox.js";
import { readGan } from "../../src/train/gan/model-file.js";
import { MODEL_NAME, STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../src/train/run/names.js";
import { networkDigest, networkFrom, networkTensors } from "../../src/train/run/network-file.js";
import { encodeStyle, mismatch, readStyle, readStylePart } from "../../src/train/style/file.js";
import { readOnnx } from "../formats/onnx-reader.js";
import { tinyRun, tinyStyle } from "./files/tiny-run.js";

let folder: string;
let run: string;
let plain: string;
let discriminator: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-export-"));
  const begun = await tinyRun(join(folder, "run"));
  run = begun.path;
  plain = (await tinyRun(join(folder, "plain"), { ema: 0 })).path;
  const { generator } = await loadModel(run);
  const style = { style: await tinyStyle(generator.options), generator: await networkDigest(generator), kind: "ema" } as const;
  await begun.writeFile(join(STYLE_FOLDER, STYLE_ENCODER_NAME), await encodeStyle(style));
  const { tensors } = await begun.loadCheckpoint();
  const options = await begun.readConfig();
  const judge = new Discriminator({ ...options, width: options.discriminatorWidth }, ganInitializers(new RandomStream(1)));
  discriminator = await networkDigest(networkFrom("discriminator", tensors, "checkpoint", () => judge));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the model to a file of that name. */
async function exported(name: string, request: Partial<ExportRequest> = {}) {
  const made = await exportModel({ source: run, ...request });
  const path = join(folder, `${name}.safetensors`);
  writeFileSync(path, made.bytes);
  return { ...made, path };
}

const TEXTS = ["red petals", "a small blue flower"];
const drawn = async (source: string, more = {}) => (await sample({ texts: TEXTS, count: 4, seed: 3, source, ...more })).images;
const furthest = (a: Float32Array, b: Float32Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
const GREY_LEVEL = 2 / 255;

describe("a model as a file", () => {
  it("is the run's, to the bit", async () => {
    const { path, holds, warnings } = await exported("same");
    expect(readFileSync(path)).toEqual(readFileSync(join(run, MODEL_NAME)));
    expect({ holds, warnings }).toEqual({ holds: ["averaged generator", "text encoder"], warnings: [] });
  });

  it("of halves has half the size, and its images differ by less than a grey level", async () => {
    const { path } = await exported("halves", { precision: "f16" });
    const [size, before] = [statSync(path).size, statSync(join(run, MODEL_NAME)).size];
    expect(size).toBeLessThan(0.6 * before);
    const [images, expected] = [await drawn(path), await drawn(run)];
    expect(furthest(images, expected)).toBeLessThan(GREY_LEVEL);
    // Halves they are, and images there are.
    expect(furthest(images, expected)).toBeGreaterThan(0);
    expect(furthest(expected, new Float32Array(expected.length))).toBeGreaterThan(0.2);
    // Once rounded nothing changes any more.
    expect(readFileSync((await exported("again", { source: path, precision: "f16" })).path)).toEqual(readFileSync(path));
  });
});

it("begins with the sentences that are given, and else with the run's; ONNX has none", async () => {
  const [{ path }, before] = [await exported("examples", { examples: TEXTS }), await loadModel(run)];
  const after = await loadModel(path);
  expect(after.examples).toEqual(TEXTS);
  expect(before.examples).not.toEqual(TEXTS);
  expect(await networkDigest(after.generator)).toBe(await networkDigest(before.generator));
  await expect(exportModel({ source: run, format: "onnx", examples: TEXTS })).rejects.toThrow("sentences cannot go with it");
});

it("as ONNX it is the generator alone, with the run's weights", async () => {
  const { bytes, holds } = await exportModel({ source: run, format: "onnx" });
  expect(holds).toEqual(["averaged generator"]);
  const { tensors } = readOnnx(bytes);
  const { generator, normalisation } = await loadModel(run);
  const weights = await generator.parameters.read();
  for (const name of ["deconv1.weight", "text.weight", "residual2.conv2.weight"])
    expect(Float32Array.from(tensors.get(name)!.data)).toEqual(weights.get(name));
  expect(Float32Array.from(tensors.get("text.centre")!.data)).toEqual(normalisation.center);
  const raw = readOnnx((await exportModel({ source: run, format: "onnx", generator: "raw" })).bytes);
  expect(raw.tensors.get("deconv1.weight")!.data).not.toEqual(tensors.get("deconv1.weight")!.data);
  await expect(exportModel({ source: run, format: "onnx", parts: ["raw"] })).rejects.toThrow(
    "an ONNX file holds the generator alone: raw cannot go with it",
  );
});

describe("parts", () => {
  it("come with the model: the discriminator, the generator without averaging", async () => {
    const { path, holds } = await exported("parts", { parts: ["discriminator", "raw"] });
    expect(holds).toEqual(["averaged generator", "text encoder", "discriminator", "raw generator"]);
    const model = await readGan(readFileSync(path), path);
    expect(await networkDigest(model.discriminator!)).toBe(discriminator);
    expect(model.fileWarnings).toEqual([]);
    expect(await drawn(path)).toEqual(await drawn(run));
    const raw = await drawn(path, { generator: "raw" });
    expect(raw).toEqual(await drawn(run, { generator: "raw" }));
    expect(raw).not.toEqual(await drawn(path));
    // The text encoder's length decides, whatever --text-size says.
    const other = await tinyRun(join(folder, "lengths"));
    await other.writeConfig({ ...(await other.readConfig()), textSize: 24 }, {});
    const whole = await exported("lengths", { source: other.path, parts: ["discriminator", "raw"] });
    expect(await networkDigest((await readGan(readFileSync(whole.path), whole.path)).discriminator!)).toBe(discriminator);
    // Of a file with parts those that are asked for.
    const one = await exported("one", { source: path, parts: ["discriminator"] });
    expect(one.holds).toEqual(["averaged generator", "text encoder", "discriminator"]);
    const lone = await readGan(readFileSync(one.path), one.path);
    expect(["raw" in lone, await networkDigest(lone.discriminator!)]).toEqual([false, discriminator]);
  });

  it.each(["f32", "f16"] as const)("a style encoder in %s inverts the generator beside it", async (precision) => {
    const { path, holds, warnings } = await exported(`style-${precision}`, { precision, parts: ["style"] });
    expect({ holds, warnings }).toEqual({ holds: ["averaged generator", "text encoder", "style encoder"], warnings: [] });
    const model = await loadModel(path);
    const style = await readStyle(readFileSync(path), path);
    expect([model.warnings, style.kind, await mismatch(style, model.generator, path)]).toEqual([[], "ema", undefined]);
    const before = await styleOfRun(run);
    const tensors = new Map(await networkTensors("style", before.style));
    for (const [name, { data }] of await networkTensors("style", style.style))
      expect(furthest(data as Float32Array, tensors.get(name)!.data as Float32Array)).toBeLessThan(precision === "f32" ? 1e-30 : 1e-3);
    // It goes into a file only where it is asked for.
    expect((await readStylePart((await exported("on", { source: path })).bytes, "on")) === undefined).toBe(true);
    expect((await readStylePart(readFileSync(path), path))?.generator).toBe(style.generator);
  });

  it("serve restyle from the one file, in halves, as the run does", async () => {
    const { path } = await exported("restyles", { precision: "f16", parts: ["style"] });
    const photo = join(folder, "photo.png");
    await sharp({ create: { width: 16, height: 16, channels: 3, background: "#20a040" } }).toFile(photo);
    const of = (source: string) => restyle({ source, styles: [photo], texts: TEXTS });
    const [fromFile, fromRun] = [await of(path), await of(run)];
    expect(fromFile.warnings).toEqual(fromRun.warnings);
    // Halves on the way to the style and from it to the image.
    expect(furthest(fromFile.images, fromRun.images)).toBeLessThan(2 * GREY_LEVEL);
  });

  it("one that inverts another generator is told of, as before", async () => {
    const { warnings, path } = await exported("other", { generator: "raw", parts: ["style"] });
    expect(warnings).toEqual([expect.stringContaining("styles will be off")]);
    expect((await readStyle(readFileSync(path), path)).generator).toBe((await styleOfRun(run)).generator);
  });

  it("that are not there are named", async () => {
    const refused = async (request: ExportRequest, message: RegExp) => {
      await expect(exportModel(request)).rejects.toThrow(UserError);
      await expect(exportModel(request)).rejects.toThrow(message);
    };
    const file = join(run, MODEL_NAME);
    await refused({ source: file, parts: ["discriminator"] }, /has no discriminator: export it from its run's folder$/);
    await refused({ source: file, parts: ["raw"] }, /has no generator but the one/);
    await refused({ source: file, parts: ["style"] }, /style encoder/);
    await refused({ source: plain, parts: ["style"] }, /has no style encoder yet/);
    await refused({ source: plain, parts: ["raw"] }, /the raw generator is the one that is exported/);
    await refused({ source: join(folder, "none") }, /no such run or model file/);
    expect(() => partsIn(["raw,stile"])).toThrow("--with stile: it must be of discriminator, raw, style");
    expect(partsIn(["raw, style", "discriminator"])).toEqual(["raw", "style", "discriminator"]);
  });
});
