/** Text encoders on a folder of Persian captions: from the command line to the table, the chart, and the list of a grid's captions. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Command, type Context, parseOptions } from "../../../src/cli/command.js";
import { evaluate } from "../../../src/cli/evaluate.js";
import { prepare } from "../../../src/cli/prepare.js";
import { sample } from "../../../src/cli/sample.js";
import { train } from "../../../src/cli/train.js";
import { trainText } from "../../../src/cli/train-text.js";
import type { TextReport } from "../../../src/evaluate/text-encoders.js";
import { readPath } from "../../../src/node/files/read-bytes.js";
import { readTextEncoder } from "../../../src/train/text/encoder-file.js";

let folder: string;
const cacheBefore = process.env.PETALGRAD_CACHE;
const inside = (...names: string[]) => join(folder, ...names);

/** Colour by class, the first two unseen; each with its Persian name. */
const CLASSES = [
  ["rgb(220, 30, 30)", "قرمز"],
  ["rgb(40, 60, 220)", "آبی"],
  ["rgb(240, 220, 40)", "زرد"],
  ["rgb(240, 240, 240)", "سفید"],
  ["rgb(150, 40, 180)", "بنفش"],
  ["rgb(250, 150, 30)", "نارنجی"],
] as const;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-persian-"));
  process.env.PETALGRAD_CACHE = inside("cache");
  for (const [c, [background, colour]] of CLASSES.entries()) {
    for (let i = 0; i < 8; i++) {
      const name = `image_${c}${i}`;
      const write = (path: string[], content: string | Buffer) => {
        mkdirSync(inside(...path.slice(0, -1)), { recursive: true });
        writeFileSync(inside(...path), content);
      };
      const picture = sharp({ create: { width: 16, height: 16, channels: 3, background } });
      write(["flowers", "jpg", `${name}.png`], await picture.png().toBuffer());
      const captions = [`این گل گلبرگ‌های ${colour} دارد`, `یک گل ${colour} با پرچم زرد`, ...(i === 0 && c === 2 ? ["ژ☃ گل"] : [])];
      write(["flowers", "text_c10", `class_${c}`, `${name}.txt`], captions.join("\n"));
    }
  }
  writeFileSync(inside("flowers", "testclasses.txt"), "class_0\nclass_1\n");
});

afterAll(() => {
  if (cacheBefore === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command as the command line does. @returns what it prints */
async function run(command: unknown, ...words: string[]): Promise<string> {
  const printed: string[] = [];
  const context: Context = {
    catchInterrupt: () => new AbortController().signal,
    print: (line) => void printed.push(line),
    stderr: { write: () => true } as unknown as NodeJS.WriteStream,
  };
  const given = parseOptions(command as Command, words);
  if (given === "help") throw new Error("help was asked for");
  await (command as Command).run(given, context, []);
  return printed.join("\n");
}

const small = ["--image-size", "16", "--size", "16", "--image-width", "4", "--validation", "0", "--seed", "1"];
const encoderOf = (name: string) => inside(name, "text-encoder.safetensors");

describe("Persian captions", () => {
  it("make the alphabet, rare characters unknown, and come back with the encoder", async () => {
    const printed = await run(
      trainText,
      "--dataset",
      inside("flowers"),
      ...small,
      "--steps",
      "40",
      "--width",
      "8",
      "--run",
      inside("char"),
    );
    expect(printed).toContain(encoderOf("char"));
    const { alphabet } = await readPath(encoderOf("char"), readTextEncoder);
    expect(alphabet.toJSON().kind).toBe("captions");
    expect(alphabet.unknownIn("گل‌های زرد")).toEqual([]);
    expect(alphabet.unknownIn("گل ژ☃ red")).toEqual(["ژ", "☃", "r", "e", "d"]);
  });

  it("are measured beside a bag of their words: table, JSON, chart", async () => {
    await run(
      trainText,
      "--dataset",
      inside("flowers"),
      ...small,
      "--encoder",
      "bag-of-words",
      "--ngrams",
      "2",
      "--steps",
      "60",
      "--vocabulary-min",
      "2",
      "--run",
      inside("bag"),
    );
    const files = ["--text-encoder", encoderOf("char"), "--against", encoderOf("bag")];
    const out = ["--json", inside("report.json"), "--chart", inside("report.svg")];
    const table = await run(evaluate, ...files, "--dataset", inside("flowers"), ...out);
    expect(table).toContain("flowers: 2 unseen classes, 16 images, 32 captions");
    expect(table).toMatch(/chance +char +bag\n/);
    expect(table).toMatch(/ {2}top-1 +50\.0 %/);
    expect(table).toMatch(/bag: bag-of-words, 200 of \d+ words and runs of up to 2 words, /);
    expect(table).toContain("AP@50 can be 16.0 % at most");
    const report = JSON.parse(readFileSync(inside("report.json"), "utf8")) as TextReport;
    expect(report.encoders.map(({ name }) => name)).toEqual(["char", "bag"]);
    const [char] = report.encoders;
    expect(char!.bySentences!.map(({ sentences }) => sentences)).toEqual([1, 2, 4, 8, 16]);
    expect(char!.zeroShot).toEqual({ top1: char!.bySentences![4]!.top1, ap50: char!.bySentences![4]!.ap50 });
    expect(char!.zeroShot!.ap50).toBeCloseTo(8 / 50, 6);
    // Nobody knows the attributes of photographs.
    expect(table).not.toContain("petal colour");
    expect(report.chance).not.toHaveProperty("attributes");
    expect(report.chance.captionToImage[1]).toBeCloseTo(1 / 16, 9);
    const svg = readFileSync(inside("report.svg"), "utf8");
    for (const word of ["sentences of a class", "zero-shot top-1", "bag", "all"]) expect(svg).toContain(word);
  });

  it("condition a GAN from the command line to its lists of captions", async () => {
    const runs = inside("gan");
    await run(
      train,
      "--dataset",
      inside("flowers"),
      "--preset",
      "tiny",
      "--steps",
      "2",
      "--batch",
      "4",
      "--text-encoder",
      encoderOf("char"),
      "--run",
      runs,
    );
    const list = readFileSync(
      inside(
        "gan",
        "samples",
        readdirSync(inside("gan", "samples")).find((name) => name.endsWith(".txt"))!,
      ),
      "utf8",
    );
    // Between marks of isolation, the words in the order in which they are read.
    expect(list).toMatch(/row \d+: \u2068(این گل گلبرگ‌های|یک گل) .*\u2069 \(/u);
    const text = "این گل گلبرگ‌های آبی دارد";
    const printed = await run(sample, "--run", runs, "--text", text, "--count", "2", "--out", inside("grid.png"));
    expect(printed).toContain(`row 1: \u2068${text}\u2069\n`);
    expect(readFileSync(inside("grid.png")).subarray(1, 4).toString()).toBe("PNG");
  });

  it("list their images in the order of the rows of image features", async () => {
    await run(prepare, "--dataset", inside("flowers"), "--image-size", "16", "--image-list", inside("images.txt"));
    const lines = readFileSync(inside("images.txt"), "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(48);
    expect([lines[0], lines[8], lines[47]]).toEqual(["class_0/image_00", "class_1/image_10", "class_5/image_57"]);
  });

  it.each([
    [["--text-encoder", "x", "--run", "y"], "--run has no meaning with --text-encoder"],
    [["--dataset", "flowers"], "--dataset has no meaning without --text-encoder FILE"],
    [["--text-encoder", "x", "--chart", "a.png"], "--chart a.png: the chart is an SVG"],
    [["--text-encoder", "missing.safetensors"], "missing.safetensors cannot be read"],
  ])("%j: says what is wrong", async (words, message) => {
    await expect(run(evaluate, ...words)).rejects.toThrow(message);
  });
});
