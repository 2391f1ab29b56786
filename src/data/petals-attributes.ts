/** What a petals flower is: the attributes its captions name (they make its class) and those they do not (its style). */

export const PETAL_COLOURS = ["white", "yellow", "orange", "red", "pink", "magenta", "purple", "blue"] as const;
export const PETAL_COUNTS = [4, 5, 6, 8, 12, 20] as const;
export const PETAL_SHAPES = ["round", "pointed", "notched", "narrow", "ruffled"] as const;
export const PETAL_LENGTHS = ["short", "long"] as const;
export const CENTRE_COLOURS = ["yellow", "brown", "green", "white", "red"] as const;
export const CENTRE_SIZES = ["small", "large"] as const;
export const LEAVES = ["none", "broad", "narrow"] as const;
export const BACKGROUNDS = ["sky", "grass", "foliage", "soil", "water", "stone", "dusk"] as const;

/** Red, green, blue, each 0 ... 255, sRGB. */
export type Rgb = readonly [number, number, number];

/** The attributes that captions name; a class is one combination of them. */
export interface PetalsClass {
  readonly petalColour: (typeof PETAL_COLOURS)[number];
  /** Number of petals; 20 stands for "many". */
  readonly petalCount: (typeof PETAL_COUNTS)[number];
  readonly petalShape: (typeof PETAL_SHAPES)[number];
  readonly petalLength: (typeof PETAL_LENGTHS)[number];
  readonly centreColour: (typeof CENTRE_COLOURS)[number];
  readonly centreSize: (typeof CENTRE_SIZES)[number];
  readonly leaves: (typeof LEAVES)[number];
}

/** The attributes that no caption names. Lengths are in units of the image's side, angles in radians; x runs right, y down. */
export interface PetalsStyle {
  readonly background: (typeof BACKGROUNDS)[number];
  /** The colour that the background varies about. */
  readonly backgroundColour: Rgb;
  /** Strength of the background's texture, 0 ... 1. */
  readonly texture: number;
  /** Centre of the flower head. */
  readonly x: number;
  readonly y: number;
  /** Size of the whole plant, 1 on average. */
  readonly scale: number;
  /** Turn of the head in its own plane. */
  readonly rotation: number;
  /** How far the head is turned away from the viewer: the angle between its axis and the line of sight. */
  readonly tilt: number;
  /** Direction on the picture that the head is turned towards; its stem leaves the other way. */
  readonly facing: number;
  /** Direction on the picture that the light comes from. */
  readonly light: number;
}

/** Everything that is true of one image. */
export interface PetalsAttributes {
  readonly named: PetalsClass;
  readonly style: PetalsStyle;
}
