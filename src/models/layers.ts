/** Layers: variables of a network and the expressions over them. Names and shapes are PyTorch's. */
import { batchNorm, batchNormInference } from "../tensor/batch-norm.js";
import { conv2d, type ConvolutionOptions, convolutionWeightOrder, convTranspose2d } from "../tensor/convolution.js";
import { add, mul } from "../tensor/elementwise.js";
import { linear } from "../tensor/matmul.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { assign, type Initializer, pack, Store } from "../tensor/variables.js";
import type { Initializers } from "./initializers.js";

/** How batch norm behaves: by the batch, or by running statistics. */
export type Mode = "train" | "evaluate";

/** A network: its trained variables, its batch-norm statistics, and where they get their first values. */
export class Network {
  readonly parameters: Store;
  readonly statistics: Store;
  /** Batch statistics seen in the pass under way, by name of the running statistic they go into. */
  #seen = new Map<string, Tensor>();

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

  /** Called by batch-norm layers in training. */
  observe(name: string, value: Tensor): void {
    this.#seen.set(name, value);
  }

  /**
   * Records running ← (1 − momentum)·running + momentum·batch for every batch norm of the pass just built, in one dispatch.
   * Each training pass through the network is followed by one call.
   */
  updateStatistics(momentum = 0.1): void {
    if (this.statistics.entries.length === 0) return;
    const batch = this.statistics.entries.map(({ name }) => {
      const value = this.#seen.get(name);
      if (!value) throw new Error(`${this.name}: ${name} saw no batch in this pass`);
      return value;
    });
    this.#seen.clear();
    const { flat } = this.statistics;
    assign(flat, add(mul(flat, 1 - momentum), mul(pack(this.statistics, batch), momentum)));
  }

  /** Number of trained values. */
  get size(): number {
    return this.parameters.entries.reduce((n, { tensor }) => n + tensor.size, 0);
  }
}

/** x [N, in] → [N, out]. */
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
    return add(linear(x, this.weight), this.bias);
  }
}

/** Convolution without bias, as everywhere in the original networks (their biases are held at zero). */
export class Conv {
  readonly weight: Tensor;

  constructor(
    network: Network,
    name: string,
    inputs: number,
    outputs: number,
    kernel: number,
    readonly options: ConvolutionOptions = {},
  ) {
    this.weight = network.variable(
      `${name}.weight`,
      [outputs, inputs, kernel, kernel],
      network.initial.convolution,
      convolutionWeightOrder,
    );
  }

  call(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.options);
  }
}

/** Transposed convolution without bias. */
export class Deconv {
  readonly weight: Tensor;

  constructor(
    network: Network,
    name: string,
    inputs: number,
    outputs: number,
    kernel: number,
    readonly options: ConvolutionOptions = {},
  ) {
    this.weight = network.variable(
      `${name}.weight`,
      [inputs, outputs, kernel, kernel],
      network.initial.convolution,
      convolutionWeightOrder,
    );
  }

  call(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.options);
  }
}

/** Batch norm over [N, C] or [N, C, H, W], ε = 1e-5. */
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
    if (mode === "evaluate") return batchNormInference(x, this.weight, this.bias, this.runningMean, this.runningVariance);
    const { y, mean, variance } = batchNorm(x, this.weight, this.bias);
    this.network.observe(`${this.name}.running_mean`, mean);
    this.network.observe(`${this.name}.running_var`, variance);
    return y;
  }
}
