/** Which classes of a data set are trained on and which are held out: from its class lists, or by its default rule. */
import { sha256 } from "@noble/hashes/sha2.js";
import { DataError, type Split } from "./dataset.js";
import { nameForm } from "./names.js";

/** Names of class lists: the first two are enough; the others are the finer split of the CVPR archive and the ICML archive's name. */
export const LIST_NAMES = ["trainvalclasses", "testclasses", "trainvalids", "trainclasses", "valclasses"] as const;
export type ListName = (typeof LIST_NAMES)[number];

/** How a data set is split where no list says so. */
export interface DefaultSplit {
  /** The data set's, for messages. */
  readonly name: string;
  /** Held-out classes, by folder name; the note says in words what it does. Called with all class names in order. */
  readonly defaultTestClasses: (classes: readonly string[]) => readonly string[];
  readonly defaultSplitNote: string;
}

/** How a folder's data set is split, named as the folder is. */
export const everyFifthClass = (name: string): DefaultSplit => ({
  name,
  defaultTestClasses: (classes) => classes.filter((_, i) => i % HELD_OUT === HELD_OUT - 1),
  defaultSplitNote: "every fifth class is held out for testing",
});

/** Every fifth class is held out where no list says otherwise. */
const HELD_OUT = 5;

/** A split, and where it comes from. */
export interface SplitFound {
  readonly split: Split;
  readonly notes: readonly string[];
}

/**
 * @param classes class names that have images, in order.
 * @param lists texts of class lists: testclasses and one of trainvalclasses, trainvalids, trainclasses (+ valclasses).
 * @throws DataError where a class stands in both lists, or where a list names none of the classes there are.
 */
export function findSplit(
  definition: DefaultSplit,
  classes: readonly string[],
  lists: Readonly<Partial<Record<ListName, string>>>,
): SplitFound {
  const { name } = definition;
  const index = new Map(classes.map((className, i) => [className, i]));
  const trainTexts = [lists.trainvalclasses ?? lists.trainvalids ?? lists.trainclasses];
  if (lists.trainvalclasses === undefined && lists.trainvalids === undefined) {
    trainTexts.push(lists.valclasses);
  }
  const trainText = trainTexts.filter((text) => text !== undefined).join("\n");
  const notes: string[] = [];
  if (trainText === "" && lists.testclasses === undefined) {
    const held = new Set(definition.defaultTestClasses(classes));
    const all = classes.map((_, i) => i);
    return {
      split: { train: all.filter((i) => !held.has(classes[i]!)), test: all.filter((i) => held.has(classes[i]!)) },
      notes: [`no class lists: ${definition.defaultSplitNote}`],
    };
  }
  const test = lists.testclasses === undefined ? undefined : parseList(lists.testclasses);
  // One list alone leaves the rest to the other side.
  const train = trainText === "" ? classes.filter((className) => !test!.includes(className)) : parseList(trainText);
  const testNames = test ?? classes.filter((className) => !train.includes(className));
  const both = train.find((className) => testNames.includes(className));
  if (both !== undefined) {
    throw new DataError(`${name}: class ${both} stands in the training list and in the test list; take it out of one`);
  }
  const unknown = [...train, ...testNames].filter((className) => !index.has(className));
  if (unknown.length > 0) {
    notes.push(`class lists name ${unknown.length} classes without images, such as ${unknown[0]}`);
  }
  const listed = new Set([...train, ...testNames]);
  const unlisted = classes.filter((className) => !listed.has(className));
  if (unlisted.length > 0) {
    notes.push(`${unlisted.length} classes stand in no class list and are used for nothing, such as ${unlisted[0]}`);
  }
  const indices = (names: readonly string[]): number[] => names.flatMap((className) => index.get(className) ?? []).sort((a, b) => a - b);
  const split = { train: indices(train), test: indices(testNames) };
  if (split.train.length === 0) {
    throw new DataError(
      `${name}: the class lists name no training class that has images (${train[0] ?? "an empty list"} ... against ${classes[0]} ...)`,
    );
  }
  return { split, notes };
}

/** What share of the images is held out where nothing says so. */
export const HELD_OUT_SHARE = 0.1;

/**
 * Whether an image is held out, by a hash of its name: it stays where it is whatever images are added or taken away, and a larger share holds
 * out the same ones and more.
 * @param name In the form in which names are compared.
 */
export function isHeldOutByName(name: string, share: number): boolean {
  const hash = sha256(new TextEncoder().encode(name));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0) < share * 2 ** 32;
}

function parseList(text: string): string[] {
  const names = text
    .split(/\r\n|\n|\r/)
    .map((line) => nameForm(line.trim()))
    .filter((line) => line !== "");
  return [...new Set(names)];
}
