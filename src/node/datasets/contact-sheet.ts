/** The contact sheet of a data set as two files: a picture, and a page that opens without a server. */
import { join } from "node:path";
import { sheetPage, sheetPicture } from "../../data/contact-sheet.js";
import type { Dataset } from "../../data/dataset.js";
import { writeFileAtomic } from "../files/atomic-file.js";
import { encodePng } from "../files/png.js";

/**
 * Writes `<name>.png` and `<name>.html`.
 * @returns the page's path
 * @throws the file system's error
 */
export function writeContactSheet(dataset: Dataset, folder: string, name: string): string {
  const png = encodePng(sheetPicture(dataset));
  const page = join(folder, `${name}.html`);
  writeFileAtomic(join(folder, `${name}.png`), png);
  writeFileAtomic(page, sheetPage(dataset, `data:image/png;base64,${Buffer.from(png).toString("base64")}`));
  return page;
}
