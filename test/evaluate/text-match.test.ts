/** Attributes that are read in images, against those that captions name. */
import { describe, expect, it } from "vitest";
import { petalsAttributes } from "../../src/data/petals-classes.js";
import { PETAL_COLOURS, PETAL_COUNTS } from "../../src/data/petals-attributes.js";
import { PackedDataset } from "../../src/data/packed.js";
import { attributesRight } from "../../src/evaluate/text-match.js";
import { tinyPrepared } from "../data/tiny-dataset.js";

describe("the attributes that captions name", () => {
  it("count where a caption names them, and only there", () => {
    const { named, style } = petalsAttributes(0, 0, 0);
    const attributes = { named: { ...named, petalCount: 20 as const }, style };
    const prepared = tinyPrepared({ classes: 1, imagesPerClass: 2, captionsOf: (image) => [image === 1 ? "many petals" : "petals"] });
    const dataset = new PackedDataset({ ...prepared, attributes: [attributes, attributes] });
    // Logits of 8 colours, 6 counts, 5 centres: image 0 has the right colour, image 1 the right count.
    const logits = new Float32Array(2 * 19);
    const colour = PETAL_COLOURS.indexOf(named.petalColour);
    logits[colour] = 1;
    logits[19 + ((colour + 1) % 8)] = 1;
    logits[19 + 8 + PETAL_COUNTS.indexOf(20)] = 1;
    expect(attributesRight(dataset, logits, [0, 1])).toEqual({ petalColour: { value: 0.5 }, petalCount: { value: 1 } });
  });
});
