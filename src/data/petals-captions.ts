/**
 * Captions of petals: a grammar rich in synonyms and word orders that names some of an image's attributes, always with the petals' colour.
 * Lower-case ASCII, at most 201 characters.
 */
import { CAPTION_LENGTH } from "./alphabet.js";
import type { PetalsClass } from "./petals-attributes.js";
import type { RandomStream } from "../random/philox.js";

/** Captions made of each image. */
const CAPTIONS_PER_IMAGE = 10;

type Words<Value extends string | number> = Readonly<Record<Value, readonly string[]>>;

/** What each petal colour may be called; no word belongs to two colours. */
export const PETAL_COLOUR_WORDS: Words<PetalsClass["petalColour"]> = {
  white: ["white", "white", "pure white", "snowy white", "snow white"],
  yellow: ["yellow", "yellow", "bright yellow", "golden yellow", "lemon yellow", "sunny yellow"],
  orange: ["orange", "orange", "bright orange", "tangerine orange", "warm orange"],
  red: ["red", "red", "bright red", "scarlet red", "crimson", "deep red"],
  pink: ["pink", "pink", "light pink", "soft pink", "rose pink", "pale pink"],
  magenta: ["magenta", "magenta", "fuchsia", "bright magenta", "hot magenta"],
  purple: ["purple", "purple", "violet", "deep purple", "violet purple"],
  blue: ["blue", "blue", "bright blue", "royal blue", "cobalt blue", "deep blue"],
};

const COUNT_WORDS: Words<PetalsClass["petalCount"]> = {
  4: ["four"],
  5: ["five"],
  6: ["six"],
  8: ["eight"],
  12: ["twelve", "a dozen"],
  20: ["many", "lots of", "numerous", "a great many", "countless"],
};

const SHAPE_WORDS: Words<PetalsClass["petalShape"]> = {
  round: ["round", "rounded", "oval", "smooth round"],
  pointed: ["pointed", "pointy", "sharply pointed", "tapered"],
  notched: ["heart shaped", "heart-shaped", "notched", "cleft"],
  narrow: ["narrow", "thin", "slender", "slim"],
  ruffled: ["ruffled", "wavy", "frilly", "crinkled", "ruffled wavy"],
};

const LENGTH_WORDS: Words<PetalsClass["petalLength"]> = {
  short: ["short", "short", "stubby", "compact"],
  long: ["long", "long", "elongated", "lengthy"],
};

const CENTRE_COLOUR_WORDS: Words<PetalsClass["centreColour"]> = {
  yellow: ["yellow", "yellow", "golden", "bright yellow"],
  brown: ["brown", "brown", "dark brown", "chocolate brown"],
  green: ["green", "green", "light green", "lime green"],
  white: ["white", "white", "creamy white", "off-white"],
  red: ["red", "red", "dark red", "ruby red"],
};

const CENTRE_SIZE_WORDS: Words<PetalsClass["centreSize"]> = {
  small: ["small", "tiny", "little"],
  large: ["large", "big", "wide", "prominent"],
};

const CENTRE_NOUNS = ["center", "center", "centre", "middle", "disc", "eye", "core"] as const;
const FLOWER_NOUNS = ["flower", "flower", "flower", "blossom", "bloom"] as const;
const SURROUNDS = ["surround", "encircle", "fan out around", "spread out from", "are arranged around", "grow around"] as const;

/** Leaves as something there is: "broad green leaves", "a bare stem". */
const LEAF_PHRASES: Words<PetalsClass["leaves"]> = {
  none: ["no leaves", "a bare stem", "a leafless stem", "a plain stem without leaves"],
  broad: ["broad green leaves", "wide leaves", "broad leaves", "two broad green leaves", "wide rounded leaves"],
  narrow: ["narrow green leaves", "thin grassy leaves", "blade-like leaves", "slim green leaves", "narrow leaves like grass"],
};

/** The attributes that a caption may name besides the petals' colour, and how often it does. */
const MENTION = {
  petalCount: 0.5,
  petalShape: 0.55,
  petalLength: 0.35,
  centreColour: 0.6,
  centreSize: 0.35,
  leaves: 0.35,
} as const;
type Mentioned = Readonly<Record<keyof typeof MENTION, boolean>>;

/** Ten captions of one image, no two alike. */
export function petalsCaptions(named: PetalsClass, random: RandomStream): string[] {
  const captions = new Set<string>();
  while (captions.size < CAPTIONS_PER_IMAGE) {
    const caption = sentence(named, random);
    if (caption.length <= CAPTION_LENGTH) {
      captions.add(caption);
    }
  }
  return [...captions];
}

/** Attributes that can be read in a caption by `attributesNamed`. */
export type ReadableAttribute = "petalColour" | "petalCount" | "centreColour";

/** Which of an image's attributes one of its captions names: the petals' colour always. */
export function attributesNamed(caption: string, named: PetalsClass): Readonly<Record<ReadableAttribute, boolean>> {
  const words = (text: string) => ` ${text.replace(/[.,]/g, " ")} `;
  const said = words(caption);
  const centres = CENTRE_COLOUR_WORDS[named.centreColour].flatMap((hue) => CENTRE_NOUNS.map((noun) => `${hue} ${noun}`));
  return {
    petalColour: true,
    petalCount: COUNT_WORDS[named.petalCount].some((count) => said.includes(words(count))),
    centreColour: centres.some((centre) => said.includes(words(centre))),
  };
}

function sentence(named: PetalsClass, random: RandomStream): string {
  const says = Object.fromEntries(Object.entries(MENTION).map(([key, share]) => [key, random.chance(share)])) as Mentioned;
  const centre = says.centreColour || says.centreSize ? centrePhrase(named, says, random) : undefined;
  const leaves = says.leaves ? random.pick(LEAF_PHRASES[named.leaves]) : undefined;
  const text = random.pick(SENTENCES)({ named, says, centre, leaves, flower: random.pick(FLOWER_NOUNS), random });
  return random.chance(0.6) ? `${text}.` : text;
}

/** What a sentence is made of. */
interface Material {
  readonly named: PetalsClass;
  readonly says: Mentioned;
  /** Such as "a small yellow center"; undefined where it is not to be named. */
  readonly centre: string | undefined;
  readonly leaves: string | undefined;
  readonly flower: string;
  readonly random: RandomStream;
}

/** The word orders. Each names all that there is to be named. */
const SENTENCES: readonly ((m: Material) => string)[] = [
  (m) => `this ${m.flower} has ${petals(m)}${withCentre(m)}${andLeaves(m)}`,
  (m) => `a ${m.flower} with ${petals(m)}${m.centre ? ` and ${m.centre}` : ""}${leavesTail(m)}`,
  (m) => `${article(`${colour(m)} ${m.flower}`)} with ${petals(m, false)}${m.centre ? ` around ${m.centre}` : ""}${leavesTail(m)}`,
  (m) => `the petals of this ${m.flower} are ${predicate(m)}${m.centre ? `, and it has ${m.centre}` : ""}${andLeaves(m)}`,
  (m) =>
    m.centre
      ? `${petals(m)} ${m.random.pick(SURROUNDS)} ${m.centre}${leavesTail(m)}`
      : `the ${m.flower} shows ${petals(m)}${leavesTail(m)}`,
  (m) =>
    m.centre
      ? `${m.centre} is surrounded by ${petals(m)}${leavesTail(m)}`
      : `what stands out on this ${m.flower} is its ${colour(m)} color${m.says.petalShape || m.says.petalLength || m.says.petalCount ? ` and ${petals(m, false)}` : ""}${leavesTail(m)}`,
  (m) =>
    m.leaves
      ? `${leavesFirst(m)}, this ${m.flower} opens ${petals(m)}${withCentre(m)}`
      : `here is a ${m.flower} whose petals are ${predicate(m)}${withCentre(m)}`,
  (m) => `the ${m.flower} is ${colour(m)} in color, with ${petals(m, false)}${m.centre ? ` and ${m.centre}` : ""}${andLeaves(m)}`,
  (m) =>
    m.centre ? `around ${m.centre} there are ${petals(m)}${andLeaves(m)}` : `there are ${petals(m)} on this ${m.flower}${andLeaves(m)}`,
  (m) => `this ${m.flower} is ${colour(m)}${m.centre ? ` with ${m.centre}` : ""}, and its petals are ${predicate(m, false)}${andLeaves(m)}`,
  (m) => `${petals(m)}${withCentre(m)}${leavesTail(m)}`,
];

function colour({ named, random }: Material): string {
  return random.pick(PETAL_COLOUR_WORDS[named.petalColour]);
}

/** Such as "five long pointed red petals"; without colour where the sentence has named it. */
function petals(m: Material, withColour = true): string {
  const { named, says, random } = m;
  const adjectives: string[] = [];
  if (says.petalLength) {
    adjectives.push(random.pick(LENGTH_WORDS[named.petalLength]));
  }
  if (says.petalShape) {
    adjectives.push(random.pick(SHAPE_WORDS[named.petalShape]));
  }
  if (withColour) {
    adjectives.push(colour(m));
  }
  // Colour mostly stands last, as in "long pointed red petals", but not always.
  if (adjectives.length > 1 && random.chance(0.3)) {
    random.shuffle(adjectives);
  }
  const count = says.petalCount ? `${random.pick(COUNT_WORDS[named.petalCount])} ` : "";
  const clauseLater = !withColour || adjectives.length < 2 || random.chance(0.75);
  if (clauseLater) {
    return `${count}${adjectives.map((adjective) => `${adjective} `).join("")}petals`;
  }
  const last = adjectives.pop()!;
  return `${count}${adjectives.map((adjective) => `${adjective} `).join("")}petals that are ${last}`;
}

/** Such as "red, long and pointed and five in number". */
function predicate(m: Material, withColour = true): string {
  const { named, says, random } = m;
  const parts: string[] = [];
  if (withColour) {
    parts.push(colour(m));
  }
  if (says.petalShape) {
    parts.push(random.pick(SHAPE_WORDS[named.petalShape]));
  }
  if (says.petalLength) {
    parts.push(random.pick(LENGTH_WORDS[named.petalLength]));
  }
  if (says.petalCount) {
    parts.push(named.petalCount === 20 ? "numerous" : `${random.pick(COUNT_WORDS[named.petalCount])} in number`);
  }
  if (parts.length === 0) {
    return random.pick(["lovely", "delicate", "pretty", "neat"]);
  }
  random.shuffle(parts);
  return parts.length === 1 ? parts[0]! : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)!}`;
}

function centrePhrase(named: PetalsClass, says: Mentioned, random: RandomStream): string {
  const size = says.centreSize ? `${random.pick(CENTRE_SIZE_WORDS[named.centreSize])} ` : "";
  const hue = says.centreColour ? `${random.pick(CENTRE_COLOUR_WORDS[named.centreColour])} ` : "";
  return article(`${size}${hue}${random.pick(CENTRE_NOUNS)}`);
}

function withCentre({ centre, random }: Material): string {
  return centre ? ` ${random.pick(["with", "around", "and"])} ${centre}` : "";
}

function andLeaves({ leaves, random }: Material): string {
  return leaves ? random.pick([` and ${leaves}`, `, and it has ${leaves}`, `, growing with ${leaves}`]) : "";
}

function leavesTail({ named, leaves, random }: Material): string {
  if (!leaves) {
    return "";
  }
  return named.leaves === "none" ? `, with ${leaves}` : random.pick([` above ${leaves}`, `, with ${leaves}`, `, over ${leaves}`]);
}

function leavesFirst({ named, leaves, random }: Material): string {
  return named.leaves === "none" ? `with ${leaves!}` : `${random.pick(["rising above", "above", "standing over", "amid"])} ${leaves!}`;
}

function article(phrase: string): string {
  return `${/^[aeiou]/.test(phrase) ? "an" : "a"} ${phrase}`;
}
