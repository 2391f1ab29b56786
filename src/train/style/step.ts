/**
 * The training of the style encoder as one compiled program a step (Reed et al. 2016, section 4.4, equation 6):
 *
 *   L = E ‖z − S(G(z, t))‖²,   z ~ N(0, 1),   t a training text,   G fixed
 *
 * The loss is the mean over the dimensions of z, so 1 is that of an encoder that knows nothing. The paper says no more; what is ours to
 * choose is an option, or stands here: Adam as for the GAN, its rate falling to zero along a cosine.
 */
import type { Device } from "../../gpu/device.js";
import type { Generator } from "../../models/generator.js";
import { ganInitializers, type RandomSource } from "../../models/initializers.js";
import { StyleEncoder, type StyleEncoderOptions } from "../../models/style-encoder.js";
import { compile } from "../../tensor/compile.js";
import { KeyStream } from "../../random/streams.js";
import { stopGradient } from "../../tensor/elementwise.js";
import { mse } from "../../tensor/losses.js";
import { Adam } from "../../tensor/optimizers.js";
import type { Program } from "../../tensor/program.js";
import { keyInput, randomNormal } from "../../tensor/random.js";
import { input, type Tensor } from "../../tensor/tensor.js";
import type { Store } from "../../tensor/variables.js";
import { type Learning, LEARNING_ALONE } from "../run/learning.js";
import { SharedProgram } from "../run/shared-program.js";
import type { World } from "../run/world.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "../run/network-file.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import type { StyleOptions } from "./options.js";

export type StyleProgram = Program<{ loss: Tensor }>;

export class StyleTraining {
  readonly style: StyleEncoder;
  readonly #adam: Adam;

  constructor(
    /** Drawn from, never changed. */
    readonly generator: Generator,
    network: StyleEncoderOptions,
    readonly options: Pick<StyleOptions, "batch" | "batchNorm" | "learningRate" | "steps">,
    random: RandomSource,
  ) {
    this.style = new StyleEncoder(network, ganInitializers(random));
    this.#adam = new Adam(this.style.parameters, { beta1: 0.5, beta2: 0.999 });
  }

  /** Compiles one step. Inputs: `text` [B, T], `key`, and `rate` [2] from `rate`. */
  compile(device: Device): Promise<StyleProgram> {
    return compile(device, () => this.#step(this.options.batch, LEARNING_ALONE));
  }

  /** Compiles one step of this rank's rows, whose gradients meet those of the other ranks. */
  compileShared(device: Device, world: World): Promise<SharedProgram> {
    return SharedProgram.compile(device, world, (learning) => this.#step(this.options.batch / world.size, learning));
  }

  #step(rows: number, learning: Learning): { loss: Tensor } {
    const { generator, style } = this;
    const { noiseSize, textSize } = generator.options;
    const z = randomNormal([rows, noiseSize], keyInput("key", learning.rank !== undefined), KeyStream.style.noise);
    const mode = this.options.batchNorm === "batch" ? "train" : "evaluate";
    const images = stopGradient(generator.call(z, input("text", [rows, textSize]), mode));
    const loss = mse(style.call(images, "train"), z);
    style.updateStatistics();
    const numbers = () => ({ loss });
    learning.learn({ what: "the style encoder's gradients", optimizers: [this.#adam], loss, rate: input("rate", [2]), numbers })();
    return { loss };
  }

  /** All variables, as `spreadStores` wants them. */
  get stores(): readonly Store[] {
    return [this.style.parameters, this.style.statistics, this.#adam.first, this.#adam.second];
  }

  /** The learning rate of step 1, 2, ... */
  learningRate(step: number): number {
    const { learningRate, steps } = this.options;
    return learningRate * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps));
  }

  /** The rate input's values at a step. */
  rate(step: number): Float32Array {
    return this.#adam.rate(this.learningRate(step), step);
  }

  /** All that a later `restore` needs to go on with the same bits. */
  async tensors(): Promise<NamedTensor[]> {
    const { first, second } = this.#adam;
    const parts = [networkTensors("style", this.style), storeTensors("adam.m", first), storeTensors("adam.v", second)];
    return (await Promise.all(parts)).flat();
  }

  /** Goes back to a saved state. @throws UserError when the tensors are of another training */
  restore(tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    loadNetwork("style", this.style, tensors, file);
    loadStore("adam.m", this.#adam.first, tensors, file);
    loadStore("adam.v", this.#adam.second, tensors, file);
  }
}
