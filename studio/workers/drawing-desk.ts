/** A model on the device, and what a person may want drawn with it. */
import { proxy, type ProxyMarked, transfer } from "comlink";
import { photoImage } from "../../src/data/photo.js";
import { type Course, interpolate, type StyleSource } from "../../src/drawing/interpolate.js";
import { restyle } from "../../src/drawing/restyle.js";
import type { Path } from "../../src/drawing/walk.js";
import type { Device } from "../../src/gpu/device.js";
import { joined } from "../../src/tensor/rows.js";
import { type GanFile, readGan } from "../../src/train/gan/model-file.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { outer } from "../../src/train/gan/painter.js";
import { readModelFile } from "../../src/train/run/model-format.js";
import { readStyle } from "../../src/train/style/file.js";
import { isCut } from "../../src/train/text/sentences.js";
import { type AdapterReport, adapterReport, survivingLoss, theDevice, withSentences } from "./engine.js";
import type { LookingDesk } from "./looking-desk.js";
import { OpenModel } from "./open-model.js";
import { allPixels, type Pixels } from "./pixels.js";

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
  /** It holds the raw generator beside its moving average. */
  readonly raw: boolean;
  /** It holds the discriminator. */
  readonly judges: boolean;
  /** It holds a style encoder. */
  readonly styled: boolean;
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

/** Told of each image, by its sentence and number, and once a sentence's are all there, of the discriminator's probabilities. */
export interface DrawWatch {
  image(text: number, index: number, image: Pixels): unknown;
  judged(text: number, probabilities: readonly number[]): unknown;
}

/** A walk, as `interpolate` takes it. */
export interface WalkRequest {
  readonly texts: Course<string>;
  readonly styles: Course<StyleSource>;
  readonly steps: number;
  readonly path: Path;
}

/** Images row by row. */
export interface Grid {
  readonly images: readonly Pixels[];
  readonly rows: number;
  readonly columns: number;
}

/** Photographs, and sentences to draw in their styles. */
export interface RestyleRequest {
  readonly photos: readonly Pixels[];
  readonly texts: readonly string[];
  /** How many times a style is taken. */
  readonly styleStrength: number;
  /** Steps of optimisation after the style encoder. */
  readonly refine: number;
}

/** Images a run of the painting program: a processor shows the first ones sooner in small bites. */
const biteOf = (device: Device): number => (device.traits.software ? 4 : 16);

export class DrawingDesk {
  readonly #model = new OpenModel();
  /** The number of the newest drawing; older ones end early. */
  #newest = 0;
  #refining: AbortController | undefined;
  #openings = 0;

  /** Looking inside the model that is open here. */
  async looking(): Promise<LookingDesk & ProxyMarked> {
    const { LookingDesk } = await import("./looking-desk.js");
    return proxy(withSentences(new LookingDesk(this.#model)));
  }

  /** Opens the device. */
  async adapter(): Promise<AdapterReport> {
    return adapterReport(await theDevice());
  }

  /** Reads a model's file; the one before stands where this one is refused. */
  async open(bytes: Uint8Array, name: string): Promise<ModelReport> {
    const mine = ++this.#openings;
    const file = await readGan(bytes, name);
    const { metadata } = await readModelFile(bytes, name);
    const styled = metadata.has("style.options");
    // A smaller file that was opened later may be read by now.
    if (mine !== this.#openings) return reportOn(file, styled, bytes.length, name);
    this.#model.take({ bytes, name }, styled ? { bytes, name } : undefined);
    this.#newest++;
    return reportOn(file, styled, bytes.length, name);
  }

  /** Reads a style encoder's file for the model that is open. */
  async openStyle(bytes: Uint8Array, name: string): Promise<void> {
    const file = await readStyle(bytes, name);
    const { generator } = (await this.#model.on(await theDevice())).model;
    if (file.style.options.imageSize !== generator.options.imageSize || file.style.options.noiseSize !== generator.options.noiseSize)
      throw new Error(`${name} is the style encoder of a model of other sizes.`);
    this.#model.takeStyle({ bytes, name });
  }

  /** How the model would read sentences. */
  async read(texts: readonly string[]): Promise<Reading[]> {
    const { encoder, alphabet } = (await this.#model.on(await theDevice())).model;
    return texts.map((text) => ({
      unknown: alphabet.unknownIn(text),
      cut: isCut(text, alphabet, encoder.options.length),
      blank: alphabet.lengthOf(text, 1) === 0,
    }));
  }

  /** Draws, image by image, sentence by sentence. @returns false where a newer request came between */
  draw(request: DrawRequest, watch: DrawWatch): Promise<boolean> {
    const mine = ++this.#newest;
    return survivingLoss((device) => this.#draw(device, request, watch, () => mine === this.#newest));
  }

  async #draw(device: Device, request: DrawRequest, watch: DrawWatch, isNewest: () => boolean): Promise<boolean> {
    const { texts, count, seed, truncation, raw } = request;
    const drawing = await this.#model.on(device, raw);
    const { noiseSize, textSize, imageSize } = drawing.model.generator.options;
    const embeddings = await drawing.embed(texts);
    const noise = normalNoise(count, noiseSize, seed, truncation);
    const bite = biteOf(device);
    for (let text = 0; text < texts.length; text++) {
      const pairs = outer(embeddings.slice(text * textSize, (text + 1) * textSize), textSize, noise, noiseSize);
      const parts: Float32Array[] = [];
      for (let from = 0; from < count; from += bite) {
        const to = Math.min(count, from + bite);
        const part = await drawing.paint(
          pairs.columns.slice(from * noiseSize, to * noiseSize),
          pairs.rows.slice(from * textSize, to * textSize),
        );
        if (!isNewest()) return false;
        parts.push(part);
        allPixels(part, imageSize).forEach((image, i) => watch.image(text, from + i, transfer(image, [image.data.buffer])));
      }
      if (drawing.model.discriminator) watch.judged(text, [...(await drawing.judge(joined(parts), pairs.rows))]);
    }
    return true;
  }

  /** The images of a walk: columns walk between sentences, or between noises where the sentence stays; rows are the other's. */
  walk(request: WalkRequest): Promise<Grid> {
    return survivingLoss(async (device) => {
      const { images, rows, columns, size } = await interpolate(await this.#model.on(device), request);
      return sent({ images: allPixels(images, size), rows, columns });
    });
  }

  /**
   * Sentences in the styles of photographs: each row a photograph and the sentences.
   * @param onStep Told of the refinement's progress, with the mean squared error of the pixels.
   */
  restyle({ photos, texts, styleStrength, refine }: RestyleRequest, onStep: (step: number, error: number) => unknown): Promise<Grid> {
    this.#refining = new AbortController();
    const { signal } = this.#refining;
    return survivingLoss(async (device) => {
      const styled = await this.#model.styledOn(device);
      const { imageSize } = styled.drawing.model.generator.options;
      const own = joined(photos.map(({ width, height, data }) => photoImage({ width, height, pixels: data }, imageSize)));
      const { images } = await restyle(styled, own, texts, {
        ...{ styleStrength, refine, signal },
        onStep: (step, errors) => onStep(step, errors.reduce((sum, error) => sum + error, 0) / errors.length),
      });
      return sent({ images: allPixels(images, imageSize), rows: photos.length, columns: 1 + texts.length });
    });
  }

  /** Frames as an animation's file. @param delay Milliseconds a frame. */
  async gif(frames: readonly Pixels[], delay: number): Promise<Blob> {
    return (await import("./gif.js")).gif(frames, delay);
  }

  /** Ends the refinement; what was found is drawn. */
  stopRefining(): void {
    this.#refining?.abort();
  }
}

const sent = (grid: Grid): Grid =>
  transfer(
    grid,
    grid.images.map(({ data }) => data.buffer),
  );

function reportOn(file: GanFile, styled: boolean, bytes: number, name: string): ModelReport {
  const { generator, encoder, alphabet, examples, fileWarnings } = file;
  return {
    ...{ name, bytes, size: generator.options.imageSize, examples },
    ...{ unit: alphabet.unit, length: encoder.options.length },
    ...{ raw: file.raw !== undefined, judges: file.discriminator !== undefined, styled },
    warnings: fileWarnings ?? [],
  };
}
