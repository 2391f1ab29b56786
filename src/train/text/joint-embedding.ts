/**
 * Training a text encoder: jointly with an image network, on batches of different classes, or on captions alone (joint-model.ts is what is
 * trained). A step is a pure function of (seed, step) and of the state, so a training that is resumed has the same bits.
 */
import { NonFiniteError, UserError } from "../../errors.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import type { Device } from "../../gpu/device.js";
import { compile } from "../../tensor/compile.js";
import type { Program } from "../../tensor/program.js";
import { randomKey } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Pace } from "../run/events.js";
import { LEARNING_ALONE } from "../run/learning.js";
import { trainSteps } from "../run/loop.js";
import { averageStores, COMPARED_EVERY, requireEqual, spreadStores } from "../run/ranks.js";
import { SharedProgram } from "../run/shared-program.js";
import { ALONE, shareOf, type World } from "../run/world.js";
import { type Batch, captionPairs, imagesAndCaptions } from "./joint-batches.js";
import { JointModel } from "./joint-model.js";
import type { JointTraining, TextData } from "./joint-training.js";
import { epochOf, scheduledRate } from "./objectives.js";

export type TextProgram = Program<{ loss: Tensor }>;

export class JointEmbedding {
  readonly model: JointModel;
  /** By columns: a step alone, or together with other ranks. */
  readonly #programs = new Map<number, Promise<TextProgram | SharedProgram>>();
  readonly #batchOf: (step: number) => Batch;
  readonly #batch: number;
  /** This rank's rows of a batch. */
  readonly #own: { readonly begin: number; readonly end: number };
  readonly #epoch: number;
  /** Aborted when all ranks know that one of them is asked to stop. */
  readonly #stopped = new AbortController();
  #step = 0;

  /** @param world The ranks that train together. @throws UserError where a batch has fewer rows than there are ranks */
  constructor(
    readonly device: Device,
    readonly data: TextData,
    readonly options: JointTraining,
    readonly world: World = ALONE,
  ) {
    const { dataset } = data;
    const { objective } = options;
    this.model = new JointModel(data, options);
    const classes = data.classes.filter((c) => dataset.imagesOfClass(c).length > 0);
    const images = classes.flatMap((c) => dataset.imagesOfClass(c));
    this.#batch = Math.min(options.batch, objective === "text-only" ? images.length : classes.length);
    if (this.#batch < world.size)
      throw new UserError(`a batch has ${this.#batch} rows, too few for ${world.size} ranks: start at most ${this.#batch}`);
    this.#own = shareOf(world, this.#batch);
    this.#epoch = epochOf(objective, dataset.classless ? undefined : classes.length, images.length, this.#batch);
    const drawn = { rows: this.#batch, own: this.#own, text: this.model.text };
    this.#batchOf =
      objective === "text-only" ? captionPairs(data, options, images, drawn) : imagesAndCaptions(data, options, classes, drawn);
  }

  /** Rows of a batch. */
  get rows(): number {
    return this.#batch;
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** Goes back to the state after a step, by the model's `tensors`. @throws UserError when they are of another training */
  restore(step: number, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
    this.model.restore(tensors, file);
    this.#step = step;
  }

  /**
   * Trains up to a step.
   * @param onStep Called after each step; a promise is waited for.
   * @param signal Ends the training early when aborted.
   * @throws NonFiniteError
   */
  async train(
    until: number,
    onStep: (step: number, loss: number, rows: number) => unknown,
    signal: AbortSignal,
    pace?: Pace,
  ): Promise<void> {
    const { dropout, weightDecay, seed } = this.options;
    const rank = this.world.size === 1 ? undefined : this.world.rank;
    this.#step = await trainSteps({
      ...{ done: this.#step, until, signal: this.stopping(signal), pace },
      inputs: async (step) => {
        const { columns, values } = this.#batchOf(step);
        return { values, program: await this.#program(columns) };
      },
      run: async ({ values, program }, step) => {
        const learningRate = scheduledRate(this.options, step, this.#epoch);
        const inputs = {
          ...values,
          rate: this.model.optimizers[0]!.rate(learningRate, step),
          ...(dropout > 0 && { key: randomKey(seed, step, rank) }),
          ...(weightDecay > 0 && { decay: [learningRate * weightDecay] }),
        };
        if (program instanceof SharedProgram) return program.run(inputs, `step ${step}`, signal);
        const { loss } = await program.run(inputs);
        return { numbers: { loss: loss[0]! }, stop: false };
      },
      record: (step, { numbers, stop }) => {
        if (stop) this.#stopped.abort();
        const loss = numbers.loss!;
        if (!Number.isFinite(loss))
          throw new NonFiniteError(`text encoder: the loss is ${loss} at step ${step}; try a smaller learning rate`);
        return onStep(step, loss, this.#batch);
      },
      due: (step) => (step % COMPARED_EVERY === 0 ? [() => requireEqual(this.world, this.model.parameters, `step ${step}`)] : []),
    });
  }

  /** What ends the training: the signal alone; together what all ranks know of theirs after each step. */
  stopping(signal: AbortSignal): AbortSignal {
    return this.world.size === 1 ? signal : this.#stopped.signal;
  }

  /** Gives all ranks the same running statistics. @throws UserError where they have not the same parameters */
  async meet(): Promise<void> {
    const statistics = this.model.networks.map((network) => network.statistics);
    await averageStores(this.world, statistics, `step ${this.#step}`);
    await requireEqual(this.world, this.model.parameters, `step ${this.#step}`);
  }

  /**
   * What ranks do before they train: all take rank 0's variables, and compile all programs, since they have no time to speak of kernels later.
   * To be called after `restore`. Alone it does nothing.
   */
  async prepare(): Promise<void> {
    if (this.world.size === 1) return;
    await spreadStores(this.world, this.model.stores);
    for (const { columns } of this.model.text.windows) await this.#program(columns);
  }

  /** Compiles one step alone, on captions of a TextWindow's columns: the model's `iteration`. */
  compile(columns: number): Promise<TextProgram> {
    return compile(this.device, () => this.model.iteration(columns, this.#batch, this.#batch, LEARNING_ALONE));
  }

  #program(columns: number): Promise<TextProgram | SharedProgram> {
    let program = this.#programs.get(columns);
    if (!program) {
      program =
        this.world.size === 1
          ? this.compile(columns)
          : SharedProgram.compile(this.device, this.world, (learning) =>
              this.model.iteration(columns, this.#batch, this.#own.end - this.#own.begin, learning),
            );
      this.#programs.set(columns, program);
    }
    return program;
  }

  /** Frees the programs; the networks stay. */
  async destroy(): Promise<void> {
    for (const program of this.#programs.values()) (await program).destroy();
    this.#programs.clear();
  }
}
