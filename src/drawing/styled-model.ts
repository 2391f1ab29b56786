/** A model with the style encoder that inverts its generator: s = S(x) (Reed et al. 2016, section 4.4). */
import { mismatch, type StyleFile } from "../train/style/file.js";
import { shorten, StyleReader } from "../train/style/reader.js";
import type { DrawingModel } from "./drawing-model.js";
import { type Inversion, type InversionOptions, refine } from "./invert.js";

/** How styles are taken from images. */
export interface StyleReading extends Pick<InversionOptions, "onStep" | "signal"> {
  /**
   * Styles are taken so many times (default 1). S gives the mean of all noises that may have drawn an image, which is shorter than any of
   * them: the less S knows of them, the shorter, and the fainter the style in what is drawn from it.
   */
  readonly styleStrength?: number;
  /** Styles are at most so many times as long as noise is on average (default 1). */
  readonly styleLength?: number;
  /** Steps of optimisation after the style encoder (default 0). */
  readonly refine?: number;
  /** What the images show, one text each, for the optimisation; without, it finds texts by itself. */
  readonly captions?: readonly string[];
}

/** A drawing model that reads styles from photographs. */
export class StyledModel {
  private constructor(
    readonly drawing: DrawingModel,
    readonly reader: StyleReader,
  ) {}

  /** A style encoder of another generator is taken, and the model warns of it. */
  static async create(drawing: DrawingModel, file: StyleFile): Promise<StyledModel> {
    const off = await mismatch(file, drawing.model.generator, drawing.name);
    if (off) drawing.warn(off);
    return new StyledModel(drawing, await StyleReader.create(drawing.device, file.style, 4));
  }

  /**
   * @param photos [N, 3, S, S] in [−1, 1]
   * @returns Their styles [N, noiseSize], and how the refinement went where there was one.
   */
  async read(
    photos: Float32Array,
    { refine: steps = 0, captions, styleStrength = 1, styleLength = 1, onStep, signal }: StyleReading = {},
  ): Promise<{ styles: Float32Array; inversion?: Inversion }> {
    const taken = (await this.reader.read(photos)).map((v) => v * styleStrength);
    const styles = shorten(taken, this.reader.style.options.noiseSize, styleLength);
    if (steps === 0) return { styles };
    const { device, model } = this.drawing;
    const text = captions && (await this.drawing.embed(captions));
    const watch = { ...(onStep && { onStep }), ...(signal && { signal }) };
    const inversion = await refine(device, model.generator, photos, styles, text, steps, watch);
    return { styles: inversion.styles, inversion };
  }

  /** Frees its program; the drawing model stays. */
  destroy(): void {
    this.reader.destroy();
  }
}
