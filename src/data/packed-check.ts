/**
 * What a packed file's header and texts must be, before a data set is made of them: a checksum says only that they are as they were
 * written.
 */
import { DataError } from "./dataset.js";

type Fields = Readonly<Record<string, unknown>>;

/** Sides that a stored image may have. */
const MAX_SIDE = 4096;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === "string");
const isNumbers = (value: unknown, least: number, most: number): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= least && (item as number) <= most);

/** @throws DataError that names the field which is not as it should be */
function need(sound: boolean, what: string): asserts sound {
  if (!sound) throw new DataError(`its ${what} is not as petalgrad writes it`);
}

/** @throws DataError */
export function checkHeader(header: unknown): void {
  need(isObject(header), "header");
  need(typeof header["key"] === "string" && typeof header["name"] === "string", "name");
  need(isNumbers([header["size"]], 1, MAX_SIDE), "size");
  const { classes, split, report } = header;
  need(isTexts(classes), "list of classes");
  const inClasses = (value: unknown) => isNumbers(value, 0, classes.length - 1);
  need(isObject(split) && inClasses(split["train"]) && inClasses(split["test"]), "split");
  need(isObject(report) && isNumbers([report["images"], report["captions"]], 0, Number.MAX_SAFE_INTEGER), "report");
  const left = report["skipped"];
  need(Array.isArray(left) && left.every((one) => isObject(one) && isTexts([one["file"], one["reason"]])), "list of what was left out");
  need(isTexts(report["notes"]), "list of notes");
  const { imageNames: names, imageClasses: of, imageSides: sides } = header;
  need(isTexts(names) && inClasses(of) && isNumbers(sides, 1, MAX_SIDE), "list of images");
  need(of.length === names.length && sides.length === names.length, "list of images");
  const { classless } = header;
  need(classless === undefined || typeof classless === "boolean", "list of classes");
  need(classless !== true || (classes.length === names.length && of.every((c, i) => c === i)), "list of classes");
  for (const section of ["captions", "pixels", "attributes"]) {
    const value = header[section];
    if (value === undefined && section === "attributes") continue;
    need(
      isObject(value) && isNumbers([value["length"]], 0, Number.MAX_SAFE_INTEGER) && isTexts(value["sha256"]),
      `place of its ${section}`,
    );
  }
}

/** Of each of so many images at least one. @throws DataError */
export function checkCaptions(captions: unknown, images: number): asserts captions is string[][] {
  need(Array.isArray(captions) && captions.length === images && captions.every((of) => isTexts(of) && of.length > 0), "captions");
}

/** Of each of so many images, or of none. @throws DataError */
export function checkAttributes(attributes: unknown, images: number): void {
  const sound = (value: unknown) => isObject(value) && isObject(value["named"]) && isObject(value["style"]);
  need(Array.isArray(attributes) && attributes.length === images && attributes.every(sound), "attributes");
}
