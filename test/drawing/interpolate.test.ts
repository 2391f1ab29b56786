/** Interpolation: the ways between vectors, the grid of two walks, its frames, and the animation made of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseOptions } from "../../src/cli/command.js";
import { interpolate as command } from "../../src/cli/interpolate.js";
import { animation } from "../../src/node/files/animation.js";
import { frames } from "../../src/drawing/interpolate.js";
import { interpolate, type InterpolateRequest, restyle, sample } from "../../src/node/drawing.js";
import { loadModel } from "../../src/node/files/load-model.js";
import { MODEL_NAME, STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../src/train/run/names.js";
import { networkDigest } from "../../src/train/run/network-file.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { encodeStyle } from "../../src/train/style/file.js";
import { walk } from "../../src/drawing/walk.js";
import { tinyRun, tinyStyle } from "../node/files/tiny-run.js";

const EACH = 3 * 16 * 16;
let folder: string;
let source: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-interpolate-"));
  const run = await tinyRun(join(folder, "run"));
  source = run.path;
  const { generator } = await loadModel(source);
  const style = await tinyStyle(generator.options);
  const file = await encodeStyle({ style, generator: await networkDigest(generator), kind: "ema" });
  await run.writeFile(join(STYLE_FOLDER, STYLE_ENCODER_NAME), file);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("walk", () => {
  const near = (values: Float32Array, ...expected: number[]) => expected.forEach((v, i) => expect(values[i]!).toBeCloseTo(v, 6));

  it("goes along the line at equal shares", () => {
    near(walk(Float32Array.of(0, 4), Float32Array.of(2, 0), 5, "linear"), 0, 4, 0.5, 3, 1, 2, 1.5, 1, 2, 0);
  });

  it("goes along the arc at equal angles, and keeps the length", () => {
    const third = Math.PI / 6;
    const points = walk(Float32Array.of(2, 0), Float32Array.of(0, 2), 4, "spherical");
    near(points, ...[0, 1, 2, 3].flatMap((i) => [2 * Math.cos(i * third), 2 * Math.sin(i * third)]));
    // Long noise vectors are nearly at right angles: the line's middle is short, the arc's is not.
    const [a, b] = [normalNoise(1, 400, 1), normalNoise(1, 400, 2)];
    const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    expect(length(walk(a, b, 3, "spherical").subarray(400, 800))).toBeGreaterThan(18);
    expect(length(walk(a, b, 3, "linear").subarray(400, 800))).toBeLessThan(16);
  });

  it("goes along the line where there is no one arc", () => {
    near(walk(Float32Array.of(1, 1), Float32Array.of(3, 3), 3, "spherical"), 1, 1, 2, 2, 3, 3);
    near(walk(Float32Array.of(1, 0), Float32Array.of(-1, 0), 3, "spherical"), 1, 0, 0, 0, -1, 0);
    near(walk(Float32Array.of(0, 0), Float32Array.of(2, 0), 3, "spherical"), 0, 0, 1, 0, 2, 0);
  });
});

describe("interpolate", () => {
  const at = (images: Float32Array, i: number) => images.subarray(i * EACH, (i + 1) * EACH);
  const same = (a: Float32Array, b: Float32Array) => a.forEach((v, i) => expect(v).toBeCloseTo(b[i]!, 5));
  const texts = { from: "red petals", to: "many blue petals" };
  const run = (request: Partial<InterpolateRequest>) =>
    interpolate({ source, texts, styles: { at: [{ seed: 1 }] }, steps: 3, refine: 0, ...request });

  it("walks between texts: the ends are what sample draws", async () => {
    const { images, rows, columns, size } = await run({ styles: { at: [{ seed: 4 }, { seed: 9 }] } });
    expect([rows, columns, size, images.length]).toEqual([2, 3, 16, 6 * EACH]);
    for (const [row, seed] of [4, 9].entries()) {
      const ends = await sample({ source, texts: [texts.from, texts.to], count: 1, seed });
      same(at(images, 3 * row), at(ends.images, 0));
      same(at(images, 3 * row + 2), at(ends.images, 1));
    }
    expect([...at(images, 1)]).not.toEqual([...at(images, 0)]);
  });

  it("walks between styles along the columns, where the text stays", async () => {
    const styles = { from: { seed: 4 }, to: { seed: 9 } };
    const { images, rows, columns } = await run({ texts: { at: ["red petals", "a flower"] }, styles });
    expect([rows, columns]).toEqual([2, 3]);
    const end = await sample({ source, texts: ["red petals", "a flower"], count: 1, seed: 9 });
    same(at(images, 2), at(end.images, 0));
    same(at(images, 5), at(end.images, 1));
    const straight = await run({ texts: { at: ["red petals"] }, styles, path: "linear" });
    same(at(straight.images, 0), at(images, 0));
    expect([...at(straight.images, 1)]).not.toEqual([...at(images, 1)]);
  });

  it("walks both ways at once: texts along the columns, styles along the rows", async () => {
    const { images, rows, columns } = await run({ styles: { from: { seed: 4 }, to: { seed: 9 } }, truncation: 1 });
    expect([rows, columns]).toEqual([3, 3]);
    const corner = await sample({ source, texts: [texts.to], count: 1, seed: 4, truncation: 1 });
    same(at(images, 2), at(corner.images, 0));
    const other = await sample({ source, texts: [texts.from], count: 1, seed: 9, truncation: 1 });
    same(at(images, 6), at(other.images, 0));
  });

  it("takes styles from images by the run's style encoder", async () => {
    const image = join(folder, "green.png");
    await sharp({ create: { width: 20, height: 20, channels: 3, background: "#10f080" } }).toFile(image);
    const { images } = await run({ styles: { from: { seed: 4 }, to: { image } }, texts: { at: ["red petals"] } });
    const styled = await restyle({ source, styles: [image], texts: ["red petals"], refine: 0 });
    same(at(images, 2), at(styled.images, 1));
    await expect(run({ source: join(source, MODEL_NAME), styles: { at: [{ image }] } })).rejects.toThrow(
      /model\.safetensors has no style encoder: a file gets it by .*export -- RUN --with style/,
    );
  });
});

describe("the animation", () => {
  const shade = (value: number) => new Float32Array(EACH).fill(value);

  it("has a frame a column, with the column's images in it", () => {
    const images = Float32Array.from({ length: 6 * EACH }, (_, i) => Math.floor(i / EACH));
    const all = frames({ images, rows: 2, columns: 3, size: 16 });
    expect(all.map((frame) => [frame.length / EACH, frame[0], frame[EACH]])).toEqual([
      [2, 0, 3],
      [2, 1, 4],
      [2, 2, 5],
    ]);
  });

  it.each(["gif", "webp"] as const)("plays there and back for ever, as %s", async (format) => {
    const bytes = await animation([shade(-1), shade(0), shade(1)], 16, { format, columns: 1, delay: 120 });
    const { pages, pageHeight, width, delay, loop, format: written } = await sharp(bytes, { pages: -1 }).metadata();
    expect({ pages, pageHeight, width, delay, loop, written }).toEqual({
      ...{ pages: 4, pageHeight: 20, width: 20, delay: [120, 120, 120, 120], loop: 0, written: format },
    });
    const { data, info } = await sharp(bytes, { pages: -1 }).raw().toBuffer({ resolveWithObject: true });
    const middle = (page: number) => data[info.channels * ((page * 20 + 10) * 20 + 10)]!;
    [0, 128, 255, 128].forEach((level, page) => expect(Math.abs(middle(page) - level), `page ${page}`).toBeLessThan(6));
  });
});

describe("the words of the command", () => {
  const context = { catchInterrupt: () => new AbortController().signal, print: () => undefined, stderr: process.stderr };
  const run = async (...words: string[]) => {
    const given = parseOptions(command, words);
    if (given === "help") throw new Error("help");
    await command.run(given, context, []);
  };

  it.each([
    [[], /give both ends of a walk: --from/],
    [["--text", "a", "--style", "1"], /give both ends of a walk/],
    [["--from", "a"], /--from is one end of a walk: give the other with --to/],
    [["--from", "a", "--to", "b", "--style-to", "2"], /--style-to is one end of a walk: give the other with --style-from/],
    [["--from", "a", "--to", "b", "--text", "c"], /--text stays and --from walks/],
    [["--style-from", "1", "--style-to", "2"], /give the sentence that stays/],
    [["--from", "a", "--to", "b", "--refine", "5"], /--refine has no meaning where no style is an image's/],
    [["--from", "a", "--to", "b", "--style-strength", "2"], /--style-strength has no meaning where no style is an image's/],
    [["--from", "a", "--to", "b", "--style-length", "2"], /--style-length has no meaning where no style is an image's/],
    [["--from", "a", "--to", "b", "--style", "x.png", "--truncation", "1"], /--truncation has no meaning where every style is an image's/],
    [["--from", "a", "--to", "b", "--delay", "50"], /--delay has no meaning without --animation/],
    [["--from", "a", "--to", "b", "--out", "x.jpg"], /--out x\.jpg: its name must end in \.png/],
    [["--from", "a", "--to", "b", "--animation", "x.png"], /--animation x\.png: its name must end in \.gif or \.webp/],
    [["--from", "a", "--to", "b", "--style", "99999999999"], /the seed 99999999999 is too large/],
  ])("%j", async (words, message) => {
    await expect(run(...words)).rejects.toThrow(message);
  });
});
