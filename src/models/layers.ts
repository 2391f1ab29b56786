/** Layers: variables of a network and the expressions over them. Names and shapes are PyTorch's. */
import { batchNorm, batchNormInference } from "../tensor/batch-norm.js";
import { sum } from "../tensor/broadcast.js";
import { conv2d, type ConvolutionOptions, convolutionWeightOrder, convTranspose2d } from "../tensor/convolution.js";
import { add, mul } from "../tensor/elementwise.js";
import { reshape } from "../tensor/layout.js";
import { linear } from "../tensor/matmul.js";
import type { Shape } from "../tensor/shape.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assign, type Initializer, pack, Store } from "../tensor/variables.js";
import type { Initializers } from "./initializers.js";

/** How batch norm behaves: by the batch, or by running statistics. */
export type Mode = "train" | "evaluate";

/** Shown what a layer of a network gives, by its name. */
export type See = (layer: string, response: Tensor) => void;

/** A network: its trained variables, its batch-norm statistics, and where they get their first values. */
export class Network {
  readonly parameters: Store;
  readonly statistics: Store;
  /** Batch statistics seen in the pass under way, by name of the running statistic they go into. */
  #seen = new Map<string, { readonly value: Tensor; readonly order: readonly number[] }>();
  #order: readonly number[] = [0];

  constructor(
    readonly name: string,
    readonly initial: Initializers,
  ) {
    this.parameters = new Store(name);
    this.statistics = new Store(`${name}.statistics`);
  }

  variable(name: string, shape: Shape, initializer: Initializer, order?: readonly number[]): Tensor {
    return this.parameters.variable(name, shape, initializer, order);
  }

  /** Called by batch-norm layers in training: a batch statistic [C], or [Q, C] of Q passes made at once. */
  observe(name: string, value: Tensor): void {
    this.#seen.set(name, { value, order: this.#order });
  }

  /**
   * Builds a part of the network in which passes are made at once that the original makes one after the other: pass i of them is the
   * part's pass `order[i]`. One that stands for several, such as the trunk over images that are judged twice, is computed once.
   */
  passes<T>(order: readonly number[], build: () => T): T {
    const outer = this.#order;
    this.#order = order;
    try {
      return build();
    } finally {
      this.#order = outer;
    }
  }

  /**
   * Records running ← (1 − momentum)·running + momentum·batch for every batch norm of the passes just built, in one dispatch; for several
   * passes made at once as if they had come in order. Each training pass through the network is followed by one call.
   */
  updateStatistics(momentum = 0.1): void {
    if (this.statistics.entries.length === 0) return;
    const passes = Math.max(...[...this.#seen.values()].map(({ order }) => order.length));
    const kept = (1 - momentum) ** passes;
    const batch = this.statistics.entries.map(({ name }) => {
      const seen = this.#seen.get(name);
      if (!seen) throw new Error(`${this.name}: ${name} saw no batch in this pass`);
      const { value, order } = seen;
      if (value.rank === 1) return value;
      const weights = new Array<number>(value.shape[0]!).fill(0);
      order.forEach((q, i) => (weights[q]! += (momentum * (1 - momentum) ** (passes - 1 - i)) / (1 - kept)));
      return sum(mul(value, tensor(weights, [weights.length, 1])), [0]);
    });
    this.#seen.clear();
    const { flat } = this.statistics;
    assign(flat, add(mul(flat, kept), mul(pack(this.statistics, batch), 1 - kept)));
  }

  /** Number of trained values. */
  get size(): number {
    return this.parameters.entries.reduce((n, { tensor }) => n + tensor.size, 0);
  }
}

/** Applies a layer that knows no passes to [P, N, ...]: one batch of P·N rows. */
function overPasses(x: Tensor, rank: number, layer: (x: Tensor) => Tensor): Tensor {
  if (x.rank === rank) return layer(x);
  const [passes, rows, ...rest] = x.shape as [number, number, ...number[]];
  const y = layer(reshape(x, [passes * rows, ...rest]));
  return reshape(y, [passes, rows, ...y.shape.slice(1)]);
}

/** x [N, in] → [N, out]; or [P, N, in] of P passes. */
export class Linear {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(network: Network, name: string, inputs: number, outputs: number) {
    const initializer = network.initial.linear(inputs);
    // In memory [in, out], so that neither the product nor the gradient needs a transpose.
    this.weight = network.variable(`${name}.weight`, [outputs, inputs], initializer, [1, 0]);
    this.bias = network.variable(`${name}.bias`, [outputs], initializer);
  }

  call(x: Tensor): Tensor {
    return overPasses(x, 2, (rows) => add(linear(rows, this.weight), this.bias));
  }
}

/** What convolutions of both directions have, without bias, as everywhere in the original networks (their biases are held at zero). */
class Kernel {
  readonly weight: Tensor;

  /** @param channels As PyTorch's weight begins: [out, in], or [in, out] of a transposed convolution. */
  constructor(
    network: Network,
    name: string,
    channels: readonly [number, number],
    side: number,
    readonly options: ConvolutionOptions = {},
  ) {
    this.weight = network.variable(`${name}.weight`, [...channels, side, side], network.initial.convolution, convolutionWeightOrder);
  }
}

/** Convolution of [N, C, H, W], or [P, N, C, H, W] of P passes. */
export class Conv extends Kernel {
  constructor(network: Network, name: string, inputs: number, outputs: number, side: number, options?: ConvolutionOptions) {
    super(network, name, [outputs, inputs], side, options);
  }

  call(x: Tensor): Tensor {
    return overPasses(x, 4, (images) => conv2d(images, this.weight, this.options));
  }
}

/** Transposed convolution of [N, C, H, W]. */
export class Deconv extends Kernel {
  constructor(network: Network, name: string, inputs: number, outputs: number, side: number, options?: ConvolutionOptions) {
    super(network, name, [inputs, outputs], side, options);
  }

  call(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.options);
  }
}

/** PyTorch's default. */
export const BATCH_NORM_EPSILON = 1e-5;

/** Batch norm over [N, C] or [N, C, H, W]; or over [P, N, C] or [P, N, C, H, W], P passes, each by its own statistics. */
export class BatchNorm {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;

  constructor(
    readonly network: Network,
    readonly name: string,
    channels: number,
  ) {
    this.weight = network.variable(`${name}.weight`, [channels], network.initial.normScale);
    this.bias = network.variable(`${name}.bias`, [channels], (values) => values.fill(0));
    this.runningMean = network.statistics.variable(`${name}.running_mean`, [channels]);
    this.runningVariance = network.statistics.variable(`${name}.running_var`, [channels], (values) => values.fill(1));
  }

  call(x: Tensor, mode: Mode): Tensor {
    const options = { passes: x.rank === 3 || x.rank === 5 };
    if (mode === "evaluate")
      return batchNormInference(x, this.weight, this.bias, this.runningMean, this.runningVariance, BATCH_NORM_EPSILON, options);
    const { y, mean, variance } = batchNorm(x, this.weight, this.bias, BATCH_NORM_EPSILON, options);
    this.network.observe(`${this.name}.running_mean`, mean);
    this.network.observe(`${this.name}.running_var`, variance);
    return y;
  }
}
