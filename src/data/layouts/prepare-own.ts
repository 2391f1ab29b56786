/** Makes a folder or archive of captioned images, in any layout but the originals', ready for training. */
import { DataError, type Skipped, type Split } from "../dataset.js";
import { nameForm } from "../names.js";
import type { PreparedImage, PreparedSet } from "../packed.js";
import { everyFifthClass, findSplit, HELD_OUT_SHARE, isHeldOutByName } from "../split.js";
import { byName, type Decoded, decodeImages, type Decoding } from "./decode-images.js";
import { cleanCaptions, type Contents, type OwnImage, withoutEnding } from "./layout.js";
import { chooseAlphabet, type LayoutOptions } from "./options.js";
import type { Recognised } from "./recognise.js";
import type { Prepared } from "./rows.js";

/** Captions of one image, and characters of all, with a few for each: more do not fit the memory that preparing may take. */
const MOST_CAPTIONS = 1000;
const MOST_CHARACTERS = 2 ** 26;
const EACH_CAPTION = 16;

/**
 * @param decoding What makes pixels of an image's bytes, and where they go.
 * @param options.heldOut The share of images held out where there are no classes; undefined: the folder's own split, else a tenth.
 * @throws DataError where nothing usable is found; the signal's reason where it is stopped.
 */
export async function prepareOwn(
  name: string,
  contents: Contents,
  { layout, signs, note }: Recognised,
  size: number,
  decoding: Decoding,
  options: LayoutOptions,
): Promise<Prepared> {
  const { known, skipped, notes: told } = await captioned(contents, layout, signs, options);
  options.signal?.throwIfAborted();
  const without = new Set(skipped.map(({ file }) => file));
  const find = (path: string): OwnImage | string => known.get(path) ?? "no captions";
  const { decoded, skipped: undecoded } = await decodeImages(
    { name, source: contents.source, find, total: known.size, size },
    decoding,
    options,
  );
  const there = new Set(contents.files);
  for (const path of known.keys()) if (!there.has(path)) skipped.push({ file: path, reason: "no image for these captions" });
  for (const { file, reason } of undecoded) {
    const path = file.slice(file.indexOf("/") + 1);
    if (!without.has(path)) skipped.push({ file: path, reason });
  }
  const kept = distinct(decoded, skipped);
  if (kept.length === 0) {
    const first = skipped[0] ? ` (${skipped[0].file}: ${skipped[0].reason})` : "";
    throw new DataError(`${name}: no image of ${contents.source.path} has captions that can be read${first}`);
  }
  const { classes, split, notes, classless } =
    kept[0]!.file.className === undefined ? byImage(name, kept, options) : byClass(name, kept, options);
  const places = new Map(classes.map((className, i) => [className, i]));
  const images: PreparedImage[] = kept.map(({ file, side }, i) => ({
    ...{ name: withoutEnding(file.path).split("/").at(-1)!, side, captions: file.captions },
    classIndex: classless ? i : places.get(file.className!)!,
  }));
  const trained = new Set(split.train);
  const set: PreparedSet = {
    ...{ name, size, classes, split, images, classless },
    alphabet: chooseAlphabet(
      options.alphabet ?? "auto",
      images.filter(({ classIndex }) => trained.has(classIndex)),
    ),
    report: {
      images: images.length,
      captions: images.reduce((sum, { captions }) => sum + captions.length, 0),
      skipped: skipped.sort((a, b) => byName(a.file, b.file)),
      notes: [note, ...notes, ...told],
    },
  };
  return { set, rows: kept };
}

/**
 * Images that have captions, by path. What the layout's files hold beside them goes with this function's end: a large set's fills the memory.
 * @throws DataError where the captions are too many
 */
async function captioned(
  contents: Contents,
  layout: Recognised["layout"],
  signs: readonly string[],
  options: LayoutOptions,
): Promise<{ known: Map<string, OwnImage>; skipped: Skipped[]; notes: readonly string[] }> {
  const read = await layout.read(contents, signs, options);
  const skipped = [...read.skipped];
  const known = merged(read.images, contents.source.path);
  for (const [path, { captions }] of known) {
    const reason =
      captions.length === 0 ? "no captions" : captions.length > MOST_CAPTIONS ? `more than ${MOST_CAPTIONS} captions` : undefined;
    if (reason === undefined) continue;
    skipped.push({ file: path, reason });
    known.delete(path);
  }
  return { known, skipped, notes: read.notes };
}

/** Images by path, with all captions that files give them. @throws DataError where the captions are too many */
function merged(images: readonly OwnImage[], source: string): Map<string, OwnImage> {
  const byPath = new Map<string, OwnImage>();
  let characters = 0;
  for (const image of images) {
    const captions = cleanCaptions(image.captions);
    characters += captions.reduce((sum, { length }) => sum + length + EACH_CAPTION, 0);
    if (characters > MOST_CHARACTERS)
      throw new DataError(`${source} holds more captions than fit the memory (${MOST_CHARACTERS} characters): leave some of them out`);
    const before = byPath.get(image.path);
    byPath.set(image.path, { ...image, captions: [...(before?.captions ?? []), ...captions] });
  }
  return byPath;
}

type Kept = readonly Decoded<OwnImage>[];

/** In order of their names, which differ in more than their endings; or, in classes, by class. */
function distinct(decoded: readonly Decoded<OwnImage>[], skipped: Skipped[]): Kept {
  const keyed = decoded.map((one) => ({ one, key: `${one.file.className ?? ""}/${withoutEnding(one.file.path)}` }));
  keyed.sort((a, b) => byName(a.key, b.key) || byName(a.one.file.path, b.one.file.path));
  return keyed.flatMap(({ one, key }, i) => {
    if (i === 0 || keyed[i - 1]!.key !== key) return [one];
    skipped.push({ file: one.file.path, reason: "a second image of this name" });
    return [];
  });
}

interface Divided {
  readonly classes: readonly string[];
  readonly split: Split;
  readonly notes: readonly string[];
  readonly classless: boolean;
}

/** @throws DataError where nothing is left to train on */
function byImage(name: string, kept: Kept, { heldOut }: LayoutOptions): Divided {
  const classes = kept.map(({ file }) => nameForm(withoutEnding(file.path)));
  const parts = new Set(kept.map(({ file }) => file.part));
  const own = heldOut === undefined && parts.has("train") && parts.has("test");
  const share = heldOut ?? HELD_OUT_SHARE;
  const held = (i: number): boolean => (own ? kept[i]!.file.part === "test" : isHeldOutByName(classes[i]!, share));
  const all = classes.map((_, i) => i);
  const split = { train: all.filter((i) => !held(i)), test: all.filter(held) };
  if (split.train.length === 0) throw new DataError(`${name}: all of its ${all.length} images are held out; hold out less, by --held-out`);
  const how = own ? "by its own folders or files" : `by a hash of their names (--held-out ${share})`;
  return { classes, split, classless: true, notes: [`no classes: ${split.test.length} of ${all.length} images are held out, ${how}`] };
}

/** @throws DataError where --held-out is given */
function byClass(name: string, kept: Kept, { heldOut }: LayoutOptions): Divided {
  if (heldOut !== undefined) throw new DataError(`${name} has classes, and whole classes are held out: leave --held-out ${heldOut} out`);
  const classes = [...new Set(kept.map(({ file }) => file.className!))].sort(byName);
  return { classes, classless: false, ...findSplit(everyFifthClass(name), classes, {}) };
}
