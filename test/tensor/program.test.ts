/** Programs: what their outputs may be, runs that overlap or repeat, gradients packed side by side, and the values `read` gives. */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { compile, grad, input, pack, Store, type Tensor, tensor } from "../../src/index.js";
import { device } from "../device.js";
import { noise } from "./noise.js";
import * as r from "../reference/index.js";

async function values(
  build: () => Record<string, Tensor>,
  inputs: Record<string, ArrayLike<number>> = {},
): Promise<Record<string, number[]>> {
  const program = await compile(await device(), build);
  const result = await program.run(inputs);
  program.destroy();
  return Object.fromEntries(Object.entries(result).map(([name, v]) => [name, [...v]]));
}

describe("outputs", () => {
  it("may be inputs, data, constants, variables, views of each, and one tensor twice", async () => {
    const store = new Store("outputs");
    const v = store.variable("v", [2, 2], (a) => a.set([5, 6, 7, 8]), [1, 0]);
    const result = await values(
      () => {
        const x = input("x", [2, 3]);
        const data = tensor([9, 8, 7, 6], [2, 2]);
        const computed = g.mul(x, 2);
        return {
          ...{ x, data, v, computed, again: computed, constant: g.full([3], 0.5), scalar: g.full([], 7) },
          ...{ xT: g.transpose(x), dataFlat: g.reshape(data, [4]), vT: g.transpose(v), constantView: g.reshape(g.full([4], 2), [2, 2]) },
          ...{ computedT: g.transpose(computed), viewOfView: g.reshape(g.transpose(g.reshape(computed, [1, 2, 3]), 1, 2), [6]) },
        };
      },
      { x: [1, 2, 3, 4, 5, 6] },
    );
    expect(result).toEqual({
      ...{ x: [1, 2, 3, 4, 5, 6], data: [9, 8, 7, 6], v: [5, 6, 7, 8], computed: [2, 4, 6, 8, 10, 12], again: [2, 4, 6, 8, 10, 12] },
      ...{ constant: [0.5, 0.5, 0.5], scalar: [7], xT: [1, 4, 2, 5, 3, 6], dataFlat: [9, 8, 7, 6], vT: [5, 7, 6, 8] },
      ...{ constantView: [2, 2, 2, 2], computedT: [2, 8, 4, 10, 6, 12], viewOfView: [2, 8, 4, 10, 6, 12] },
    });
  });

  it("an empty program, and one with effects only", async () => {
    expect(await values(() => ({}))).toEqual({});
    const store = new Store("effects only");
    const v = store.variable("v", [1]);
    expect(await values(() => (g.assign(v, g.add(v, 2)), {}))).toEqual({});
    expect((await store.read()).get("v")).toEqual(Float32Array.of(2));
  });

  it("a result that others read too keeps its value to the end", async () => {
    const result = await values(
      () => {
        const x = input("x", [64]);
        const early = g.exp(x);
        let late = early;
        for (let i = 0; i < 10; i++) late = g.tanh(g.matmul(g.reshape(late, [8, 8]), g.reshape(g.mul(late, 0.1), [8, 8])));
        return { early, late };
      },
      { x: new Float32Array(64) },
    );
    expect(result.early).toEqual(new Array(64).fill(1));
  });
});

describe("runs", () => {
  const build = () => {
    const [x, w] = [input("x", [4, 3, 9, 9]), input("w", [8, 3, 3, 3])];
    const y = g.conv2d(x, w, { stride: 2, padding: 1 });
    const loss = g.mean(g.square(g.tanh(g.sub(y, g.mean(y, [0, 2, 3], { keepDims: true })))));
    const [dx, dw] = grad(loss, [x, w]) as [Tensor, Tensor];
    return { loss, dx, dw };
  };
  const given = (seed: number) => ({ x: noise(4 * 3 * 81, `x${seed}`), w: noise(8 * 27, `w${seed}`) });

  it("repeated, and compiled anew, give the same bits", async () => {
    const program = await compile(await device(), build);
    const first = await program.run(given(1));
    for (let i = 0; i < 20; i++) expect(await program.run(i % 2 ? given(1) : {})).toEqual(first);
    await program.run(given(2));
    expect(await program.run(given(1))).toEqual(first);
    const second = await compile(await device(), build);
    expect(await second.run(given(1))).toEqual(first);
    program.destroy();
    second.destroy();
  });

  it("submitted without waiting come back in order, each with its own inputs", async () => {
    const program = await compile(await device(), build);
    const alone: unknown[] = [];
    for (let i = 0; i < 5; i++) alone.push(await program.run(given(i)));
    const together = await Promise.all([0, 1, 2, 3, 4].map((i) => program.run(given(i))));
    expect(together).toEqual(alone);
    program.destroy();
  });

  it("count up a variable once each, waited for or not, read or not", async () => {
    const store = new Store("counter");
    const count = store.variable("count", []);
    const program = await compile(await device(), () => {
      g.assign(count, g.add(count, 1));
      return { count };
    });
    const runs = [program.run(), program.run()];
    program.launch();
    runs.push(program.run());
    expect((await Promise.all(runs)).map(({ count: c }) => c[0])).toEqual([1, 2, 4]);
    program.destroy();
  });

  it("keep an input's values until new ones come", async () => {
    const program = await compile(await device(), () => ({ y: g.add(input("a", [2]), input("b", [2])) }));
    expect([...(await program.run({ a: [1, 2], b: [3, 4] })).y]).toEqual([4, 6]);
    expect([...(await program.run({ a: [10, 20] })).y]).toEqual([13, 24]);
    expect([...(await program.run()).y]).toEqual([13, 24]);
    program.destroy();
  });

  it("tell how long each dispatch takes, where the adapter has timestamps", async () => {
    const program = await compile(await device(), build);
    await program.run(given(1));
    const timings = await program.profile();
    if ((await device()).gpu.features.has("timestamp-query")) {
      expect(timings.length).toBe(program.dispatches);
      for (const { name, milliseconds } of timings) {
        expect(name).not.toBe("");
        expect(milliseconds).toBeGreaterThanOrEqual(0);
      }
    } else expect(timings).toEqual([]);
    program.destroy();
  });

  it("free what they used", async () => {
    const before = (await device()).allocatedBytes;
    const program = await compile(await device(), build);
    await Promise.all([program.run(given(1)), program.run(given(2))]);
    expect((await device()).allocatedBytes).toBeGreaterThan(before);
    program.destroy();
    expect((await device()).allocatedBytes).toBe(before);
  });
});

describe("read", () => {
  it("gives the values of any expression without inputs, row-major", async () => {
    await device();
    expect([...(await tensor([1, 2, 3]).read())]).toEqual([1, 2, 3]);
    expect([...(await g.transpose(g.mul(tensor([1, 2, 3, 4, 5, 6], [2, 3]), 10)).read())]).toEqual([10, 40, 20, 50, 30, 60]);
    expect([...(await g.full([2], 3).read())]).toEqual([3, 3]);
  });
});

describe("an operand used twice", () => {
  it("by one kernel", async () => {
    const x = noise(2 * 4 * 4, "twice");
    const reference = r.ndarray([2, 1, 4, 4], x);
    const result = await values(
      () => {
        const t = input("x", [2, 1, 4, 4]);
        const m = g.reshape(t, [8, 4]);
        const y = g.conv2d(t, t);
        // The weight gradient of a convolution of x with itself reads x twice, and so does the gradient of x·xᵀ.
        return {
          y,
          product: g.matmul(m, g.transpose(m)),
          stacked: g.stack([m, m, m]),
          dx: grad(g.sum(g.matmul(g.transpose(m), m)), [t])[0]!,
        };
      },
      { x },
    );
    const near = (got: number[], exact: ArrayLike<number>) => got.forEach((v, i) => expect(v).toBeCloseTo(exact[i]!, 4));
    const m = r.reshape(reference, [8, 4]);
    near(result.y!, r.conv2d(reference, reference, [1, 1], [0, 0]).data);
    near(result.product!, r.matmul(m, r.transpose(m, 0, 1)).data);
    expect(result.stacked).toEqual([...x, ...x, ...x]);
    // d/dx Σ_ij Σ_k x_ki x_kj = 2 Σ_j x_kj
    near(
      result.dx!,
      [...indicesOf(8, 4)].map(([k]) => 2 * [0, 1, 2, 3].reduce((s, j) => s + x[k! * 4 + j]!, 0)),
    );
  });
});

const indicesOf = (rows: number, columns: number) => r.indices([rows, columns]);

describe("pack", () => {
  it("lays tensors side by side as the store does, wherever they come from", async () => {
    const store = new Store("packed");
    const orders = [undefined, [1, 0], undefined, undefined, undefined, [1, 0], undefined, undefined] as const;
    const shapes = [[3], [2, 3], [2, 2], [5], [1], [3, 2], [4], [70]];
    shapes.forEach((shape, i) => store.variable(`v${i}`, shape, undefined, orders[i]));
    const given = Object.fromEntries(
      shapes.flatMap((shape, i) => (i === 4 ? [] : [[`x${i}`, noise(r.sizeOf(shape), `pack ${i}`)] as const])),
    );
    const build = (showParts: boolean) => () => {
      const x = shapes.map((shape, i) => input(`x${i}`, shape));
      const shared = g.exp(x[6]!);
      const parts = [
        g.mul(x[0]!, 2), // a map
        g.mul(x[1]!, 3), // a map in another order than the variable's
        g.matmul(x[2]!, x[2]!), // a kernel
        x[3]!, // an input
        g.full([1], 0.25), // a constant
        g.transpose(g.mul(g.transpose(x[5]!), 4)), // a view whose memory lies as the variable's
        shared, // an output of the program as well
        g.sum(g.mul(g.reshape(x[7]!, [70, 1]), g.full([1, 4], 0.5)), [1]), // a reduction
      ];
      const flat = pack(store, parts);
      // A second pack of the same tensors, and a tensor twice in one.
      const twin = new Store("twin");
      for (const name of ["a", "b"]) twin.variable(name, [3]);
      const shown = showParts ? Object.fromEntries(parts.map((p, i) => [`part${i}`, p])) : {};
      return { flat, twin: pack(twin, [parts[0]!, parts[0]!]), shared, ...shown };
    };
    const result = await values(build(true), given);
    // Where the parts are no outputs they are computed in place.
    const { flat, twin } = await values(build(false), given);
    expect({ flat, twin }).toEqual({ flat: result.flat, twin: result.twin });
    const places = store.entries.map(({ offset }) => offset);
    const lie = (i: number, list: readonly number[]) =>
      expect(result.flat!.slice(places[i], places[i]! + list.length), `part ${i}`).toEqual(list);
    lie(0, result.part0!);
    const transposed = (list: readonly number[], columns: number) =>
      list.map((_, k) => list[(k % (list.length / columns)) * columns + Math.floor(k / (list.length / columns))]!);
    lie(1, transposed(result.part1!, 3));
    lie(2, result.part2!);
    lie(3, [...given.x3!]);
    lie(4, [0.25]);
    lie(5, transposed(result.part5!, 2));
    lie(6, result.shared!);
    lie(7, result.part7!);
    result.part0!.forEach((v, i) => expect(v).toBe(Math.fround(given.x0![i]! * 2)));
    result.part7!.forEach((v, i) => expect(v).toBeCloseTo(given.x7![i]! * 2, 5));
    expect(result.twin!.length).toBe(128);
    expect([...result.twin!.slice(0, 3), ...result.twin!.slice(64, 67)]).toEqual([...result.part0!, ...result.part0!]);
    // Everything between is zero.
    const covered = new Set(shapes.flatMap((shape, i) => Array.from({ length: r.sizeOf(shape) }, (_, k) => places[i]! + k)));
    result.flat!.forEach((v, k) => covered.has(k) || expect(v, `between, at ${k}`).toBe(0));
  });

  it("does not cost a result its place", async () => {
    const store = new Store("shown");
    for (const name of ["a", "b"]) store.variable(name, [64]);
    const result = await values(() => {
      const x = g.tensor(new Float32Array(64));
      const shown = g.exp(x);
      // What comes after the pack is done with may lie where it was.
      let late = pack(store, [shown, g.exp(shown)]);
      for (let i = 0; i < 6; i++) late = g.concat([g.slice(g.tanh(late), 0, 1, 128), g.full([1], i)], 0);
      return { shown, late };
    });
    expect(result.shown).toEqual(new Array(64).fill(1));
  });

  it("computes in place: no copy for what the program computes anyway", async () => {
    const store = new Store("in place");
    for (const name of ["a", "b"]) store.variable(name, [64]);
    const program = await compile(await device(), () => {
      const [a, b] = [input("a", [64]), input("b", [64])];
      return { total: g.sum(g.mul(pack(store, [g.exp(a), g.exp(b)]), 2)) };
    });
    // Two maps, one reduction that has the product fused.
    expect(program.dispatches).toBe(3);
    const { total } = await program.run({ a: new Float32Array(64), b: new Float32Array(64) });
    expect([...total]).toEqual([256]);
    program.destroy();
  });

  it("refuses tensors that are not the store's", () => {
    const store = new Store("strict");
    store.variable("a", [2, 3]);
    store.variable("b", [4]);
    expect(() => pack(store, [g.full([2, 3], 1)])).toThrow(new g.ShapeError("pack: 1 tensors for the 2 variables of strict"));
    expect(() => pack(store, [g.full([3, 2], 1), g.full([4], 1)])).toThrow(new g.ShapeError("pack: [3, 2] for strict.a of shape [2, 3]"));
  });
});
