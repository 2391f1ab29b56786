/** The published protocol: which captions are drawn, and what is said of the numbers. */
import { describe, expect, it } from "vitest";
import { FEATURES, type FeatureNetwork, PublishedMeasures } from "../../src/evaluate/published.js";
import { tinyDataset } from "../data/tiny-dataset.js";

const hooks = { onEvent: () => undefined, signal: new AbortController().signal };

/** An image's mean as all of its features, and as the first of four logits. */
const network: FeatureNetwork = {
  name: "inception.onnx",
  observe: (images, size) => {
    const each = 3 * size * size;
    const means = Array.from(
      { length: images.length / each },
      (_, i) => images.subarray(i * each, (i + 1) * each).reduce((a, b) => a + b) / each,
    );
    const rows = (width: number, of: (mean: number, d: number) => number) =>
      Float32Array.from(means.flatMap((mean) => Array.from({ length: width }, (_, d) => of(mean, d))));
    return Promise.resolve({ features: rows(FEATURES, (mean) => mean), outputs: rows(4, (mean, d) => (d === 0 ? mean : 0)) });
  },
};

describe("the published protocol", () => {
  it("draws captions of the unseen classes, and says how many images were looked at", async () => {
    const dataset = tinyDataset({ classes: 5, imagesPerClass: 4 });
    const measures = await PublishedMeasures.prepare(dataset, { network, samples: 4 }, 1, hooks);
    // Captions of the four images of the one unseen class.
    expect(new Set(measures.captions.map((caption) => dataset.imageOfCaption(caption)))).toEqual(new Set(dataset.imagesOfSplit("test")));
    expect(measures.ofReal.inceptionScore!.value).toBeGreaterThanOrEqual(1);
    expect(measures.note).toContain("4 drawn and 4 real images; published figures take 10,000 or 50,000");
  });
});
