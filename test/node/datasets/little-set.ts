/** A little set of captioned pictures without classes, whose packed file has the same bytes on every machine. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

export const LITTLE = 24;

/** Pictures of several sizes, larger and smaller than `size` 16, with one that is none; times of change are given. */
export async function littleSet(folder: string): Promise<string> {
  const set = join(folder, "little");
  mkdirSync(set, { recursive: true });
  const write = (name: string, bytes: Uint8Array | string): void => {
    writeFileSync(join(set, name), bytes);
    utimesSync(join(set, name), 1_700_000_000, 1_700_000_000);
  };
  for (let i = 0; i < LITTLE; i++) {
    const [width, height] = [[40, 30] as const, [12, 20] as const, [16, 16] as const][i % 3]!;
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * (i + 3) + 17 * i) % 251);
    const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    // Lossless, so that no decoder's version shows.
    write(`p${String(i).padStart(2, "0")}.png`, i === 7 ? "<html>no picture</html>" : png);
    write(`p${String(i).padStart(2, "0")}.txt`, `picture ${i}\nگل ${i}\n`);
  }
  return set;
}
