/**
 * What a discriminator says of images with texts: its probabilities, and where it would have an image changed. In evaluation mode, by compiled
 * programs of fixed batch, for any number of images.
 *
 * A discriminator with minibatch deviation looks at how much the images of a batch differ: it judges those of one call together, at most 16
 * at a time. An image alone then has no deviation, and looks drawn for that.
 */
import { grad } from "../autograd/grad.js";
import type { Device } from "../gpu/device.js";
import type { Discriminator } from "../models/discriminator.js";
import { sum } from "../tensor/broadcast.js";
import { joined, RowProgram } from "../tensor/rows.js";
import { input } from "../tensor/tensor.js";

/** Images a run of a program, at most. */
const MOST = 16;

/** "logits" [N], or their derivative by the image, "gradients" [N, 3, S, S]. */
type Question = "logits" | "gradients";

/** Asks a discriminator about any number of images; each program is compiled when it is first needed, and kept. */
export class DiscriminatorReader {
  readonly #programs = new Map<string, Promise<RowProgram>>();
  #batch: number | undefined;

  constructor(
    readonly device: Device,
    readonly discriminator: Discriminator,
  ) {}

  /**
   * Probabilities [N] that an image is real and shows what its text says: the sigmoid of D's logit.
   * @param images [N, 3, S, S] in [−1, 1]
   * @param text [N, textSize], normalised embeddings
   */
  async probabilities(images: Float32Array, text: Float32Array): Promise<Float32Array> {
    return (await this.#ask("logits", images, text)).map((logit) => 1 / (1 + Math.exp(-logit)));
  }

  /**
   * The derivatives of D's logits by the pixels, [N, 3, S, S]: large where D would take the image for more, or less, real if it changed. With
   * minibatch deviation, of the sum of the logits that are judged together.
   */
  gradients(images: Float32Array, text: Float32Array): Promise<Float32Array> {
    return this.#ask("gradients", images, text);
  }

  async #ask(question: Question, images: Float32Array, text: Float32Array): Promise<Float32Array> {
    const { imageSize, textSize, minibatchDeviation } = this.discriminator.options;
    const count = text.length / textSize;
    if (count === 0) return new Float32Array(0);
    if (!minibatchDeviation) {
      this.#batch ??= Math.min(MOST, count);
      return (await this.#program(question, this.#batch)).run({ images, text }, count);
    }
    // No row may be filled up with zeros, which would differ from all; parts as equal as may be.
    const parts: Float32Array[] = [];
    const [runs, pixels] = [Math.ceil(count / MOST), 3 * imageSize ** 2];
    for (let run = 0; run < runs; run++) {
      const [from, to] = [Math.floor((run * count) / runs), Math.floor(((run + 1) * count) / runs)];
      const program = await this.#program(question, to - from);
      const rows = { images: images.subarray(from * pixels, to * pixels), text: text.subarray(from * textSize, to * textSize) };
      parts.push(await program.run(rows, to - from));
    }
    return joined(parts);
  }

  /** Compiled once for each batch. */
  #program(question: Question, batch: number): Promise<RowProgram> {
    const key = `${question} ${batch}`;
    let program = this.#programs.get(key);
    if (!program) this.#programs.set(key, (program = this.#compile(question, batch)));
    return program;
  }

  #compile(question: Question, batch: number): Promise<RowProgram> {
    const { imageSize, textSize } = this.discriminator.options;
    return RowProgram.compile(this.device, batch, () => {
      const images = input("images", [batch, 3, imageSize, imageSize]);
      const logits = this.discriminator.call(images, input("text", [batch, textSize]), "evaluate");
      return question === "logits" ? logits : grad(sum(logits), [images])[0]!;
    });
  }

  /** Frees its programs; the device stays. */
  destroy(): void {
    for (const program of this.#programs.values())
      void program.then(
        (made) => made.destroy(),
        () => undefined,
      );
    this.#programs.clear();
  }
}
