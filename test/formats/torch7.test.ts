/** The Torch7 reader: bytes written out by hand, round trips, lies, damage. */
import fc from "../property.js";
import { describe, expect, it } from "vitest";
import {
  LuaFunction,
  LuaTable,
  type LuaValue,
  readTorch7,
  tensorValues,
  TorchObject,
  TorchStorage,
  TorchTensor,
} from "../../src/formats/torch7.js";
import { refusesEveryCut, survives } from "./damage.js";
import { f64, i32, i64, lua, text, torchObject, torchTensor, writeTorch7 } from "./torch7-writer.js";

const bytes = (...parts: (number[] | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part.replaceAll(" ", ""), "hex")] : part)));

describe("bytes by the definition", () => {
  it("nil, numbers, strings, booleans", () => {
    expect(readTorch7(bytes("00000000"))).toBe(undefined);
    expect(readTorch7(bytes("01000000 000000000000f83f"))).toBe(1.5);
    expect(readTorch7(bytes("02000000 03000000 61e962"))).toBe("aéb");
    expect(readTorch7(bytes("05000000 01000000"))).toBe(true);
    expect(readTorch7(bytes("05000000 00000000"))).toBe(false);
  });

  it("a table that holds itself", () => {
    const table = readTorch7(
      bytes("03000000 01000000 02000000", "01000000 000000000000f03f 05000000 01000000", "02000000 01000000 78 03000000 01000000"),
    );
    expect(table).toBeInstanceOf(LuaTable);
    expect((table as LuaTable).get(1)).toBe(true);
    expect((table as LuaTable).get("x")).toBe(table);
    expect((table as LuaTable).list()).toEqual([true]);
  });

  it("a float tensor: a 2x3 view of a storage of 7, from its second element", () => {
    const storage = bytes("04000000 02000000 03000000", [...Buffer.from("V 1")], text("torch.FloatStorage"), i64(7), [
      ...new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5, 6).buffer),
    ]);
    const head = bytes("04000000 01000000", text("V 1"), text("torch.FloatTensor"), i32(2), i64(2), i64(3), i64(3), i64(1), i64(2));
    const tensor = readTorch7(bytes([...head], [...storage])) as TorchTensor;
    expect(tensor).toMatchObject({ shape: [2, 3], strides: [3, 1], offset: 1 });
    expect(tensorValues(tensor)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it("an nn module; an object whose class stands where newer files have a version", () => {
    const fields = bytes("03000000 02000000 01000000", "02000000 03000000", [...Buffer.from("dim")], "01000000", f64(3));
    const module = readTorch7(bytes("04000000 01000000", text("V 1"), text("nn.Concat"), [...fields]));
    expect(module).toEqual(torchObject("nn.Concat", { dim: 3 }));
    expect(readTorch7(bytes("04000000 01000000", text("nn.Concat"), [...fields]))).toEqual(torchObject("nn.Concat", { dim: 3 }));
  });

  it("functions are passed over, whatever their age", () => {
    const upvalues = "00000000";
    expect(readTorch7(bytes("06000000", text("code"), upvalues))).toEqual(new LuaFunction());
    expect(readTorch7(bytes("07000000 01000000", text("code"), upvalues))).toEqual(new LuaFunction());
    expect(readTorch7(bytes("08000000 01000000", text("code"), upvalues))).toEqual(new LuaFunction());
  });
});

const arrays = fc.oneof(
  fc.float32Array({ noNaN: true, maxLength: 6 }),
  fc.float64Array({ noNaN: true, maxLength: 6 }),
  fc.bigInt64Array({ maxLength: 6 }),
  fc.int32Array({ maxLength: 6 }),
  fc.int16Array({ maxLength: 6 }),
  fc.int8Array({ maxLength: 6 }),
  fc.uint8Array({ maxLength: 6 }),
);
const { value } = fc.letrec<{ value: LuaValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(undefined),
    fc.double({ noNaN: true }),
    fc.string(),
    fc.boolean(),
    fc.constant(new LuaFunction()),
    arrays.map((data) => torchTensor([data.length], data)),
    fc.array(tie("value"), { maxLength: 4 }).map(lua),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }).map((fields) => torchObject("nn.Linear", fields)),
  ),
}));

describe("a round trip", () => {
  const hasLongs = (root: LuaValue): boolean => {
    if (root instanceof LuaTable) return [...root.entries.values()].some(hasLongs);
    if (root instanceof TorchObject) return hasLongs(root.fields);
    return root instanceof TorchTensor && root.storage!.data instanceof BigInt64Array;
  };
  it.each(["binary", "windows", "ascii"] as const)("%s: keeps every value", (form) => {
    fc.assert(
      fc.property(form === "binary" ? value : value.filter((root) => !hasLongs(root)), (root) => {
        expect(readTorch7(writeTorch7(root, { form }))).toEqual(root);
      }),
      { numRuns: 200 },
    );
  });

  it("longs of 4 bytes, and as words", () => {
    const longs = torchTensor([3], BigInt64Array.of(1n, -2n, 2n ** 31n - 1n));
    expect(readTorch7(writeTorch7(longs, { form: "windows" }))).toEqual(torchTensor([3], Int32Array.of(1, -2, 2 ** 31 - 1)));
    expect(readTorch7(writeTorch7(longs, { form: "ascii" }))).toEqual(longs);
  });

  it("what C's scanf takes for numbers that are not finite", () => {
    const words = { inf: Infinity, "-inf": -Infinity, "+Infinity": Infinity, "-INFINITY": -Infinity, nan: NaN, "-nan": NaN };
    for (const [word, number] of Object.entries(words)) expect(readTorch7(new TextEncoder().encode(`1\n${word}\n`))).toBe(number);
    for (const word of ["infinit", "in", "infinite"])
      expect(() => readTorch7(new TextEncoder().encode(`1\n${word}\n`))).toThrow("it has no number for a number");
  });

  it("a file of DiskFile's own ASCII form, with carriage returns or without", () => {
    const file =
      "3\n1\n1\n2\n3\ntxt\n4\n2\n3\nV 1\n17\ntorch.FloatTensor\n1\n2\n1\n1\n4\n3\n3\nV 1\n18\ntorch.FloatStorage\n2\n0.5 -1e-05\n";
    for (const text of [file, file.replaceAll("\n", "\r\n")]) {
      const table = readTorch7(Uint8Array.from(Buffer.from(text))) as LuaTable;
      expect([...tensorValues(table.get("txt") as TorchTensor)]).toEqual([0.5, Math.fround(-1e-5)]);
    }
    expect(() => readTorch7(Uint8Array.from(Buffer.from(file.replace("0.5", "0x5"))), "x.t7")).toThrow(
      "x.t7 is no sound ASCII Torch7 file: it has no number for a storage",
    );
    expect(() => readTorch7(Uint8Array.from(Buffer.from(file.replace("\n2\n0.5", "\n99\n0.5"))), "x.t7")).toThrow(
      "a storage would need 198 bytes",
    );
  });

  it("keeps what is shared shared", () => {
    const storage = new TorchStorage(Float32Array.of(1, 2, 3, 4));
    const read = readTorch7(writeTorch7(lua([torchTensor([2], storage, 0), torchTensor([2], storage, 2)]))) as LuaTable;
    const [a, b] = read.list() as TorchTensor[];
    expect(a!.storage).toBe(b!.storage);
    expect([...tensorValues(b!)]).toEqual([3, 4]);
  });

  it("reads a GPU's tensors as the CPU's", () => {
    expect(readTorch7(writeTorch7(torchTensor([3], Float32Array.of(1, 2, 3)), { cuda: true }))).toEqual(
      torchTensor([3], Float32Array.of(1, 2, 3)),
    );
  });

  it("goes deeper than the call stack would", () => {
    const level = [...i32(3), ...i32(0), ...i32(1), ...i32(2), ...text("next")];
    const deep = (n: number) =>
      Uint8Array.from([
        ...Array.from({ length: n }, (_, i) => level.map((b, j) => (j >= 4 && j < 8 ? i32(i + 1)[j - 4]! : b))).flat(),
        ...i32(0),
      ]);
    let at: LuaValue = readTorch7(deep(15_000));
    let count = 0;
    for (; at instanceof LuaTable; at = at.get("next")) count++;
    expect(count).toBe(15_000);
    expect(() => readTorch7(deep(25_000), "x.t7")).toThrow("x.t7 is no sound binary Torch7 file: its objects nest more than 20000 deep");
  });
});

describe("tensorValues", () => {
  it("a transposed view, a column, sizes of 1, nothing", () => {
    const data = Float32Array.from({ length: 12 }, (_, i) => i);
    expect([...tensorValues(torchTensor([4, 3], data, 0, [1, 4]))]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect([...tensorValues(torchTensor([3], data, 1, [4]))]).toEqual([1, 5, 9]);
    expect([...tensorValues(torchTensor([1, 3], data, 2, [99, 1]))]).toEqual([2, 3, 4]);
    expect(tensorValues(torchTensor([0, 3], data))).toHaveLength(0);
    expect(tensorValues(new TorchTensor([], [], 0))).toHaveLength(0);
  });
});

describe("a bad file is refused", () => {
  const tensor = (shape: number[], strides: number[], offset: number, length: number) =>
    writeTorch7(torchTensor(shape, new Float32Array(length), offset, strides));
  it.each<[string, Uint8Array, string]>([
    ["empty", bytes(), "it ends within an object's type"],
    ["an unknown type", bytes(i32(9)), "9 is no type"],
    ["a boolean of 2", bytes(i32(5), i32(2)), "a boolean is 2"],
    ["a string of -1", bytes(i32(2), i32(-1)), "needs -1 bytes"],
    ["a string of 2 GB", bytes(i32(2), i32(2 ** 31 - 1)), "it ends within a string, which needs 2147483647 bytes"],
    ["a table of 2^31 - 1 entries", bytes(i32(3), i32(1), i32(2 ** 31 - 1)), "a table would need"],
    ["a table of -1 entries", bytes(i32(3), i32(1), i32(-1)), "a table would need"],
    ["a nil key", bytes(i32(3), i32(1), i32(1), i32(0), i32(0)), "a table's key is nil"],
    ["a storage of 2^60", bytes(i32(4), i32(1), text("V 1"), text("torch.DoubleStorage"), i64(2 ** 60)), "a storage would need"],
    [
      "a tensor of 2^31 dimensions",
      bytes(i32(4), i32(1), text("V 1"), text("torch.FloatTensor"), i32(2 ** 31 - 1)),
      "2147483647 dimensions",
    ],
    ["a tensor beyond its storage", tensor([2, 3], [3, 1], 1, 6), "reaches beyond its storage of 6"],
    ["a tensor before its storage", tensor([2], [1], -1, 6), "negative or enormous"],
    ["a stride backwards", tensor([2], [-1], 3, 6), "negative or enormous"],
    ["one element shown a million times", tensor([1000, 1000], [0, 0], 0, 1), "more elements than its storage of 1"],
    [
      "a tensor on a table",
      bytes(i32(4), i32(1), text("V 1"), text("torch.FloatTensor"), i32(1), i64(1), i64(1), i64(1), i32(3), i32(2), i32(0)),
      "is something else",
    ],
    ["an nn module that is a number", bytes(i32(4), i32(1), text("V 1"), text("nn.Linear"), i32(1), f64(1)), "holds no table"],
    ["something behind its end", bytes(i32(0), [0]), "1 bytes follow its end"],
    [
      "text that ends too early",
      Uint8Array.from(Buffer.from("4\n1\n3\nV 1\n13\nnn.Sequential\n")),
      "no sound ASCII Torch7 file: it has no number",
    ],
    ["other text", Uint8Array.from(Buffer.from("local x = 1")), "is no type of an object"],
    ["a web page", Uint8Array.from(Buffer.from("\n<!DOCTYPE html><html>Quota exceeded</html>")), "it is a web page; download it again"],
  ])("%s", (_, file, message) => {
    expect(() => readTorch7(file, "x.t7")).toThrow(message);
    expect(() => readTorch7(file, "x.t7")).toThrow(/^x\.t7/);
  });

  it("a class that is not read, by its name", () => {
    const file = bytes(i32(4), i32(1), text("V 1"), text("torch.Generator"), i32(0));
    expect(() => readTorch7(file, "x.t7")).toThrow('x.t7: petalgrad does not read objects of the class "torch.Generator"');
  });

  const sound = writeTorch7(
    lua([
      torchObject("nn.Sequential", {
        modules: lua([torchObject("nn.Linear", { weight: torchTensor([2, 2], Float32Array.of(1, 2, 3, 4)), f: new LuaFunction() })]),
      }),
      true,
      "text",
      1,
    ]),
  );
  it("any end cut off", () => {
    refusesEveryCut(sound, readTorch7);
    // Longs of 4 bytes.
    const table = lua({ a: torchTensor([2, 2], Float32Array.of(1, 2, 3, 4)), b: true });
    refusesEveryCut(writeTorch7(table, { form: "windows" }), readTorch7);
  });
  it("damage ends in a UserError or a value", () => {
    survives(
      [
        ...[sound, tensor([2, 3], [1, 2], 0, 6)],
        ...(["windows", "ascii"] as const).map((form) => writeTorch7(lua({ a: torchTensor([2], Float32Array.of(1, 2)) }), { form })),
        writeTorch7(lua({ a: new TorchStorage(BigInt64Array.of(1n)), b: undefined })),
      ],
      (file, name) => {
        // What was read can be used.
        const root = readTorch7(file, name);
        if (root instanceof TorchTensor) tensorValues(root);
        if (root instanceof TorchObject) root.fields.list();
      },
    );
  });
});
