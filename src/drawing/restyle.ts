/** Style transfer (Reed et al. 2016, section 5.3): the style s = S(x) of one image with the content of any text, G(s, φ(t)). */
import { readPhoto } from "../node/datasets/decode.js";
import { UserError } from "../errors.js";
import { DrawingModel } from "./drawing-model.js";
import type { DrawingRequest, TrainHooks } from "../train/run/events.js";
import { withFirst } from "../pictures/image-grid.js";
import { type Inversion, refine } from "./invert.js";
import { outer } from "../train/gan/painter.js";
import { joined } from "../tensor/rows.js";
import { mismatch, styleOfRun } from "../train/style/file.js";
import { shorten, StyleReader } from "../train/style/reader.js";

/** How styles are taken from images. */
export interface StyleReading {
  /** Styles are at most so many times as long as noise is on average (default 1). */
  readonly styleLength?: number;
  /** Steps of optimisation after the style encoder. */
  readonly refine: number;
  /** What the images show, one text each, for the optimisation; without, it finds texts by itself. */
  readonly captions?: readonly string[];
}

export interface RestyleRequest extends DrawingRequest, StyleReading {
  /** Image files, each a row of the grid. */
  readonly styles: readonly string[];
  /** Sentences, each a column of the grid after the first, which shows the images. */
  readonly texts: readonly string[];
}

export interface Restyled {
  /** [styles × (1 + texts), 3, size, size] in [−1, 1], row by row. */
  readonly images: Float32Array;
  readonly size: number;
  /** What drew them, for the user. */
  readonly model: string;
  readonly warnings: readonly string[];
  /** How near the refined styles came to the images; absent without refinement. */
  readonly inversion?: Inversion;
}

/** A model with the style encoder of its run. */
export class StyledModel {
  private constructor(
    readonly drawing: DrawingModel,
    readonly reader: StyleReader,
  ) {}

  /**
   * Opens a run, with the generator that its style encoder was trained to invert unless another is asked for.
   * @throws UserError when the run has no style encoder
   */
  static async open(request: DrawingRequest, onEvent?: TrainHooks["onEvent"]): Promise<StyledModel> {
    const file = await styleOfRun(request.source);
    const drawing = await DrawingModel.open({ ...request, generator: request.generator ?? file.kind }, onEvent);
    const off = await mismatch(file, drawing.model);
    if (off) drawing.warn(off);
    return new StyledModel(drawing, await StyleReader.create(drawing.device, file.style, 4));
  }

  /**
   * @param photos [N, 3, S, S] in [−1, 1]
   * @returns Their styles [N, noiseSize], and how the refinement went where there was one.
   */
  async read(
    photos: Float32Array,
    { refine: steps, captions, styleLength = 1 }: StyleReading,
  ): Promise<{ styles: Float32Array; inversion?: Inversion }> {
    const styles = shorten(await this.reader.read(photos), this.reader.style.options.noiseSize, styleLength);
    if (steps === 0) return { styles };
    const { device, model } = this.drawing;
    const text = captions && (await this.drawing.embed(captions));
    const inversion = await refine(device, model.generator, photos, styles, text, steps);
    return { styles: inversion.styles, inversion };
  }
}

/** @throws UserError when the run has no style encoder, or an image cannot be read */
export async function restyle(request: RestyleRequest, onEvent?: TrainHooks["onEvent"]): Promise<Restyled> {
  const { styles: files, texts, captions } = request;
  if (captions && captions.length !== files.length)
    throw new UserError(`--caption says what each --style shows: ${captions.length} for ${files.length} of them`);
  const model = await StyledModel.open(request, onEvent);
  const { drawing } = model;
  try {
    const { imageSize, noiseSize, textSize } = drawing.model.generator.options;
    // One after the other: a photograph may be large.
    const read: Float32Array[] = [];
    for (const file of files) read.push(await readPhoto(file, imageSize));
    const photos = joined(read);
    // Before the refinement, which takes long: a sentence may be refused.
    const embeddings = await drawing.embed(texts);
    const { styles, inversion } = await model.read(photos, request);
    const { rows, columns } = outer(styles, noiseSize, embeddings, textSize);
    const images = withFirst(photos, await drawing.paint(rows, columns), files.length);
    return { images, size: imageSize, model: drawing.model.path, warnings: drawing.warnings, inversion };
  } finally {
    drawing.destroy();
  }
}
