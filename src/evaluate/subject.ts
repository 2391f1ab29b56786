/** What is evaluated: the generators of a training, the moving average that draws the samples ("ema") and the trained one itself ("raw"). */
import type { Device } from "../gpu/device.js";
import type { Generator } from "../models/generator.js";
import type { StyleEncoder } from "../models/style-encoder.js";
import { normalNoise } from "../train/gan/noise.js";
import type { GeneratorKind } from "../train/gan/options.js";
import { Painter } from "../train/gan/painter.js";
import { networkDigest } from "../train/run/network-file.js";
import type { StyleFile } from "../train/style/file.js";
import type { CaptionTable } from "../train/text/caption-table.js";
import { CHUNK, Parts } from "./pictures.js";
import type { Pictures } from "./trial.js";

/** Generators by kind, the one that draws the samples first; a training without moving average has the raw one only. */
export type Generators = readonly (readonly [kind: GeneratorKind, generator: Generator])[];

/** Embeddings of the data set's captions, as the generators were trained on them. */
export type CaptionEmbeddings = Pick<CaptionTable, "size" | "need" | "means">;

export interface Subject {
  /** Begins the labels of its columns. */
  readonly name: string;
  readonly generators: Generators;
  readonly captions: CaptionEmbeddings;
  readonly style?: SubjectStyle | undefined;
  /** The command that trains a style encoder where there is none, for who reads the report. */
  readonly styleCommand?: string;
}

/** A style encoder, and which of the generators it inverts: undefined where it was trained with another one. */
export interface SubjectStyle {
  readonly encoder: StyleEncoder;
  readonly kind: GeneratorKind | undefined;
}

/** A style encoder's file beside the generators there are now. */
export async function styleAmong({ style, generator: inverted }: StyleFile, generators: Generators): Promise<SubjectStyle> {
  for (const [kind, generator] of generators) if ((await networkDigest(generator)) === inverted) return { encoder: style, kind };
  return { encoder: style, kind: undefined };
}

/** A generator that draws captions of the data set. */
export class Artist {
  private constructor(
    readonly painter: Painter,
    readonly captions: CaptionEmbeddings,
  ) {}

  static async create(device: Device, generator: Generator, captions: CaptionEmbeddings): Promise<Artist> {
    return new Artist(await Painter.create(device, generator, 32), captions);
  }

  /** Draws captions by their numbers, image i from row i of the seed's noise: each part when it is asked for. */
  draw(captions: readonly number[], seed: number): Promise<Parts<Promise<Float32Array>>> {
    return this.drawFrom(normalNoise(captions.length, this.painter.generator.options.noiseSize, seed), captions);
  }

  /** The same from noise, or styles, that are given. @param noise [captions, Z] */
  async drawFrom(noise: Float32Array, captions: readonly number[]): Promise<Parts<Promise<Float32Array>>> {
    const { noiseSize } = this.painter.generator.options;
    await this.captions.need(captions);
    return new Parts(captions.length, (i) => {
      const start = i * CHUNK;
      const rows = Uint32Array.from(captions.slice(start, start + CHUNK));
      return this.painter.paint(noise.subarray(start * noiseSize, (start + rows.length) * noiseSize), this.captions.means(rows, 1));
    });
  }

  /** What it draws, as a trial asks for it. */
  pictures(seed: number): Pictures {
    return {
      of: (captions) => this.draw(captions, seed),
      groups: (captions, each) =>
        this.draw(
          captions.flatMap((caption) => new Array<number>(each).fill(caption)),
          seed,
        ),
    };
  }

  destroy(): void {
    this.painter.destroy();
  }
}
