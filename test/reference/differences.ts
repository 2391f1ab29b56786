/** Derivatives of reference functions by central differences in float64. */
import { type NdArray, zeros } from "./ndarray.js";

export type Reference = (...inputs: NdArray[]) => NdArray;

/** Step of first differences: error h² + 2^-52 |y| / h, about 1e-10. */
const STEP = 1e-6;
/** Step of second differences: error h² + 2^-52 |y| / h², about 1e-8. */
const MIXED_STEP = 1e-4;

const moved = (x: NdArray, element: number, by: number): NdArray => {
  const data = x.data.slice();
  data[element]! += by;
  return { shape: x.shape, data };
};

const along = (inputs: readonly NdArray[], directions: readonly NdArray[], by: number): NdArray[] =>
  inputs.map((x, i) => ({ shape: x.shape, data: x.data.map((v, j) => v + by * directions[i]!.data[j]!) }));

/** Column of the Jacobian: ∂y[o]/∂inputs[which][element] for all o. */
export function jacobianColumn(f: Reference, inputs: readonly NdArray[], which: number, element: number): Float64Array {
  const shifted = (by: number) => f(...inputs.map((x, i) => (i === which ? moved(x, element, by) : x))).data;
  const [up, down] = [shifted(STEP), shifted(-STEP)];
  return up.map((v, o) => (v - down[o]!) / (2 * STEP));
}

/** Rounding error of one entry of a Jacobian column, for a result of size `y`. */
export const differenceNoise = (y: number): number => (4 * 2 ** -52 * (Math.abs(y) + 1)) / STEP + 16 * STEP ** 2;

/** ∂/∂t f(inputs + t·directions) at t = 0, for all outputs. */
export function directional(f: Reference, inputs: readonly NdArray[], directions: readonly NdArray[]): Float64Array {
  const [up, down] = [f(...along(inputs, directions, STEP)).data, f(...along(inputs, directions, -STEP)).data];
  return up.map((v, o) => (v - down[o]!) / (2 * STEP));
}

/** ∂²/∂t ∂inputs[which][element] of f(inputs + t·directions) at t = 0, for all outputs. */
export function mixedColumn(
  f: Reference,
  inputs: readonly NdArray[],
  directions: readonly NdArray[],
  which: number,
  element: number,
): Float64Array {
  const h = MIXED_STEP;
  const value = (e: number, t: number) => {
    const from = along(inputs, directions, t);
    return f(...from.map((x, i) => (i === which ? moved(x, element, e) : x))).data;
  };
  const [pp, pm, mp, mm] = [value(h, h), value(h, -h), value(-h, h), value(-h, -h)];
  return pp.map((v, o) => (v - pm[o]! - mp[o]! + mm[o]!) / (4 * h * h));
}

/** Rounding and truncation error of one entry of a mixed column. */
export const mixedNoise = (y: number): number => (8 * 2 ** -52 * (Math.abs(y) + 1)) / MIXED_STEP ** 2 + 64 * MIXED_STEP ** 2;

export const zerosLike = (x: NdArray): NdArray => zeros(x.shape);
