/** The bottleneck of the original code (not in the paper): x + BN(conv3×3(act(BN(conv3×3(act(BN(conv1×1(x)))))))), activation after the sum. */
import { add } from "../tensor/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { BatchNorm, Conv, type Mode, type Network } from "./layers.js";

export class ResidualBottleneck {
  readonly #convolutions: readonly Conv[];
  readonly #norms: readonly BatchNorm[];

  /** channels → channels/4 → channels/4 → channels. */
  constructor(
    network: Network,
    name: string,
    channels: number,
    readonly activation: (x: Tensor) => Tensor,
  ) {
    const narrow = channels / 4;
    this.#convolutions = [
      new Conv(network, `${name}.conv1`, channels, narrow, 1),
      new Conv(network, `${name}.conv2`, narrow, narrow, 3, { padding: 1 }),
      new Conv(network, `${name}.conv3`, narrow, channels, 3, { padding: 1 }),
    ];
    this.#norms = [narrow, narrow, channels].map((c, i) => new BatchNorm(network, `${name}.norm${i + 1}`, c));
  }

  call(x: Tensor, mode: Mode): Tensor {
    const stage = (i: number, h: Tensor) => this.#norms[i]!.call(this.#convolutions[i]!.call(h), mode);
    const h = stage(2, this.activation(stage(1, this.activation(stage(0, x)))));
    return this.activation(add(x, h));
  }
}
