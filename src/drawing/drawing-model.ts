/** A trained model on a device, ready to draw: it embeds sentences and paints images. */
import { commandLine } from "../command-line.js";
import type { Symbols } from "../data/symbols.js";
import { Vocabulary, wordsOf } from "../data/vocabulary.js";
import { UserError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import type { Sharing } from "../tensor/sharing.js";
import type { GanFile, GeneratorFile } from "../train/gan/model-file.js";
import { Painter } from "../train/gan/painter.js";
import { cutNote, refuseBlank } from "../train/text/sentences.js";
import { CaptionEncoder, normalise } from "../train/text/captions.js";
import { DiscriminatorReader } from "./discriminator-reader.js";

/** Images a run of the painting program, and texts one of the encoder's, at most. */
const MOST = { images: 16, texts: 64 };

/** Without a text encoder it paints embeddings that are given. */
export class DrawingModel<Model extends GeneratorFile = GanFile> {
  readonly #warnings: string[];
  #painter: Painter | undefined;
  #reader: DiscriminatorReader | undefined;

  /**
   * @param name What the model came from, for messages.
   * @param warnings What the user should know of it already.
   * @param share Who does which of the runs of its programs, where several draw together.
   */
  constructor(
    readonly device: Device,
    readonly model: Model,
    readonly name = "the model",
    warnings: readonly string[] = [],
    readonly share?: Sharing,
  ) {
    this.#warnings = [...warnings];
  }

  /** What the user should know: that letters or words of a text are unknown to the model. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Adds to what the user should know. */
  warn(text: string): void {
    this.#warnings.push(text);
  }

  /** Normalised embeddings [texts, textSize]. @throws UserError for a text in which there is nothing to read */
  async embed(this: DrawingModel, texts: readonly string[]): Promise<Float32Array> {
    const { encoder, alphabet, normalisation } = this.model;
    for (const text of texts) {
      refuseBlank(text, alphabet);
      const notes = [cutNote(text, alphabet, encoder.options.length), unknownWarning(alphabet, text)];
      this.#warnings.push(...notes.filter((note) => note !== undefined));
    }
    const captions = new CaptionEncoder(this.device, encoder, alphabet, Math.min(MOST.texts, texts.length), this.share);
    const embeddings = normalise(await captions.encode(texts), normalisation);
    await captions.destroy();
    return embeddings;
  }

  /**
   * @param noise [N, noiseSize]
   * @param text [N, textSize], normalised embeddings
   * @returns Images [N, 3, S, S] in (−1, 1).
   */
  async paint(noise: Float32Array, text: Float32Array): Promise<Float32Array> {
    const { generator } = this.model;
    this.#painter ??= await Painter.create(this.device, generator, Math.min(MOST.images, noise.length / generator.options.noiseSize));
    return this.#painter.paint(noise, text, this.share);
  }

  /**
   * The discriminator's probabilities [N] that an image is real and shows what its text says. One with minibatch deviation judges the images
   * of a call together, as in training: alone, an image looks drawn to it.
   * @param images [N, 3, S, S] in [−1, 1]
   * @param text [N, textSize], normalised embeddings
   * @throws UserError when the model's file has no discriminator
   */
  async judge(images: Float32Array, text: Float32Array): Promise<Float32Array> {
    return this.#discriminator.probabilities(images, text);
  }

  /**
   * Where the discriminator would have images changed: the derivatives of its logits by their pixels, [N, 3, S, S].
   * @param images [N, 3, S, S] in [−1, 1]
   * @param text [N, textSize], normalised embeddings
   * @throws UserError when the model's file has no discriminator
   */
  async judgeGradient(images: Float32Array, text: Float32Array): Promise<Float32Array> {
    return this.#discriminator.gradients(images, text);
  }

  get #discriminator(): DiscriminatorReader {
    const { discriminator } = this.model;
    if (!discriminator)
      throw new UserError(
        `${this.name} has no discriminator: a file gets it by ${commandLine("export", "RUN", "--with", "discriminator")}`,
      );
    return (this.#reader ??= new DiscriminatorReader(this.device, discriminator));
  }

  /** Frees its programs; the device stays. */
  destroy(): void {
    this.#reader?.destroy();
    this.#reader = undefined;
    this.#painter?.destroy();
    this.#painter = undefined;
  }
}

/**
 * One line on what of a text the model does not know. A model that reads words knows those of its training captions only, so that a sentence
 * may well lose what it is about.
 */
export function unknownWarning(symbols: Symbols, text: string): string | undefined {
  const unknown = symbols.unknownIn(text);
  if (unknown.length === 0) return undefined;
  const listed = unknown.map((symbol) => `"${symbol}"`).join(", ");
  if (!(symbols instanceof Vocabulary)) return `"${text}": the model's alphabet lacks ${listed}; left out`;
  if (unknown.length === new Set(wordsOf(text)).size)
    return `"${text}": the model knows none of its words; what is drawn has nothing to go by`;
  return `"${text}": the model's captions never say ${listed}; left out: what is drawn goes by the other words`;
}
