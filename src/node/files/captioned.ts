/** Grids for people: enlarged, with the captions of the rows beside them, in any script. */
import sharp, { type OverlayOptions } from "sharp";
import { GAP_SHADE, isolated, type Picture } from "../../pictures/image-grid.js";
import { CAPTION_FONT, captionFontFile } from "./caption-font.js";
import { encodePng } from "./png.js";

/** Width of the captions' column, and what is left free around them, in pixels. */
const [COLUMN, MARGIN] = [232, 8];
const INK = "#e8e4dc";
/** Height of a line of the font. */
const LINE = 16;

/** Each pixel becomes a square of that side. */
export function enlarge({ width, height, pixels }: Picture, scale: number): Picture {
  const larger = { width: width * scale, height: height * scale, pixels: new Uint8Array(3 * width * scale * height * scale) };
  for (let y = 0; y < larger.height; y++)
    for (let x = 0; x < larger.width; x++) {
      const from = 3 * (Math.floor(y / scale) * width + Math.floor(x / scale));
      larger.pixels.set(pixels.subarray(from, from + 3), 3 * (y * larger.width + x));
    }
  return larger;
}

/**
 * A PNG file of a grid with a caption left of each of its rows, which are equally high.
 * @param captions From the top; each is cut where its row ends.
 * @param scale The grid's pixels become squares of this side.
 */
export async function captionedPng(grid: Picture, captions: readonly string[], scale: number): Promise<Uint8Array> {
  const { width, height, pixels } = enlarge(grid, scale);
  const row = Math.floor(height / captions.length);
  const whole = { width: COLUMN + width, height, pixels: new Uint8Array(3 * (COLUMN + width) * height).fill(GAP_SHADE) };
  for (let y = 0; y < height; y++) whole.pixels.set(pixels.subarray(3 * y * width, 3 * (y + 1) * width), 3 * (y * whole.width + COLUMN));
  const raw = { width: whole.width, height, channels: 3 as const };
  const layers: OverlayOptions[] = [];
  for (const [i, caption] of captions.entries()) {
    // The renderer refuses a text that shows nothing.
    if (!/[^\p{Z}\p{C}]/u.test(caption)) continue;
    const { image, width: across, height: down, rightToLeft } = await textImage(caption, row - 2 * MARGIN);
    const top = i * row + Math.max(MARGIN, Math.floor((row - down) / 2));
    layers.push({ input: image, left: rightToLeft ? COLUMN - MARGIN - across : MARGIN, top });
  }
  const { data } = await sharp(whole.pixels, { raw }).composite(layers).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return encodePng({ ...whole, pixels: data });
}

/** A caption as an image of light letters, wrapped, right to left where its script is. */
async function textImage(caption: string, most: number): Promise<{ image: Buffer; width: number; height: number; rightToLeft: boolean }> {
  const { data, info } = await sharp({
    text: {
      // The renderer reads markup, and refuses control characters.
      text: `<span foreground="${INK}">${escaped(caption)}</span>`,
      font: CAPTION_FONT.name,
      fontfile: captionFontFile(),
      dpi: CAPTION_FONT.dpi,
      width: COLUMN - 2 * MARGIN,
      wrap: "word-char",
      rgba: true,
    },
  })
    .png()
    .toBuffer({ resolveWithObject: true });
  const height = Math.min(info.height, Math.max(LINE, most - (most % LINE)));
  const width = Math.min(info.width, COLUMN - 2 * MARGIN);
  const whole = height === info.height && width === info.width;
  const image = whole ? data : await sharp(data).extract({ left: 0, top: 0, width, height }).png().toBuffer();
  return { image, width, height, rightToLeft: isolated(caption) !== caption };
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text: string): string => text.replace(/\p{Cc}/gu, " ").replace(/[&<>]/g, (character) => ENTITIES[character]!);
