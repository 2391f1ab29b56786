/** The grid a run draws again and again, with fixed captions and fixed noise, so that progress is visible. */
import { centreViews, fillImages } from "../../data/batch.js";
import type { Dataset } from "../../data/dataset.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import type { Device } from "../../gpu/device.js";
import type { Generator } from "../../models/generator.js";
import { captionList, imageGrid, isolated, type Picture, withFirst } from "../../pictures/image-grid.js";
import { outer, Painter } from "./painter.js";
import { normalNoise } from "./noise.js";

const ROWS = 8;
const COLUMNS = 8;

/** A caption of the data set and the image it belongs to. */
export interface GridRow {
  readonly image: number;
  /** The caption's number. */
  readonly index: number;
  readonly caption: string;
  /** "training class 12". */
  readonly origin: string;
}

/** Captions of training classes (images) for the upper half of the rows and of unseen ones for the lower: always the same for a seed. */
export function gridRows(dataset: Dataset, count: number, seed: number): GridRow[] {
  const random = new RandomStream(seed, StreamPurpose.sampleCaptions);
  return Array.from({ length: count }, (_, row) => {
    const unseen = row >= count / 2 && dataset.split.test.length > 0;
    const image = random.pick(dataset.imagesOfSplit(unseen ? "test" : "train"));
    const index = dataset.firstCaption(image) + random.below(dataset.captionsOf(image).length);
    const className = dataset.classes[dataset.classOf(image)]!;
    const origin = dataset.classless
      ? `${unseen ? "held-out" : "training"} image ${className}`
      : `${unseen ? "unseen" : "training"} class ${className}`;
    return { image, index, caption: dataset.caption(index), origin };
  });
}

export class SampleGrid {
  readonly #painter: Painter;
  /** The rows' texts, as they are embedded now. */
  readonly #texts: () => Promise<Float32Array>;
  readonly #noise: Float32Array;
  /** One real image a row, [ROWS, 3, S, S]. */
  readonly #real: Float32Array;
  readonly #labels: readonly string[];

  private constructor(
    painter: Painter,
    /** The rows' captions. */
    readonly captions: readonly string[],
    labels: readonly string[],
    texts: () => Promise<Float32Array>,
    noise: Float32Array,
    real: Float32Array,
  ) {
    this.#painter = painter;
    this.#labels = labels;
    this.#texts = texts;
    this.#noise = noise;
    this.#real = real;
  }

  /** Chooses the rows' captions and the columns' noise. */
  static async create(
    device: Device,
    dataset: Dataset,
    generator: Generator,
    embeddings: (captions: readonly number[]) => Promise<Float32Array>,
    seed: number,
  ): Promise<SampleGrid> {
    const rows = gridRows(dataset, ROWS, seed);
    const { noiseSize } = generator.options;
    const images = rows.map(({ image }) => image);
    return new SampleGrid(
      await Painter.create(device, generator),
      rows.map(({ caption }) => caption),
      rows.map(({ caption, origin }) => `${isolated(caption)} (${origin}; real image first)`),
      () => embeddings(rows.map(({ index }) => index)),
      normalNoise(COLUMNS, noiseSize, seed),
      fillImages(dataset, images, centreViews(dataset, images)),
    );
  }

  /** The grid: each row a real image of its caption, then the generator's for the same eight noise vectors; and the list of captions. */
  async draw(): Promise<{ picture: Picture; captions: string }> {
    const { imageSize, noiseSize, textSize } = this.#painter.generator.options;
    const { rows, columns } = outer(await this.#texts(), textSize, this.#noise, noiseSize);
    const painted = await this.#painter.paint(columns, rows);
    const grid = withFirst(this.#real, painted, ROWS);
    return { picture: imageGrid(grid, imageSize, { columns: COLUMNS + 1 }), captions: captionList(this.#labels) };
  }
}
