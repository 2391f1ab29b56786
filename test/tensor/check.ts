/**
 * Checks operations against the float64 reference: the result, the gradient that `grad` builds, and where asked the gradient of a
 * gradient. All cases of a file run as one program, because compiling pipelines is what takes time.
 *
 * Bounds. A kernel that computes y_o as sums of products is componentwise backward stable: its result is exact for terms each wrong by a
 * few units of 2^-24, plus the rounding of n additions, whose sum grows like the square root of n (4 √n is passed with probability
 * 2 exp(-8) for random signs; ours are fixed, so it passes always or never). Hence
 *   |y_o − ŷ_o| ≤ (units + 4 √n_o) 2^-24 (|ŷ_o| + Σ_i |∂y_o/∂x_i x_i|)
 *   |g_i − ĝ_i| ≤ (units + 4 √n_i) 2^-24 Σ_o |v_o ∂y_o/∂x_i|
 * with n the number of terms that are not zero. `units` is the error WGSL's specification grants the functions involved (2.5 ulp for a
 * division, 3 + 2|x| for exp ...); `absolute` is added where the specification's own bound is absolute (log near 1, tanh) or
 * where the formula cancels (1 − tanh²). The differences' own error is added to the gradient's.
 */
import { beforeAll, expect, it } from "vitest";
import { compile, type DType, grad, input, mul, permute, sum, type Tensor, add } from "../../src/index.js";
import { device } from "../device.js";
import { differenceNoise, jacobianColumn, mixedColumn, mixedNoise, type Reference } from "../reference/differences.js";
import { ndarray, type NdArray, sizeOf } from "../reference/ndarray.js";
import { noise } from "./noise.js";

export interface InputSpec {
  readonly shape: readonly number[];
  /** Memory order (dimensions from slowest to fastest); row-major by default. */
  readonly order?: readonly number[];
  /** An interval for random values, or the values themselves, row-major. */
  readonly values?: readonly [number, number] | { readonly list: ArrayLike<number> };
  readonly dtype?: DType;
  /** No gradient is asked for. */
  readonly fixed?: boolean;
}

export interface OperationCase {
  readonly inputs: readonly (InputSpec | readonly number[])[];
  readonly build: (...inputs: Tensor[]) => Tensor;
  readonly reference: Reference;
  /** Rounding errors of one term, in units of 2^-24. */
  readonly units?: number;
  readonly absolute?: number;
  /** Also check the gradient of the gradient. */
  readonly second?: boolean;
  /** Linear in each input with coefficients 0 and 1 (a convolution, a copy): the terms are then counted by evaluating at magnitudes and ones. */
  readonly linear?: boolean;
}

const SAMPLES = 40;

interface Prepared {
  readonly name: string;
  readonly specs: readonly InputSpec[];
  readonly values: readonly Float32Array[];
  readonly given: OperationCase;
}

const isSpec = (i: InputSpec | readonly number[]): i is InputSpec => "shape" in i;

function prepare(name: string, given: OperationCase): Prepared {
  const specs = given.inputs.map((i) => (isSpec(i) ? i : { shape: i }));
  const values = specs.map(({ shape, values = [-2, 2], dtype }, i) => {
    if ("list" in values) return Float32Array.from(values.list);
    const random = noise(sizeOf(shape), `${name}.${i}`, values);
    return dtype === "u32" ? random.map(Math.floor) : random;
  });
  return { name, specs, values, given };
}

/** An input whose memory really lies in `order`: a leaf in that order, looked at through a permutation. */
function leaf(name: string, { shape, order, dtype = "f32" }: InputSpec): Tensor {
  if (!order) return input(name, shape, dtype);
  const memory = input(
    name,
    order.map((d) => shape[d]!),
    dtype,
  );
  return permute(
    memory,
    shape.map((_, d) => order.indexOf(d)),
  );
}

/** Row-major values as the leaf of `leaf` wants them. */
function inOrder(values: Float32Array, { shape, order }: InputSpec): Float32Array {
  if (!order) return values;
  const memory = order.map((d) => shape[d]!);
  const result = new Float32Array(values.length);
  for (let to = 0; to < values.length; to++) {
    let rest = to;
    const index = new Array<number>(shape.length);
    for (let d = memory.length - 1; d >= 0; d--) {
      index[order[d]!] = rest % memory[d]!;
      rest = Math.floor(rest / memory[d]!);
    }
    result[to] = values[index.reduce((flat, n, d) => flat * shape[d]! + n, 0)]!;
  }
  return result;
}

const differentiable = ({ dtype, fixed }: InputSpec): boolean => dtype !== "u32" && !fixed;

/** Registers cases; call `check` for each at collection time. */
export class Operations {
  readonly #cases: Prepared[] = [];
  #results: Record<string, Float32Array> = {};
  readonly #misshapen = new Map<string, string>();

  constructor() {
    beforeAll(async () => {
      const outputs = () => Object.assign({}, ...this.#cases.map((c) => this.#outputs(c))) as Record<string, Tensor>;
      const program = await compile(await device(), outputs);
      const fit = this.#cases.filter((c) => !this.#misshapen.has(c.name));
      this.#results = await program.run(Object.assign({}, ...fit.map((c) => this.#inputs(c))) as Record<string, Float32Array>);
    }, 600_000);
  }

  check(name: string, given: OperationCase): void {
    if (this.#cases.some((c) => c.name === name)) throw new Error(`two cases are named ${name}`);
    const prepared = prepare(name, given);
    this.#cases.push(prepared);
    it(name, () => {
      expect(this.#misshapen.get(name)).toBeUndefined();
      compare(prepared, this.#results);
    });
  }

  #outputs({ name, specs, values, given }: Prepared): Record<string, Tensor> {
    const inputs = specs.map((s, i) => leaf(`${name}.${i}`, s));
    const y = given.build(...inputs);
    const { shape } = given.reference(...arrays(specs, values));
    const v = input(`${name}.v`, shape);
    if (y.shape.join() !== shape.join()) {
      this.#misshapen.set(name, `the result is ${y.toString()}, should be of shape [${shape.join(", ")}]`);
      return { [`${name}.v`]: v };
    }
    const wanted = inputs.filter((_, i) => differentiable(specs[i]!));
    const outputs: Record<string, Tensor> = { [`${name}.y`]: y };
    const gradients = grad(y, wanted, v);
    gradients.forEach((g, i) => (outputs[`${name}.g${i}`] = g));
    if (given.second) {
      const directions = gradients.map((g, i) => input(`${name}.u${i}`, g.shape));
      const scalar = gradients.map((g, i) => sum(mul(g, directions[i]!))).reduce((a, b) => add(a, b));
      // As outputs, they are inputs of the program even where the second derivative is zero.
      directions.forEach((u, i) => (outputs[`${name}.u${i}`] = u));
      grad(scalar, wanted).forEach((g, i) => (outputs[`${name}.h${i}`] = g));
    }
    return outputs;
  }

  #inputs({ name, specs, values, given }: Prepared): Record<string, Float32Array> {
    const result: Record<string, Float32Array> = { [`${name}.v`]: cotangent(name, given.reference(...arrays(specs, values)).data.length) };
    specs.forEach((s, i) => (result[`${name}.${i}`] = inOrder(values[i]!, s)));
    if (given.second) {
      specs.filter(differentiable).forEach((s, i) => (result[`${name}.u${i}`] = noise(sizeOf(s.shape), `${name}.u${i}`)));
    }
    return result;
  }
}

const arrays = (specs: readonly InputSpec[], values: readonly Float32Array[]): NdArray[] =>
  specs.map(({ shape }, i) => ndarray(shape, values[i]!));

const cotangent = (name: string, count: number): Float32Array => noise(count, `${name}.v`);

const ROUNDING = 2 ** -24;

/** Elements whose gradient is checked: all of a small input, some of a large one, its last among them. */
function chosen(count: number, name: string): number[] {
  if (count <= 256) return Array.from({ length: count }, (_, i) => i);
  return [count - 1, ...noise(SAMPLES, name, [0, count - 1])].map(Math.floor);
}

function compare({ name, specs, values, given }: Prepared, results: Record<string, Float32Array>): void {
  const inputs = arrays(specs, values);
  const y = given.reference(...inputs);
  const v = cotangent(name, y.data.length);
  const { units = 4, absolute = 0 } = given;
  const wanted = specs.flatMap((s, i) => (differentiable(s) ? [i] : []));

  const terms = new Float64Array(y.data.length);
  const magnitude = y.data.map(Math.abs);
  if (given.linear) {
    const over = (f: (v: number) => number) =>
      given.reference(...inputs.map((x, i) => ({ ...x, data: differentiable(specs[i]!) ? x.data.map(f) : x.data })));
    over(() => 1).data.forEach((n, o) => (terms[o] = n));
    over(Math.abs).data.forEach((m, o) => (magnitude[o] = m));
  }
  wanted.forEach((which, k) => {
    const x = inputs[which]!;
    const computed = results[`${name}.g${k}`]!;
    expect(computed.length, `${name}: size of gradient ${k}`).toBe(x.data.length);
    const elements = given.linear ? chosen(x.data.length, name) : x.data.map((_, i) => i);
    for (const i of elements) {
      const column = jacobianColumn(given.reference, inputs, which, i);
      let [exact, size, doubt, n, reached] = [0, 0, 0, 0, 0];
      column.forEach((slope, o) => {
        const uncertain = differenceNoise(y.data[o]!);
        exact += v[o]! * slope;
        size += Math.abs(v[o]! * slope);
        doubt += Math.abs(v[o]!) * uncertain;
        if (Math.abs(slope) > uncertain) {
          n++;
          reached += Math.abs(v[o]!);
        }
        if (!given.linear) {
          magnitude[o]! += Math.abs(slope * x.data[i]!);
          if (Math.abs(slope) > uncertain) terms[o]!++;
        }
      });
      const bound = (units + 4 * Math.sqrt(n)) * ROUNDING * size + absolute * reached + doubt;
      near(computed[i]!, exact, bound, `${name}: gradient of input ${which} at element ${i}`);
    }
  });

  const forward = results[`${name}.y`]!;
  expect(forward.length, `${name}: size of the result`).toBe(y.data.length);
  y.data.forEach((exact, o) => {
    const bound = (units + 4 * Math.sqrt(terms[o]!)) * ROUNDING * magnitude[o]! + absolute;
    near(forward[o]!, exact, bound, `${name}: element ${o}`);
  });

  if (given.second) compareSecond({ name, specs, values, given }, results, inputs, y, v, wanted);
}

/** Σ_k u_k · ∂/∂x_k <v, y> as a function of x, differentiated once more. */
function compareSecond(
  { name, given }: Prepared,
  results: Record<string, Float32Array>,
  inputs: NdArray[],
  y: NdArray,
  v: Float32Array,
  wanted: number[],
): void {
  const { units = 4, absolute = 0 } = given;
  const directions = inputs.map((x, i) => {
    const k = wanted.indexOf(i);
    return k < 0 ? { shape: x.shape, data: new Float64Array(x.data.length) } : ndarray(x.shape, noise(x.data.length, `${name}.u${k}`));
  });
  wanted.forEach((which, k) => {
    const computed = results[`${name}.h${k}`]!;
    for (const i of chosen(inputs[which]!.data.length, name)) {
      const column = mixedColumn(given.reference, inputs, directions, which, i);
      let [exact, size, doubt, n] = [0, 0, 0, 0];
      column.forEach((slope, o) => {
        exact += v[o]! * slope;
        size += Math.abs(v[o]! * slope);
        doubt += Math.abs(v[o]!) * mixedNoise(y.data[o]!);
        if (Math.abs(slope) > mixedNoise(y.data[o]!)) n++;
      });
      // A slope sums over a direction, in which terms cancel that the size does not show: a factor of four.
      const bound = 4 * ((units + 4 * Math.sqrt(n)) * ROUNDING * (size + n / 4) + absolute * n) + doubt;
      near(computed[i]!, exact, bound, `${name}: second gradient of input ${which} at element ${i}`);
    }
  });
}

export function near(computed: number, exact: number, bound: number, what: string): void {
  if (!(Math.abs(computed - exact) <= bound)) expect.fail(`${what} is ${computed}, should be ${exact} ± ${bound.toExponential(1)}`);
}
