/**
 * The networks of a GAN with their optimizers, and its iteration as one compiled program. The losses are in step.ts, how D judges several
 * kinds of pairs in judge.ts.
 */
import { UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { Discriminator, type DiscriminatorOptions } from "../../models/discriminator.js";
import { Generator, type GeneratorOptions } from "../../models/generator.js";
import { ganInitializers, type RandomSource } from "../../models/initializers.js";
import { NoiseReader } from "../../models/noise-reader.js";
import { compile, type CompileOptions } from "../../tensor/compile.js";
import { add, mul, sub } from "../../tensor/elementwise.js";
import { Adam } from "../../tensor/optimizers.js";
import type { Program } from "../../tensor/program.js";
import { input, type Tensor } from "../../tensor/tensor.js";
import { assign } from "../../tensor/variables.js";
import { arithmetic } from "../../tensor/work.js";
import { type Learning, LEARNING_ALONE } from "../run/learning.js";
import { SharedProgram } from "../run/shared-program.js";
import type { World } from "../run/world.js";
import { diversityTerm } from "./diversity-term.js";
import type { GeneratorTerm } from "./generator-term.js";
import { givenInputs, seededInputs } from "./inputs.js";
import { jointBatches, type Judge, separateBatches } from "./judge.js";
import { noiseTerm } from "./noise-term.js";
import type { TrainOptions } from "./options.js";
import { usesInterpolation, usesMismatch } from "./resolve-options.js";
import {
  discriminatorHalf,
  type DiscriminatorOutputs,
  generatorHalf,
  type GeneratorOutputs,
  iteration,
  type Players,
  type StepOutputs,
} from "./step.js";
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
  | "upsampling"
  | "smoothLayers"
  | "missingLeakyRelu"
  | "textBatchNorm"
  | "discriminatorBatches"
  | "minibatchDeviation"
  | "infoWeight"
  | "diversityWeight"
  | "mismatch"
  | "clsWeight"
  | "matchFrom"
  | "interpWeight"
  | "interpType"
  | "interpBeta"
  | "ema"
>;

/** Adam of all networks, as the authors' code has it. */
export const GAN_ADAM = { beta1: 0.5, beta2: 0.999, epsilon: 1e-8, form: "torch7" } as const;

/** A compiled iteration. */
export type GanProgram = Program<StepOutputs>;

/** An iteration as two programs, which have its bits one after the other; a program takes what it reads of the iteration's inputs. */
export interface GanHalves {
  readonly discriminator: Program<DiscriminatorOutputs>;
  readonly generator: Program<GeneratorOutputs>;
}

/**
 * Factor on the losses where activations are stored in f16 (Micikevicius et al. 2018): gradients of a mean over batch and pixels would
 * else be too small for it. The largest, of a logit, are below 1 / batch; a power of two changes nothing else.
 */
const LOSS_SCALE = 4096;
const lossScale = ({ storage }: Pick<CompileOptions, "storage">): number => (storage === "f16" ? LOSS_SCALE : 1);

/** G and D with their optimizers, the average that draws, and what is trained beside them. */
export class Gan {
  readonly generator: Generator;
  readonly discriminator: Discriminator;
  /** The moving average of the generator, which draws the samples; the generator itself where `ema` is 0. */
  readonly average: Generator;
  readonly adamG: Adam;
  readonly adamD: Adam;
  readonly judge: Judge;
  /** Reads the noise in drawn images, with its optimizer; none where the weight is 0. */
  readonly reader: NoiseReader | undefined;
  readonly adamR: Adam | undefined;
  /** What is added to L_G. */
  readonly terms: readonly GeneratorTerm[];
  /** The text encoder that is trained with the GAN; without one, embeddings are given. */
  text: TrainedText | undefined;

  /** @param ranks How many ranks share a batch. */
  constructor(
    readonly options: GanOptions,
    random: RandomSource,
    readonly ranks = 1,
  ) {
    const initial = ganInitializers(random);
    this.generator = new Generator(generatorOptions(options), initial);
    this.discriminator = new Discriminator(discriminatorOptions(options), initial);
    this.average = options.ema > 0 ? new Generator(generatorOptions(options), initial) : this.generator;
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
    this.terms = [
      ...(this.reader && this.adamR ? [noiseTerm(this.reader, this.adamR, options.infoWeight)] : []),
      ...(options.diversityWeight > 0 ? [diversityTerm(options.diversityWeight)] : []),
    ];
    this.judge = (options.discriminatorBatches === "joint" ? jointBatches : separateBatches)(this.discriminator);
  }

  get interpolates(): boolean {
    return usesInterpolation(this.options.variant);
  }

  /** w of L_D. */
  get mismatchWeight(): number {
    return usesMismatch(this.options.variant) ? this.options.clsWeight : 0;
  }

  /** True where w is 0 at first, and so an input of each step. */
  get matchesLater(): boolean {
    return this.mismatchWeight > 0 && this.options.matchFrom > 0;
  }

  /** w of L_D at a step 1, 2, ... */
  weightAt(step: number): number {
    return step < this.options.matchFrom ? 0 : this.mismatchWeight;
  }

  /**
   * Compiles one iteration. Inputs: `real` and, where w > 0, `wrong` images (or `wrongText` [B, T]), `text` [B, T], `rateD` and `rateG` [2],
   * `decay` [1] of the moving average where there is one, `match` [1], the step's w, where w is 0 at first, and `key`. Images are bytes,
   * [B, S, S, 3] four a u32.
   * With a text encoder of its own, `text` and `wrongText` are the captions' symbols, as `TrainedText.index` gives them.
   * With `given`, for tests against other implementations, images are [B, 3, S, S] in [−1, 1] and, instead of the key, the noise is given
   * as `noiseD` [B, Z] and `noiseG` [B′, Z].
   */
  compile(device: Device, { given = false, ...options }: CompileOptions & { readonly given?: boolean } = {}): Promise<GanProgram> {
    return compile(device, () => this.#iteration(given, lossScale(options)), options);
  }

  /**
   * Compiles D's step and G's step apart, for who wants to look between them.
   * @throws UserError with a text encoder of its own: G's step wants the texts as they were before D's.
   */
  async compileHalves(device: Device, options: CompileOptions = {}): Promise<GanHalves> {
    if (this.text) throw new UserError("a text encoder that is trained with the GAN goes by whole steps");
    const scale = lossScale(options);
    const discriminator = await compile(device, () => discriminatorHalf(this.#players(), seededInputs(), scale), options);
    const generator = await compile(device, () => this.#withAverage(generatorHalf(this.#players(), seededInputs(), scale)), options);
    return { discriminator, generator };
  }

  /**
   * Compiles one iteration of this rank's rows, whose gradients meet those of the other ranks. Inputs as of `compile`, of the rank's rows;
   * the key is that of its rank.
   */
  compileShared(device: Device, world: World, options: CompileOptions = {}): Promise<SharedProgram> {
    const build = (learning: Learning): void => {
      this.#withAverage(iteration(this.#players(learning), seededInputs(true), lossScale(options)));
    };
    return SharedProgram.compile(device, world, build, options);
  }

  /** Floating-point operations of one iteration of a rank. */
  arithmetic(): number {
    return arithmetic(() => this.#iteration(false, 1));
  }

  #iteration(given: boolean, lossScale: number): StepOutputs {
    return this.#withAverage(iteration(this.#players(), given ? givenInputs : seededInputs(), lossScale));
  }

  /** What learns in a step, of so many rows as are this rank's. */
  #players(learning: Learning = LEARNING_ALONE): Players {
    const { generator, discriminator, adamG, adamD, judge, mismatchWeight, matchesLater, interpolates, terms, text } = this;
    const options = { ...this.options, batch: this.options.batch / this.ranks };
    return { options, generator, discriminator, adamG, adamD, judge, mismatchWeight, matchesLater, interpolates, terms, text, learning };
  }

  /** After G's step the average follows. */
  #withAverage<Outputs>(outputs: Outputs): Outputs {
    if (this.average !== this.generator) this.#followAverage(input("decay", [1]));
    return outputs;
  }

  /** Records average ← decay·average + (1 − decay)·generator, of weights and statistics alike. */
  #followAverage(decay: Tensor): void {
    const remain = sub(1, decay);
    for (const kind of ["parameters", "statistics"] as const) {
      const average = this.average[kind].flat;
      assign(average, add(average, mul(sub(this.generator[kind].flat, average), remain)));
    }
    this.text?.follow(remain);
  }
}

const discriminatorOptions = (options: GanOptions): DiscriminatorOptions => ({
  imageSize: options.imageSize,
  width: options.discriminatorWidth,
  residual: options.residual,
  missingLeakyRelu: options.missingLeakyRelu,
  textSize: options.textSize,
  textProjection: options.textProjection,
  textBatchNorm: options.textBatchNorm,
  minibatchDeviation: options.minibatchDeviation,
});

/** The upsampling is told only where it is another than the earliest versions know. */
const generatorOptions = (options: GanOptions): GeneratorOptions => ({
  imageSize: options.imageSize,
  width: options.generatorWidth,
  noiseSize: options.noiseSize,
  textSize: options.textSize,
  textProjection: options.textProjection,
  residual: options.residual,
  ...(options.upsampling !== "transposed" && { upsampling: options.upsampling, smoothLayers: options.smoothLayers }),
});

/** Decay of the moving average at step t = 1, 2, ...: short at first, so that it forgets the random start. */
export function emaDecay(decay: number, t: number): number {
  return Math.min(decay, (1 + t) / (10 + t));
}
