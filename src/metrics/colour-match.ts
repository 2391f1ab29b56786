/**
 * Colour match: does the flower have the petal colour that its caption names? A rule without learning: the hue of the image's central
 * pixels, where the flower is. It saturates above the real images' own figure (prototypical colours score better than real ones), so it
 * says whether text controls colour, and nothing about quality.
 */
import { requireFinite } from "./finite.js";

/** The colours told apart, with the words captions use for them. */
const COLOUR_WORDS = {
  red: ["red", "crimson", "scarlet"],
  orange: ["orange"],
  yellow: ["yellow", "golden"],
  blue: ["blue"],
  purple: ["purple", "violet", "lavender", "lilac"],
  pink: ["pink", "magenta"],
  white: ["white"],
} as const satisfies Record<string, readonly string[]>;

export type Colour = keyof typeof COLOUR_WORDS;

export const COLOURS = Object.keys(COLOUR_WORDS) as Colour[];

/** The one petal colour that a caption names; undefined where it names none, several, or does not speak of petals. */
export function namedColour(caption: string): Colour | undefined {
  const words = new Set(caption.toLowerCase().match(/[a-z]+/g) ?? []);
  if (!words.has("petal") && !words.has("petals")) return undefined;
  const named = COLOURS.filter((colour) => COLOUR_WORDS[colour].some((word) => words.has(word)));
  return named.length === 1 ? named[0] : undefined;
}

/** The bin of one pixel, channels in [0, 1]; undefined for greens (leaves) and for what is too dark or too grey to say. */
function pixelColour(r: number, g: number, b: number): Colour | undefined {
  const value = Math.max(r, g, b);
  const chroma = value - Math.min(r, g, b);
  const saturation = value === 0 ? 0 : chroma / value;
  if (value < 0.2) return undefined;
  if (saturation < 0.25) return value > 0.6 ? "white" : undefined;
  const sixth = value === r ? ((g - b) / chroma + 6) % 6 : value === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
  const hue = 60 * sixth;
  // Pale reds and light violets are what people call pink.
  if (hue >= 308 && hue < 345) return "pink";
  if (hue >= 345 || hue < 16) return saturation < 0.6 && value > 0.6 ? "pink" : "red";
  if (hue < 40) return "orange";
  if (hue < 68) return "yellow";
  if (hue < 190) return undefined;
  return hue < 255 ? "blue" : "purple";
}

/**
 * The commonest colour of the central pixels (the middle 3/8 of the side).
 * @param image [3, size, size] in [−1, 1]
 * @returns undefined when no central pixel has a colour
 */
function centralColour(image: Float32Array, size: number): Colour | undefined {
  const [low, high] = [Math.floor((size * 5) / 16), Math.ceil((size * 11) / 16)];
  const counts = new Map<Colour, number>();
  for (let y = low; y < high; y++) {
    for (let x = low; x < high; x++) {
      const channel = (c: number) => (image[c * size * size + y * size + x]! + 1) / 2;
      const colour = pixelColour(channel(0), channel(1), channel(2));
      if (colour) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

export interface ColourMatch {
  /** Share of images whose central colour is the named one. */
  readonly share: number;
  readonly byColour: ReadonlyMap<Colour, { readonly hits: number; readonly of: number }>;
}

/**
 * @param images [N, 3, size, size] in [−1, 1]
 * @param named The colour that each image's caption names.
 */
export function colourMatch(images: Float32Array, size: number, named: readonly Colour[]): ColourMatch {
  requireFinite(images, "the pixels of images");
  const each = 3 * size * size;
  const byColour = new Map<Colour, { hits: number; of: number }>();
  let hits = 0;
  named.forEach((colour, i) => {
    const hit = centralColour(images.subarray(i * each, (i + 1) * each), size) === colour ? 1 : 0;
    hits += hit;
    const row = byColour.get(colour) ?? { hits: 0, of: 0 };
    byColour.set(colour, { hits: row.hits + hit, of: row.of + 1 });
  });
  return { share: hits / named.length, byColour };
}
