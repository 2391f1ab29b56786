/** The models that a clone brings along: they are the files that models/README.md describes, small enough, and each draws. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DrawingModel } from "../src/drawing/drawing-model.js";
import { sample } from "../src/drawing/sample.js";
import { StyledModel } from "../src/drawing/styled-model.js";
import { readGan } from "../src/train/gan/model-file.js";
import { readStylePart } from "../src/train/style/file.js";
import { device } from "./device.js";

const page = readFileSync("models/README.md", "utf8");
const files = readdirSync("models").filter((name) => name.endsWith(".safetensors"));

describe.each(files)("models/%s", (name) => {
  const bytes = readFileSync(`models/${name}`);
  /** The page's row of what the file holds. */
  const described = page.split(`## ${name}\n`)[1]?.match(/^\| holds +\|(.*)\|$/m)?.[1] ?? "";

  it("is the file that models/README.md describes, and at most 10 MB", () => {
    expect(described).toContain("averaged generator");
    expect(page).toContain(createHash("sha256").update(bytes).digest("hex"));
    expect(bytes.length).toBeLessThanOrEqual(10_000_000);
  });

  it("draws sentences and, where the page says so, judges and reads styles, without a warning", async () => {
    const model = await readGan(bytes, name);
    const drawing = new DrawingModel(await device(), model, name, model.fileWarnings);
    const texts = ["red petals", "blue petals"];
    const images = await sample(drawing, texts, { count: 4, seed: 1 });
    const each = images.length / 8;
    // In the middle, red petals are redder than blue ones, which are bluer.
    const middle = (image: number, channel: number): number => {
      const { imageSize: size } = model.generator.options;
      let sum = 0;
      for (let y = size / 4; y < (3 * size) / 4; y++)
        for (let x = size / 4; x < (3 * size) / 4; x++) sum += images[image * each + (channel * size + y) * size + x]!;
      return sum / (size / 2) ** 2;
    };
    const redness = (row: number) => [0, 1, 2, 3].reduce((sum, i) => sum + middle(4 * row + i, 0) - middle(4 * row + i, 2), 0) / 4;
    expect(redness(0)).toBeGreaterThan(0.3);
    expect(redness(1)).toBeLessThan(-0.3);
    expect(model.discriminator !== undefined).toBe(described.includes("discriminator"));
    if (model.discriminator) {
      const embeddings = await drawing.embed(["red petals", "red petals", "red petals", "red petals"]);
      for (const probability of await drawing.judge(images.slice(0, 4 * each), embeddings)) expect(probability).toBeGreaterThan(0);
    }
    const style = await readStylePart(bytes, name);
    expect(style !== undefined).toBe(described.includes("style encoder"));
    if (style) {
      const styled = await StyledModel.create(drawing, style);
      const { styles } = await styled.read(images.slice(0, each));
      expect(styles.some((value) => Math.abs(value) > 0.1)).toBe(true);
      styled.destroy();
    }
    expect(drawing.warnings).toEqual([]);
    drawing.destroy();
  });
});

it("there are those that the command line and the studio name", () =>
  expect(files.sort()).toEqual(["flowers.safetensors", "petals.safetensors"]));
