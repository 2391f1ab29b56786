/** What `run` takes and gives, and what `compile` is given: in JavaScript anything may come. */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { input, ShapeError, UserError } from "../../src/index.js";
import { toArray } from "../../src/tensor/values.js";
import { device } from "../device.js";

const strange = (value: unknown) => value as never;

describe("a run's inputs", () => {
  it("are all given once before they may be left out", async () => {
    const program = await g.compile(await device(), () => ({ y: g.add(input("a", [2]), input("b", [2])) }));
    const missing = (name: string) => new UserError(`run: the input "${name}" was never given (the program wants a, b)`);
    await expect(program.run()).rejects.toThrow(missing("a"));
    expect(() => program.launch({ a: [1, 2] })).toThrow(missing("b"));
    // What a refused run brought does not count as given.
    await expect(program.run({ b: [10, 20] })).rejects.toThrow(missing("a"));
    expect((await program.run({ a: [1, 2], b: [10, 20] })).y).toEqual(Float32Array.of(11, 22));
    expect((await program.run({ a: [3, 4] })).y).toEqual(Float32Array.of(13, 24));
    expect((await program.run(program.zeros())).y).toEqual(Float32Array.of(0, 0));
    program.destroy();
  });

  it("are written only if all are sound", async () => {
    const program = await g.compile(await device(), () => ({ y: g.add(input("a", [2]), input("b", [2])) }));
    await program.run({ a: [1, 2], b: [10, 20] });
    await expect(program.run({ a: [5, 6], b: [1] })).rejects.toThrow(ShapeError);
    await expect(program.run({ a: [5, 6], b: [1, 2, 3] })).rejects.toThrow(ShapeError);
    await expect(program.run({ a: [5, 6], b: strange("12") })).rejects.toThrow(UserError);
    await expect(program.run(strange({ a: [5, 6], c: [1] }))).rejects.toThrow(UserError);
    expect((await program.run()).y).toEqual(Float32Array.of(11, 22));
    program.destroy();
  });

  it("are arrays of numbers, and nothing else", async () => {
    const program = await g.compile(await device(), () => ({ y: g.mul(input("a", [2]), 2) }));
    for (const [given, message] of [
      [undefined, "run: input a[2] wants an array of numbers, not undefined"],
      [null, "run: input a[2] wants an array of numbers, not null"],
      ["12", 'run: input a[2] wants an array of numbers, not "12"'],
      [7, "run: input a[2] wants an array of numbers, not 7"],
      [new DataView(new ArrayBuffer(8)), "run: input a[2] wants an array of numbers, not a DataView"],
      [["1", 2], 'run: input a[2] wants numbers; value 0 is "1"'],
      [[1, undefined], "run: input a[2] wants numbers; value 1 is undefined"],
      [new Array(2), "run: input a[2] wants numbers; value 0 is undefined"],
      [BigInt64Array.of(1n, 2n), "run: input a[2] wants numbers; value 0 is a bigint"],
    ] as const) {
      await expect(program.run({ a: strange(given) })).rejects.toThrow(new UserError(message));
    }
    for (const given of [null, "a", [1, 2], Float32Array.of(1, 2)]) {
      await expect(program.run(strange(given))).rejects.toThrow(/^run: wants the inputs' values by name, \{ x: \[1, 2\] \}, not /);
    }
    for (const given of [Float64Array.of(1, 2), Int8Array.of(1, 2), { length: 2, 0: 1, 1: 2 }])
      expect((await program.run({ a: given })).y).toEqual(Float32Array.of(2, 4));
    program.destroy();
  });

  it("may lie in memory that threads share, or that grows", async () => {
    const program = await g.compile(await device(), () => ({ y: g.mul(input("a", [4]), 2), i: g.slice(input("i", [2], "u32"), 0, 1, 2) }));
    const a = new Float32Array(new SharedArrayBuffer(16));
    a.set([1, 2, 3, 4]);
    const i = new Uint32Array(new SharedArrayBuffer(8));
    i.set([1, 2]);
    expect(await program.run({ a, i })).toEqual({ y: Float32Array.of(2, 4, 6, 8), i: Uint32Array.of(2) });
    const growing = new Float32Array(new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(16, { maxByteLength: 32 }));
    growing.set([5, 6, 7, 8]);
    expect((await program.run({ a: growing })).y).toEqual(Float32Array.of(10, 12, 14, 16));
    // Browsers refuse both kinds of memory; this binding takes the latter.
    for (const given of [a, growing]) expect(toArray("a", given, "f32")).not.toBe(given);
    program.destroy();
  });

  it("that the outputs do not need may be given or not; a wrong name may not", async () => {
    const outside = input("outside", [3]);
    const program = await g.compile(await device(), () => {
      input("spare", [2]);
      g.exp(outside);
      return { y: g.mul(input("a", [1]), 3) };
    });
    expect(program.inputs).toEqual(["a"]);
    expect((await program.run({ a: [2] })).y[0]).toBe(6);
    expect((await program.run({ a: [3], spare: [1, 2], outside: [0, 0, 0] })).y[0]).toBe(9);
    await expect(program.run({ a: [3], spear: [1, 2] })).rejects.toThrow('run: the program has no input "spear" (it has a)');
    program.destroy();
  });
});

describe("whole numbers", () => {
  it("come back as they went in, through everything that moves them", async () => {
    const values = [0, 1, 16777217, 2 ** 31 + 1, 2 ** 32 - 1, 7];
    const program = await g.compile(await device(), () => {
      const i = input("i", [2, 3], "u32");
      const moved = g.reshape(g.transpose(i), [6]);
      const outputs = {
        i,
        moved,
        twice: g.concat([i, i], 0),
        part: g.slice(i, 1, 1, 3),
        padded: g.pad(i, 0, 1, 0),
        column: g.toOrder(i, [1, 0]),
      };
      return { ...outputs, constant: g.tensor(values, [6], "u32"), stacked: g.stack([i, i]), view: g.stopGradient(i), f: g.full([1], 1) };
    });
    const result = await program.run({ i: values });
    const whole: Uint32Array = result.moved;
    expect(whole).toEqual(Uint32Array.of(0, 2 ** 31 + 1, 1, 2 ** 32 - 1, 16777217, 7));
    const all = Uint32Array.from(values);
    for (const name of ["i", "column", "constant", "view"] as const) expect(result[name], name).toEqual(all);
    expect(result.twice).toEqual(Uint32Array.of(...values, ...values));
    expect(result.stacked).toEqual(Uint32Array.of(...values, ...values));
    expect(result.padded).toEqual(Uint32Array.of(0, 0, 0, ...values));
    expect(result.part).toEqual(Uint32Array.of(1, 16777217, 2 ** 32 - 1, 7));
    expect(result.f).toBeInstanceOf(Float32Array);
    expect(await g.tensor([16777217], [1], "u32").read()).toEqual(Uint32Array.of(16777217));
    program.destroy();
  });

  it("that are none are refused", async () => {
    const program = await g.compile(await device(), () => ({ y: g.gather(input("table", [2, 1]), input("i", [2], "u32")) }));
    const table = [5, 6];
    for (const bad of [-1, 1.5, NaN, Infinity, 2 ** 32]) {
      const error = new UserError(`run: input i[2] u32 wants whole numbers from 0 to 4294967295 (u32); value 1 is ${bad}`);
      await expect(program.run({ table, i: [0, bad] })).rejects.toThrow(error);
      await expect(program.run({ table, i: Float64Array.of(0, bad) })).rejects.toThrow(error);
      expect(() => g.tensor([0, bad], [2], "u32")).toThrow(`tensor: wants whole numbers from 0 to 4294967295 (u32); value 1 is ${bad}`);
    }
    await expect(program.run({ table, i: Int32Array.of(-1, 0) })).rejects.toThrow("value 0 is -1");
    for (const i of [[1, 0], Float32Array.of(1, 0), Uint8Array.of(1, 0), Int16Array.of(1, 0)])
      expect((await program.run({ table, i })).y).toEqual(Float32Array.of(6, 5));
    expect(() => g.tensor(strange(["1"]), [1])).toThrow('tensor: wants numbers; value 0 is "1"');
    expect(() => g.tensor(strange(undefined))).toThrow("tensor: wants an array of numbers, not undefined");
    program.destroy();
  });
});

describe("the function given to compile", () => {
  const wanted = "compile: the function given must return its outputs by name, { y: tensor }";
  it.each<[string, () => unknown, string]>([
    ["async", () => Promise.resolve({}), `${wanted}; it is async, and what it does after its first await would not be recorded`],
    [
      "async and failing",
      () => Promise.reject(new Error("later")),
      `${wanted}; it is async, and what it does after its first await would not be recorded`,
    ],
    ["returning a tensor", () => input("x", [2]), `${wanted}; it returned the tensor x[2] without a name`],
    ["returning nothing", () => undefined, `${wanted}; it returned undefined`],
    ["returning a number", () => 3, `${wanted}; it returned 3`],
    ["returning a number among tensors", () => ({ y: input("x", [2]), n: 3 }), 'compile: the output "n" is no tensor, but 3'],
    ["returning a list", () => ({ ys: [input("x", [2])] }), 'compile: the output "ys" is no tensor, but ['],
  ])("%s is refused", async (_, build, message) => {
    await expect(g.compile(await device(), build as () => Record<string, g.Tensor>)).rejects.toThrow(message);
    await expect(g.compile(await device(), build as () => Record<string, g.Tensor>)).rejects.toThrow(UserError);
  });
});
