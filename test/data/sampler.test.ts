/** Batches by seed and step: pairs that match and mismatch, and images with captions for the joint embedding. */
import { describe, expect, it } from "vitest";
import { fillCaptions } from "../../src/data/batch.js";
import { captionLengths, JointSampler, PairSampler } from "../../src/data/sampler.js";
import { tinyDataset } from "./tiny-dataset.js";

describe("PairSampler", () => {
  const dataset = tinyDataset({ classes: 10, imagesPerClass: 6, side: 6, size: 4, captionsOf: (i) => [`a${i}`, `b${i}`, `c${i}`] });

  it("is a function of seed and step", () => {
    const a = new PairSampler(dataset, { batch: 16, seed: 5 });
    const b = new PairSampler(dataset, { batch: 16, seed: 5 });
    a.batch(0);
    a.batch(1);
    expect(b.batch(9)).toEqual(a.batch(9));
    expect(a.batch(8)).not.toEqual(a.batch(9));
    expect(new PairSampler(dataset, { batch: 16, seed: 6 }).batch(9)).not.toEqual(a.batch(9));
  });

  it("pairs every image with one of another class of the same split, all classes equally often", () => {
    const train = new Set(dataset.split.train);
    const counts = new Map<number, number>();
    const partners = new Set<string>();
    const sampler = new PairSampler(dataset, { batch: 64, seed: 0 });
    for (let step = 0; step < 50; step++) {
      const { images, wrong } = sampler.batch(step);
      images.forEach((image, row) => {
        const own = dataset.classOf(image);
        const other = dataset.classOf(wrong[row]!);
        expect(train.has(own) && train.has(other) && own !== other).toBe(true);
        counts.set(own, (counts.get(own) ?? 0) + 1);
        partners.add(`${own} ${other}`);
      });
    }
    expect(partners.size).toBe(8 * 7);
    for (const count of counts.values()) {
      expect(Math.abs(count - 400)).toBeLessThan(100);
    }
  });

  it("draws N captions of the row's image, with replacement", () => {
    const sampler = new PairSampler(dataset, { batch: 64, seed: 0, captionsPerImage: 4 });
    const { images, captions, wrong, wrongCaptions } = sampler.batch(0);
    expect(captions).toHaveLength(256);
    const used = new Set<number>();
    captions.forEach((caption, i) => {
      expect(dataset.imageOfCaption(caption)).toBe(images[Math.floor(i / 4)]);
      used.add(caption - dataset.firstCaption(images[Math.floor(i / 4)]!));
    });
    // Four of three captions: a repetition in every row.
    expect([...used].sort()).toEqual([0, 1, 2]);
    wrongCaptions.forEach((caption, i) => expect(dataset.imageOfCaption(caption)).toBe(wrong[Math.floor(i / 4)]));
    expect(new PairSampler(dataset, { batch: 8, seed: 0, captionsPerImage: 1 }).batch(0).captions).toHaveLength(8);
  });

  it("draws N different captions where asked for, each as likely, and all of them equally often where there are fewer", () => {
    const five = tinyDataset({ classes: 4, imagesPerClass: 3, captionsOf: (i) => [0, 1, 2, 3, 4].map((k) => `${i} ${k}`) });
    const options = { batch: 64, seed: 0, differentCaptions: true };
    const sampler = new PairSampler(five, { ...options, captionsPerImage: 3 });
    const counts = [0, 0, 0, 0, 0];
    for (let step = 0; step < 20; step++) {
      const { images, captions, wrong, wrongCaptions } = sampler.batch(step);
      for (const [owners, drawn] of [
        [images, captions],
        [wrong, wrongCaptions],
      ] as const)
        owners.forEach((image, row) => {
          const own = [...drawn.subarray(3 * row, 3 * row + 3)];
          expect(own.map((caption) => five.imageOfCaption(caption))).toEqual([image, image, image]);
          expect(new Set(own).size).toBe(3);
          for (const caption of own) counts[caption - five.firstCaption(image)]!++;
        });
    }
    // 2 * 64 * 20 * 3 / 5; its standard deviation is 25.
    for (const count of counts) expect(Math.abs(count - 1536)).toBeLessThan(100);
    const seven = new PairSampler(dataset, { ...options, captionsPerImage: 7 }).batch(0);
    for (let row = 0; row < 64; row++) {
      const places = [...seven.captions.subarray(7 * row, 7 * row + 7)].map(
        (caption) => caption - dataset.firstCaption(seven.images[row]!),
      );
      expect(new Set(places.slice(0, 3)).size).toBe(3);
      expect(places.slice(3)).toEqual([...places.slice(0, 3), places[0]]);
    }
  });

  it("crops at offsets 1 to the margin, never 0, and mirrors half of the images unless told not to", () => {
    const { views, wrongViews } = new PairSampler(dataset, { batch: 512, seed: 0 }).batch(0);
    for (const { x, y, mirror } of [views, wrongViews]) {
      expect(new Set(x)).toEqual(new Set([1, 2]));
      expect(new Set(y)).toEqual(new Set([1, 2]));
      const mirrored = mirror.reduce((sum, value) => sum + value, 0);
      expect(Math.abs(mirrored - 256)).toBeLessThan(60);
    }
    expect(new Set(new PairSampler(dataset, { batch: 64, seed: 0, mirror: false }).batch(0).views.mirror)).toEqual(new Set([0]));
    expect(new Set(new PairSampler(tinyDataset(), { batch: 64, seed: 0 }).batch(0).views.x)).toEqual(new Set([0]));
  });

  it("says what is wrong with its options", () => {
    expect(() => new PairSampler(dataset, { batch: 0, seed: 0 })).toThrow(/batch must be a positive integer/);
    expect(() => new PairSampler(dataset, { batch: 4, seed: 0, captionsPerImage: 0 })).toThrow(/captionsPerImage/);
    expect(() => new PairSampler(tinyDataset({ classes: 5 }), { batch: 4, seed: 0, split: "test" })).toThrow(
      /1 class with images, .* needs 2 /,
    );
  });
});

describe("JointSampler", () => {
  // Caption lengths from 1 to 40, alike in every class.
  const dataset = tinyDataset({
    classes: 10,
    imagesPerClass: 20,
    captionsOf: (i) => ["x".repeat(2 * (i % 20) + 1), "y".repeat(2 * (i % 20) + 2)],
  });

  it("draws one image and one of its captions of each of `batch` different classes, as a function of seed and step", () => {
    const sampler = new JointSampler(dataset, { batch: 6, seed: 1 });
    for (let step = 0; step < 30; step++) {
      const { classes, images, captions } = sampler.batch(step);
      expect(new Set(classes).size).toBe(6);
      images.forEach((image, row) => {
        expect(dataset.classOf(image)).toBe(classes[row]);
        expect(dataset.imageOfCaption(captions[row]!)).toBe(image);
        expect(dataset.split.train).toContain(classes[row]);
      });
    }
    expect(new JointSampler(dataset, { batch: 6, seed: 1 }).batch(17)).toEqual(sampler.batch(17));
    expect(sampler.batch(16)).not.toEqual(sampler.batch(17));
  });

  it("knows the longest caption: no character lies beyond it, one lies in its last column", () => {
    const sampler = new JointSampler(dataset, { batch: 6, seed: 1 });
    for (let step = 0; step < 20; step++) {
      const { captions, length } = sampler.batch(step);
      const rows = fillCaptions(dataset, captions);
      const columns = Array.from({ length: 201 }, (_, column) => captions.some((_caption, row) => rows[row * 201 + column] !== 0));
      expect(columns.lastIndexOf(true)).toBe(length - 1);
    }
  });

  it("groups captions by length, and draws each as often as without grouping", () => {
    const mean = (groupByLength: boolean): { length: number; share: Float64Array } => {
      const sampler = new JointSampler(dataset, { batch: 8, seed: 2, groupByLength });
      const share = new Float64Array(40);
      let length = 0;
      for (let step = 0; step < 4000; step++) {
        const batch = sampler.batch(step);
        length += batch.length / 4000;
        batch.captions.forEach((caption) => (share[dataset.caption(caption).length - 1]! += 1 / 32000));
      }
      return { length, share };
    };
    const grouped = mean(true);
    const plain = mean(false);
    expect(grouped.length).toBeLessThan(0.75 * plain.length);
    for (let i = 0; i < 40; i++) {
      // Rows of one batch share a length, so its share varies as that of 4,000 draws does: at worst .025 +- .0025.
      expect(Math.abs(grouped.share[i]! - 1 / 40)).toBeLessThan(0.008);
      expect(Math.abs(plain.share[i]! - 1 / 40)).toBeLessThan(0.008);
    }
  });

  it("gives an image with few captions no more than its share", () => {
    // Image 0 has one caption, image 1 nine: each should still be drawn half of the time.
    const uneven = tinyDataset({
      classes: 5,
      imagesPerClass: 2,
      captionsOf: (i) => Array.from({ length: i % 2 === 0 ? 1 : 9 }, (_, j) => "z".repeat(j + 1)),
    });
    const sampler = new JointSampler(uneven, { batch: 4, seed: 0 });
    let first = 0;
    for (let step = 0; step < 1500; step++) {
      sampler.batch(step).images.forEach((image) => (first += image % 2 === 0 ? 1 / 6000 : 0));
    }
    expect(Math.abs(first - 0.5)).toBeLessThan(0.05);
  });

  it("shifts images without a margin by up to `shift` pixels", () => {
    const { views } = new JointSampler(tinyDataset({ classes: 100, imagesPerClass: 1 }), { batch: 80, seed: 0, shift: 1 }).batch(0);
    expect(new Set(views.x)).toEqual(new Set([-1, 0, 1]));
  });

  it("draws parts to enlarge, and brightnesses, within their bounds, and else draws as without", () => {
    const options = { batch: 80, seed: 0, shift: 1 };
    const data = tinyDataset({ classes: 100, imagesPerClass: 1, size: 16 });
    const { views, ...rest } = new JointSampler(data, { ...options, crop: 0.5, light: 0.25 }).batch(0);
    const { part, light, ...others } = views;
    expect({ views: others, ...rest }).toEqual(new JointSampler(data, options).batch(0));
    part!.side.forEach((side, row) => {
      expect(side).toBeGreaterThanOrEqual(8);
      for (const corner of [part!.left[row]!, part!.top[row]!]) {
        expect(corner).toBeGreaterThanOrEqual(0);
        expect(corner + side).toBeLessThanOrEqual(16);
      }
    });
    expect(Math.max(...part!.side) - Math.min(...part!.side)).toBeGreaterThan(6);
    expect(Math.min(...light!)).toBeGreaterThanOrEqual(0.75);
    expect(Math.max(...light!)).toBeLessThan(1.25);
    expect(Math.max(...light!) - Math.min(...light!)).toBeGreaterThan(0.4);
  });

  it("draws several captions of a row's image, of the first ones where so asked, and knows the longest", () => {
    const ten = tinyDataset({ classes: 10, captionsOf: (i) => Array.from({ length: 10 }, (_, j) => "x".repeat(10 * j + i + 1)) });
    const all = new Set<number>();
    for (let step = 0; step < 50; step++) {
      const { images, captions, length } = new JointSampler(ten, { batch: 4, seed: 3, captionsPerImage: 3, sentences: 5 }).batch(step);
      expect(captions).toHaveLength(12);
      captions.forEach((caption, i) => {
        expect(ten.imageOfCaption(caption)).toBe(images[Math.floor(i / 3)]);
        all.add(caption - ten.firstCaption(images[Math.floor(i / 3)]!));
      });
      expect(length).toBe(Math.max(...[...captions].map((caption) => ten.caption(caption).length)));
    }
    expect([...all].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it("draws from the classes it is given, and measures captions as it is told", () => {
    const { classes, length } = new JointSampler(dataset, { batch: 3, seed: 0, classes: [1, 8, 9], lengthOf: () => 7 }).batch(0);
    expect([...classes].sort()).toEqual([1, 8, 9]);
    expect(length).toBe(7);
  });

  it("says when a split has too few classes", () => {
    expect(() => new JointSampler(dataset, { batch: 9, seed: 0 })).toThrow(/train split has 8 classes .* needs 9/);
  });
});

describe("captionLengths", () => {
  it("counts characters, at most 201", () => {
    const lengths = captionLengths(tinyDataset({ captionsOf: (i) => ["a".repeat(i + 1), "b".repeat(400)] }));
    expect([...lengths.subarray(0, 4)]).toEqual([1, 201, 2, 201]);
  });
});
