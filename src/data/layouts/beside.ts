/** A text file beside each image, under its name: captions, one a line. */
import { cleanCaptions, isImageName, type Layout, partOf, withoutEnding } from "./layout.js";

const TEXT = /\.(?:txt|caption)$/i;

/** Text files whose image lies beside them, and their images. */
function pairs(files: readonly string[]): Map<string, string> {
  const images = new Map(files.filter(isImageName).map((path) => [withoutEnding(path), path]));
  const found = new Map<string, string>();
  for (const path of files) {
    const image = TEXT.test(path) ? images.get(withoutEnding(path)) : undefined;
    if (image !== undefined) found.set(path, image);
  }
  return found;
}

export const beside: Layout = {
  name: "beside",
  lacking: "no .txt beside an image",
  example: ["rose.jpg", "rose.txt        a red rose"],
  signs: (files) => [...pairs(files).keys()],
  async read(contents, signs) {
    const images = pairs(contents.files);
    const skipped: { file: string; reason: string }[] = [];
    for (const path of contents.files.filter((file) => TEXT.test(file) && !images.has(file)))
      skipped.push({ file: path, reason: "no image beside it" });
    const read = [];
    for await (const { path, text } of contents.texts(signs, (one) => skipped.push(one))) {
      const image = images.get(path)!;
      read.push({ path: image, captions: cleanCaptions(text.split(/\r\n|\n|\r/)), part: partOf(image) });
    }
    return { images: read, skipped, notes: [] };
  },
};
