/** A data set on disk in the layout of the originals, small enough to be prepared in no time. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { RandomStream } from "../../../src/random/philox.js";

const COLOURS = ["red", "blue", "white", "yellow", "pink", "orange"] as const;

/** Six classes of four images of `size` pixels with two captions each; the last class is held out. @returns the folder */
export function tinyFolder(path: string, size = 16): string {
  const random = new RandomStream(1);
  COLOURS.forEach((colour, c) => {
    for (const part of ["images", "text_c10"]) mkdirSync(join(path, part, `class_${c}`), { recursive: true });
    for (let i = 0; i < 4; i++) {
      const png = new PNG({ width: size, height: size });
      for (let at = 0; at < png.data.length; at++) png.data[at] = at % 4 === 3 ? 255 : random.below(256);
      writeFileSync(join(path, "images", `class_${c}`, `image_${c}_${i}.png`), PNG.sync.write(png));
      const captions = `${colour} petals\na flower with ${i + 3} ${colour} petals\n`;
      writeFileSync(join(path, "text_c10", `class_${c}`, `image_${c}_${i}.txt`), captions);
    }
  });
  writeFileSync(join(path, "testclasses.txt"), `class_${COLOURS.length - 1}\n`);
  return path;
}
