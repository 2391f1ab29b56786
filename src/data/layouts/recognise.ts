/** Which layout a folder has: the first whose files it holds, or the one that was asked for. */
import { DataError } from "../dataset.js";
import { listOf } from "../files/shards.js";
import { type FileSource, mebibytes } from "../files/source.js";
import { isArchiveName, isOtherArchiveName } from "../files/archive.js";
import { decodeText } from "../files/text.js";
import type { LayoutName } from "../layout-names.js";
import { beside } from "./beside.js";
import { classFolders } from "./class-folders.js";
import { coco } from "./coco.js";
import { flickr } from "./flickr.js";
import { imagefolder } from "./imagefolder.js";
import { type Contents, isImageName, type Layout } from "./layout.js";
import { parquet } from "./parquet.js";
import { webdataset } from "./webdataset.js";

/** In the order in which they are looked for: what is plainest first. */
export const LAYOUTS: readonly Layout[] = [coco, parquet, webdataset, imagefolder, flickr, beside, classFolders];

/** Bytes of the largest file of captions: MS-COCO's are 66 MiB. */
const LARGEST_TEXT = 2 ** 27;

/** A layout, the files that show it, and why it is this one. */
export interface Recognised {
  readonly layout: Layout;
  readonly signs: readonly string[];
  readonly note: string;
}

const REED = {
  name: "reed",
  lacking: "no text_c10",
  example: ["images/rose.jpg", "text_c10/CLASS/rose.txt   a red rose"],
} as const satisfies Pick<Layout, "lacking" | "example"> & { readonly name: LayoutName };

/** @throws DataError where it has none, or not the one asked for */
export function recognise({ files, source }: Contents, name: string, wanted: LayoutName | undefined): Recognised {
  const fits = LAYOUTS.filter((layout) => wanted === undefined || layout.name === wanted).map((layout) => ({
    layout,
    signs: layout.signs(files, { name: source.name, asked: wanted !== undefined }),
  }));
  const [found, ...others] = fits.filter(({ signs }) => signs.length > 0);
  if (found) {
    const { layout, signs } = found;
    const not = [REED, ...LAYOUTS.slice(0, LAYOUTS.indexOf(layout))].map((other) => `${other.name} (${other.lacking})`);
    const also = others.map((other) => other.layout.name).join(", ");
    const why = wanted === undefined ? `not ${not.join(", ")}${also === "" ? "" : `; --layout ${also} would fit too`}` : "as asked for";
    return { layout, signs, note: `layout ${layout.name}, by ${signs[0]}; ${why}` };
  }
  if (files.length === 0) throw new DataError(`${name}: ${source.path} holds no files (hidden ones are passed over)`);
  const asked = LAYOUTS.find((layout) => layout.name === wanted);
  if (asked) throw new DataError(`${name}: ${source.path} is not of layout ${asked.name}: ${asked.lacking}. ${exampleOf(asked)}`);
  const packed = files.find((path) => isArchiveName(path) || isOtherArchiveName(path));
  const lacks = packed === undefined ? lacking(files) : `It holds ${packed}, which is not looked into: unpack it.`;
  throw new DataError(
    `${name}: ${source.path} is in no layout that is known. ${lacks} The smallest example of each:\n${[REED, ...LAYOUTS]
      .map((layout) => `  --layout ${layout.name}\n${layout.example.map((line) => `      ${line}`).join("\n")}`)
      .join("\n")}\n\`--dataset petals\` needs nothing.`,
  );
}

/** What most likely keeps a folder from being in any layout. */
function lacking(files: readonly string[]): string {
  const images = files.filter(isImageName).length;
  if (images === 0) return "It holds no pictures.";
  return `It holds ${images === 1 ? "one picture" : `${images} pictures`}, and no captions of ${images === 1 ? "it" : "them"}: put a .txt beside each.`;
}

const exampleOf = ({ example }: Layout): string => `The smallest example:\n${example.map((line) => `  ${line}`).join("\n")}`;

/** What a folder or archive holds. */
export async function contentsOf(source: FileSource): Promise<Contents> {
  return {
    ...{ source, files: await listOf(source) },
    async *texts(paths, onSkipped) {
      const some = new Set(paths);
      const tooLarge = (one: { file: string; reason: string }): void => {
        // What else a folder holds that cannot be read is told with its images.
        if (some.has(one.file.slice(one.file.indexOf("/") + 1)))
          throw new DataError(`${one.file}: ${one.reason}; captions of at most ${mebibytes(LARGEST_TEXT)} are read`);
      };
      for await (const { path, bytes } of source.read({ wanted: (path) => some.has(path), largest: LARGEST_TEXT, onSkipped: tooLarge })) {
        const text = decodeText(bytes)?.text;
        if (text === undefined) onSkipped({ file: path, reason: "no text that can be read: save it as UTF-8" });
        else yield { path, text };
      }
    },
  };
}
