/**
 * The grid that shows what a style encoder has learnt, drawn again and again of the same images: a row is a real image x, then
 * G(S(x), t) for its own caption t and for the captions of the other rows. Its style (background, position, size) should stay along a row.
 */
import { centreViews, fillImages } from "../../data/batch.js";
import type { CaptionTable } from "../text/caption-table.js";
import { captionList, imageGrid, type Picture, withFirst } from "../../pictures/image-grid.js";
import type { Painter } from "../gan/painter.js";
import { gridRows } from "../gan/sample-grid.js";
import { shorten, type StyleReader } from "./reader.js";

const ROWS = 8;

export class StyleGrid {
  private constructor(
    readonly painter: Painter,
    /** The real images, [ROWS, 3, S, S]. */
    readonly real: Float32Array,
    /** Embeddings of their captions, [ROWS, textSize]. */
    readonly texts: Float32Array,
    /** The rows' captions. */
    readonly captions: readonly string[],
    readonly labels: readonly string[],
  ) {}

  /** Chooses real images of training classes for the upper half of the rows and of unseen classes for the lower. */
  static async create(painter: Painter, captions: CaptionTable, seed: number): Promise<StyleGrid> {
    const { dataset } = captions;
    const rows = gridRows(dataset, ROWS, seed);
    const indices = Uint32Array.from(rows, ({ index }) => index);
    await captions.need(indices);
    const images = rows.map(({ image }) => image);
    const real = fillImages(dataset, images, centreViews(dataset, images));
    const labels = rows.map(({ caption, origin }) => `${caption} (${origin})`);
    const own = rows.map(({ caption }) => caption);
    return new StyleGrid(painter, real, captions.means(indices, 1), own, labels);
  }

  async draw(reader: StyleReader): Promise<{ picture: Picture; captions: string }> {
    const { imageSize, noiseSize, textSize } = this.painter.generator.options;
    const styles = shorten(await reader.read(this.real), noiseSize, 1);
    const noise = new Float32Array(ROWS * ROWS * noiseSize);
    const text = new Float32Array(ROWS * ROWS * textSize);
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < ROWS; column++) {
        const at = row * ROWS + column;
        // The row's own caption first, then those of the rows below it, round the end.
        const caption = (row + column) % ROWS;
        noise.set(styles.subarray(row * noiseSize, (row + 1) * noiseSize), at * noiseSize);
        text.set(this.texts.subarray(caption * textSize, (caption + 1) * textSize), at * textSize);
      }
    }
    const picture = imageGrid(withFirst(this.real, await this.painter.paint(noise, text), ROWS), imageSize, { columns: ROWS + 1 });
    const what =
      "column 1: a real image; column 2: its style with its own caption; then its style with the captions of the rows below, in turn\n";
    return { picture, captions: what + captionList(this.labels) };
  }
}
