/**
 * One training iteration of GAN, GAN-CLS, GAN-INT or GAN-INT-CLS as one compiled program (Reed et al. 2016, algorithm 1 and section 4.3,
 * in the order of the authors' code):
 *
 *   D:  L_D = BCE(D(x, t), 1) + w·BCE(D(x̃, t), 0) + (1 − w)·BCE(D(G(z, t), t), 0)      three passes, each with its own batch statistics (a),
 *                                                                                       computed side by side
 *       Adam step on D
 *   G:  new z;  L_G = BCE(D(G(z, t′), t′), 1),  t′ = t and, for the INT variants, mixtures of pairs of rows of t
 *       Adam step on G; moving average of G
 *
 * x̃ is an image of another class; with `mismatch: "text"` the pair is (x, t̃) instead, as in the paper. The variants without mismatching
 * pair have w = 0. Where the INT term is off, its half batch of rows is left out; the authors' code keeps them with weight 0.
 *
 * (a) With `discriminatorBatches: "joint"` one pass over all pairs, by common statistics; in G's step the given pairs stand beside the drawn
 * ones. Batch norm of each kind apart takes out of D's sight what is alike in all drawn images and in no real one.
 *
 * (b) With `infoWeight` λ > 0 the generator's loss is L_G + λ·E ‖z − Q(G(z, t′))‖², where Q reads the noise from the mean colour of an
 * image's border (noise-reader.ts) and takes its own Adam step on the same loss. Without it a small G lets its noise decide one bit of the
 * background, and leaves the rest to the text, which should not.
 */
import { grad } from "../../autograd/grad.js";
import type { Device } from "../../gpu/device.js";
import { Discriminator } from "../../models/discriminator.js";
import { Generator } from "../../models/generator.js";
import { ganInitializers, type RandomSource } from "../../models/initializers.js";
import { NoiseReader } from "../../models/noise-reader.js";
import { compile, type CompileOptions } from "../../tensor/compile.js";
import { sum } from "../../tensor/broadcast.js";
import { add, crossEntropy, mul, sigmoid, square, stopGradient, sub } from "../../tensor/elementwise.js";
import { concat, reshape, slice, stack } from "../../tensor/layout.js";
import { bceWithLogits } from "../../tensor/losses.js";
import { Adam } from "../../tensor/optimizers.js";
import { pixels, pixelWords } from "../../tensor/pixels.js";
import type { Program } from "../../tensor/program.js";
import { keyInput, randomNormal, randomUniform } from "../../tensor/random.js";
import { mean } from "../../tensor/reduce.js";
import { full, input, tensor, type Tensor } from "../../tensor/tensor.js";
import { assign } from "../../tensor/variables.js";
import { arithmetic } from "../../tensor/work.js";
import { type TrainOptions, usesInterpolation, usesMismatch } from "./options.js";
import type { TrainedText } from "./trained-text.js";

/** What decides the networks and the losses. */
export type GanOptions = Pick<
  TrainOptions,
  | "variant"
  | "batch"
  | "imageSize"
  | "generatorWidth"
  | "discriminatorWidth"
  | "noiseSize"
  | "textProjection"
  | "textSize"
  | "residual"
  | "missingLeakyRelu"
  | "textBatchNorm"
  | "discriminatorBatches"
  | "minibatchDeviation"
  | "infoWeight"
  | "mismatch"
  | "clsWeight"
  | "interpWeight"
  | "interpType"
  | "interpBeta"
  | "ema"
>;

/** The scalars of one iteration, by name. */
export interface GanMetrics {
  readonly lossD: number;
  readonly lossReal: number;
  /** 0 for the variants without mismatching pair. */
  readonly lossWrong: number;
  readonly lossFake: number;
  readonly lossG: number;
  /** (b): E ‖z‖² − E ‖z − Q‖², how many of the noise's Z directions are read; absent where none is asked for. */
  readonly noiseRead?: number;
  /** Mean probability that D gives to real, mismatching and generated pairs. */
  readonly real: number;
  readonly wrong: number;
  readonly fake: number;
}

/** Adam of all networks, as the authors' code has it. */
export const GAN_ADAM = { beta1: 0.5, beta2: 0.999, epsilon: 1e-8, form: "torch7" } as const;

type StepOutputs = { [K in keyof GanMetrics]: Tensor };
export type GanProgram = Program<StepOutputs>;

/** Images [B, 3, S, S] and texts [B, T] that D judges together. */
type Pair = readonly [images: Tensor, texts: Tensor];

/**
 * Factor on the losses where activations are stored in f16 (Micikevicius et al. 2018): gradients of a mean over batch and pixels would
 * else be too small for it. The largest, of a logit, are below 1 / batch; a power of two changes nothing else.
 */
const LOSS_SCALE = 4096;

/** One-based rows of text and the streams of the iteration's random numbers. */
const STREAMS = { noiseD: 1, noiseG: 2, mixture: 3, haze: 4 };

export class Gan {
  readonly generator: Generator;
  readonly discriminator: Discriminator;
  /** The moving average of the generator, which draws the samples; the generator itself where `ema` is 0. */
  readonly average: Generator;
  readonly adamG: Adam;
  readonly adamD: Adam;
  /** (b), with its optimizer; none where the weight is 0. */
  readonly reader: NoiseReader | undefined;
  readonly adamR: Adam | undefined;
  /** The text encoder that is trained with the GAN; without one, embeddings are given. */
  text: TrainedText | undefined;

  constructor(
    readonly options: GanOptions,
    random: RandomSource,
  ) {
    const initial = ganInitializers(random);
    this.generator = new Generator({ ...options, width: options.generatorWidth }, initial);
    const [textBatchNorm, minibatchDeviation] = [options.textBatchNorm === "on", options.minibatchDeviation === "on"];
    this.discriminator = new Discriminator({ ...options, width: options.discriminatorWidth, textBatchNorm, minibatchDeviation }, initial);
    this.average = options.ema > 0 ? new Generator({ ...options, width: options.generatorWidth }, initial) : this.generator;
    if (options.ema > 0) {
      this.average.parameters.copyFrom(this.generator.parameters);
      this.average.statistics.copyFrom(this.generator.statistics);
    }
    this.adamG = new Adam(this.generator.parameters, GAN_ADAM);
    this.adamD = new Adam(this.discriminator.parameters, GAN_ADAM);
    if (options.infoWeight > 0) {
      this.reader = new NoiseReader(options.noiseSize, initial);
      this.adamR = new Adam(this.reader.parameters, GAN_ADAM);
    }
  }

  get interpolates(): boolean {
    return usesInterpolation(this.options.variant);
  }

  /** w of L_D. */
  get mismatchWeight(): number {
    return usesMismatch(this.options.variant) ? this.options.clsWeight : 0;
  }

  /**
   * Compiles one iteration. Inputs: `real` and, where w > 0, `wrong` images (or `wrongText` [B, T]), `text` [B, T], `rateD` and `rateG` [2],
   * `decay` [1] of the moving average where there is one, and `key`. Images are bytes, [B, S, S, 3] four a u32.
   * With a text encoder of its own, `text` and `wrongText` are the captions' symbols, as `TrainedText.index` gives them.
   * With `given`, for tests against other implementations, images are [B, 3, S, S] in [−1, 1] and, instead of the key, the noise is given
   * as `noiseD` [B, Z] and `noiseG` [B′, Z].
   */
  compile(device: Device, { given = false, ...options }: CompileOptions & { readonly given?: boolean } = {}): Promise<GanProgram> {
    return compile(device, () => this.#step(given, options.storage === "f16" ? LOSS_SCALE : 1), options);
  }

  /** Floating-point operations of one iteration. */
  arithmetic(): number {
    return arithmetic(() => this.#step(false, 1));
  }

  #step(given: boolean, lossScale: number): StepOutputs {
    const { batch, imageSize, noiseSize, textSize, interpWeight } = this.options;
    const rows = this.interpolates ? batch + Math.floor(batch / 2) : batch;
    const key = given ? undefined : keyInput();
    const noise = (name: "noiseD" | "noiseG", n: number) =>
      key ? randomNormal([n, noiseSize], key, STREAMS[name]) : input(name, [n, noiseSize]);
    const shape = [batch, 3, imageSize, imageSize];
    const images = (name: string) => (given ? input(name, shape) : pixels(input(name, [pixelWords(shape)], "u32"), shape));
    const embedded = (name: string) => this.text?.embed(name, batch) ?? input(name, [batch, textSize]);
    const judgedText = embedded("text");
    // The generator takes the texts as they are.
    const text = this.text ? stopGradient(judgedText) : judgedText;

    const painted = stopGradient(this.generator.call(noise("noiseD", batch), text, "train"));
    this.generator.updateStatistics();
    const shown = this.#shown(images, embedded, judgedText);
    const judged = this.#judge([...shown, [painted, judgedText]]);
    this.discriminator.updateStatistics();
    // [P] each: of the passes (real, mismatching, generated), the middle one missing where w = 0.
    const w = this.mismatchWeight;
    const ofPasses = (real: number, wrong: number, fake: number) => tensor(w > 0 ? [real, wrong, fake] : [real, fake]);
    const losses = mean(crossEntropy(judged, reshape(ofPasses(1, 0, 0), [-1, 1])), [1]);
    const lossD = sum(mul(losses, ofPasses(1, w, 1 - w)));
    this.#update([this.adamD, ...(this.text ? [this.text.adam] : [])], lossD, input("rateD", [2]), lossScale);

    const texts = this.interpolates ? concat([text, this.#mixtures(text, key)], 0) : text;
    const z = noise("noiseG", rows);
    const fresh = this.generator.call(z, texts, "train");
    this.generator.updateStatistics();
    const weights = this.interpolates ? tensor(Array.from({ length: rows }, (_, i) => (i < batch ? 1 : interpWeight))) : undefined;
    const lossG = bceWithLogits(this.#judgeFresh([fresh, texts], shown), 1, weights);
    this.discriminator.updateStatistics();
    const haze = () => (key ? randomNormal([rows, 3], key, STREAMS.haze) : input("haze", [rows, 3]));
    const squared = (x: Tensor) => mul(sum(square(x)), 1 / rows);
    const lossInfo = this.reader && squared(sub(z, this.reader.call(fresh, haze())));
    const adams = [this.adamG, ...(this.adamR ? [this.adamR] : [])];
    this.#update(adams, lossInfo ? add(lossG, mul(lossInfo, this.options.infoWeight)) : lossG, input("rateG", [2]), lossScale);

    if (this.average !== this.generator) {
      const remain = sub(1, input("decay", [1]));
      for (const kind of ["parameters", "statistics"] as const) {
        const average = this.average[kind].flat;
        assign(average, add(average, mul(sub(this.generator[kind].flat, average), remain)));
      }
      this.text?.follow(remain);
    }
    const probabilities = mean(sigmoid(judged), [1]);
    const pass = (values: Tensor, i: number) => reshape(slice(values, 0, i, i + 1), []);
    const last = judged.shape[0]! - 1;
    const wrong = (values: Tensor) => (w > 0 ? pass(values, 1) : full([], 0));
    return {
      ...{ lossD, lossReal: pass(losses, 0), lossWrong: wrong(losses), lossFake: pass(losses, last), lossG },
      ...(lossInfo && { noiseRead: sub(squared(z), lossInfo) }),
      ...{ real: pass(probabilities, 0), wrong: wrong(probabilities), fake: pass(probabilities, last) },
    };
  }

  /** The real pair and, where w > 0, the mismatching one. */
  #shown(images: (name: string) => Tensor, embedded: (name: string) => Tensor, text: Tensor): Pair[] {
    const real = images("real");
    if (this.mismatchWeight === 0) return [[real, text]];
    return [[real, text], this.options.mismatch === "text" ? [real, embedded("wrongText")] : [images("wrong"), text]];
  }

  /**
   * D's passes over some pairs, made at once: every convolution runs over all their rows, and batch norm by the statistics of each pair.
   * What two pairs share, an image or a text, is looked at once. @returns Logits [P, B]
   */
  #judge(pairs: readonly Pair[]): Tensor {
    const { discriminator } = this;
    if (this.#joint) return reshape(this.#judgeTogether(pairs), [pairs.length, -1]);
    const images = [...new Set(pairs.map(([image]) => image))];
    const texts = [...new Set(pairs.map(([, text]) => text))];
    // Which image and which text each pass judges.
    const imageOf = pairs.map(([image]) => images.indexOf(image));
    const textOf = pairs.map(([, text]) => texts.indexOf(text));
    const seen = discriminator.passes(imageOf, () => discriminator.look(stack(images), "train"));
    const read = discriminator.passes(textOf, () => discriminator.read(texts.length > 1 ? stack(texts) : texts[0]!, "train"));
    const pick = (x: Tensor, order: readonly number[]) =>
      concat(
        order.map((i) => slice(x, 0, i, i + 1)),
        0,
      );
    const every = pairs.map((_, i) => i);
    return discriminator.passes(every, () =>
      discriminator.judge(
        images.length < pairs.length ? pick(seen, imageOf) : seen,
        // A single text serves all images as it is.
        texts.length > 1 ? pick(read, textOf) : read,
        "train",
      ),
    );
  }

  /** What D, after its step, says of the generator's pairs. @returns Logits [B′] */
  #judgeFresh(fresh: Pair, shown: readonly Pair[]): Tensor {
    if (!this.#joint) return this.discriminator.call(...fresh, "train");
    return slice(this.#judgeTogether([fresh, ...shown]), 0, 0, fresh[0].shape[0]!);
  }

  /** Several pairs in one pass. @returns The logits of all, one pair's after the other's */
  #judgeTogether(pairs: readonly Pair[]): Tensor {
    const kinds = pairs.map(([image]) => image.shape[0]!);
    return this.discriminator.call(...together(pairs), "train", kinds);
  }

  get #joint(): boolean {
    return this.options.discriminatorBatches === "joint";
  }

  /** One step of each optimizer. All gradients come before any of them: they belong to the values the loss was computed with. */
  #update(optimizers: readonly Adam[], loss: Tensor, rate: Tensor, lossScale: number): void {
    const variables = optimizers.map(({ parameters }) => parameters.entries.map((e) => e.tensor));
    const gradients = grad(lossScale === 1 ? loss : mul(loss, lossScale), variables.flat());
    let at = 0;
    optimizers.forEach((adam, i) => adam.step(gradients.slice(at, (at += variables[i]!.length)), rate, lossScale));
  }

  /** Texts between (type 1) or also beyond (type 2) the two halves of the batch (section 4.3; two forms in the authors' code). */
  #mixtures(text: Tensor, key: Tensor | undefined): Tensor {
    const { batch, interpType, interpBeta } = this.options;
    const half = Math.floor(batch / 2);
    const [a, b] = [slice(text, 0, 0, half), slice(text, 0, half, 2 * half)];
    if (interpType === "1") return add(mul(a, interpBeta), mul(b, 1 - interpBeta));
    const alpha = key ? sub(mul(randomUniform([half, 1], key, STREAMS.mixture), 2), 1) : input("alpha", [half, 1]);
    return add(mul(add(a, b), 0.5), mul(sub(b, a), alpha));
  }
}

/** Several pairs as one. */
const together = (pairs: readonly Pair[]): Pair => [
  concat(
    pairs.map(([image]) => image),
    0,
  ),
  concat(
    pairs.map(([, text]) => text),
    0,
  ),
];

/** Decay of the moving average at step t = 1, 2, ...: short at first, so that it forgets the random start. */
export function emaDecay(decay: number, t: number): number {
  return Math.min(decay, (1 + t) / (10 + t));
}
