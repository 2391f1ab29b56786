/** Any folder in the layout of the originals as a data set. */
import { resolve } from "node:path";
import { everyFifthClass } from "../../data/split.js";
import type { LayoutDefinition } from "./layout.js";

/** A folder's data set, named as the folder is. */
export function folderDefinition(name: string): LayoutDefinition {
  return {
    ...everyFifthClass(name),
    wayOut: (dataDir) =>
      [
        `${resolve(dataDir)} should hold`,
        "  jpg/ or images/                     the images, or one archive (.tgz, .tar.gz, .tar, .zip) of them",
        "  text_c10/<class>/<image>.txt        their captions, one a line (or text_c10.tar.gz, .zip)",
        "  trainvalclasses.txt, testclasses.txt  class names, one a line (optional)",
        "`--dataset petals` needs nothing.",
      ].join("\n"),
  };
}
