/** Optimizer steps as effects of a program: one dispatch updates all variables of a store. */
import { adam as adamKernel, rmsprop as rmspropKernel } from "../../kernels/optimizer.js";
import { requireChoice, requireNumber, requireOptions, within } from "../arguments.js";
import { ShapeError } from "../errors.js";
import { recordEffect } from "./record.js";
import { Tensor } from "./tensor.js";
import { pack, type Store } from "./variables.js";

/** Adam's decays and its form. */
export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Where epsilon stands: "torch7" adds it to √v (as the original programs do), "pytorch" to the bias-corrected √v. */
  readonly form?: "torch7" | "pytorch";
}

/** @throws ShapeError unless it is [2], as the kernels read it. */
function requireRate(operation: string, rate: Tensor): void {
  if (rate.rank !== 1 || rate.size !== 2) throw new ShapeError(`${operation}: the rate must be [2], not ${rate.toString()}`);
}

/** @throws ShapeError unless there is a gradient for each element of the store. */
function requirePacked(operation: string, gradients: Tensor, flat: Tensor): void {
  if (gradients.rank !== 1 || gradients.size !== flat.size)
    throw new ShapeError(`${operation}: the gradients must be [${flat.size}], not ${gradients.toString()}`);
}

/** Adam (Kingma and Ba 2015). Its moments are stores with the parameters' names, for checkpoints. */
export class Adam {
  readonly first: Store;
  readonly second: Store;
  readonly #options: Required<AdamOptions>;

  constructor(
    readonly parameters: Store,
    options: AdamOptions = {},
  ) {
    requireOptions("Adam", options, ["beta1", "beta2", "epsilon", "form"]);
    this.#options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, form: "pytorch", ...options };
    for (const name of ["beta1", "beta2"] as const) requireNumber("Adam", name, this.#options[name], { least: 0, below: 1 });
    requireNumber("Adam", "epsilon", this.#options.epsilon, { least: 0 });
    requireChoice("Adam", "form", this.#options.form, ["torch7", "pytorch"]);
    this.first = parameters.like(`${parameters.name}.adam.m`);
    this.second = parameters.like(`${parameters.name}.adam.v`);
  }

  /**
   * Records one update.
   * @param gradients One for each variable of the store, in its order.
   * @param rate Program input [2], filled by `rate`.
   * @param lossScale What the loss was multiplied by before its gradients were taken, so that they fit a storage in f16.
   */
  step(gradients: readonly Tensor[], rate: Tensor, lossScale = 1): void {
    within("Adam", () => this.stepPacked(pack(this.parameters, gradients), rate, lossScale));
  }

  /** The same of gradients that lie as the store's variables do (`pack`): [length]. */
  stepPacked(gradients: Tensor, rate: Tensor, lossScale = 1): void {
    requireNumber("Adam", "lossScale", lossScale);
    requireRate("Adam", rate);
    const { flat } = this.parameters;
    requirePacked("Adam", gradients, flat);
    const lower = () => adamKernel(this.parameters.length, { ...this.#options, lossScale });
    const targets = [flat, this.first.flat, this.second.flat];
    recordEffect(new Tensor("adam", flat.shape, { kind: "effect", lower, targets }, [gradients, rate]));
  }

  /** The rate input's values at update t = 1, 2, ... */
  rate(learningRate: number, t: number): Float32Array {
    requireNumber("Adam", "learningRate", learningRate);
    requireNumber("Adam", "t", t, { whole: true, least: 1 });
    const { beta1, beta2, form } = this.#options;
    const correction = Math.sqrt(1 - beta2 ** t);
    const alpha = learningRate / (1 - beta1 ** t);
    return form === "torch7" ? Float32Array.of(alpha * correction, 1) : Float32Array.of(alpha, 1 / correction);
  }
}

/** RMSProp's decay and what keeps its divisor from 0. */
export interface RmsPropOptions {
  readonly alpha?: number;
  readonly epsilon?: number;
}

/** RMSprop (Tieleman and Hinton 2012) without momentum, epsilon outside the root as in Torch7 and PyTorch. */
export class RmsProp {
  readonly second: Store;
  readonly #options: Required<RmsPropOptions>;

  constructor(
    readonly parameters: Store,
    options: RmsPropOptions = {},
  ) {
    requireOptions("RmsProp", options, ["alpha", "epsilon"]);
    this.#options = { alpha: 0.99, epsilon: 1e-8, ...options };
    requireNumber("RmsProp", "alpha", this.#options.alpha, { least: 0, most: 1 });
    requireNumber("RmsProp", "epsilon", this.#options.epsilon, { least: 0 });
    this.second = parameters.like(`${parameters.name}.rmsprop.v`);
  }

  /** Records one update; `rate` is a program input [2] whose first value is the learning rate. */
  step(gradients: readonly Tensor[], rate: Tensor): void {
    within("RmsProp", () => this.stepPacked(pack(this.parameters, gradients), rate));
  }

  /** The same of gradients that lie as the store's variables do (`pack`): [length]. */
  stepPacked(gradients: Tensor, rate: Tensor): void {
    requireRate("RmsProp", rate);
    const { flat } = this.parameters;
    requirePacked("RmsProp", gradients, flat);
    const lower = () => rmspropKernel(this.parameters.length, this.#options);
    const targets = [flat, this.second.flat];
    recordEffect(new Tensor("rmsprop", flat.shape, { kind: "effect", lower, targets }, [gradients, rate]));
  }

  rate(learningRate: number): Float32Array {
    requireNumber("RmsProp", "learningRate", learningRate);
    return Float32Array.of(learningRate, 1);
  }
}
