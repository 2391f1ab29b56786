/** Elementwise operations with broadcasting (aligned at the right, size 1 stretches). */
import { build, flatten, type NdArray } from "./ndarray.js";

function elementwise(f: (...values: number[]) => number): (...operands: NdArray[]) => NdArray {
  return (...operands) => {
    const rank = Math.max(...operands.map((x) => x.shape.length));
    const padded = operands.map((x) => [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape]);
    const shape = Array.from({ length: rank }, (_, d) => Math.max(...padded.map((s) => s[d]!)));
    return build(shape, (index) =>
      f(
        ...operands.map((x, i) => {
          const own = index.map((n, d) => (padded[i]![d] === 1 ? 0 : n));
          return x.data[flatten(padded[i]!, own)]!;
        }),
      ),
    );
  };
}

export const add = elementwise((a, b) => a! + b!);
export const sub = elementwise((a, b) => a! - b!);
export const mul = elementwise((a, b) => a! * b!);
export const div = elementwise((a, b) => a! / b!);
export const neg = elementwise((a) => -a!);
export const maximum = elementwise((a, b) => Math.max(a!, b!));
export const minimum = elementwise((a, b) => Math.min(a!, b!));
export const where = elementwise((x, yes, no) => (x! > 0 ? yes! : no!));
export const whereAtLeast = elementwise((x, yes, no) => (x! >= 0 ? yes! : no!));
export const square = elementwise((a) => a! * a!);
export const abs = elementwise((a) => Math.abs(a!));
export const exp = elementwise((a) => Math.exp(a!));
export const log = elementwise((a) => Math.log(a!));
export const sqrt = elementwise((a) => Math.sqrt(a!));
export const rsqrt = elementwise((a) => 1 / Math.sqrt(a!));
export const tanh = elementwise((a) => Math.tanh(a!));
export const sigmoid = elementwise((a) => 1 / (1 + Math.exp(-a!)));
export const relu = elementwise((a) => (a! > 0 ? a! : 0));
export const leakyRelu = (x: NdArray, slope: number): NdArray => elementwise((a) => (a! > 0 ? a! : slope * a!))(x);
export const softplus = elementwise((a) => Math.max(a!, 0) + Math.log1p(Math.exp(-Math.abs(a!))));
