/** A part of a data set. */
import { describe, expect, it } from "vitest";
import { subset } from "../../src/data/subset.js";
import { patches } from "../evaluate/patches.js";

describe("a part of a data set", () => {
  it("has the images that are kept, under their own numbers", () => {
    const dataset = patches();
    const part = subset(dataset, (image) => image % 4 === 0);
    expect(part.imagesOfClass(1)).toEqual([8, 12]);
    expect(part.imagesOfSplit("test")).toEqual([64, 68, 72, 76]);
    expect(part.pixels(12)).toEqual(dataset.pixels(12));
    expect(part.captionsOf(12)).toEqual(dataset.captionsOf(12));
    expect(part.classOf(12)).toBe(1);
  });
});
