/** What a style carries into another sentence, of an artist whose images are known. */
import { expect, it } from "vitest";
import { Parts, realImages } from "../../src/evaluate/pictures.js";
import { StyleVerification } from "../../src/evaluate/style-verification.js";
import type { Artist, Subject } from "../../src/evaluate/subject.js";
import { ganInitializers } from "../../src/models/initializers.js";
import { StyleEncoder } from "../../src/models/style-encoder.js";
import { RandomStream } from "../../src/random/philox.js";
import { device } from "../device.js";
import { patches } from "./patches.js";

it("draws each image's style with another image's caption, and compares the borders", async () => {
  const dataset = patches();
  const noiseSize = 3;
  const encoder = new StyleEncoder(
    { imageSize: dataset.size, noiseSize, width: 4, residual: false, missingLeakyRelu: "keep" },
    ganInitializers(new RandomStream(4)),
  );
  // Of every image the same, and longer than any noise.
  const values = await encoder.parameters.read();
  values.get("style.bias")!.set([3, -4, 12]);
  encoder.parameters.write(values);
  const captions = {
    size: 1,
    need: () => Promise.resolve(),
    means: (rows: Uint32Array, each: number) => new Float32Array(rows.length / each).fill(1),
  };
  const subject: Subject = { name: "own", generators: [["raw", undefined as never]], captions, style: { encoder, kind: "raw" } };
  const verification = StyleVerification.prepare(dataset, 1);
  const { images } = verification;
  const other = (i: number) => images[(i + (images.length >> 1)) % images.length]!;

  const carried = async (drawn: readonly number[], contrast: number) => {
    const real = realImages(dataset, drawn);
    const artist = {
      painter: { generator: { options: { imageSize: dataset.size, noiseSize } } },
      drawFrom: (noise: Float32Array, asked: readonly number[]) => {
        expect(asked).toEqual(images.map((_, i) => dataset.firstCaption(other(i))));
        expect(noise.length).toBe(noiseSize * images.length);
        // Shortened, as restyle does: √3 · (3, −4, 12) / 13.
        [3, -4, 12].forEach((v, d) => expect(noise[d]).toBeCloseTo((Math.sqrt(3) * v) / 13, 5));
        return Promise.resolve(
          new Parts(drawn.length, (part) => Promise.resolve((real.at(part) as Float32Array).map((v) => contrast * v + 0.1))),
        );
      },
    } as unknown as Artist;
    return (await verification.of(await device(), subject, "raw", artist)).groundByStyle!.value;
  };
  expect(await carried(images, 1)).toBeCloseTo(1, 6);
  expect(await carried(images, -0.3)).toBeCloseTo(1, 6);
  // Two classes one after the other: a quarter on, half of them are of the other one.
  const quarter = images.map((_, i) => images[(i + (images.length >> 2)) % images.length]!);
  expect(await carried(quarter, 1)).toBeLessThan(0.1);
});
