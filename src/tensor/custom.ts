/** An operation of one's own: a kernel in WGSL, and its derivative made of other operations. */
import { input, output } from "../../kernels/kernel.js";
import { ShapeError } from "../errors.js";
import { rowMajor, type Shape } from "./shape.js";
import { Tensor, type Vjp } from "./tensor.js";
import { toOrder } from "./variables.js";

/** An operation as a WGSL module, with its derivative. */
export interface CustomKernel {
  /** Shape of the result. */
  readonly shape: Shape;
  /**
   * A whole WGSL module with entry point `main`. Group 0 binds the inputs at 0, 1, ... and the result after them, each as
   * `var<storage, read_write> name: array<f32>`, row-major.
   */
  readonly code: string;
  /** Workgroups to dispatch; each number at most 65,535. */
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** From the gradient at the result, one for each input (undefined: no gradient flows there). Without it the result has no derivative. */
  readonly vjp?: Vjp;
}

/**
 * Builds a node that runs a kernel of your own.
 * @param name For errors and profiles.
 * @param inputs Tensors the kernel reads; the same one may stand there twice.
 * @throws ShapeError for workgroups that cannot be dispatched; a WGSL error is raised by `compile`, with numbered source lines.
 */
export function customKernel(name: string, inputs: readonly Tensor[], { shape, code, workgroups, vjp }: CustomKernel): Tensor {
  if (workgroups.some((n) => !Number.isInteger(n) || n < 1 || n > 65_535))
    throw new ShapeError(`${name}: workgroups [${workgroups.join(", ")}] must be whole numbers from 1 to 65535`);
  const slots = [...inputs.map((_, i) => input(i)), output(0)];
  const lower = () => ({ launches: [{ kernel: { name, code, workgroups }, slots }], scratch: [] });
  const ordered = inputs.map((t) => toOrder(t, rowMajor(t.rank)));
  return new Tensor(name, shape, { kind: "kernel", lower }, ordered, { sources: inputs, ...(vjp && { vjp }) });
}
