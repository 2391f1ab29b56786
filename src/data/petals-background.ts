/** Backgrounds of petals: soft and out of focus, so that the flower stands in front of them. */
import { type Canvas, mix, Noise, shade } from "./petals-canvas.js";
import type { PetalsStyle, Rgb } from "./petals-attributes.js";
import type { RandomStream } from "../random/philox.js";

/** The colours that a background's base colour is drawn between. */
export const BACKGROUND_COLOURS: Readonly<Record<PetalsStyle["background"], readonly [Rgb, Rgb]>> = {
  sky: [
    [112, 168, 226],
    [178, 206, 228],
  ],
  grass: [
    [84, 128, 44],
    [124, 158, 70],
  ],
  foliage: [
    [24, 50, 28],
    [50, 86, 48],
  ],
  soil: [
    [74, 52, 38],
    [128, 98, 70],
  ],
  water: [
    [34, 92, 104],
    [84, 142, 146],
  ],
  stone: [
    [112, 112, 114],
    [172, 168, 160],
  ],
  dusk: [
    [46, 40, 70],
    [110, 80, 98],
  ],
};

const WHITE: Rgb = [255, 255, 255];

/** Fills the canvas. */
export function paintBackground(canvas: Canvas, style: PetalsStyle, random: RandomStream): void {
  const noise = new Noise(random);
  const base = style.backgroundColour;
  const strength = style.texture;
  switch (style.background) {
    case "sky": {
      const pale = mix(base, WHITE, 0.45);
      const deep = shade(base, 0.86);
      fill(canvas, (x, y, out) => {
        set(out, mix(deep, pale, 0.15 + 0.7 * y));
        const cloud = noise.fractal(2.2 * x + 3, 3.6 * y) + 0.25;
        if (cloud > 0) {
          towards(out, WHITE, Math.min(0.8, cloud * 1.3 * strength));
        }
      });
      break;
    }
    case "grass":
      fill(canvas, (x, y, out) => {
        set(out, shade(base, 0.92 + 0.16 * y + 0.3 * strength * noise.fractal(3 * x, 2 * y)));
      });
      blades(canvas, base, strength, random);
      break;
    case "foliage":
      fill(canvas, (x, y, out) => {
        set(out, shade(base, 1 + 0.5 * strength * noise.fractal(3 * x, 3 * y)));
      });
      bokeh(canvas, base, strength, random);
      break;
    case "soil":
      fill(canvas, (x, y, out) => {
        const clods = noise.fractal(7 * x, 8 * y);
        const grain = noise.at(31 * x, 31 * y);
        set(out, shade(base, 0.94 + 0.1 * y + strength * (0.42 * clods + 0.14 * grain)));
      });
      break;
    case "water":
      fill(canvas, (x, y, out) => {
        const wave = noise.fractal(3 * x + noise.at(4 * x, 4 * y), 11 * y);
        set(out, shade(base, 0.9 + 0.2 * y + 0.25 * strength * wave));
        if (wave > 0.25) {
          towards(out, WHITE, Math.min(0.5, (wave - 0.25) * 1.1 * strength));
        }
      });
      break;
    case "stone":
      fill(canvas, (x, y, out) => {
        const blotch = noise.fractal(4 * x, 4 * y);
        // Cracks follow the zero line of another field.
        const crack = Math.abs(noise.fractal(2.5 * x + 40, 2.5 * y + 40));
        set(out, shade(base, 1 + strength * (0.22 * blotch - (crack < 0.06 ? 0.35 * (1 - crack / 0.06) : 0))));
      });
      break;
    case "dusk": {
      const glow = mix(base, [244, 156, 104], 0.5);
      const night = shade(base, 0.7);
      fill(canvas, (x, y, out) => {
        const level = Math.min(1, Math.max(0, y * 1.1 - 0.05 + 0.25 * strength * noise.fractal(2 * x, 4 * y)));
        set(out, mix(night, glow, level * level));
      });
      break;
    }
  }
}

/** A texture writes a pixel's colour into `out`. */
function fill(canvas: Canvas, texture: (x: number, y: number, out: Float32Array) => void): void {
  const colour = new Float32Array(3);
  canvas.box(0, 0, 1, 1, (x, y, at) => {
    texture(x, y, colour);
    canvas.rgb.set(colour, at);
  });
}

function set(out: Float32Array, colour: Rgb): void {
  out[0] = colour[0];
  out[1] = colour[1];
  out[2] = colour[2];
}

function towards(out: Float32Array, colour: Rgb, share: number): void {
  for (let i = 0; i < 3; i++) {
    out[i] = out[i]! + (colour[i]! - out[i]!) * share;
  }
}

function blades(canvas: Canvas, base: Rgb, strength: number, random: RandomStream): void {
  for (let i = 0; i < 34; i++) {
    const x = random.between(-0.1, 1.1);
    const top = random.between(0.05, 0.85);
    const colour = shade(mix(base, [196, 208, 96], random.between(0, 0.35)), random.between(0.62, 1.25));
    const foot = top + random.between(0.3, 0.6);
    canvas.blade(x, foot, x + random.between(-0.16, 0.16), top, random.between(0.01, 0.024), colour, 0.35 + 0.5 * strength, 0.02);
  }
}

function bokeh(canvas: Canvas, base: Rgb, strength: number, random: RandomStream): void {
  for (let i = 0; i < 12; i++) {
    const radius = random.between(0.05, 0.15);
    const colour = shade(mix(base, [176, 206, 110], random.between(0.1, 0.55)), random.between(0.7, 1.1));
    canvas.disc(random.uniform(), random.uniform(), radius, colour, (0.15 + 0.35 * strength) * random.uniform(), radius * 0.6);
  }
}
