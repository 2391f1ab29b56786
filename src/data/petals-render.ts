/**
 * Paints a petals flower from its attributes: background, stem and leaves, petals one over the other, centre. Antialiased at any size and
 * the same on every run; the stream of random numbers decides only what no attribute says (blades of grass, the unevenness of petals).
 */
import { paintBackground } from "./petals-background.js";
import { Canvas, coverage, mix, shade } from "./petals-canvas.js";
import { paintLeavesAndStem } from "./petals-leaves.js";
import type { PetalsAttributes, PetalsClass, Rgb } from "./petals-attributes.js";
import type { RandomStream } from "../random/philox.js";

/** Main and shadow colour of petals. */
const PETALS: Readonly<Record<PetalsClass["petalColour"], readonly [Rgb, Rgb]>> = {
  white: [
    [247, 246, 242],
    [196, 202, 212],
  ],
  yellow: [
    [252, 220, 40],
    [222, 158, 8],
  ],
  orange: [
    [250, 140, 26],
    [206, 80, 6],
  ],
  red: [
    [214, 28, 30],
    [124, 4, 16],
  ],
  pink: [
    [250, 164, 190],
    [222, 98, 142],
  ],
  magenta: [
    [222, 38, 150],
    [146, 8, 98],
  ],
  purple: [
    [134, 70, 190],
    [72, 26, 124],
  ],
  blue: [
    [70, 104, 228],
    [26, 44, 150],
  ],
};

/** Main and shadow colour of centres. */
const CENTRES: Readonly<Record<PetalsClass["centreColour"], readonly [Rgb, Rgb]>> = {
  yellow: [
    [250, 206, 44],
    [196, 128, 10],
  ],
  brown: [
    [112, 68, 34],
    [52, 28, 14],
  ],
  green: [
    [140, 186, 64],
    [74, 118, 28],
  ],
  white: [
    [244, 242, 228],
    [186, 182, 154],
  ],
  red: [
    [190, 32, 38],
    [106, 8, 18],
  ],
};

/** Outline of a petal: half-width at u (0 at its foot, 1 at its tip) is proportional to u^foot (1 - u)^tip. */
interface Outline {
  readonly foot: number;
  readonly tip: number;
  /** Width against the room that one of n petals has: above 1 they overlap. */
  readonly fullness: number;
  /** Widest allowed, as a share of the length. */
  readonly widest: number;
}

const OUTLINES: Readonly<Record<PetalsClass["petalShape"], Outline>> = {
  round: { foot: 0.75, tip: 0.42, fullness: 1.2, widest: 0.46 },
  pointed: { foot: 0.8, tip: 1.05, fullness: 1.15, widest: 0.4 },
  notched: { foot: 1.1, tip: 0.36, fullness: 1.25, widest: 0.52 },
  narrow: { foot: 0.4, tip: 0.5, fullness: 0.62, widest: 0.12 },
  ruffled: { foot: 0.8, tip: 0.38, fullness: 1.35, widest: 0.54 },
};

/** Half-width of an outline, at most 1, at u = i / OUTLINE_STEPS: powers are too slow for every pixel. */
const OUTLINE_STEPS = 512;
const PROFILES = Object.fromEntries(
  Object.entries(OUTLINES).map(([shape, { foot, tip }]) => {
    const crest = foot / (foot + tip);
    const most = crest ** foot * (1 - crest) ** tip;
    // One entry more than the steps, for the interpolation at the tip.
    const profile = Float32Array.from({ length: OUTLINE_STEPS + 2 }, (_, i) => {
      const u = Math.min(1, i / OUTLINE_STEPS);
      return (u ** foot * (1 - u) ** tip) / most;
    });
    return [shape, profile];
  }),
) as Readonly<Record<PetalsClass["petalShape"], Float32Array>>;

const PETAL_LENGTH = { short: 0.275, long: 0.41 } as const;
const CENTRE_RADIUS = { small: 0.055, large: 0.115 } as const;
/** Width of the soft shadow that a petal casts on what is below it. */
const SHADOW = 0.03;

/** The flower head's plane on the picture: a plane point (p, q) lies at centre + p * a + q * b. */
interface Plane {
  readonly x: number;
  readonly y: number;
  /** Unit vector of the facing direction, along which the plane is foreshortened by `squash`. */
  readonly dx: number;
  readonly dy: number;
  readonly squash: number;
}

/** Paints one image. @returns size x size x RGB bytes, row by row from the top. */
export function renderPetals(attributes: PetalsAttributes, size: number, random: RandomStream): Uint8Array {
  const { named, style } = attributes;
  const canvas = new Canvas(size);
  paintBackground(canvas, style, random);
  paintLeavesAndStem(canvas, attributes, random);
  const plane: Plane = { x: style.x, y: style.y, dx: Math.cos(style.facing), dy: Math.sin(style.facing), squash: Math.cos(style.tilt) };
  const tint = random.between(0.93, 1.05);
  const warmth = random.between(-7, 7);
  const tinted = ([red, green, blue]: Rgb): Rgb => [tint * red + warmth, tint * green, tint * blue - warmth];
  const petals = PETALS[named.petalColour];
  const colours: readonly [Rgb, Rgb] = [tinted(petals[0]), tinted(petals[1])];
  const length = PETAL_LENGTH[named.petalLength] * style.scale;
  for (const ring of rings(named.petalCount)) {
    paintRing(canvas, attributes, plane, colours, length * ring.length, ring.count, ring.turn, random);
  }
  paintCentre(canvas, attributes, plane, random);
  return canvas.bytes();
}

/** Petals stand in one ring, or in two where there are many: the inner one shorter and turned by half a petal. */
function rings(count: number): readonly { count: number; length: number; turn: number }[] {
  if (count < 20) {
    return [{ count, length: 1, turn: 0 }];
  }
  const outer = Math.ceil(count * 0.55);
  return [
    { count: outer, length: 1, turn: 0 },
    { count: count - outer, length: 0.72, turn: 0.5 },
  ];
}

function paintRing(
  canvas: Canvas,
  { named, style }: PetalsAttributes,
  plane: Plane,
  colours: readonly [Rgb, Rgb],
  length: number,
  count: number,
  turn: number,
  random: RandomStream,
): void {
  // Every second petal first, so that the others lie over both their neighbours.
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => (a % 2) - (b % 2));
  for (const i of order) {
    const angle = style.rotation + ((i + turn) / count) * 2 * Math.PI + random.between(-0.05, 0.05);
    const own = length * random.between(0.94, 1.05);
    paintPetal(canvas, named, style.light, plane, colours, angle, own, count, random.between(0.95, 1.04), random.between(0, 6.28));
  }
}

function paintPetal(
  canvas: Canvas,
  named: PetalsClass,
  light: number,
  plane: Plane,
  [main, dark]: readonly [Rgb, Rgb],
  angle: number,
  length: number,
  count: number,
  brightness: number,
  phase: number,
): void {
  const outline = OUTLINES[named.petalShape];
  const { foot, tip } = outline;
  const crest = foot / (foot + tip);
  const profile = PROFILES[named.petalShape];
  const width = length * Math.min(outline.widest, Math.max(0.07, outline.fullness * crest * Math.tan(Math.PI / count)));
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const { x, y, dx, dy, squash } = plane;
  // Light across the petal: one flank brighter than the other.
  const lateral = Math.cos(light - angle - Math.PI / 2);
  // The ramp that comes closest to a picture averaged down from a large one.
  const edge = 1.4 * canvas.pixel * (1 + 0.5 * (1 / squash - 1));
  const margin = SHADOW + 2 * canvas.pixel;
  const widest = 1.15 * width + margin;
  const reachX = bound(cos * length, -sin * widest);
  const reachY = bound(sin * length, cos * widest);
  const notched = named.petalShape === "notched";
  const ruffled = named.petalShape === "ruffled";
  canvas.box(x + reachX[0], y + reachY[0], x + reachX[1], y + reachY[1], (px, py, at) => {
    // Undo the foreshortening, then turn into the petal's own axes: u along it, v across.
    const along = (px - x) * dx + (py - y) * dy;
    const stretch = along * (1 / squash - 1);
    const p = px - x + stretch * dx;
    const q = py - y + stretch * dy;
    let u = (p * cos + q * sin) / length;
    const v = -p * sin + q * cos;
    if (u < -0.1 || u > 1.2 || Math.abs(v) > widest) {
      return;
    }
    let room = width;
    if (notched) {
      // The middle of the tip is set back.
      u /= 1 - 0.3 * Math.max(0, 1 - Math.abs(v) / (0.75 * width)) * Math.max(0, u) ** 2;
    } else if (ruffled) {
      u /= 1 + 0.05 * Math.sin((9 * v) / width + phase);
      room *= 1 + 0.13 * Math.sin(22 * u + phase + (v > 0 ? 1.7 : 0));
    }
    const clamped = u < 0.01 ? 0.01 : u > 0.998 ? 0.998 : u;
    const step = Math.floor(clamped * OUTLINE_STEPS);
    const half = room * (profile[step]! + (profile[step + 1]! - profile[step]!) * (clamped * OUTLINE_STEPS - step));
    // Slope of the outline turns the gap across into a distance to the edge; bounded, for it has no bound at a blunt tip.
    const slope = Math.max(-2, Math.min(2, (half * (foot / clamped - tip / (1 - clamped))) / length));
    const across = (half - Math.abs(v)) / Math.sqrt(1 + slope * slope);
    const inside = Math.min(across, (1 - u) * length, (u + 0.02) * length);
    if (inside < -SHADOW) {
      return;
    }
    const shadow = 0.34 * Math.max(0, 1 + Math.min(0, inside) / SHADOW) ** 2;
    canvas.blend(at, dark[0] * 0.35, dark[1] * 0.35, dark[2] * 0.35, shadow);
    const cover = coverage(inside, edge);
    if (cover === 0) {
      return;
    }
    const flank = Math.max(-1, Math.min(1, v / (half + 1e-6)));
    const vein = 0.05 * Math.cos(11 * flank + 2 * u) * (1 - Math.abs(flank));
    const depth = Math.max(0, Math.min(1, 0.62 * (1 - u) ** 2 + 0.42 * flank * flank * flank * flank - 0.06 + vein));
    const lit = brightness * (1 + 0.13 * lateral * flank + 0.05 * u);
    canvas.blend(
      at,
      Math.min(255, lit * (main[0] + (dark[0] - main[0]) * depth)),
      Math.min(255, lit * (main[1] + (dark[1] - main[1]) * depth)),
      Math.min(255, lit * (main[2] + (dark[2] - main[2]) * depth)),
      cover,
    );
  });
}

/** Extent on one axis of a strip from the origin along `along`, `across` to either side. */
function bound(along: number, across: number): readonly [number, number] {
  const side = Math.abs(across);
  return [Math.min(0, along * 1.1) - side, Math.max(0, along * 1.1) + side];
}

/** The centre: a dome seen at an angle, dotted in a golden-angle spiral. */
function paintCentre(canvas: Canvas, { named, style }: PetalsAttributes, plane: Plane, random: RandomStream): void {
  const radius = CENTRE_RADIUS[named.centreSize] * style.scale * random.between(0.94, 1.06);
  const [main, dark] = CENTRES[named.centreColour];
  const { dx, dy } = plane;
  // A dome is foreshortened less than the petals' plane, and its top leans towards where the head faces.
  const squash = 0.4 + 0.6 * plane.squash;
  const lean = 0.35 * radius * Math.sin(style.tilt);
  const x = plane.x + lean * dx;
  const y = plane.y + lean * dy;
  const reach = radius + SHADOW;
  canvas.box(x - reach, y - reach, x + reach, y + reach, (px, py, at) => {
    const along = (px - x) * dx + (py - y) * dy;
    const stretch = along * (1 / squash - 1);
    const distance = Math.hypot(px - x + stretch * dx, py - y + stretch * dy);
    const inside = radius - distance;
    if (inside < -SHADOW) {
      return;
    }
    canvas.blend(at, 24, 14, 10, 0.34 * Math.max(0, 1 + Math.min(0, inside) / SHADOW) ** 2);
    const cover = coverage(inside, canvas.pixel);
    if (cover > 0) {
      const rim = distance / radius;
      const facingLight = ((px - x) * Math.cos(style.light) + (py - y) * Math.sin(style.light)) / radius;
      const depth = Math.max(0, Math.min(1, 0.55 * rim * rim * rim - 0.35 * facingLight + 0.08));
      const [red, green, blue] = mix(main, dark, depth);
      canvas.blend(at, red, green, blue, cover);
    }
  });
  const dots = named.centreSize === "large" ? 44 : 14;
  const turn = random.between(0, 2 * Math.PI);
  for (let i = 0; i < dots; i++) {
    const r = radius * 0.9 * Math.sqrt((i + 0.5) / dots);
    const angle = turn + i * 2.399963;
    const p = r * Math.cos(angle);
    const q = r * Math.sin(angle);
    const shrink = (p * dx + q * dy) * (squash - 1);
    const colour = i % 2 === 0 ? mix(shade(main, 1.14), [255, 255, 240], 0.12) : shade(dark, 0.92);
    canvas.disc(x + p + shrink * dx, y + q + shrink * dy, radius * 0.075, colour, 0.5);
  }
}
