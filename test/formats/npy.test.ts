/** The .npy and .npz reader: files of NumPy, bytes by the definition, lies, damage; and the writer against the reader. */
import fc from "../property.js";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readNpy, readNpz, writeNpy } from "../../src/formats/npy.js";
import { refusesEveryCut, survives } from "./damage.js";
import { forgeNpy, npyHeader } from "./npy-writer.js";
import { pythonFile } from "./python-files.js";

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const TABLE = [0, 0.25, 0.5, 0.75, 1, 1.25];

describe("what NumPy writes", () => {
  it.each([
    ["float32.npy", [2, 3], Float32Array.from(TABLE)],
    ["float64-fortran.npy", [2, 3], Float64Array.from(TABLE)],
    ["big-endian.npy", [2, 3], Int32Array.of(0, 1, 2, 3, 4, 5)],
    ["half.npy", [6], Float32Array.of(0, -1.5, 65504, 2 ** -24, Infinity, 0.333251953125)],
    ["bool.npy", [2], Uint8Array.of(1, 0)],
    ["scalar.npy", [], Float32Array.of(2.5)],
    ["text.npy", [2], ["a/b", "blüte"]],
  ])("%s", (name, shape, data) => {
    expect(readNpy(pythonFile(name))).toEqual({ shape, data });
  });

  it("two arrays in a zip; a compressed one", () => {
    const two = readNpz(pythonFile("two.npz"));
    expect([...two.keys()]).toEqual(["embeddings", "filenames"]);
    expect(two.get("embeddings")).toEqual({ shape: [2, 3], data: Float32Array.from(TABLE) });
    expect(two.get("filenames")!.data).toEqual(["x", "yz"]);
    const { shape, data } = readNpz(pythonFile("deflated.npz")).get("embeddings")!;
    expect(shape).toEqual([100, 3]);
    expect([...(data as Float32Array).slice(-6)]).toEqual(TABLE);
  });

  it("names as objects, beside an array of others that is not asked for", () => {
    expect(readNpy(pythonFile("names.npy"))).toEqual({ shape: [2], data: ["x", "yz"] });
    const chosen = readNpz(pythonFile("names.npz"), "x.npz", () => ["embeddings", "filenames"]);
    expect([...chosen.keys()]).toEqual(["embeddings", "filenames"]);
    expect(chosen.get("filenames")!.data).toEqual(["x", "yz"]);
    expect(() => readNpz(pythonFile("names.npz"), "x.npz")).toThrow("x.npz: more.npy holds Python objects");
  });

  it("refuses other Python objects, and says what to do", () => {
    expect(() => readNpy(pythonFile("object.npy"), "x.npy")).toThrow(
      "x.npy holds Python objects that are neither all texts nor all numbers; save names with numpy.array(names, dtype=str), and numbers as an " +
        "array of numbers",
    );
  });
});

describe("bytes by the definition", () => {
  const data = bytesOf(Int16Array.of(1, 2, 3, 4, 5, 6));
  it("the header's entries in any order, versions 1 to 3, spaces or none", () => {
    for (const version of [1, 2, 3]) expect(readNpy(forgeNpy(npyHeader("<i2", [3, 2]), data, version)).shape).toEqual([3, 2]);
    expect(readNpy(forgeNpy("{'shape':(6,),'fortran_order':False,'descr':'<i2'}", data)).data).toEqual(Int16Array.of(1, 2, 3, 4, 5, 6));
    expect(readNpy(forgeNpy("{'shape': (6L,), 'fortran_order': False, 'descr': '<i2', }", data)).shape).toEqual([6]);
  });

  it("columns first, of three dimensions", () => {
    const { data: values } = readNpy(forgeNpy(npyHeader("<i2", [1, 3, 2], true), data));
    expect(values).toEqual(Int16Array.of(1, 4, 2, 5, 3, 6));
  });

  it.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "it ends within its first bytes"],
    ["something else", Buffer.from("PK\x03\x04 and more"), "does not begin as one"],
    ["version 4", forgeNpy(npyHeader("<i2", [6]), data, 4), "its version is 4.0"],
    ["a header of 4 GB", Uint8Array.from([...Buffer.from("\x93NUMPY\x02\0", "latin1"), 255, 255, 255, 255]), "4294967295 bytes long"],
    ["a header without shape", forgeNpy("{'descr': '<i2', 'fortran_order': False}", data), "header is damaged"],
    ["an entry twice", forgeNpy("{'descr': '<i2', 'descr': '<i2', 'fortran_order': False, 'shape': (6,)}", data), "header is damaged"],
    ["an entry too many", forgeNpy("{'descr': '<i2', 'fortran_order': False, 'shape': (6,), 'x': 1}", data), "header is damaged"],
    ["a call for a shape", forgeNpy("{'descr': '<i2', 'fortran_order': False, 'shape': (print(6),)}", data), "header is damaged"],
    ["sizes without a comma", forgeNpy("{'descr': '<i2', 'fortran_order': False, 'shape': (2 3)}", data), "header is damaged"],
    [
      "digits by the thousand",
      forgeNpy(`{'descr': '<i2', 'fortran_order': False, 'shape': (${"1".repeat(9000)}x)}`, data),
      "header is damaged",
    ],
    ["texts by the million", forgeNpy(npyHeader("|S1", [4_000_001]), new Uint8Array(4_000_001)), "at most 4000000 are read"],
    ["records", forgeNpy("{'descr': [('x', '<i2')], 'fortran_order': False, 'shape': (6,)}", data), "array of records"],
    ["a shape that needs more", forgeNpy(npyHeader("<i2", [7]), data), "the shape (7) needs 14 bytes, not 12"],
    ["a shape that needs less", forgeNpy(npyHeader("<i2", [5]), data), "the shape (5) needs 10 bytes, not 12"],
    ["a shape that overflows", forgeNpy(npyHeader("<i2", [2 ** 40, 2 ** 40]), data), "needs"],
    ["complex numbers", forgeNpy(npyHeader("<c8", [1]), new Uint8Array(8)), "of the type <c8"],
    ["texts of a gigabyte", forgeNpy(npyHeader("<U999999", [0]), new Uint8Array(0)), "of the type <U999999"],
  ])("refuses %s", (_, file, message) => {
    expect(() => readNpy(file, "x.npy")).toThrow(message);
    expect(() => readNpy(file, "x.npy")).toThrow(/^x\.npy/);
  });
});

describe("writeNpy", () => {
  it("writes what NumPy writes", () => {
    expect(writeNpy([2, 3], Float32Array.from(TABLE))).toEqual(pythonFile("float32.npy"));
  });

  it("is read back, whatever the shape", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 5 }), fc.nat(), (shape, seed) => {
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (seed + i) / 3);
        expect(readNpy(writeNpy(shape, data))).toEqual({ shape, data });
      }),
    );
  });
});

describe("a bad .npz file is refused", () => {
  const NOISE = new Uint8Array(6 * 2 ** 20);
  const npy = writeNpy([2, 2], Float32Array.of(1, 2, 3, 4));
  const zip = (files: Record<string, Uint8Array>) => zipSync(files);
  it.each<[string, Uint8Array, string]>([
    ["no zip", npy, "the zip archive is damaged"],
    ["a zip without arrays", zip({ "a.txt": npy }), "there is no array in it"],
    ["a bomb", zip({ "a.npy": new Uint8Array(2 ** 22) }), "more than 100 times its size"],
    ["a large bomb", zipSync({ "a.npy": new Uint8Array(3 * 2 ** 27), "b.npy": [NOISE, { level: 0 }] }), "it would unpack to 390 MB"],
    ["a web page", strToU8("\n<!doctype html>"), "it is a web page"],
    ["a damaged array", zip({ "a.npy": npy.slice(0, -1) }), "x.npz: a.npy is no sound .npy file"],
  ])("%s", (_, file, message) => {
    expect(() => readNpz(file, "x.npz")).toThrow(message);
    expect(() => readNpz(file, "x.npz")).toThrow(/^x\.npz/);
  });

  it("a directory that lists more files than fit", () => {
    const file = zip({ "a.npy": npy });
    // The number of files stands 14 bytes before the end.
    file[file.length - 14] = 255;
    file[file.length - 13] = 255;
    expect(() => readNpz(file, "x.npz")).toThrow("it lists more files than it can hold");
  });
});

describe("damage", () => {
  it("any end cut off", () => {
    refusesEveryCut(pythonFile("float32.npy"), readNpy);
    refusesEveryCut(pythonFile("two.npz"), readNpz);
  });
  it("of an .npy file ends in a UserError or a value", () => {
    survives(["float32.npy", "float64-fortran.npy", "text.npy", "half.npy", "scalar.npy"].map(pythonFile), readNpy, 8);
  });
  it("of an .npz file ends in a UserError or a value", () => {
    survives(["two.npz", "deflated.npz"].map(pythonFile), readNpz, 300);
  });
});
