/** The text encoder that a run makes by itself on petals: with any seed it reads what its captions say of the petals. */
import { describe, expect, it } from "vitest";
import { captionNumbers } from "../../../src/data/dataset.js";
import { openDataset } from "../../../src/node/datasets/open.js";
import { attributesInText } from "../../../src/evaluate/text-attributes.js";
import { CaptionEncoder } from "../../../src/train/text/captions.js";
import type { GivenOptions } from "../../../src/train/gan/options.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { JointEmbedding } from "../../../src/train/text/joint-embedding.js";
import { jointTraining, symbolsOf } from "../../../src/train/gan/text-stage.js";
import { device } from "../../device.js";

const { signal } = new AbortController();

/** Share of the petal colours that are read in captions of unseen classes, after a training of these options. */
async function coloursRead(given: GivenOptions): Promise<number> {
  const options = resolveOptions(given, { software: true });
  const dataset = await openDataset("petals", { size: options.imageSize, signal });
  const symbols = symbolsOf(dataset, options);
  const joint = new JointEmbedding(await device(), { dataset, symbols, classes: dataset.split.train }, jointTraining(options));
  await joint.train(options.textSteps, () => undefined, signal);
  await joint.destroy();
  const encoder = new CaptionEncoder(await device(), joint.model.text, symbols);
  const embed = (captions: readonly number[]) => encoder.encode(captions.map((i) => dataset.caption(i)));
  const captions = captionNumbers(
    dataset,
    dataset.imagesOfSplit("test").filter((_, i) => i % 5 === 0),
  );
  const read = await attributesInText(await device(), dataset, embed, { captions, values: await embed(captions) }, 1, signal);
  await encoder.destroy();
  return read.petalColour!;
}

describe("petals' text encoder", () => {
  // Steps of the default preset; images of a sixteenth of its pixels and half of its embedding, so that two trainings take half a minute.
  const given = { preset: "tiny", textSteps: 300, textSize: 128 } as const;

  it.each([0, 1])("reads petal colours with seed %i", async (seed) => {
    expect(await coloursRead({ ...given, seed })).toBeGreaterThan(0.97);
  });
});
