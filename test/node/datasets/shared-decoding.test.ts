/** Images decoded on several ranks: each once, in any number, with the reasons of those that cannot be. */
import { expect, it } from "vitest";
import type { DecodedImage } from "../../../src/data/layouts/rows.js";
import { decodeForFirst, SharedDecoding } from "../../../src/node/datasets/shared-decoding.js";
import { worlds } from "../../train/run/worlds.js";

it("gives each image's pixels to rank 0, whoever decodes it, and why one has none", async () => {
  for (const size of [2, 3]) {
    const decodedBy: number[][] = Array.from({ length: size }, () => []);
    const decoder = (rank: number) => async (bytes: Uint8Array, side: number) => {
      decodedBy[rank]!.push(bytes[0]!);
      await new Promise((resolve) => setTimeout(resolve, bytes[0]! % 3));
      if (bytes[0]! % 5 === 4) throw new Error(`number ${bytes[0]}\nis none`);
      return { side, pixels: new Uint8Array(3 * side ** 2).fill(bytes[0]!), work: 1000 + bytes[0]! } satisfies DecodedImage;
    };
    const [first, ...others] = worlds(size);
    const rest = others.map((world) => decodeForFirst(world, decoder(world.rank)));
    const shared = new SharedDecoding(first!, decoder(0));
    // More than a round, some of which come late; the last alone.
    const decode = (i: number) => shared.decode(new Uint8Array(1 + i).fill(i), 4).catch((error: Error) => error.message);
    const many = await Promise.all(Array.from({ length: 60 }, (_, i) => decode(i)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const results = [...many, await decode(60)];
    await shared.end();
    await Promise.all(rest);
    results.forEach((result, i) => {
      if (i % 5 === 4) expect(result).toBe(`number ${i} is none`);
      else expect(result).toEqual({ side: 4, pixels: new Uint8Array(48).fill(i), work: 1000 + i });
    });
    expect(decodedBy.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 61 }, (_, i) => i));
    for (const own of decodedBy) expect(own.length).toBeGreaterThan(10);
  }
});
