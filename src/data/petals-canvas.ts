/**
 * A small antialiased painter: soft shapes given by their distance to the edge are laid over a picture of floats. Lengths are in units of
 * the picture's side, so that one drawing has any size. Knows nothing of flowers.
 */
import type { RandomStream } from "../random/philox.js";
import type { Rgb } from "./petals-attributes.js";

/** A picture being painted: RGB floats 0 ... 255, row by row. */
export class Canvas {
  readonly rgb: Float32Array;
  /** Side of one pixel. */
  readonly pixel: number;

  constructor(readonly size: number) {
    this.rgb = new Float32Array(size * size * 3);
    this.pixel = 1 / size;
  }

  /** Lays a colour over one pixel (its place in `rgb`) with opacity 0 ... 1. */
  blend(at: number, red: number, green: number, blue: number, opacity: number): void {
    const rgb = this.rgb;
    rgb[at] = rgb[at]! + (red - rgb[at]!) * opacity;
    rgb[at + 1] = rgb[at + 1]! + (green - rgb[at + 1]!) * opacity;
    rgb[at + 2] = rgb[at + 2]! + (blue - rgb[at + 2]!) * opacity;
  }

  /** Visits the pixels whose centres may lie in a box: visit(x, y, place in `rgb`). */
  box(left: number, top: number, right: number, bottom: number, visit: (x: number, y: number, at: number) => void): void {
    const { size, pixel } = this;
    const firstColumn = Math.max(0, Math.floor(left * size));
    const lastColumn = Math.min(size - 1, Math.ceil(right * size));
    const firstRow = Math.max(0, Math.floor(top * size));
    const lastRow = Math.min(size - 1, Math.ceil(bottom * size));
    for (let row = firstRow; row <= lastRow; row++) {
      let at = (row * size + firstColumn) * 3;
      for (let column = firstColumn; column <= lastColumn; column++, at += 3) {
        visit((column + 0.5) * pixel, (row + 0.5) * pixel, at);
      }
    }
  }

  /** A disc whose edge is `blur` wide (at least a pixel). */
  disc(x: number, y: number, radius: number, colour: Rgb, opacity: number, blur = 0): void {
    const edge = Math.max(blur, this.pixel);
    const reach = radius + edge;
    this.box(x - reach, y - reach, x + reach, y + reach, (px, py, at) => {
      const inside = coverage(radius - Math.hypot(px - x, py - y), edge);
      if (inside > 0) {
        this.blend(at, colour[0], colour[1], colour[2], opacity * inside);
      }
    });
  }

  /** A straight blade from a base of the given half-width to a point. */
  blade(x0: number, y0: number, x1: number, y1: number, halfWidth: number, colour: Rgb, opacity: number, blur = 0): void {
    const edge = Math.max(blur, this.pixel);
    const reach = halfWidth + edge;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const length2 = dx * dx + dy * dy;
    this.box(Math.min(x0, x1) - reach, Math.min(y0, y1) - reach, Math.max(x0, x1) + reach, Math.max(y0, y1) + reach, (px, py, at) => {
      const along = Math.min(1, Math.max(0, ((px - x0) * dx + (py - y0) * dy) / length2));
      const distance = Math.hypot(px - x0 - along * dx, py - y0 - along * dy);
      const inside = coverage(halfWidth * (1 - along) - distance, edge);
      if (inside > 0) {
        this.blend(at, colour[0], colour[1], colour[2], opacity * inside);
      }
    });
  }

  /** The picture as bytes. */
  bytes(): Uint8Array {
    const out = new Uint8Array(this.rgb.length);
    for (let i = 0; i < out.length; i++) {
      const value = this.rgb[i]! + 0.5;
      out[i] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
    return out;
  }
}

/** How much of a pixel a shape covers whose edge lies `inside` away (negative outside), for an edge that is `edge` wide. */
export function coverage(inside: number, edge: number): number {
  const t = 0.5 + inside / edge;
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

/** Smooth random field in [-1, 1], made of a table of random values at the corners of a unit grid. */
export class Noise {
  readonly #table = new Float32Array(256);

  constructor(random: RandomStream) {
    for (let i = 0; i < 256; i++) {
      this.#table[i] = 2 * random.uniform() - 1;
    }
  }

  at(x: number, y: number): number {
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const fx = x - ix;
    const fy = y - iy;
    const u = fx * fx * (3 - 2 * fx);
    const v = fy * fy * (3 - 2 * fy);
    const top = this.#corner(ix, iy) * (1 - u) + this.#corner(ix + 1, iy) * u;
    const bottom = this.#corner(ix, iy + 1) * (1 - u) + this.#corner(ix + 1, iy + 1) * u;
    return top * (1 - v) + bottom * v;
  }

  /** Three octaves, each half as strong and twice as fine as the one before; about [-1, 1]. */
  fractal(x: number, y: number): number {
    return 0.57 * this.at(x, y) + 0.29 * this.at(2 * x + 17.3, 2 * y + 5.1) + 0.14 * this.at(4 * x + 3.7, 4 * y + 29.9);
  }

  #corner(ix: number, iy: number): number {
    let hash = Math.imul(ix, 0x27d4eb2d) ^ Math.imul(iy, 0x165667b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return this.#table[(hash >>> 24) & 255]!;
  }
}

/** A colour between two. */
export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** A colour made lighter (factor above 1) or darker. */
export function shade(colour: Rgb, factor: number): Rgb {
  return [colour[0] * factor, colour[1] * factor, colour[2] * factor];
}
