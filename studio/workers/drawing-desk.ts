/** A model on the device, and what a person may want drawn with it. */
import { transfer } from "comlink";
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import type { Device } from "../../src/gpu/device.js";
import { type GanFile, readGan } from "../../src/train/gan/model-file.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { isCut } from "../../src/train/text/sentences.js";
import { survivingLoss, theDevice } from "./engine.js";
import { type Pixels, toPixels } from "./pixels.js";

/** What the page knows of the device. */
export interface AdapterReport {
  readonly description: string;
  /** Computed by the processor: slow, but right. */
  readonly software: boolean;
}

/** What the page knows of an opened model. */
export interface ModelReport {
  readonly name: string;
  readonly bytes: number;
  /** Side of an image. */
  readonly size: number;
  readonly examples: readonly string[];
  /** What sentences are read as: "characters" or "words". */
  readonly unit: string;
  /** Symbols of a sentence that are read. */
  readonly length: number;
  /** Which generator draws by default, as far as the file says. */
  readonly kind: string | undefined;
  /** It holds the raw generator beside its moving average. */
  readonly raw: boolean;
  readonly warnings: readonly string[];
}

/** How a model reads a sentence. */
export interface Reading {
  /** Letters or words that it does not know. */
  readonly unknown: readonly string[];
  /** Longer than what is read. */
  readonly cut: boolean;
  /** There is nothing to read in it. */
  readonly blank: boolean;
}

/** Images of sentences, all from the same noise. */
export interface DrawRequest {
  readonly texts: readonly string[];
  readonly count: number;
  readonly seed: number;
  readonly truncation?: number;
  /** By the raw generator instead of its moving average, where the file has both. */
  readonly raw?: boolean;
}

/** One image: which sentence's, which of its images, and its pixels. */
export type OnImage = (text: number, index: number, image: Pixels) => unknown;

/** Images a run of the painting program: a processor shows the first ones sooner in small bites. */
const biteOf = (device: Device): number => (device.traits.software ? 4 : 16);

export class DrawingDesk {
  /** The file as it came, to be read again for another device. */
  #file: { readonly bytes: Uint8Array; readonly name: string } | undefined;
  #model: DrawingModel | undefined;
  /** The number of the newest request; older ones end early. */
  #newest = 0;

  /** Opens the device. */
  async adapter(): Promise<AdapterReport> {
    const device = await theDevice();
    return { description: device.description, software: device.traits.software };
  }

  /** Reads a model's file; the one before stands where this one is refused. */
  async open(bytes: Uint8Array, name: string): Promise<ModelReport> {
    const file = await readGan(bytes, name);
    this.#model?.destroy();
    this.#model = undefined;
    this.#file = { bytes, name };
    this.#newest++;
    return report(file, bytes.length, name);
  }

  /** How the model would read sentences. */
  async read(texts: readonly string[]): Promise<Reading[]> {
    const { encoder, alphabet } = (await this.#drawing(await theDevice())).model;
    return texts.map((text) => ({
      unknown: alphabet.unknownIn(text),
      cut: isCut(text, alphabet, encoder.options.length),
      blank: alphabet.lengthOf(text, 1) === 0,
    }));
  }

  /** Draws, image by image, sentence by sentence. @returns false where a newer request came between */
  async draw({ texts, count, seed, truncation }: DrawRequest, onImage: OnImage): Promise<boolean> {
    const mine = ++this.#newest;
    return survivingLoss(async (device) => {
      const drawing = await this.#drawing(device);
      const { noiseSize, textSize, imageSize } = drawing.model.generator.options;
      const embeddings = await drawing.embed(texts);
      const noise = normalNoise(count, noiseSize, seed, truncation);
      const rows = texts.length * count;
      const all = { noise: new Float32Array(rows * noiseSize), text: new Float32Array(rows * textSize) };
      for (let row = 0; row < rows; row++) {
        const [t, i] = [Math.floor(row / count), row % count];
        all.noise.set(noise.subarray(i * noiseSize, (i + 1) * noiseSize), row * noiseSize);
        all.text.set(embeddings.subarray(t * textSize, (t + 1) * textSize), row * textSize);
      }
      const bite = biteOf(device);
      for (let from = 0; from < rows; from += bite) {
        const to = Math.min(rows, from + bite);
        const images = await drawing.paint(
          all.noise.slice(from * noiseSize, to * noiseSize),
          all.text.slice(from * textSize, to * textSize),
        );
        if (mine !== this.#newest) return false;
        for (let row = from; row < to; row++) {
          const each = 3 * imageSize ** 2;
          const image = toPixels(images.subarray((row - from) * each, (row - from + 1) * each), imageSize);
          onImage(Math.floor(row / count), row % count, transfer(image, [image.data.buffer]));
        }
      }
      return true;
    });
  }

  /** The opened model on this device. */
  async #drawing(device: Device): Promise<DrawingModel> {
    if (this.#model?.device === device) return this.#model;
    if (!this.#file) throw new Error("Open a model first.");
    const { bytes, name } = this.#file;
    this.#model = new DrawingModel(device, await readGan(bytes, name), name);
    return this.#model;
  }
}

function report({ generator, encoder, alphabet, examples, kind, fileWarnings }: GanFile, bytes: number, name: string): ModelReport {
  return {
    ...{ name, bytes, size: generator.options.imageSize, examples },
    ...{ unit: alphabet.unit, length: encoder.options.length, kind, raw: false, warnings: fileWarnings ?? [] },
  };
}
