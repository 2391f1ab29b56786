/** Variables: what a program reads before and after it changes them, in the order it was written. */
import { describe, expect, it } from "vitest";
import {
  add,
  assign,
  broadcastTo,
  compile,
  concat,
  conv2d,
  exp,
  full,
  grad,
  input,
  matmul,
  max,
  mean,
  mul,
  pad,
  permute,
  relu,
  reshape,
  ShapeError,
  slice,
  square,
  stopGradient,
  Store,
  sub,
  sum,
  tanh,
  type Tensor,
  tensor,
  transpose,
  UserError,
} from "../../src/index.js";
import { Adam } from "../../src/tensor/optimizers.js";
import { device } from "../device.js";

const list = (values: readonly number[]) => (target: Float32Array) => target.set(values);

async function once<O extends Record<string, Tensor>>(build: () => O): Promise<{ [K in keyof O]: number[] }> {
  const program = await compile(await device(), build);
  const result = await program.run();
  program.destroy();
  return Object.fromEntries(Object.entries(result).map(([name, values]) => [name, [...values]])) as { [K in keyof O]: number[] };
}

describe("the order of effects", () => {
  it("an expression built before a change reads the old value, one built after it the new", async () => {
    const store = new Store("order");
    const v = store.variable("v", [3], list([1, 2, 3]));
    const result = await once(() => {
      const before = mul(v, 2);
      const root = tanh(before);
      const total = sum(v);
      assign(v, tensor([10, 20, 30]));
      const after = mul(v, 2);
      return { before, after, both: add(before, after), chain: sub(mul(root, 0), add(before, v)), totals: add(total, sum(v)), v };
    });
    expect(result).toEqual({
      ...{ before: [2, 4, 6], after: [20, 40, 60], both: [22, 44, 66], chain: [-12, -24, -36], totals: [66], v: [10, 20, 30] },
    });
  });

  it("holds for fused chains whose only reader runs after the change", async () => {
    const store = new Store("fused");
    const v = store.variable("v", [5], list([1, 2, 3, 4, 5]));
    const result = await once(() => {
      const cheap = mul(v, 2);
      const inner = add(cheap, 1);
      const outer = exp(mul(inner, 0));
      assign(v, full([5], 100));
      return { sum: sum(add(inner, outer)), map: add(cheap, mul(v, 0)), broadcast: add(broadcastTo(reshape(inner, [1, 5]), [2, 5]), v) };
    });
    expect(result.sum).toEqual([3 + 5 + 7 + 9 + 11 + 5]);
    expect(result.map).toEqual([2, 4, 6, 8, 10]);
    expect(result.broadcast).toEqual([103, 105, 107, 109, 111, 103, 105, 107, 109, 111]);
  });

  it("holds for neutral arithmetic, which would otherwise be the variable itself", async () => {
    const store = new Store("neutral");
    const v = store.variable("v", [2, 2], list([1, 2, 3, 4]));
    const result = await once(() => {
      const copies = { zero: add(v, 0), one: mul(1, v), view: add(transpose(v), 0) };
      assign(v, full([2, 2], 9));
      return copies;
    });
    expect(result).toEqual({ zero: [1, 2, 3, 4], one: [1, 2, 3, 4], view: [1, 3, 2, 4] });
  });

  it("holds for views, and for operations that have nothing to do", async () => {
    const store = new Store("views");
    const one = store.variable("one", [1], list([7]));
    const v = store.variable("v", [2, 3], list([1, 2, 3, 4, 5, 6]), [1, 0]);
    const result = await once(() => {
      const ofOne = { sum: sum(one), mean: mean(one), max: max(one), kept: sum(one, [0], { keepDims: true }), scalar: reshape(one, []) };
      const views = {
        same: reshape(v, [2, 3]),
        reshaped: reshape(v, [6]),
        permuted: permute(v, [1, 0]),
        ofView: reshape(permute(reshape(v, [2, 3, 1]), [1, 2, 0]), [3, 2]),
        sliced: slice(v, 1, 0, 3),
        padded: pad(v, 0, 0, 0),
        broadcast: broadcastTo(v, [2, 3]),
        stopped: stopGradient(v),
        meanOfNone: mean(v, [], { keepDims: true }),
      };
      const early = transpose(v);
      assign(one, full([1], 100));
      assign(v, mul(v, 10));
      // What reads an old view later, too; and a view between two changes.
      const between = reshape(v, [3, 2]);
      const late = { product: matmul(early, full([2, 1], 1)), total: sum(reshape(early, [6])), new: reshape(v, [6]) };
      assign(v, full([2, 3], 0));
      return { ...ofOne, ...views, ...late, early, between, both: add(reshape(early, [6]), reshape(between, [6])), v };
    });
    const [rows, columns] = [
      [1, 2, 3, 4, 5, 6],
      [1, 4, 2, 5, 3, 6],
    ];
    expect(result).toEqual({
      ...{ sum: [7], mean: [7], max: [7], kept: [7], scalar: [7] },
      ...{ same: rows, reshaped: rows, permuted: columns, ofView: columns, sliced: rows, padded: rows, broadcast: rows, stopped: rows },
      ...{ meanOfNone: rows, product: [5, 7, 9], total: [21], new: [10, 20, 30, 40, 50, 60], early: columns },
      ...{ between: [10, 20, 30, 40, 50, 60], both: [11, 24, 32, 45, 53, 66], v: [0, 0, 0, 0, 0, 0] },
    });
  });

  it("holds for a view whose only reader is a gradient taken later, and for gradients that are variables", async () => {
    const store = new Store("gradients");
    const w = store.variable("w", [2], list([3, 4]));
    const x = tensor([1, 2], [2, 1]);
    const result = await once(() => {
      const y = sum(mul(x, reshape(w, [2, 1])));
      const [same] = grad(add(x, 1), [x], x);
      const z = input("z", [2]);
      const given = grad(add(z, tensor([1, 1])), [z], w)[0]!;
      assign(w, full([2], 9));
      return { late: grad(y, [x])[0]!, same: same!, given };
    });
    expect(result).toEqual({ late: [3, 4], same: [1, 2], given: [3, 4] });
  });

  it("copies nothing for a view that no change overtakes", async () => {
    const store = new Store("no copies");
    const v = store.variable("v", [4], list([1, 2, 3, 4]));
    const program = await compile(await device(), () => {
      const y = mul(reshape(v, [2, 2]), 2);
      assign(v, reshape(y, [4]));
      return {};
    });
    // The product and the assignment: the view of v has been read by then.
    expect(program.dispatches).toBe(2);
    program.destroy();
  });

  it("holds for kernels, copies and reductions", async () => {
    const store = new Store("kernels");
    const v = store.variable("v", [2, 2], list([1, 2, 3, 4]));
    const w = store.variable("w", [2, 2, 1, 1], list([1, 2, 3, 4]));
    const result = await once(() => {
      const product = matmul(v, v);
      const part = slice(v, 0, 1, 2);
      const joined = concat([v, v], 1);
      // A weight that is not in the kernel's order is copied; the copy is not to outlive the change.
      const image = tensor([1, 10, 100, 1000], [1, 2, 1, 2]);
      const convolve = () => conv2d(image, w);
      const images = convolve();
      assign(v, full([2, 2], 1));
      assign(w, full([2, 2, 1, 1], 1));
      return { product, part, joined, later: matmul(v, v), images, laterImages: convolve() };
    });
    expect(result).toEqual({
      ...{ product: [7, 10, 15, 22], part: [3, 4], joined: [1, 2, 1, 2, 3, 4, 3, 4], later: [2, 2, 2, 2] },
      ...{ images: [201, 2010, 403, 4030], laterImages: [101, 1010, 101, 1010] },
    });
  });

  it("several changes of one variable happen in turn, and each run goes on from the last", async () => {
    const store = new Store("turns");
    const v = store.variable("v", [1], list([1]));
    const program = await compile(await device(), () => {
      assign(v, mul(v, 2));
      const doubled = mul(v, 1);
      assign(v, add(v, 1));
      assign(v, mul(v, v));
      return { doubled, v };
    });
    expect(await program.run()).toEqual({ doubled: Float32Array.of(2), v: Float32Array.of(9) });
    program.launch();
    expect(await program.run()).toEqual({ doubled: Float32Array.of(722), v: Float32Array.of(723 ** 2) });
    program.destroy();
    expect((await store.read()).get("v")).toEqual(Float32Array.of(723 ** 2));
  });

  it("two variables change places", async () => {
    const store = new Store("swap");
    const a = store.variable("a", [3], list([1, 2, 3]));
    const b = store.variable("b", [3], list([4, 5, 6]));
    await once(() => {
      const old = mul(a, 1);
      assign(a, b);
      assign(b, old);
      return {};
    });
    const values = await store.read();
    expect([...values.get("a")!, ...values.get("b")!]).toEqual([4, 5, 6, 1, 2, 3]);
  });

  it("an optimizer's step stands between the readers before and after it", async () => {
    const store = new Store("stepped");
    const v = store.variable("v", [2], list([1, -1]));
    const adam = new Adam(store);
    const program = await compile(await device(), () => {
      const rate = input("rate", [2]);
      const before = mul(v, 3);
      adam.step([mul(v, 5)], rate);
      return { difference: sub(mul(v, 3), before) };
    });
    const { difference } = await program.run({ rate: adam.rate(0.5, 1) });
    // The first step is the learning rate against the gradient's sign.
    expect(difference![0]).toBeCloseTo(-1.5, 5);
    expect(difference![1]).toBeCloseTo(1.5, 5);
    program.destroy();
  });
});

describe("gradients and changes", () => {
  it("a derivative that needs a variable's old value is refused once it has changed, others are not", async () => {
    const store = new Store("weights");
    const w = store.variable("w", [2], list([3, 4]));
    const v = store.variable("v", [2], list([1, 1]));
    const other = new Store("other");
    const u = other.variable("u", [2], list([5, 6]));
    const x = tensor([1, 2]);
    const message = "grad: the derivative of mul[2] needs weights.w[2] as it was before it changed: call grad before the change";
    const late = (change: Tensor) => () => {
      const y = sum(mul(x, w));
      assign(change, full([2], 9));
      return { g: grad(y, [x])[0]! };
    };
    await expect(once(late(w))).rejects.toThrow(new UserError(message));
    // Optimizers change a store as a whole.
    await expect(once(late(v))).rejects.toThrow(new UserError(message));
    expect((await once(late(u))).g).toEqual([3, 4]);
    const result = await once(() => {
      const y = sum(exp(mul(add(x, w), 0)));
      const early = grad(sum(mul(x, w)), [x])[0]!;
      assign(w, full([2], 7));
      return { early, unneeded: grad(y, [x])[0]!, wanted: grad(sum(mul(square(x), x)), [x])[0]!, after: grad(sum(mul(x, w)), [x])[0]! };
    });
    expect(result).toEqual({ early: [3, 4], unneeded: [0, 0], wanted: [3, 12], after: [7, 7] });
  });
});

describe("assign", () => {
  it("a variable from itself in another order: every element is read before it is overwritten", async () => {
    const n = 96;
    const store = new Store("itself");
    const values = Array.from({ length: n * n }, (_, i) => i);
    const at = (i: number, j: number) => i * n + j;
    const v = store.variable("v", [n, n], list(values));
    const w = store.variable("w", [n, n], list(values));
    const program = await compile(await device(), () => {
      assign(v, transpose(v));
      assign(w, sub(w, mul(transpose(w), 0.5)));
      return {};
    });
    await program.run();
    program.destroy();
    const result = await store.read();
    expect([...result.get("v")!]).toEqual(values.map((_, k) => at(k % n, Math.floor(k / n))));
    expect([...result.get("w")!]).toEqual(values.map((_, k) => k - at(k % n, Math.floor(k / n)) / 2));
  });

  it("leaves the neighbours in the store alone, and takes a value in any order", async () => {
    const store = new Store("neighbours");
    const a = store.variable("a", [3], list([1, 2, 3]));
    const b = store.variable("b", [2, 3], list([1, 2, 3, 4, 5, 6]), [1, 0]);
    const c = store.variable("c", [65], (v) => v.fill(7));
    const d = store.variable("d", [], list([8]));
    const program = await compile(await device(), () => {
      assign(a, full([3], 5));
      assign(b, add(transpose(tensor([1, 2, 3, 4, 5, 6], [3, 2])), b));
      assign(d, sum(c));
      return { b: mul(b, 1) };
    });
    expect([...(await program.run()).b]).toEqual([2, 5, 8, 6, 9, 12]);
    program.destroy();
    const values = Object.fromEntries([...(await store.read())].map(([name, v]) => [name, [...v]]));
    expect(values).toEqual({ a: [5, 5, 5], b: [2, 5, 8, 6, 9, 12], c: new Array(65).fill(7), d: [455] });
  });

  it("all variables of a store at once follow another store", async () => {
    const store = new Store("network");
    store.variable("w", [2, 3], list([1, 2, 3, 4, 5, 6]));
    store.variable("b", [5], list([7, 8, 9, 10, 11]));
    const average = store.like("average");
    const program = await compile(await device(), () => {
      assign(average.flat, add(mul(average.flat, 0.5), mul(store.flat, 0.5)));
      return {};
    });
    await program.run();
    await program.run();
    program.destroy();
    const values = await average.read();
    expect([...values.get("w")!]).toEqual([1, 2, 3, 4, 5, 6].map((v) => v * 0.75));
    expect([...values.get("b")!]).toEqual([7, 8, 9, 10, 11].map((v) => v * 0.75));
  });

  it("refuses what cannot be changed", async () => {
    const store = new Store("refusals");
    const v = store.variable("v", [2]);
    expect(() => assign(v, full([2], 1))).toThrow("assign: variables can only be changed inside the function given to compile()");
    const inside = async (build: () => void) => {
      await compile(await device(), () => {
        build();
        return {};
      });
    };
    await expect(inside(() => assign(full([2], 1), full([2], 1)))).rejects.toThrow(/assign: full\[2\] is not a variable/);
    await expect(inside(() => assign(v, full([1, 2], 1)))).rejects.toThrow(
      new ShapeError("assign: a value of shape [1, 2] to refusals.v[2]"),
    );
    await expect(inside(() => assign(mul(v, 1), full([2], 1)))).rejects.toThrow(UserError);
    // A failed recording leaves nothing behind.
    await inside(() => assign(v, full([2], 1)));
  });

  it("two stores may have one name", async () => {
    const [a, b] = [new Store("twin"), new Store("twin")];
    const x = a.variable("v", [4], list([1, 2, 3, 4]));
    const y = b.variable("v", [4], list([10, 20, 30, 40]));
    expect(await once(() => ({ sum: add(x, y) }))).toEqual({ sum: [11, 22, 33, 44] });
  });

  it("one kernel may read a whole store and variables of it", async () => {
    const store = new Store("whole");
    const a = store.variable("a", [1], list([3]));
    const b = store.variable("b", [1], list([5]));
    const c = store.variable("c", [192], (values) => values.forEach((_, i) => (values[i] = i)));
    const target = store.variable("d", [256], list([1]));
    const result = await once(() => {
      const all = sum(mul(mul(store.flat, a), b));
      const other = sum(mul(slice(store.flat, 0, 128, 320), c));
      assign(target, mul(slice(store.flat, 0, 0, 256), b));
      return { all, other };
    });
    const squares = (191 * 192 * 383) / 6;
    expect(result).toEqual({ all: [15 * (3 + 5 + (191 * 192) / 2 + 1)], other: [squares] });
    const d = (await store.read()).get("d")!;
    expect([d[0], d[1], d[64], d[128], d[129], d[255]]).toEqual([15, 0, 25, 0, 5, 5 * 127]);
  });

  it("a whole store may be changed by an expression of one of its variables", async () => {
    const store = new Store("self");
    const a = store.variable("a", [1], list([3]));
    const b = store.variable("b", [1], list([5]));
    await once(() => {
      assign(store.flat, mul(store.flat, b));
      assign(store.flat, mul(store.flat, a));
      return {};
    });
    expect([...(await store.read()).values()].map((v) => v[0])).toEqual([225, 375]);
  });
});

describe("stores", () => {
  it("hold values row-major by name, before and after the first run, whatever the memory order", async () => {
    const store = new Store("orders");
    const w = store.variable("w", [2, 3, 1, 2], list([...Array(12).keys()]), [2, 3, 1, 0]);
    expect([...(await store.read()).get("w")!]).toEqual([...Array(12).keys()]);
    const program = await compile(await device(), () => ({ w, flipped: permute(w, [3, 2, 1, 0]) }));
    const { w: values, flipped } = await program.run();
    expect([...values]).toEqual([...Array(12).keys()]);
    expect([...flipped]).toEqual([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
    store.write(new Map([["w", Float32Array.from({ length: 12 }, (_, i) => 50 - i)]]));
    expect([...(await program.run()).w]).toEqual([...Array(12).keys()].map((i) => 50 - i));
    expect([...(await store.read()).get("w")!]).toEqual([...Array(12).keys()].map((i) => 50 - i));
    program.destroy();
    // Variables outlive programs.
    expect((await once(() => ({ w: relu(square(w)) }))).w).toEqual([...Array(12).keys()].map((i) => (50 - i) ** 2));
  });

  it("lie side by side as they are added, however many", async () => {
    const store = new Store("many");
    const sizes = [1, 100, 3, 500, 64, 65, 2];
    const values = sizes.map((size, n) => Array.from({ length: size }, (_, i) => 1000 * n + i));
    values.forEach((v, n) => store.variable(`v${n}`, [v.length], list(v)));
    expect(store.initial).toHaveLength(store.length);
    const read = await store.read();
    values.forEach((v, n) => expect([...read.get(`v${n}`)!]).toEqual(v));
    const { flat } = await once(() => ({ flat: mul(store.flat, 1) }));
    store.entries.forEach(({ offset }, n) => expect([...flat].slice(offset, offset + sizes[n]!)).toEqual(values[n]));
  });

  it("copies of a store start with its values", async () => {
    const store = new Store("first");
    store.variable("w", [3], list([1, 2, 3]));
    const copy = store.like("second");
    expect([...(await copy.read()).get("w")!]).toEqual([0, 0, 0]);
    copy.copyFrom(store);
    expect([...(await copy.read()).get("w")!]).toEqual([1, 2, 3]);
    await once(() => ({ flat: mul(store.flat, 1) }));
    expect(() => copy.copyFrom(store)).toThrow(UserError);
  });

  it("refuse values that do not fit, and write nothing then", async () => {
    const store = new Store("strict");
    store.variable("a", [2], list([1, 2]));
    store.variable("b", [1], list([3]));
    const values = (...entries: [string, number[]][]) => new Map(entries.map(([name, v]) => [name, Float32Array.from(v)]));
    expect(() => store.write(values(["a", [5, 6]]))).toThrow("strict: no values for b");
    expect(() => store.write(values(["a", [5]], ["b", [6]]))).toThrow(new ShapeError("strict.a: 1 values for shape [2]"));
    expect(() => store.write(values(["a", [5, 6]], ["b", [7]], ["c", [8]]))).toThrow("strict: values for c, which it does not have");
    expect([...(await store.read()).get("a")!]).toEqual([1, 2]);
    expect(() => store.variable("a", [2])).toThrow("strict: a variable named a exists already");
    await once(() => ({ flat: mul(store.flat, 1) }));
    expect(() => store.variable("late", [2])).toThrow("strict.late: variables cannot be added to a store already in use");
  });
});
