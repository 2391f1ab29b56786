/** Images in one folder a class, without captions: a template makes them. */
import { DataError } from "../dataset.js";
import { baseName, folderOf } from "../files/paths.js";
import { shardOf } from "../files/shards.js";
import { isImageName, type Layout, partOf } from "./layout.js";

const TEMPLATE = "a photo of a {class}";

const classOf = (path: string): string => baseName(folderOf(path));

/** A folder's name as a sentence has it: "001.Black_footed_Albatross" is a "black footed albatross". */
const spoken = (folder: string): string =>
  folder
    .replace(/^\d+[._ -]+/, "")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase() || folder;

export const classFolders: Layout = {
  name: "folders",
  takes: "captionTemplate",
  lacking: "not all images in two or more class folders",
  example: ["rose/1.jpg", 'tulip/1.jpg     captioned by --caption-template "a photo of a {class}"'],
  signs(files, { asked }) {
    const images = files.filter((path) => isImageName(path) && shardOf(path) === undefined && !/\.parquet\//i.test(path));
    const folders = new Set(images.map(folderOf));
    const classes = new Set([...folders].map(baseName));
    // Folders called train and test are a split, not what pictures show.
    const split = !asked && [...classes].every((name) => partOf(`${name}/`) !== undefined);
    return images.length > 0 && !folders.has(".") && classes.size > 1 && !split ? [...folders] : [];
  },
  read(contents, _signs, { captionTemplate = TEMPLATE }) {
    if (!captionTemplate.includes("{class}"))
      throw new DataError(`--caption-template "${captionTemplate}" lacks {class}, in whose place the class's name stands`);
    const images = contents.files
      .filter(isImageName)
      .map((path) => ({ path, className: classOf(path), captions: [captionTemplate.replaceAll("{class}", spoken(classOf(path)))] }));
    return Promise.resolve({ images, skipped: [], notes: [`captions by --caption-template "${captionTemplate}"`] });
  },
};
