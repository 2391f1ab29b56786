/** The pickle reader: pickles of Python, programs by hand, those of Python 2, everything it must refuse, damage. */
import fc from "../property.js";
import { describe, expect, it } from "vitest";
import type { PickledArray, PickleValue } from "../../src/formats/pickle-objects.js";
import { readPickle } from "../../src/formats/pickle.js";
import { refusesEveryCut, survives } from "./damage.js";
import { ArrayParts, type PickleOptions, writePickle, type Written } from "./pickle-writer.js";
import { pythonFile } from "./python-files.js";

const PROTOCOLS = [0, 1, 2, 3, 4] as const;
const READ = [...PROTOCOLS, 5] as const;
const TABLE = [0, 0.25, 0.5, 0.75, 1, 1.25];
const program = (...parts: (string | number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part, "latin1")] : part)));

describe("what Python writes", () => {
  it.each(READ)("protocol %i", (protocol) => {
    const value = readPickle(pythonFile(`value-${protocol}.pickle`)) as Map<string, PickleValue>;
    expect([...value.keys()]).toEqual(["names", "numbers", "raw", "arrays"]);
    expect(value.get("names")).toEqual(["class_00001/image_1", "blüte"]);
    expect(value.get("numbers")).toEqual([1, -2, 300, 70000, 2 ** 40, -0.25, true, false, null]);
    expect([...(value.get("raw") as Uint8Array)]).toEqual([0, 255, 10, 39]);
    const arrays = (value.get("arrays") as PickledArray[]).map(({ array }) => array!);
    expect(arrays[0]).toEqual({ shape: [2, 3], data: Float32Array.from(TABLE) });
    expect(arrays[1]).toEqual({ shape: [2, 3], data: Float64Array.from(TABLE) });
    expect(arrays[2]).toEqual({ shape: [2, 3], data: Int16Array.of(0, 0, 0, 0, 1, 1) });
  });

  it.each(READ)("protocol %i of NumPy's scalars and arrays of objects", (protocol) => {
    const value = readPickle(pythonFile(`numpy-${protocol}.pickle`)) as Map<string, PickleValue>;
    const array = (key: string) => (value.get(key) as PickledArray).array!;
    expect(value.get("scalars")).toEqual(["a/b", 1.5, -7, 1]);
    expect(array("names")).toEqual({ shape: [2], data: ["x", "yz"] });
    expect((value.get("arrays") as PickledArray[]).map((item) => item.array)).toEqual([
      { shape: [2, 3], data: Float32Array.from(TABLE) },
      { shape: [1, 3], data: Float32Array.from(TABLE.slice(0, 3)) },
    ]);
    expect(array("numbers")).toEqual({ shape: [2, 2], data: Float64Array.of(1, 2.5, 3, 4) });
    expect(array("columns")).toEqual({ shape: [2, 2], data: Float64Array.of(0, 0.5, 0.75, 1.25) });
  });

  it("protocol 6 is refused with the way out", () => {
    expect(() => readPickle(program([0x80, 6], "N."), "x.pickle")).toThrow("its protocol is 6; write it with protocol 5 or less");
  });

  it("a call of anything else is refused by its name", () => {
    expect(() => readPickle(pythonFile("call.pickle"), "x.pickle")).toThrow(
      'x.pickle asks for "pathlib.PurePosixPath": petalgrad takes nothing but data and NumPy arrays from a pickle',
    );
  });
});

describe("programs by the definition", () => {
  it.each<[string, Uint8Array, PickleValue]>([
    ["None", program("N."), null],
    ["INT that is a boolean", program("I01\n."), true],
    ["INT", program("I-12\n."), -12],
    ["LONG", program("L123L\n."), 123],
    ["LONG1, negative", program([0x8a, 2, 0x00, 0xff], "."), -256],
    ["LONG1 of no bytes", program([0x8a, 0], "."), 0],
    ["LONG4", program([0x8b, 1, 0, 0, 0, 0x7f], "."), 127],
    ["FLOAT", program("F-1.5e3\n."), -1500],
    ["BINFLOAT, big endian", program("G", [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], "."), 1.5],
    ["STRING with escapes", program(`S'a\\n\\x41\\101\\\\\\''\n.`), "a\nAA\\'"],
    ["UNICODE with escapes", program("Va\\u00e9\\U0001f33c\n."), "aé🌼"],
    ["a tuple of marks", program("(K\x01K\x02t."), [1, 2]],
    ["POP, POP_MARK, DUP", program("K\x01K\x020(K\x03K\x04" + "12\x86."), [1, 1]],
    ["PUT and GET", program("(lp0\nK\x07ag0\n\x86."), [[7], [7]]],
    ["a dictionary of marks", program("(U\x01aK\x01d."), new Map([["a", 1]])],
    ["FRAME and MEMOIZE", program([0x80, 4, 0x95, 5, 0, 0, 0, 0, 0, 0, 0], "]", [0x94], "h\x00", [0x86], "."), [[], []]],
  ])("%s", (_, file, value) => {
    expect(readPickle(file)).toEqual(value);
  });

  it("keeps what is shared shared, and a list that holds itself", () => {
    const [a, b] = readPickle(program("(lp0\nK\x07ag0\n\x86.")) as PickleValue[][];
    expect(a).toBe(b);
    const list = readPickle(program("]q\x00h\x00a.")) as PickleValue[];
    expect(list[0]).toBe(list);
  });
});

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  // Whole numbers go as integers, which end at 2^53.
  fc.double({ noNaN: true }).filter((x) => !Number.isInteger(x) || Number.isSafeInteger(x)),
  fc.string(),
  fc.string({ minLength: 300, maxLength: 400 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
);
const { value } = fc.letrec<{ value: PickleValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }).map((entries) => new Map(Object.entries(entries))),
  ),
}));

/** What Python 2's one kind of string makes of texts and bytes. */
function inPython2(item: PickleValue): PickleValue {
  if (item instanceof Uint8Array) return Buffer.from(item).toString("latin1");
  if (Array.isArray(item)) return item.map(inPython2);
  return item instanceof Map ? new Map([...item].map(([key, part]) => [inPython2(key), inPython2(part)])) : item;
}

describe("a round trip", () => {
  it.each(PROTOCOLS)("protocol %i keeps every value", (protocol) => {
    fc.assert(
      fc.property(value, (root) => {
        expect(readPickle(writePickle(root, { protocol }))).toEqual(root);
      }),
      { numRuns: 200 },
    );
  });

  it.each([0, 1, 2] as const)("of Python 2, protocol %i", (protocol) => {
    fc.assert(
      fc.property(value, (root) => {
        expect(readPickle(writePickle(root, { protocol, python2: true }))).toEqual(inPython2(root));
      }),
      { numRuns: 200 },
    );
  });

  const each: PickleOptions[] = [
    ...PROTOCOLS.map((protocol) => ({ protocol })),
    ...([0, 1, 2] as const).map((protocol) => ({ protocol, python2: true })),
  ];
  it.each(each)("arrays: %o", (options) => {
    const values = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i));
    const contents = new Uint8Array(values.buffer);
    const columns = new Uint8Array(Int16Array.of(1, 3, 2, 4).buffer);
    const list: Written = [new ArrayParts([10, 20], "f4", contents), new ArrayParts([2, 2], "i2", columns, "<", true)];
    const [a, b] = readPickle(writePickle(list, options)) as PickledArray[];
    expect(a!.array).toEqual({ shape: [10, 20], data: values });
    expect(b!.array).toEqual({ shape: [2, 2], data: Int16Array.of(1, 2, 3, 4) });
  });
});

describe("a bad pickle is refused", () => {
  const evil = (module: string, name: string): Uint8Array => program(`c${module}\n${name}\n(S'true'\ntR.`);
  it.each([
    ["os", "system"],
    ["posix", "system"],
    ["__builtin__", "eval"],
    ["builtins", "getattr"],
    ["numpy", "load"],
    ["numpy.core.multiarray", "fromstring"],
    ["builtins", "bytearray"],
    ["copy_reg", "_reconstructor"],
    ["constructor", "prototype"],
  ])("the global %s.%s", (module, name) => {
    expect(() => readPickle(evil(module, name), "x.pickle")).toThrow(`x.pickle asks for "${module}.${name}"`);
    const stacked = program([0x80, 4, 0x8c, module.length], module, [0x8c, name.length], name, [0x93], ".");
    expect(() => readPickle(stacked, "x.pickle")).toThrow(`x.pickle asks for "${module}.${name}"`);
  });

  const objects = (size: string) =>
    program(
      `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(${size}tcnumpy\ndtype\n(U\x02O8K\x00K\x01tR\x89](NNetb.`,
    );
  it("but for an array of objects of any kind, which is a list", () => {
    expect(readPickle(objects("K\x02"))).toEqual([null, null]);
  });
  const array = (shape: string, contents: string) =>
    program(
      `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(${shape}tcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n${contents}tb.`,
    );
  it.each<[string, Uint8Array, string]>([
    ["empty", program(""), "it ends within its program"],
    ["a pop of nothing", program("0."), "takes from an empty stack"],
    ["an append across a mark", program("](K\x01a."), "takes from an empty stack"],
    ["two taken across a mark", program("K\x01(K\x02\x86."), "takes from an empty stack"],
    ["a copy across a mark", program("K\x01(2."), "takes from an empty stack"],
    ["a mark that is missing", program("t."), "a mark is missing"],
    ["STOP with nothing", program("."), "takes from an empty stack"],
    ["STOP with two", program("K\x01K\x02."), "leaves something on its stack"],
    ["something behind its end", program("N.N"), "1 bytes follow its end"],
    ["an unknown instruction", program("\xff."), "asks for the instruction"],
    ["a buffer beside the file", program([0x80, 5, 0x97], "."), "asks for a buffer beside the file (buffer_callback)"],
    ["instructions without end", new Uint8Array(8_000_002).fill(0x28), "it has more than 8000000 instructions"],
    ["objects without end", new Uint8Array(2_000_001).fill(0x5d), "it makes more than 2000000 objects"],
    ["memories without end", new Uint8Array(2_000_002).fill(0x94).fill(0x4e, 0, 1), "it remembers more than 2000000 objects"],
    ["objects of another number than their shape", objects("K\x03"), "another number of objects than its shape says"],
    ["objects of a size below nothing", objects("J\xff\xff\xff\xff"), "another number of objects than its shape says"],
    ["objects of a size that is none", objects("N"), "another number of objects than its shape says"],
    ["INST", program("(ios\nsystem\n."), 'the instruction "i"'],
    ["OBJ", program("(o."), 'the instruction "o"'],
    ["NEWOBJ", program([0x81], "."), "asks for the instruction"],
    ["a persistent id", program("Pname\n."), 'the instruction "P"'],
    ["an extension", program([0x82, 1], "."), "asks for the instruction"],
    ["bytes of 4 GB", program("B", [255, 255, 255, 255], "."), "it ends within bytes, which needs 4294967295 bytes"],
    ["bytes of 2^63", program([0x8e, 0, 0, 0, 0, 0, 0, 0, 0x7f], "."), "it ends within bytes"],
    ["a string of -1", program("T", [255, 255, 255, 255], "."), "needs -1 bytes"],
    ["an integer of a thousand bytes", program([0x8b, 0xe8, 3, 0, 0], [...Array<number>(1000).fill(1)], "."), "an integer of 1000 bytes"],
    ["an integer beyond 2^53", program("L9007199254740993L\n."), "is too large"],
    ["an integer of letters", program("Iabc\n."), "INT is followed by something else"],
    ["a frame beyond the end", program([0x95, 9, 0, 0, 0, 0, 0, 0, 0], "N."), "a frame would need"],
    ["GET of nothing", program("g5\n."), "nothing was stored at 5"],
    ["no UTF-8", program("X\x01\0\0\0\xff."), "no UTF-8"],
    ["APPEND to a number", program("K\x01K\x02a."), "appends to what is no list"],
    ["a dictionary of three", program("(K\x01K\x02K\x03d."), "what is no dictionary"],
    ["a call of a number", program("K\x01(tR."), "calls what is no function"],
    ["a call of ndarray", program("cnumpy\nndarray\n(tR."), 'a call of "numpy.ndarray"'],
    ["a function as a value", program("cnumpy\nndarray\n."), "a function or a type as a value"],
    [
      "an array without contents",
      program("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR."),
      "an array has no contents",
    ],
    [
      "an array of something else",
      program("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR."),
      "something else than an array",
    ],
    ["an array of a shape that needs more", array("I2\n", "S'abcd'\n"), "the shape (2) needs 8 bytes, not 4"],
    ["an array of a negative shape", array("I-1\n", "S'abcd'\n"), "its shape (-1) is none"],
    [
      "an array of complex numbers",
      program(
        "cnumpy\ndtype\n(S'c8'\nI0\nI1\ntRp0\n0" +
          "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1\ntg0\nI00\n(lNatb.",
      ),
      'an array of the type "c8"',
    ],
    ["lists within lists within lists", program("(l".repeat(100), "a".repeat(99), "."), "nest more than 64 deep"],
  ])("%s", (_, file, message) => {
    expect(() => readPickle(file, "x.pickle")).toThrow(message);
    expect(() => readPickle(file, "x.pickle")).toThrow(/^x\.pickle[^\n]*$/);
  });

  it("the same bytes as thousands of arrays", () => {
    const once = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I100000\ntg1\nI00\ng0\ntb0";
    const file = program(
      "T",
      [...new Uint8Array(Int32Array.of(400_000).buffer), ...new Uint8Array(400_000)],
      "p0\n0",
      "cnumpy\ndtype\n(S'f4'\nI0\nI1\ntRp1\n0",
      once.repeat(100),
      "N.",
    );
    expect(() => readPickle(file, "x.pickle")).toThrow("its arrays would be larger than itself");
  });

  const sound = PROTOCOLS.map((protocol) => pythonFile(`value-${protocol}.pickle`));
  it("any end cut off", () => {
    for (const file of sound) refusesEveryCut(file, readPickle);
  });
  it("damage ends in a UserError or a value", () => survives(sound, readPickle, 8));
});
