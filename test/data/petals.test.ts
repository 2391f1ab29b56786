/** Petals: its classes, captions and pictures, and that they stay the same bit for bit. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  BACKGROUNDS,
  CENTRE_COLOURS,
  CENTRE_SIZES,
  LEAVES,
  PETAL_COLOURS,
  PETAL_COUNTS,
  PETAL_LENGTHS,
  PETAL_SHAPES,
  type PetalsAttributes,
} from "../../src/data/petals-attributes.js";
import { BACKGROUND_COLOURS } from "../../src/data/petals-background.js";
import { PETAL_COLOUR_WORDS, petalsCaptions } from "../../src/data/petals-captions.js";
import { className, isHeldOut, petalsAttributes, petalsClasses } from "../../src/data/petals-classes.js";
import { renderPetals } from "../../src/data/petals-render.js";
import { makePetals, petalsImage } from "../../src/data/petals.js";
import { RandomStream } from "../../src/random/philox.js";
import { resizeArea } from "../../src/data/resize.js";

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const indices = petalsClasses().map((_, i) => i);

describe("classes of petals", () => {
  const classes = petalsClasses();
  const train = classes.filter((_, i) => !isHeldOut(i));

  it("are 260 different ones, a tenth of them held out", () => {
    expect(classes).toHaveLength(260);
    expect(new Set(indices.map((i) => className(i).slice(4))).size).toBe(260);
    expect(train).toHaveLength(234);
  });

  it("show every value of every named attribute in training, about equally often, and every colour in testing", () => {
    const values = {
      petalColour: PETAL_COLOURS,
      petalCount: PETAL_COUNTS,
      petalShape: PETAL_SHAPES,
      petalLength: PETAL_LENGTHS,
      centreColour: CENTRE_COLOURS,
      centreSize: CENTRE_SIZES,
      leaves: LEAVES,
    } as const;
    for (const [key, choices] of Object.entries(values)) {
      for (const value of choices) {
        const count = train.filter((one) => one[key as keyof typeof values] === value).length;
        expect(count, `${key} ${value}`).toBeGreaterThan(0.6 * (234 / choices.length));
      }
    }
    const tested = new Set(classes.filter((_, i) => isHeldOut(i)).map((one) => one.petalColour));
    expect(tested.size).toBe(PETAL_COLOURS.length);
  });

  it("hold out no class that differs from a training class in one attribute only", () => {
    for (const [i, a] of classes.entries()) {
      for (const b of classes.slice(0, i)) {
        const differences = Object.keys(a).filter((key) => a[key as keyof typeof a] !== b[key as keyof typeof b]);
        expect(differences.length).toBeGreaterThanOrEqual(2);
      }
    }
  });

  it("have styles that do not depend on the class's attributes: every background behind every colour", () => {
    const seen = new Set<string>();
    for (const i of indices) {
      for (let k = 0; k < 20; k++) {
        const { named, style } = petalsAttributes(0, i, k);
        seen.add(`${named.petalColour} ${style.background}`);
      }
    }
    expect(seen.size).toBe(PETAL_COLOURS.length * BACKGROUNDS.length);
  });
});

describe("captions of petals", () => {
  const all = indices.map((i) => petalsCaptions(petalsClasses()[i]!, new RandomStream(1, 9, i)));

  it("are ten different ones an image, lower-case ASCII, at most 201 characters", () => {
    for (const captions of all) {
      expect(new Set(captions).size).toBe(10);
      for (const caption of captions) {
        expect(caption).toMatch(/^[a-z][a-z,.' -]{8,200}$/);
        expect(caption).not.toMatch(/undefined| {2}|\ba [aeiou]|\ban [^aeiou]/);
      }
    }
  });

  it("always name the petals' colour, truly", () => {
    for (const i of indices) {
      const { petalColour, centreColour } = petalsClasses()[i]!;
      const others = PETAL_COLOURS.filter((colour) => colour !== petalColour && colour !== centreColour);
      for (const caption of all[i]!) {
        expect(
          PETAL_COLOUR_WORDS[petalColour].some((word) => caption.includes(word)),
          caption,
        ).toBe(true);
        for (const other of others) {
          // "yellow" may be golden, "green" never a petal's colour; a word of another colour would be a lie.
          expect(new RegExp(`\\b(?:${PETAL_COLOUR_WORDS[other].join("|")})\\b`).test(caption), `${caption} (${other})`).toBe(false);
        }
      }
    }
  });

  it("name each of the other attributes in some of an image's captions, and are rich", () => {
    const text = all.map((captions) => captions.join(" "));
    const share = (words: RegExp, of: (i: number) => boolean): number => {
      const those = indices.filter(of);
      return those.filter((i) => words.test(text[i]!)).length / those.length;
    };
    const classes = petalsClasses();
    expect(share(/\bfive\b/, (i) => classes[i]!.petalCount === 5)).toBeGreaterThan(0.9);
    expect(share(/\bfive\b/, (i) => classes[i]!.petalCount !== 5)).toBe(0);
    expect(share(/pointed|pointy|tapered/, (i) => classes[i]!.petalShape === "pointed")).toBeGreaterThan(0.9);
    expect(share(/pointed|pointy|tapered/, (i) => classes[i]!.petalShape !== "pointed")).toBe(0);
    expect(share(/brown/, (i) => classes[i]!.centreColour === "brown")).toBeGreaterThan(0.9);
    expect(share(/brown/, (i) => classes[i]!.centreColour !== "brown")).toBe(0);
    expect(share(/leaf|leaves|bare stem/, () => true)).toBeGreaterThan(0.9);
    expect(new Set(all.flat()).size).toBeGreaterThan(1250);
  });
});

describe("pictures of petals", () => {
  it("are a function of seed, class and number: always the same, in any order", () => {
    const first = [3, 1, 2].map((k) => hash(petalsImage(5, 17, k, 32).pixels));
    const again = [1, 2, 3].map((k) => hash(petalsImage(5, 17, k, 32).pixels));
    expect([again[2], again[0], again[1]]).toEqual(first);
    expect(new Set([...first, hash(petalsImage(6, 17, 1, 32).pixels), hash(petalsImage(5, 18, 1, 32).pixels)]).size).toBe(5);
  });

  it("are antialiased: a small picture is about the mean of a large one", () => {
    let error = 0;
    const count = 12;
    for (let i = 0; i < count; i++) {
      const small = petalsImage(0, i * 10, 0, 48).pixels;
      const large = resizeArea(petalsImage(0, i * 10, 0, 384).pixels, 384, 384, 48, 48);
      for (let j = 0; j < small.length; j++) {
        error += Math.abs(small[j]! - large[j]!) / small.length / count;
      }
    }
    // Hard edges cost 3 levels and more.
    expect(error).toBeLessThan(2);
  });

  /** Mean colour over a disc. */
  function mean(pixels: Uint8Array, size: number, x: number, y: number, radius: number): number[] {
    const sum = [0, 0, 0];
    let count = 0;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        if (Math.hypot((column + 0.5) / size - x, (row + 0.5) / size - y) <= radius) {
          count++;
          [0, 1, 2].forEach((channel) => (sum[channel]! += pixels[(row * size + column) * 3 + channel]!));
        }
      }
    }
    return sum.map((value) => value / count);
  }

  const plain: PetalsAttributes = {
    named: {
      petalColour: "red",
      petalCount: 6,
      petalShape: "round",
      petalLength: "long",
      centreColour: "yellow",
      centreSize: "large",
      leaves: "none",
    },
    style: {
      background: "stone",
      backgroundColour: [140, 140, 140],
      texture: 0.5,
      x: 0.5,
      y: 0.45,
      scale: 1,
      rotation: 0,
      tilt: 0,
      facing: -Math.PI / 2,
      light: -Math.PI / 2,
    },
  };
  const draw = (named: Partial<PetalsAttributes["named"]>, style: Partial<PetalsAttributes["style"]> = {}): Uint8Array =>
    renderPetals({ named: { ...plain.named, ...named }, style: { ...plain.style, ...style } }, 64, new RandomStream(4));

  it.each([
    ["red", (r: number, g: number, b: number) => r > 2 * g && r > 2 * b],
    ["blue", (r: number, g: number, b: number) => b > 1.5 * r && b > 1.2 * g],
    ["yellow", (r: number, g: number, b: number) => r > 2 * b && g > 2 * b],
    ["white", (r: number, g: number, b: number) => Math.min(r, g, b) > 195],
  ] as const)("show %s petals", (petalColour, holds) => {
    // Half-way along the petal that points right.
    const [r = NaN, g = NaN, b = NaN] = mean(draw({ petalColour }), 64, 0.73, 0.45, 0.04);
    expect(holds(r, g, b), `${r} ${g} ${b}`).toBe(true);
  });

  it("show the centre in its colour and size, and petals of the length named", () => {
    const [r = NaN, g = NaN, b = NaN] = mean(draw({}), 64, 0.5, 0.45, 0.06);
    expect(r > 150 && g > 110 && b < 100).toBe(true);
    const ring = (named: Partial<PetalsAttributes["named"]>, x: number): number =>
      mean(draw(named), 64, x, 0.45, 0.02)[0]! - mean(draw(named), 64, x, 0.45, 0.02)[1]!;
    // Redness: petals where a large centre would be, stone where a long petal would be.
    expect(ring({ centreSize: "large" }, 0.585)).toBeLessThan(90);
    expect(ring({ centreSize: "small" }, 0.585)).toBeGreaterThan(100);
    expect(ring({ petalLength: "long" }, 0.83)).toBeGreaterThan(100);
    expect(ring({ petalLength: "short" }, 0.83)).toBeLessThan(40);
  });

  it.each(PETAL_COUNTS.filter((count) => count < 20))("show %d petals", (petalCount) => {
    const size = 128;
    const pixels = renderPetals({ ...plain, named: { ...plain.named, petalCount, petalShape: "narrow" } }, size, new RandomStream(4));
    // Runs of red on a circle through the petals.
    const red = Array.from({ length: 720 }, (_, i) => {
      const x = Math.floor((0.5 + 0.3 * Math.cos((i * Math.PI) / 360)) * size);
      const y = Math.floor((0.45 + 0.3 * Math.sin((i * Math.PI) / 360)) * size);
      const at = (y * size + x) * 3;
      return pixels[at]! > pixels[at + 1]! + 60;
    });
    const starts = red.flatMap((here, i) => (here && !red[(i + 719) % 720] ? [i] : []));
    expect(starts).toHaveLength(petalCount);
    // Spread evenly but for the little that petals differ by.
    const gaps = starts.map((start, i) => (starts[(i + 1) % petalCount]! - start + 720) % 720);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThan(0.55 * (720 / petalCount));
  });

  it("show leaves where there are leaves", () => {
    const green = (pixels: Uint8Array): number => {
      let count = 0;
      for (let i = 0; i < pixels.length; i += 3) {
        count += pixels[i + 1]! > pixels[i]! + 25 && pixels[i + 1]! > pixels[i + 2]! + 25 ? 1 : 0;
      }
      return count;
    };
    const [none = NaN, narrow, broad] = (["none", "narrow", "broad"] as const).map((leaves) =>
      green(draw({ leaves, petalLength: "short" })),
    );
    expect(narrow).toBeGreaterThan(none + 60);
    expect(broad).toBeGreaterThan(none + 60);
  });

  it.each(BACKGROUNDS)("have a background of about its colour: %s", (background) => {
    const [low, high] = BACKGROUND_COLOURS[background];
    for (const backgroundColour of [low, high]) {
      const style = { ...plain.style, background, backgroundColour, y: 0.4, scale: 0.3 };
      const pixels = renderPetals({ named: plain.named, style }, 64, new RandomStream(7));
      const corners = [0.12, 0.88].flatMap((x) => [0.12, 0.88].map((y) => mean(pixels, 64, x, y, 0.12)));
      backgroundColour.forEach((value, channel) => {
        const found = corners.reduce((sum, corner) => sum + corner[channel]! / 4, 0);
        expect(Math.abs(found - value), `${background} channel ${channel}`).toBeLessThan(40);
      });
    }
  });
});

describe("makePetals", () => {
  it("makes images of every class with captions and attributes", async () => {
    const seen: number[] = [];
    const made = await makePetals({ size: 16, imagesPerClass: 2, seed: 3, onProgress: (done, total) => seen.push(done / total) });
    expect(made.images).toHaveLength(520);
    expect(made.pixels).toHaveLength(520 * 16 * 16 * 3);
    expect(made.attributes).toHaveLength(520);
    expect(made.split.train).toHaveLength(234);
    expect(seen.at(-1)).toBe(1);
    const image = petalsImage(3, 70, 1, 16);
    expect(made.pixels.subarray(141 * 768, 142 * 768)).toEqual(image.pixels);
    expect(made.images[141]!.captions).toEqual(image.captions);
    expect(made.attributes![141]).toEqual(image.attributes);
  });

  it("stops when asked to, and refuses a size of 0", async () => {
    await expect(makePetals({ size: 16, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    await expect(makePetals({ size: 0 })).rejects.toThrow(/size must be a positive integer, not 0/);
  });
});
