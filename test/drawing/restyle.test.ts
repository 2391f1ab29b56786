/** Style transfer: photographs read as the data set's images are, styles refined through the generator, the layout of the grid. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseOptions } from "../../src/cli/command.js";
import { restyle as command } from "../../src/cli/restyle.js";
import { readPhoto } from "../../src/node/datasets/decode.js";
import { withFirst } from "../../src/pictures/image-grid.js";
import { refine } from "../../src/drawing/invert.js";
import { type LoadedModel, loadModel } from "../../src/node/files/load-model.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../src/train/run/names.js";
import { networkDigest, networkTensors } from "../../src/train/run/network-file.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { outer, Painter } from "../../src/train/gan/painter.js";
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import { StyledModel } from "../../src/drawing/styled-model.js";
import { restyle } from "../../src/node/drawing.js";
import { styleOfRun } from "../../src/node/files/style-of-run.js";
import { sample } from "../../src/node/drawing.js";
import { encodeStyle } from "../../src/train/style/file.js";
import { shorten } from "../../src/train/style/reader.js";
import { device } from "../device.js";
import { tinyRun, tinyStyle } from "../node/files/tiny-run.js";

let folder: string;
let model: LoadedModel;
const inside = (...parts: string[]) => join(folder, ...parts);
const EACH = 3 * 16 * 16;

/** An image of one colour. */
async function photo(name: string, background: string, width = 40, height = 24): Promise<string> {
  await sharp({ create: { width, height, channels: 3, background } }).toFile(inside(name));
  return inside(name);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-restyle-"));
  const run = await tinyRun(inside("run"));
  model = await loadModel(run.path);
  const style = await tinyStyle(model.generator.options);
  const generator = await networkDigest(model.generator);
  await run.writeFile(join(STYLE_FOLDER, STYLE_ENCODER_NAME), await encodeStyle({ style, generator, kind: "ema" }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("readPhoto", () => {
  it("reads any format and shape as [3, size, size] in [-1, 1]", async () => {
    for (const name of ["a.png", "a.jpg", "a.webp", "a.tiff", "a.gif"]) {
      const values = await readPhoto(await photo(name, "#ff0080"), 16);
      expect(values).toHaveLength(EACH);
      [1, -1, 0].forEach((level, c) => expect(values[c * 256 + 100]!, name).toBeCloseTo(level, 1));
    }
  });

  it("keeps right and left, top and bottom, and takes the middle", async () => {
    // 19 pixels are made of 38, two of them a pixel; the centre crop begins at the second.
    const png = new PNG({ width: 38, height: 38 });
    for (let y = 0; y < 38; y++) for (let x = 0; x < 38; x++) png.data.set([5 * x, 6 * y, 0, 255], 4 * (38 * y + x));
    writeFileSync(inside("ramp.png"), PNG.sync.write(png));
    const values = await readPhoto(inside("ramp.png"), 16);
    const byte = (c: number, y: number, x: number) => Math.round((values[c * 256 + y * 16 + x]! + 1) * 127.5);
    expect([byte(0, 3, 0), byte(0, 3, 15)]).toEqual([5 * 2.5, 5 * 32.5].map(Math.round));
    expect([byte(1, 0, 7), byte(1, 15, 7)]).toEqual([6 * 2.5, 6 * 32.5].map(Math.round));
  });

  it("says in one line what it cannot read", async () => {
    await expect(readPhoto(inside("none.png"), 16)).rejects.toThrow(/none\.png: no such image$/);
    writeFileSync(inside("text.png"), "no image");
    await expect(readPhoto(inside("text.png"), 16)).rejects.toThrow(/text\.png cannot be decoded as an image \([^\n]+\)$/);
    await expect(readPhoto(folder, 16)).rejects.toThrow(/cannot be read/);
  });
});

describe("refine", () => {
  it("finds the noise that an image was drawn from, each image by itself, and leaves the generator as it is", async () => {
    const { generator } = model;
    const { noiseSize, textSize } = generator.options;
    const truth = normalNoise(3, noiseSize, 7);
    const text = normalNoise(3, textSize, 8);
    const painter = await Painter.create(await device(), generator);
    const images = await painter.paint(truth, text);
    const weights = await networkTensors("", generator);
    const start = new Float32Array(truth.length);
    const { styles, before, after } = await refine(await device(), generator, images, start, text, 150, { prior: 0 });
    expect(await networkTensors("", generator)).toEqual(weights);
    const drawn = await painter.paint(styles, text);
    for (let i = 0; i < 3; i++) {
      const error = (from: Float32Array) =>
        from.subarray(i * EACH, (i + 1) * EACH).reduce((sum, v, j) => sum + (v - images[i * EACH + j]!) ** 2, 0) / EACH;
      expect(after[i]!).toBeLessThan(0.1 * before[i]!);
      expect(error(drawn)).toBeCloseTo(after[i]!, 6);
      expect(error(await painter.paint(start, text))).toBeCloseTo(before[i]!, 6);
    }
    const distance = styles.reduce((sum, v, i) => sum + (v - truth[i]!) ** 2, 0) / truth.length;
    expect(distance).toBeLessThan(0.2);

    const alone = await refine(
      await device(),
      generator,
      images.slice(EACH, 2 * EACH),
      start.slice(noiseSize, 2 * noiseSize),
      text.slice(textSize, 2 * textSize),
      150,
      { prior: 0 },
    );
    alone.styles.forEach((v, d) => expect(v).toBeCloseTo(styles[noiseSize + d]!, 3));

    // Without the text it is sought, too: nearer than with a wrong one.
    const sought = await refine(await device(), generator, images, start, undefined, 150, { prior: 0 });
    const wrong = await refine(await device(), generator, images, start, new Float32Array(text.length), 150, { prior: 0 });
    const total = (errors: Float32Array) => errors.reduce((a, b) => a + b);
    expect(total(sought.after)).toBeLessThan(total(wrong.after));
    // It tells each step's errors, and ends where it is asked to.
    const [told, stop] = [[] as number[], new AbortController()];
    const watch = {
      prior: 0,
      signal: stop.signal,
      onStep: (step: number, errors: Float32Array) => void (told.push(step, errors[0]!), step === 3 && stop.abort()),
    };
    const short = await refine(await device(), generator, images, start, text, 150, watch);
    expect(told.filter((_, i) => i % 2 === 0)).toEqual([1, 2, 3]);
    expect(told[1]).toBe(before[0]);
    expect(short.before).toEqual(before);
    expect(total(short.after)).toBeGreaterThan(total(after));
    // The prior draws towards 0.
    const tame = await refine(await device(), generator, images, start, text, 150, { prior: 10 });
    const size = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0);
    expect(size(tame.styles)).toBeLessThan(0.1 * size(styles));
  });
});

describe("layout", () => {
  it("pairs every row with every column", () => {
    const { rows, columns } = outer(Float32Array.of(1, 2, 3, 4), 2, Float32Array.of(5, 6, 7), 1);
    expect([...rows]).toEqual([1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4]);
    expect([...columns]).toEqual([5, 6, 7, 5, 6, 7]);
  });

  it("puts each row's own image before it", () => {
    expect([...withFirst(Float32Array.of(1, 2), Float32Array.of(3, 4, 5, 6), 2)]).toEqual([1, 3, 4, 2, 5, 6]);
  });
});

describe("restyle", () => {
  it("draws rows of styles and columns of texts, the photograph first", async () => {
    const styles = [await photo("red.png", "#ff0000"), await photo("blue.png", "#0000ff")];
    const texts = ["red petals", "many white petals", "a flower"];
    const request = { source: inside("run"), styles, texts, refine: 0 };
    const { images, size, warnings, inversion } = await restyle(request);
    expect([size, images.length, warnings, inversion]).toEqual([16, 2 * 4 * EACH, [], undefined]);
    const cell = (row: number, column: number) => images.subarray((4 * row + column) * EACH, (4 * row + column + 1) * EACH);
    expect([cell(0, 0)[0], cell(0, 0)[2 * 256], cell(1, 0)[0], cell(1, 0)[2 * 256]]).toEqual([1, -1, -1, 1]);
    // One row alone, one column alone: the same pictures.
    const { images: part } = await restyle({ ...request, styles: styles.slice(1), texts: texts.slice(2) });
    part.subarray(EACH).forEach((v, i) => expect(v).toBeCloseTo(cell(1, 3)[i]!, 5));
    expect([...cell(0, 1)]).not.toEqual([...cell(1, 1)]);
    expect([...cell(0, 1)]).not.toEqual([...cell(0, 2)]);
  });

  it("shortens styles that are longer than noise is, and only those", async () => {
    const styles = Float32Array.of(3, 4, 0.3, 0.4, -6, 0);
    expect([...shorten(styles, 2, 2)].map((v) => Number(v.toFixed(5)))).toEqual([1.69706, 2.26274, 0.3, 0.4, -2.82843, 0]);
    const request = { source: inside("run"), styles: [await photo("red.png", "#ff0000")], texts: ["red petals"], refine: 0 };
    const drawing = new DrawingModel(await device(), model);
    const styled = await StyledModel.create(drawing, await styleOfRun(inside("run")));
    const style = await styled.read(await readPhoto(request.styles[0]!, 16), { styleLength: 0.01 });
    expect(Math.sqrt(style.styles.reduce((sum, v) => sum + v * v, 0) / style.styles.length)).toBeCloseTo(0.01, 5);
    expect([...(await restyle({ ...request, styleLength: 0.01 })).images]).not.toEqual([...(await restyle(request)).images]);
  });

  it("takes a style so many times, and only then shortens it", async () => {
    const request = { source: inside("run"), styles: [await photo("red.png", "#ff0000")], texts: ["red petals"], refine: 0 };
    const styled = await StyledModel.create(new DrawingModel(await device(), model), await styleOfRun(inside("run")));
    const pixels = await readPhoto(request.styles[0]!, 16);
    const long = { styleLength: 100 };
    const { styles: once } = await styled.read(pixels, long);
    const { styles: thrice } = await styled.read(pixels, { ...long, styleStrength: 3 });
    thrice.forEach((v, i) => expect(v).toBeCloseTo(3 * once[i]!, 5));
    const { styles: short } = await styled.read(pixels, { styleStrength: 3, styleLength: 0.01 });
    expect(Math.sqrt(short.reduce((sum, v) => sum + v * v, 0) / short.length)).toBeCloseTo(0.01, 5);
    styled.destroy();
    const weak = { ...request, styleStrength: 0.1 };
    expect([...(await restyle(weak)).images]).not.toEqual([...(await restyle(request)).images]);
  });

  it("refines on request, and says how near it came", async () => {
    // Drawn by the generator, so that it can be drawn again.
    const { images } = await sample({ source: inside("run"), texts: ["red petals"], count: 1, seed: 6 });
    const rgb = Uint8Array.from({ length: EACH }, (_, i) => Math.round((images[(i % 3) * 256 + Math.floor(i / 3)]! + 1) * 127.5));
    await sharp(rgb, { raw: { width: 16, height: 16, channels: 3 } })
      .png()
      .toFile(inside("own.png"));
    const request = { source: inside("run"), styles: [inside("own.png")], texts: ["red petals"], refine: 100, captions: ["red petals"] };
    const { images: grid, inversion } = await restyle(request);
    const [before, after] = [inversion!.before[0]!, inversion!.after[0]!];
    expect(after).toBeLessThan(0.3 * before);
    const error = grid.subarray(EACH).reduce((sum, v, i) => sum + (v - grid[i]!) ** 2, 0) / EACH;
    expect(error).toBeCloseTo(after, 5);
  });

  it("warns when the generator is another, and refuses what is missing", async () => {
    const styles = [await photo("red.png", "#ff0000")];
    const request = { source: inside("run"), styles, texts: ["a"], refine: 0 };
    expect((await restyle({ ...request, generator: "raw" })).warnings.join()).toMatch(/trained with another generator/);
    await expect(restyle({ ...request, captions: ["a", "b"] })).rejects.toThrow("--caption says what each --style shows: 2 for 1 of them");
    await expect(restyle({ ...request, styles: [inside("none.jpg")] })).rejects.toThrow(/no such image/);
    await expect(restyle({ ...request, source: inside("run", "model.safetensors") })).rejects.toThrow(
      /model\.safetensors has no style encoder: a file gets it by .*export -- RUN --with style/,
    );
  });
});

describe("the words of the command", () => {
  const context = { catchInterrupt: () => new AbortController().signal, print: () => undefined, stderr: process.stderr };

  it.each([
    [["--text", "a"], /give an image to take the style from/],
    [["--style", "a.png"], /give a sentence to draw/],
    [["--style", "a.png", "--text", "a", "--caption", "b"], /--caption has no meaning without --refine N/],
    [["--style", "a.png", "--text", "a", "--out", "b.gif"], /its name must end in \.png/],
  ])("%j", async (words, message) => {
    const given = parseOptions(command, words);
    if (given === "help") throw new Error("help");
    await expect(command.run(given, context, [])).rejects.toThrow(message);
  });
});
