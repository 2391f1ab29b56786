/**
 * From a loss to the steps of optimizers, alone or together with other ranks. Alone the gradients go right into the optimizers. Together
 * every rank has the loss of its own rows; gradients are packed into a store, the program pauses, the host sums the store over all ranks
 * (shared-program.ts), and the rest of the program steps by the sum. The losses are divided by the number of ranks first, so that the sum
 * is the gradient of the mean over the whole batch.
 *
 * Where a loss compares all rows of the batch with all others, the rows are gathered first: every rank then has that same loss.
 */
import { grad } from "../../autograd/grad.js";
import { mul, scaleGradient } from "../../tensor/elementwise.js";
import { concat, reshape, slice } from "../../tensor/layout.js";
import { Adam, type RmsProp } from "../../tensor/optimizers.js";
import { pause } from "../../tensor/pause.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import { assign, pack, Store } from "../../tensor/variables.js";
import { shareOf } from "./world.js";

type Optimizer = Adam | RmsProp;

/** What is to be learnt from a loss. */
export interface Lesson {
  /** For people: "the discriminator's gradients". A program has each once. */
  readonly what: string;
  readonly optimizers: readonly Optimizer[];
  readonly loss: Tensor;
  /** The optimizers' input [2]. */
  readonly rate: Tensor;
  /** Factor on the loss before the derivative, which Adam divides out again. */
  readonly lossScale?: number;
  /** Scalars that are told of the step, by name. */
  readonly numbers: () => Readonly<Record<string, Tensor>>;
  /** Recorded right before the optimizers' steps. */
  readonly before?: () => void;
}

export interface Learning {
  /** The rank whose random numbers the program draws; undefined alone, where the key says nothing of it. */
  readonly rank: number | undefined;
  /**
   * Gathers the rows [own, ...] of a batch [rows, ...] from all ranks, of which each has its own (`shareOf`). The derivative goes to the own
   * rows, times the ranks: that of the mean of all ranks' losses, which are equal.
   * @param what As of a lesson.
   */
  gather(what: string, rows: number, own: readonly Tensor[]): readonly Tensor[];
  /**
   * Records the gradients of a loss.
   * @returns what records the optimizers' steps: to be called before anything reads their variables again. What is recorded until then
   * runs while the gradients travel.
   */
  learn(lesson: Lesson): () => void;
}

/** Nobody else is there: the steps follow at once. */
export const LEARNING_ALONE: Learning = {
  rank: undefined,
  gather: (_what, _rows, own) => own,
  learn(lesson) {
    const gradients = gradientsOf(lesson, lesson.lossScale ?? 1);
    lesson.before?.();
    lesson.optimizers.forEach((optimizer, i) => {
      if (optimizer instanceof Adam) optimizer.step(gradients[i]!, lesson.rate, lesson.lossScale);
      else optimizer.step(gradients[i]!, lesson.rate);
    });
    return () => undefined;
  },
};

/** The gradients for each optimizer. All come before any step: they belong to the values the loss was computed with. */
function gradientsOf({ optimizers, loss }: Lesson, scale: number): readonly Tensor[][] {
  const variables = optimizers.map(({ parameters }) => parameters.entries.map((e) => e.tensor));
  const gradients = grad(scale === 1 ? loss : mul(loss, scale), variables.flat());
  let at = 0;
  return variables.map(({ length }) => gradients.slice(at, (at += length)));
}

/** What travels between two pauses of a program. */
export interface SharedSum {
  readonly what: string;
  /** The gradients, and last the numbers; or gathered rows, and no numbers. */
  readonly stores: readonly Store[];
  readonly numbers: readonly string[];
}

/** Gradients meet those of the other ranks. One for each program. */
export class SharedLearning implements Learning {
  /** In the order of the program. */
  readonly sums: SharedSum[] = [];

  constructor(
    readonly rank: number,
    readonly ranks: number,
  ) {}

  gather(what: string, rows: number, own: readonly Tensor[]): readonly Tensor[] {
    const { begin, end } = shareOf({ rank: this.rank, size: this.ranks }, rows);
    const store = new Store(what);
    const all = own.map(({ shape }, i) => store.variable(String(i), [rows, ...shape.slice(1)]));
    // Zeros stand for the others' rows: the sum over the ranks is all rows.
    const around = (part: Tensor, of: (begin: number, end: number) => Tensor): Tensor =>
      concat([...(begin > 0 ? [of(0, begin)] : []), part, ...(end < rows ? [of(end, rows)] : [])], 0);
    own.forEach((part, i) => {
      const zeros = (from: number, to: number): Tensor => {
        const shape = [to - from, ...part.shape.slice(1)];
        return tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape);
      };
      assign(all[i]!, around(part, zeros));
    });
    this.sums.push({ what, stores: [store], numbers: [] });
    pause(`begin ${what}`, [store]);
    pause(`end ${what}`, [store]);
    return own.map((part, i) => around(scaleGradient(part, this.ranks), (from, to) => slice(all[i]!, 0, from, to)));
  }

  learn(lesson: Lesson): () => void {
    const { what, optimizers, rate, lossScale = 1 } = lesson;
    const packed = gradientsOf(lesson, lossScale / this.ranks).map((list, i) => pack(optimizers[i]!.parameters, list));
    const stores = packed.map((gradients, i) => {
      const store = new Store(`${optimizers[i]!.parameters.name}.gradients`);
      store.variable("all", [gradients.size]);
      return store;
    });
    stores.forEach((store, i) => assign(store.flat, packed[i]!));
    const numbers = Object.entries(lesson.numbers());
    const told = new Store(`${what}: numbers`);
    const all = told.variable("all", [numbers.length]);
    const scalars = numbers.map(([, value]) => reshape(value, [1]));
    assign(all, scalars.length === 1 ? scalars[0]! : concat(scalars, 0));
    this.sums.push({ what, stores: [...stores, told], numbers: numbers.map(([name]) => name) });
    pause(`begin ${what}`, stores);
    return () => {
      pause(`end ${what}`, stores);
      lesson.before?.();
      optimizers.forEach((optimizer, i) => {
        if (optimizer instanceof Adam) optimizer.stepPacked(stores[i]!.flat, rate, lossScale);
        else optimizer.stepPacked(stores[i]!.flat, rate);
      });
    };
  }
}
