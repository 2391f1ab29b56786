/** Stem and leaves of a petals flower. */
import { type Canvas, coverage, mix, shade } from "./petals-canvas.js";
import type { PetalsAttributes, Rgb } from "./petals-attributes.js";
import type { RandomStream } from "../random/philox.js";

const STEM: Rgb = [92, 136, 52];
const LEAF: Rgb = [70, 138, 50];
const LEAF_DARK: Rgb = [28, 78, 30];

/** Half-width of a leaf against its length, and its length. */
const LEAF_FORM = { broad: { width: 0.3, length: 0.44 }, narrow: { width: 0.085, length: 0.56 } } as const;

/** Paints what stands behind the head. */
export function paintLeavesAndStem(canvas: Canvas, { named, style }: PetalsAttributes, random: RandomStream): void {
  const { x, y, scale, facing } = style;
  // The stem leaves the back of the head and bends down out of the picture: a quadratic Bézier curve.
  const back = 0.28 * Math.sin(style.tilt) + 0.1;
  const middle = { x: x - back * Math.cos(facing), y: y - back * Math.sin(facing) + 0.12 };
  const foot = { x: x + random.between(-0.1, 0.1), y: Math.max(1.1, y + 0.75 * scale) };
  const point = (t: number): { x: number; y: number } => ({
    x: (1 - t) ** 2 * x + 2 * t * (1 - t) * middle.x + t * t * foot.x,
    y: (1 - t) ** 2 * y + 2 * t * (1 - t) * middle.y + t * t * foot.y,
  });
  const light = random.between(0.85, 1.15);
  const halfWidth = 0.016 * scale;
  const steps = 14;
  for (let i = 0; i < steps; i++) {
    paintPiece(canvas, point(i / steps), point((i + 1) / steps), halfWidth, shade(STEM, light), style.light);
  }
  if (named.leaves === "none") {
    return;
  }
  const { width, length } = LEAF_FORM[named.leaves];
  const sides = named.leaves === "broad" ? [-1, 1] : [-1, 1, -1, 1];
  sides.forEach((side, i) => {
    // Anchored where the stem passes a height below the head, so that the tips rise beside it.
    const base = point(random.between(0.62, 0.8) + 0.06 * Math.floor(i / 2));
    const upward = named.leaves === "broad" ? random.between(0.25, 0.7) : random.between(0.45, 1.1) + 0.1 * Math.floor(i / 2);
    const angle = side > 0 ? -upward : Math.PI + upward;
    const size = length * scale * random.between(0.9, 1.12);
    paintLeaf(canvas, base.x, base.y, angle, size, width, side * random.between(0.05, 0.3), light * random.between(0.88, 1.12));
  });
}

function paintPiece(
  canvas: Canvas,
  from: { x: number; y: number },
  to: { x: number; y: number },
  halfWidth: number,
  colour: Rgb,
  light: number,
): void {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) + 1e-9;
  const reach = halfWidth + canvas.pixel;
  const lateral = (Math.cos(light) * -dy + Math.sin(light) * dx) / length;
  canvas.box(
    Math.min(from.x, to.x) - reach,
    Math.min(from.y, to.y) - reach,
    Math.max(from.x, to.x) + reach,
    Math.max(from.y, to.y) + reach,
    (px, py, at) => {
      const along = ((px - from.x) * dx + (py - from.y) * dy) / length;
      const across = ((px - from.x) * -dy + (py - from.y) * dx) / length;
      // Pieces overlap a little: where the stem bends, their outer edges would gape.
      if (along < -0.4 * halfWidth || along > length + 0.4 * halfWidth) {
        return;
      }
      const cover = coverage(halfWidth - Math.abs(across), canvas.pixel);
      if (cover > 0) {
        const lit = 1 + (0.3 * lateral * across) / halfWidth;
        canvas.blend(at, colour[0] * lit, colour[1] * lit, colour[2] * lit, cover);
      }
    },
  );
}

/** A leaf with a bright midrib and fine side veins, bent by `bend` (its tip's sideways shift as a share of its length). */
function paintLeaf(canvas: Canvas, x: number, y: number, angle: number, length: number, width: number, bend: number, light: number): void {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const reach = length * 1.05 + canvas.pixel;
  const bright = shade(LEAF, light);
  const rib = mix(shade(LEAF, 1.25 * light), [206, 224, 140], 0.4);
  const dark = shade(LEAF_DARK, light);
  const half = width * length;
  const side = half + Math.abs(bend) * length + 0.03;
  const left = Math.min(0, cos * reach) - Math.abs(sin) * side;
  const right = Math.max(0, cos * reach) + Math.abs(sin) * side;
  const top = Math.min(0, sin * reach) - Math.abs(cos) * side;
  const bottom = Math.max(0, sin * reach) + Math.abs(cos) * side;
  canvas.box(x + left, y + top, x + right, y + bottom, (px, py, at) => {
    const u = ((px - x) * cos + (py - y) * sin) / length;
    if (u <= 0 || u >= 1) {
      return;
    }
    const v = -(px - x) * sin + (py - y) * cos - bend * length * u * u;
    const room = half * 2.6 * u ** 0.7 * (1 - u) ** 0.95 * 0.72;
    const inside = room - Math.abs(v);
    if (inside < -0.02) {
      return;
    }
    canvas.blend(at, 10, 24, 8, 0.3 * Math.max(0, 1 + Math.min(0, inside) / 0.02) ** 2);
    const cover = coverage(inside, canvas.pixel);
    if (cover === 0) {
      return;
    }
    const flank = v / (room + 1e-6);
    const veins = 0.5 + 0.5 * Math.sin(30 * (u - 0.25 * Math.abs(flank)));
    const depth = Math.min(1, 0.25 + 0.35 * flank * flank + 0.12 * veins + (flank > 0 ? 0.18 : 0));
    let [red, green, blue] = mix(bright, dark, depth);
    const ribCover = 0.7 * coverage(0.012 * (1 - u) + 0.003 - Math.abs(v), canvas.pixel);
    red += (rib[0] - red) * ribCover;
    green += (rib[1] - green) * ribCover;
    blue += (rib[2] - blue) * ribCover;
    canvas.blend(at, red, green, blue, cover);
  });
}
