/**
 * The classes of petals, which of them are held out, and the style of each image. A class is a combination of named attributes; not all are
 * taken.
 */
import {
  BACKGROUNDS,
  CENTRE_COLOURS,
  CENTRE_SIZES,
  LEAVES,
  PETAL_COLOURS,
  PETAL_COUNTS,
  PETAL_LENGTHS,
  PETAL_SHAPES,
  type PetalsAttributes,
  type PetalsClass,
  type PetalsStyle,
} from "./petals-attributes.js";
import { BACKGROUND_COLOURS } from "./petals-background.js";
import { mix } from "./petals-canvas.js";
import { RandomStream } from "../random/philox.js";
import { StreamPurpose } from "../random/streams.js";

/**
 * Number of classes; every tenth is held out for testing. Many classes of few images, so that what goes with an attribute's value in one
 * class goes with another in the next: of half as many, a text encoder learns classes by heart instead of attributes.
 */
const PETALS_CLASS_COUNT = 260;
const HELD_OUT = 10;

/** Candidates looked at before a class is chosen. */
const CANDIDATES = 80;

/** The classes are part of what "petals" means: the same for every seed of a data set. */
const CLASSES_SEED = 2016;

let classes: readonly PetalsClass[] | undefined;

/** All classes, in order. Values and pairs of values occur about equally often; any two classes differ in at least two attributes. */
export function petalsClasses(): readonly PetalsClass[] {
  return (classes ??= chooseClasses());
}

/** Whether a class is held out for testing: one tenth are. */
export function isHeldOut(classIndex: number): boolean {
  return classIndex % HELD_OUT === HELD_OUT - 1;
}

/** A class's name, such as "017.red-5-pointed-long-petals-yellow-small-centre-broad-leaves". */
export function className(classIndex: number): string {
  const c = petalsClasses()[classIndex]!;
  const leaves = c.leaves === "none" ? "no-leaves" : `${c.leaves}-leaves`;
  const number = String(classIndex + 1).padStart(3, "0");
  return `${number}.${c.petalColour}-${c.petalCount}-${c.petalShape}-${c.petalLength}-petals-${c.centreColour}-${c.centreSize}-centre-${leaves}`;
}

/** Everything true of image k of a class, for a data set's seed. */
export function petalsAttributes(seed: number, classIndex: number, k: number): PetalsAttributes {
  return { named: petalsClasses()[classIndex]!, style: drawStyle(new RandomStream(seed, StreamPurpose.petalsStyle, classIndex, k)) };
}

/** Draws a style; independent of the class. */
export function drawStyle(random: RandomStream): PetalsStyle {
  const background = random.pick(BACKGROUNDS);
  const [low, high] = BACKGROUND_COLOURS[background];
  return {
    background,
    backgroundColour: mix(low, high, random.uniform()),
    texture: random.between(0.3, 1),
    x: random.between(0.38, 0.62),
    y: random.between(0.36, 0.54),
    scale: random.between(0.84, 1.16),
    rotation: random.between(0, 2 * Math.PI),
    tilt: random.between(0, 0.9),
    // Mostly upwards: the stem must come from below.
    facing: -Math.PI / 2 + random.between(-1.1, 1.1),
    light: -Math.PI / 2 + random.between(-1.2, 1.2),
  };
}

const CHOICES: { readonly [Key in keyof PetalsClass]: readonly PetalsClass[Key][] } = {
  petalColour: PETAL_COLOURS,
  petalCount: PETAL_COUNTS,
  petalShape: PETAL_SHAPES,
  petalLength: PETAL_LENGTHS,
  centreColour: CENTRE_COLOURS,
  centreSize: CENTRE_SIZES,
  leaves: LEAVES,
};
const KEYS = Object.keys(CHOICES) as readonly (keyof PetalsClass)[];

/** A centre of the petals' own colour would not be seen. */
const centreShows = ({ petalColour, centreColour }: PetalsClass): boolean => (petalColour as string) !== centreColour;

/** Any combination of attributes. */
export function drawClass(random: RandomStream): PetalsClass {
  for (;;) {
    const drawn = drawAttributes(random);
    if (centreShows(drawn)) return drawn;
  }
}

function drawAttributes(random: RandomStream): PetalsClass {
  return {
    petalColour: random.pick(PETAL_COLOURS),
    petalCount: random.pick(PETAL_COUNTS),
    petalShape: random.pick(PETAL_SHAPES),
    petalLength: random.pick(PETAL_LENGTHS),
    centreColour: random.pick(CENTRE_COLOURS),
    centreSize: random.pick(CENTRE_SIZES),
    leaves: random.pick(LEAVES),
  };
}

/** Greedy: of some random candidates, the one whose values and pairs of values have been used least. */
function chooseClasses(): PetalsClass[] {
  const random = new RandomStream(CLASSES_SEED, StreamPurpose.petalsClasses);
  // Every value of every attribute has a place; used[a * places + b] counts the classes that have both, used[a * places + a] those that have a.
  const places = KEYS.reduce((sum, key) => sum + CHOICES[key].length, 0);
  const used = new Uint16Array(places * places);
  const chosen: PetalsClass[] = [];
  while (chosen.length < PETALS_CLASS_COUNT) {
    let best: PetalsClass | undefined;
    let bestCost = Infinity;
    for (let i = 0; i < CANDIDATES; i++) {
      const candidate = drawAttributes(random);
      if (!centreShows(candidate) || chosen.some((other) => differences(candidate, other) < 2)) {
        continue;
      }
      const cost = usage(candidate, used, places);
      if (cost < bestCost) {
        best = candidate;
        bestCost = cost;
      }
    }
    if (best !== undefined) {
      chosen.push(best);
      const own = placesOf(best);
      own.forEach((a, i) => own.slice(i).forEach((b) => used[a * places + b]!++));
    }
  }
  return chosen;
}

/** How often a class's values and pairs have been used, each against how often it should be: a value of many choices should be rare. */
function usage(candidate: PetalsClass, used: Uint16Array, places: number): number {
  const own = placesOf(candidate);
  let cost = 0;
  for (let i = 0; i < own.length; i++) {
    const choices = CHOICES[KEYS[i]!].length;
    for (let j = i; j < own.length; j++) {
      cost += choices * (i === j ? 1 : CHOICES[KEYS[j]!].length) * used[own[i]! * places + own[j]!]!;
    }
  }
  return cost;
}

/** The place of each of a class's values among all values of all attributes. */
function placesOf(c: PetalsClass): number[] {
  let start = 0;
  return KEYS.map((key) => {
    const place = start + (CHOICES[key] as readonly unknown[]).indexOf(c[key]);
    start += CHOICES[key].length;
    return place;
  });
}

function differences(a: PetalsClass, b: PetalsClass): number {
  return KEYS.filter((key) => a[key] !== b[key]).length;
}
