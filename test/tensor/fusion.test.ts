/** Fusion and the order of effects: a program gives what its expressions say, however the compiler cuts them into kernels. */
import fc from "../property.js";
import { afterAll, describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { compile, Device, input, Store, type Tensor } from "../../src/index.js";
import { device } from "../device.js";
import { record } from "../../src/tensor/record.js";
import { noise } from "./noise.js";
import { directional } from "../reference/differences.js";
import * as r from "../reference/index.js";
import type { NdArray } from "../reference/index.js";

/** Dispatches, and outputs for the given inputs. */
async function values(build: () => Record<string, Tensor>, inputs: Record<string, ArrayLike<number>> = {}, on?: Device) {
  const program = await compile(on ?? (await device()), build);
  const result = await program.run(inputs);
  program.destroy();
  return { dispatches: program.dispatches, result };
}

describe("what is fused", () => {
  const x = () => input("x", [6, 8]);
  const given = { x: noise(48, "fused", [0.1, 2]) };
  const count = async (build: () => Record<string, Tensor>) => (await values(build, given)).dispatches;

  it("chains of maps are one kernel, numbers none", async () => {
    expect(await count(() => ({ y: g.mul(g.tanh(g.add(g.exp(x()), 1)), g.full([6, 8], 2)) }))).toBe(1);
  });
  it("a reduction takes in the map it reads, and is itself not computed twice", async () => {
    expect(await count(() => ({ y: g.sum(g.square(g.sub(x(), 1)), [0]) }))).toBe(1);
    expect(
      await count(() => {
        const t = x();
        const m = g.mean(t, [0], { keepDims: true });
        return { y: g.mul(g.sub(t, m), m) };
      }),
    ).toBe(2);
  });
  it("cheap arithmetic is computed again by each reader, exp is not", async () => {
    const twice = (f: (t: Tensor) => Tensor) => () => {
      const t = f(x());
      return { a: g.sum(t), b: g.sum(t, [1]) };
    };
    expect(await count(twice((t) => g.add(g.mul(t, 2), 1)))).toBe(2);
    expect(await count(twice(g.exp))).toBe(3);
  });
  it("what is stretched is computed once, not for every element it is stretched to", async () => {
    expect(await count(() => ({ y: g.add(x(), g.exp(g.tensor([1, 2, 3, 4, 5, 6, 7, 8]))) }))).toBe(2);
  });
  it("what is shown, viewed or read by a kernel has memory of its own", async () => {
    expect(
      await count(() => {
        const t = g.exp(x());
        return { t, y: g.add(t, 1) };
      }),
    ).toBe(2);
    expect(await count(() => ({ y: g.add(g.transpose(g.exp(x())), 1) }))).toBe(2);
    expect(await count(() => ({ y: g.slice(g.exp(x()), 0, 0, 2) }))).toBe(2);
  });
});

describe("fused and not", () => {
  it("the same expression gives the same numbers", async () => {
    const given = { x: noise(4 * 3 * 5 * 5, "x"), y: noise(4 * 3 * 5 * 5, "y"), c: noise(3, "c") };
    const build = (show: boolean) => () => {
      const shown: Record<string, Tensor> = {};
      const step = (t: Tensor) => {
        if (show) shown[`step${Object.keys(shown).length}`] = t;
        return t;
      };
      const a = input("x", [4, 3, 5, 5]);
      const b = g.permute(input("y", [4, 5, 5, 3]), [0, 3, 1, 2]);
      const c = g.reshape(input("c", [3]), [1, 3, 1, 1]);
      const s = step(g.sub(step(g.tanh(step(g.add(a, b)))), c));
      const t = step(g.leakyRelu(step(g.mul(s, step(g.neg(b))))));
      const u = step(g.where(t, step(g.exp(a)), step(g.abs(s))));
      const m = step(g.mean(step(g.square(u)), [0, 2, 3], { keepDims: true }));
      return { y: g.div(u, step(g.sqrt(step(g.add(m, 1e-5))))), ...shown };
    };
    const fused = await values(build(false), given);
    const separate = await values(build(true), given);
    expect(fused.dispatches).toBeLessThan(separate.dispatches / 2);
    // A compiler may join a product and a sum (one rounding less) within a kernel, but not across.
    fused.result.y!.forEach((v, i) =>
      expect(Math.abs(v - separate.result.y![i]!)).toBeLessThanOrEqual(8 * 2 ** -24 * Math.max(1, Math.abs(v))),
    );
  });
});

describe("the last part of a product", () => {
  const images = { x: noise(2 * 5 * 6 * 6, "x"), w: noise(8 * 5 * 3 * 3, "w"), b: noise(8, "b") };
  const matrices = { m: noise(6 * 9, "m"), n: noise(9 * 7, "n") };
  const bias = (name: string, size: number) => g.reshape(input(name, [size]), [1, size, 1, 1]);
  const convolved = () => g.conv2d(input("x", [2, 5, 6, 6]), input("w", [8, 5, 3, 3]), { padding: 1 });

  it("is a bias and an activation, also seen under another shape", async () => {
    const separate = await values(() => {
      const y = convolved();
      return { y, act: g.leakyRelu(g.add(y, bias("b", 8))) };
    }, images);
    const joined = await values(() => ({ act: g.leakyRelu(g.add(convolved(), bias("b", 8))) }), images);
    const reshaped = await values(() => {
      const y = g.reshape(convolved(), [2, 1, 8, 6, 6]);
      return { act: g.leakyRelu(g.add(y, g.reshape(bias("b", 8), [1, 1, 8, 1, 1]))) };
    }, images);
    expect(joined.dispatches).toBe(separate.dispatches - 1);
    expect(reshaped.dispatches).toBe(joined.dispatches);
    separate.result.act!.forEach((v, i) => expect(joined.result.act![i]).toBeCloseTo(v, 5));
    separate.result.act!.forEach((v, i) => expect(reshaped.result.act![i]).toBeCloseTo(v, 5));
  });

  it("is not what others read too, what is reduced, or what varies along the rows", async () => {
    const product = () => g.matmul(input("m", [6, 9]), input("n", [9, 7]));
    const plain = await values(() => ({ y: product() }), matrices);
    const count = async (build: () => Record<string, Tensor>, more = {}) => (await values(build, { ...matrices, ...more })).dispatches;
    expect(await count(() => ({ y: g.tanh(product()) }))).toBe(plain.dispatches);
    expect(await count(() => ({ y: g.add(product(), input("c", [7])) }), { c: noise(7, "c") })).toBe(plain.dispatches);
    expect(await count(() => ({ y: g.add(product(), input("r", [6, 1])) }), { r: noise(6, "r") })).toBe(plain.dispatches + 1);
    const twice = () => {
      const y = product();
      return { a: g.tanh(y), b: g.exp(y) };
    };
    expect(await count(twice)).toBe(plain.dispatches + 2);
  });

  it("reads a variable's old value where the variable changes before it", async () => {
    const store = new Store("finish");
    const v = store.variable("v", [9, 7], (a) => a.set(matrices.n));
    const { result } = await values(
      () => {
        const y = g.matmul(input("m", [6, 9]), v);
        g.assign(v, g.mul(v, 0));
        return { y: g.mul(y, 2) };
      },
      { m: matrices.m },
    );
    const exact = await values(() => ({ y: g.matmul(input("m", [6, 9]), input("n", [9, 7])) }), matrices);
    result.y!.forEach((value, i) => expect(value).toBeCloseTo(2 * exact.result.y![i]!, 5));
  });
});

describe("WebGPU's guaranteed limits", () => {
  let small: Device | undefined;
  afterAll(() => small?.destroy());

  it("a fused kernel binds at most eight buffers, however many tensors the expression has", async () => {
    // A device with the default limits, which every browser grants.
    await device();
    const adapter = await (await import("../../src/gpu/dawn.js")).openGpu().then((gpu) => gpu!.requestAdapter());
    small = new Device(await adapter!.requestDevice(), adapter!.info);
    expect(small.gpu.limits.maxStorageBuffersPerShaderStage).toBeLessThanOrEqual(10);
    const n = 20;
    const given = Object.fromEntries(Array.from({ length: n }, (_, i) => [`x${i}`, noise(12, `x${i}`)]));
    const build = () => {
      const x = Array.from({ length: n }, (_, i) => input(`x${i}`, [12]));
      const total = x.reduce((a, b) => g.add(a, b));
      const tree = (list: Tensor[]): Tensor =>
        list.length === 1 ? list[0]! : g.sub(tree(list.slice(0, list.length / 2)), tree(list.slice(list.length / 2)));
      const shared = g.mul(g.add(x[0]!, x[1]!), 0.5);
      const many = g.where(
        g.add(shared, x[2]!),
        g.where(x[3]!, g.mul(x[4]!, x[5]!), g.mul(x[6]!, x[7]!)),
        g.mul(g.mul(x[8]!, x[9]!), shared),
      );
      return { total, tree: tree(x), many, sum: g.sum(g.add(many, g.mul(g.mul(shared, x[10]!), g.mul(x[11]!, x[12]!)))) };
    };
    const { result } = await values(build, given, small);
    small.check();
    const at = (i: number, k: number) => given[`x${i}`]![k]!;
    for (let k = 0; k < 12; k++) {
      let total = 0;
      for (let i = 0; i < n; i++) total += at(i, k);
      expect(result.total![k]).toBeCloseTo(total, 5);
      const shared = (at(0, k) + at(1, k)) / 2;
      const product = at(3, k) > 0 ? at(4, k) * at(5, k) : at(6, k) * at(7, k);
      expect(result.many![k]).toBeCloseTo(shared + at(2, k) > 0 ? product : at(8, k) * at(9, k) * shared, 5);
    }
  });
});

/**
 * Random programs. An instruction makes a new value from values made before, or changes a variable; which values is taken modulo their
 * number, so that every list of instructions is a program. All values stay within about ±2.
 */
interface Instruction {
  readonly op: number;
  readonly a: number;
  readonly b: number;
}

const SHAPES = [[4, 6], [4, 1], [6], [1, 6], [4, 6]] as const;

/** The engine's operation and the reference's, side by side. */
interface Pair {
  readonly tensor: Tensor;
  /** The value now, as a function of the inputs (for differences). */
  readonly array: NdArray;
}

type Arrays = readonly NdArray[];

/**
 * Runs the instructions twice: as a graph, and on arrays. Returns the values made, and those given to the variable, through which no
 * gradient flows: differences are taken with these values `fixed`.
 */
function interpret(
  program: readonly Instruction[],
  tensors: readonly Tensor[],
  arrays: Arrays,
  variable: Tensor,
  initial: NdArray,
  fixed: readonly NdArray[] = [],
): { made: Pair[]; changes: NdArray[] } {
  const made: Pair[] = tensors.map((tensor, i) => ({ tensor, array: arrays[i]! }));
  let current = initial;
  const changes: NdArray[] = [];
  const pick = (k: number): Pair => (k % 7 === 3 ? { tensor: variable, array: current } : made[k % made.length]!);
  const full = (p: Pair): Pair => ({ tensor: g.broadcastTo(p.tensor, [4, 6]), array: r.broadcastTo(p.array, [4, 6]) });
  for (const { op, a, b } of program) {
    const [p, q] = [pick(a), pick(b)];
    if (op === 0) {
      // A change of the variable.
      const value = full(p);
      g.assign(variable, g.mul(value.tensor, 0.5));
      current = fixed[changes.length] ?? r.mul(value.array, r.ndarray([], [0.5]));
      changes.push(current);
      continue;
    }
    const operations: (() => [Tensor, NdArray])[] = [
      () => [g.tanh(g.add(p.tensor, q.tensor)), r.tanh(r.add(p.array, q.array))],
      () => [g.mul(p.tensor, g.tanh(q.tensor)), r.mul(p.array, r.tanh(q.array))],
      () => [g.maximum(p.tensor, g.mul(q.tensor, 0.5)), r.maximum(p.array, r.mul(q.array, r.ndarray([], [0.5])))],
      () => [g.sub(g.neg(p.tensor), q.tensor), r.sub(r.neg(p.array), q.array)],
      () => [g.mean(full(p).tensor, [1], { keepDims: true }), r.mean(full(p).array, [1], true)],
      () => [g.mean(g.mul(p.tensor, q.tensor), [0], { keepDims: true }), r.mean(r.mul(p.array, q.array), [0], true)],
      () => [g.mul(p.tensor, 0.75), r.mul(p.array, r.ndarray([], [0.75]))],
      () => [g.transpose(g.add(g.transpose(full(p).tensor), g.transpose(full(q).tensor))), r.add(full(p).array, full(q).array)],
      () => [
        g.slice(g.concat([full(p).tensor, full(q).tensor], 1), 1, 3, 9),
        r.slice(r.concat([full(p).array, full(q).array], 1), 1, 3, 9),
      ],
      () => [
        g.reshape(g.tanh(g.reshape(g.transpose(full(p).tensor), [24])), [4, 6]),
        r.reshape(r.tanh(r.reshape(r.transpose(full(p).array, 0, 1), [24])), [4, 6]),
      ],
      () => [
        g.matmul(g.mul(full(p).tensor, 0.25), g.transpose(g.toOrder(full(q).tensor, [1, 0]))),
        r.matmul(r.mul(full(p).array, r.ndarray([], [0.25])), r.transpose(full(q).array, 0, 1)),
      ],
      // Views, of the variable too: they keep the value it had.
      () => [full(p).tensor, full(p).array],
      () => [g.transpose(g.reshape(g.transpose(full(p).tensor), [6, 4])), full(p).array],
    ];
    const [tensor, array] = operations[(op - 1) % operations.length]!();
    if (tensor.rank === 2 && (tensor.shape[1] === 4 || tensor.shape[0] === 6)) {
      // Products are 4 x 4: back into the shapes that go together.
      made.push({ tensor: g.mean(tensor, [1], { keepDims: true }), array: r.mean(array, [1], true) });
    } else if (tensor.size === 24 && a % 3 === 0) {
      made.push({ tensor: g.mul(tensor, g.sigmoid(tensor)), array: r.mul(array, r.sigmoid(array)) });
    } else made.push({ tensor, array });
  }
  return { made, changes };
}

describe("random programs", () => {
  const programs = fc.array(fc.record({ op: fc.integer({ min: 0, max: 13 }), a: fc.nat(1000), b: fc.nat(1000) }), {
    minLength: 6,
    maxLength: 16,
  });

  it("give what their instructions say, and the gradients of it", async () => {
    const opened = await device();
    let number = 0;
    const refused: number[] = [];
    const derivatives = (y: Tensor, x: Tensor[]): Tensor[] => {
      try {
        return g.grad(y, x);
      } catch (error) {
        // Only where a variable that the derivative needs has changed.
        expect(error).toBeInstanceOf(g.UserError);
        expect(String(error)).toMatch(/grad: the derivative of .* needs random \d+\.v\[4, 6\] as it was before it changed/);
        refused.push(number);
        return [];
      }
    };
    await fc.assert(
      fc.asyncProperty(programs, async (instructions) => {
        const name = `random ${number++}`;
        const given = SHAPES.map((shape, i) => noise(r.sizeOf(shape), `${name} ${i}`));
        const arrays = SHAPES.map((shape, i) => r.ndarray(shape, given[i]!));
        const start = noise(24, `${name} variable`);
        const initial = r.ndarray([4, 6], start);
        const store = new Store(name);
        const variable = store.variable("v", [4, 6], (v) => v.set(start));
        let expected!: ReturnType<typeof interpret>;
        const program = await compile(opened, () => {
          const tensors = SHAPES.map((shape, i) => input(`x${i}`, shape));
          expected = interpret(instructions, tensors, arrays, variable, initial);
          const scalar = expected.made.map(({ tensor }) => g.mean(tensor)).reduce((s, t) => g.add(s, t));
          const gradients = derivatives(scalar, tensors).map((t, i) => [`gradient ${i}`, t] as const);
          // Every third value is an output, so that values of all kinds are both shown and hidden.
          const shown = expected.made.flatMap(({ tensor }, i) =>
            i >= SHAPES.length && i % 3 === 0 ? [[`value ${i}`, tensor] as const] : [],
          );
          return { scalar, ...Object.fromEntries([...gradients, ...shown, ...tensors.map((t, i) => [`x${i}`, t] as const)]) } as Record<
            string,
            Tensor
          >;
        });
        const result = await program.run(Object.fromEntries(given.map((v, i) => [`x${i}`, v])));
        program.destroy();

        // At most 17 steps on values of about 1, none of which makes an error more than twice as large.
        const bound = 2 ** -17;
        const near = (computed: ArrayLike<number>, exact: ArrayLike<number>, what: string) => {
          expect(computed.length, what).toBe(exact.length);
          for (let i = 0; i < exact.length; i++) {
            if (!(Math.abs(computed[i]! - exact[i]!) <= bound * Math.max(1, Math.abs(exact[i]!))))
              expect.fail(`${what}[${i}] is ${computed[i]}, should be ${exact[i]}`);
          }
        };
        expected.made.forEach(({ array }, i) => {
          const shown = result[`value ${i}`];
          if (shown) near(shown, array.data, `value ${i}`);
        });
        near((await store.read()).get("v")!, (expected.changes.at(-1) ?? initial).data, "variable");

        const mean = ({ data }: NdArray) => data.reduce((s, v) => s + v, 0) / data.length;
        const total = (...inputs: NdArray[]): NdArray => {
          const { made } = silently(() =>
            interpret(
              instructions,
              SHAPES.map((shape) => g.full(shape, 0)),
              inputs,
              variable,
              initial,
              expected.changes,
            ),
          );
          return r.ndarray([], [made.reduce((s, { array }) => s + mean(array), 0)]);
        };
        near(result.scalar!, total(...arrays).data, "sum of means");
        if (refused.at(-1) === number) {
          expect(instructions.some(({ op }) => op === 0)).toBe(true);
          return;
        }
        const directions = SHAPES.map((shape, i) => r.ndarray(shape, noise(r.sizeOf(shape), `${name} direction ${i}`)));
        const slope = directional(total, arrays, directions)[0]!;
        const along = directions.reduce((s, d, i) => s + d.data.reduce((t, v, k) => t + v * result[`gradient ${i}`]![k]!, 0), 0);
        if (!(Math.abs(along - slope) <= 8 * bound * Math.max(1, Math.abs(slope))))
          expect.fail(`the gradient's product is ${along}, should be ${slope}`);
      }),
      { seed: 20, numRuns: 7, endOnFailure: true },
    );
    expect(refused.length).toBeLessThan(4);
  }, 600_000);
});

/** Calls a function that records effects, outside of any program; the recording is thrown away. */
function silently<T>(f: () => T): T {
  return record(f).result;
}
