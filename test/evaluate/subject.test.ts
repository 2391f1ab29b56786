/** Generators that draw the data set's captions. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { joined } from "../../src/tensor/rows.js";
import { Artist, type CaptionEmbeddings } from "../../src/evaluate/subject.js";
import { Generator } from "../../src/models/generator.js";
import { ganInitializers } from "../../src/models/initializers.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { Painter } from "../../src/train/gan/painter.js";
import { device } from "../device.js";

describe("drawn images", () => {
  it("are of their captions in order, each from its own row of the noise", async () => {
    const options = { imageSize: 8, width: 4, noiseSize: 3, textSize: 2, textProjection: 4, residual: false };
    const generator = new Generator(options, ganInitializers(new RandomStream(1)));
    const captions = Array.from({ length: 150 }, (_, i) => (i * 7) % 100);
    const embedding = (caption: number) => [Math.sin(caption), Math.cos(3 * caption)];
    const table: CaptionEmbeddings = {
      size: 2,
      need: () => Promise.resolve(),
      means: (rows) => Float32Array.from([...rows].flatMap(embedding)),
    };
    const artist = await Artist.create(await device(), generator, table);
    const parts: Float32Array[] = [];
    for (const part of await artist.draw(captions, 9)) parts.push(await part);
    const painter = await Painter.create(await device(), generator, 50);
    const expected = await painter.paint(normalNoise(150, 3, 9), Float32Array.from(captions.flatMap(embedding)));
    const all = joined(parts);
    expect(all).toHaveLength(expected.length);
    expect(Math.max(...all.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
    // Untrained as it is, the generator draws different things.
    expect(new Set(all).size).toBeGreaterThan(1000);
    artist.destroy();
    painter.destroy();
  });
});
