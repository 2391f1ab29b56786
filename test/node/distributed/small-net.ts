/**
 * Two layers without batch norm. As a regression its gradients of a batch are those of its parts, added up; or its rows are compared with one
 * another, at a temperature that is learnt.
 */
import type { Device } from "../../../src/gpu/device.js";
import { RandomStream } from "../../../src/random/philox.js";
import { compile } from "../../../src/tensor/compile.js";
import { add, exp, relu } from "../../../src/tensor/elementwise.js";
import { infoNce, mse } from "../../../src/tensor/losses.js";
import { matmul } from "../../../src/tensor/matmul.js";
import { Adam } from "../../../src/tensor/optimizers.js";
import type { Program } from "../../../src/tensor/program.js";
import { input, type Tensor } from "../../../src/tensor/tensor.js";
import { Store } from "../../../src/tensor/variables.js";
import { type Learning, LEARNING_ALONE } from "../../../src/train/run/learning.js";

const [IN, HIDDEN, OUT] = [6, 40, 3];

export class SmallNet {
  readonly #store = new Store("net");
  readonly #adam: Adam;
  readonly #weights: readonly [Tensor, Tensor, Tensor];
  readonly #logScale: Tensor;

  /** @param rows Of a whole batch. @param compares Whether rows are compared; then ranks may have different numbers of them. */
  constructor(
    readonly rows: number,
    readonly compares: boolean,
  ) {
    const random = new RandomStream(7, 1);
    const filled = (values: Float32Array): void => values.forEach((_, i) => (values[i] = 0.3 * random.normal()));
    this.#weights = [
      this.#store.variable("in", [IN, HIDDEN], filled),
      this.#store.variable("bias", [HIDDEN], filled),
      this.#store.variable("out", [HIDDEN, OUT], filled),
    ];
    this.#logScale = this.#store.variable("log_scale", [1]);
    // Adam does not see how large gradients are, but for its epsilon.
    this.#adam = new Adam(this.#store, { epsilon: 0.1 });
  }

  /** Records a step of `rows` rows. */
  build(rows: number, learning: Learning): { loss: Tensor } {
    const [first, bias, second] = this.#weights;
    const found = matmul(relu(add(matmul(input("x", [rows, IN]), first), bias)), second);
    const wanted = input("y", [rows, OUT]);
    const loss = this.compares ? this.#compared(found, wanted, learning) : mse(found, wanted);
    const numbers = () => ({ loss });
    learning.learn({ what: "the gradients", optimizers: [this.#adam], loss, rate: input("rate", [2]), numbers })();
    return { loss };
  }

  #compared(found: Tensor, wanted: Tensor, learning: Learning): Tensor {
    const [all, others] = learning.gather("the rows", this.rows, [found, wanted]);
    return infoNce(all!, others!, exp(this.#logScale));
  }

  compile(device: Device, rows: number): Promise<Program<{ loss: Tensor }>> {
    return compile(device, () => this.build(rows, LEARNING_ALONE));
  }

  /** Rows of a step's batch, from `first` on. */
  inputs(step: number, first: number, rows: number): Record<string, Float32Array> {
    const random = new RandomStream(11, 2, step);
    const all = (size: number): Float32Array => Float32Array.from({ length: this.rows * size }, () => random.normal());
    const [x, y] = [all(IN), all(OUT)];
    const part = (values: Float32Array, size: number): Float32Array => values.slice(first * size, (first + rows) * size);
    return { x: part(x, IN), y: part(y, OUT), rate: this.#adam.rate(0.05, step) };
  }

  async values(): Promise<Float32Array> {
    return Float32Array.from([...(await this.#store.read()).values()].flatMap((part) => [...part]));
  }
}
