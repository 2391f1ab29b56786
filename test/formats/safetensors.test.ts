/** The safetensors reader and writer: round trips, every lie a header can tell, damage anywhere, and noise. */
import fc from "../property.js";
import { describe, expect, it } from "vitest";
import { readSafetensors, type SafeTensor, SafetensorsError, writeSafetensors } from "../../src/formats/safetensors.js";
import { parseStrictJson } from "../../src/formats/strict-json.js";

const encoder = new TextEncoder();

/** A file with this header text and that many (or these) data bytes, no questions asked. */
function forge(header: string | object, data: Uint8Array | number = 0): Uint8Array {
  const text = encoder.encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = typeof data === "number" ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(bytes, 8 + text.length);
  return file;
}

const f32 = (shape: number[], ...data_offsets: number[]) => ({ dtype: "F32", shape, data_offsets });

describe("a round trip", () => {
  const sizes = fc.array(fc.nat(4), { maxLength: 4 });
  const tensor: fc.Arbitrary<SafeTensor> = fc
    .tuple(sizes, fc.integer(), fc.constantFrom(0, 1, 2, 3, 4))
    .map(([shape, seed, kind]): SafeTensor => {
      const length = shape.reduce((a, b) => a * b, 1);
      const values = Array.from({ length }, (_, i) => (seed + i * 2654435761) | 0);
      if (kind === 0) return { dtype: "F32", shape, data: Float32Array.from(values, (v) => v / 7) };
      if (kind === 1) return { dtype: "U32", shape, data: Uint32Array.from(values) };
      if (kind === 2) return { dtype: "I32", shape, data: Int32Array.from(values) };
      if (kind === 3) return { dtype: "U8", shape, data: Uint8Array.from(values) };
      return { dtype: "I64", shape, data: BigInt64Array.from(values, BigInt) };
    });
  const name = fc.string({ unit: "binary", maxLength: 8 }).filter((text) => text !== "__metadata__");

  it("keeps names, shapes, types, values and metadata", async () => {
    const file = fc.tuple(fc.dictionary(name, tensor, { maxKeys: 6 }), fc.dictionary(name, name, { maxKeys: 4 }));
    await fc.assert(
      fc.asyncProperty(file, fc.nat(7), async ([tensors, metadata], shift) => {
        const { sha256: _, ...free } = metadata;
        const bytes = await writeSafetensors(Object.entries(tensors), free);
        // Read at any alignment.
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
        shifted.set(bytes);
        const read = await readSafetensors(shifted);
        expect(new Map(read.tensors)).toEqual(new Map(Object.entries(tensors)));
        expect(new Map(read.metadata)).toEqual(new Map(Object.entries(free)));
      }),
      { numRuns: 200 },
    );
  });

  it("writes the same bytes for the same contents, data aligned to 8 bytes", async () => {
    const tensors: [string, SafeTensor][] = [
      ["b", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
      ["a", { dtype: "F32", shape: [], data: Float32Array.of(1.5) }],
    ];
    const one = await writeSafetensors(tensors, { step: "7" });
    expect(await writeSafetensors(tensors, { step: "7" })).toEqual(one);
    expect(new DataView(one.buffer).getBigUint64(0, true) % 8n).toBe(0n);
    expect([...one.slice(-7)]).toEqual([0, 0, 0xc0, 0x3f, 1, 2, 3]);
  });

  it("reads what another tool wrote, without a hash and with padding", async () => {
    const header = `{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"__metadata__":{"format":"pt"}}      `;
    const { tensors, metadata } = await readSafetensors(forge(header, new Uint8Array(Float32Array.of(1, 2).buffer)));
    expect(tensors.get("w")).toEqual({ dtype: "F32", shape: [1, 2], data: Float32Array.of(1, 2) });
    expect(metadata.get("format")).toBe("pt");
  });

  it("reads tensors of another tool that lie at odd places, from a Buffer of Node's as from other bytes", async () => {
    // Narrow elements before wide ones, and a header of an odd length.
    const header = `{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}}`;
    const file = forge(
      `${header}${header.length % 2 ? "" : " "}`,
      Uint8Array.of(7, 8, 9, ...new Uint8Array(Float32Array.of(1.5, -2).buffer)),
    );
    for (const shift of [0, 1, 2, 3]) {
      const buffer = Buffer.alloc(file.length + shift).subarray(shift);
      buffer.set(file);
      for (const bytes of [buffer, new Uint8Array(buffer)]) {
        const { tensors } = await readSafetensors(bytes);
        expect(tensors.get("a")!.data).toEqual(Uint8Array.of(7, 8, 9));
        expect(tensors.get("b")!.data).toEqual(Float32Array.of(1.5, -2));
      }
    }
  });

  it("leaves the bytes it checks as they are", async () => {
    const bytes = Buffer.from(await writeSafetensors([["a", { dtype: "F32", shape: [1], data: Float32Array.of(1) }]]));
    const before = Buffer.from(bytes);
    await readSafetensors(bytes);
    expect(bytes.equals(before)).toBe(true);
  });

  it("refuses to write what it could not read", async () => {
    const data = Float32Array.of(1, 2);
    const sound: SafeTensor = { dtype: "F32", shape: [2], data };
    await expect(writeSafetensors([["a", { ...sound, shape: [3] }]])).rejects.toThrow("shape [3] does not fit 2 elements");
    await expect(writeSafetensors(Object.entries({ __metadata__: sound }))).rejects.toThrow("two tensors have the name");
    await expect(
      writeSafetensors([
        ["a", sound],
        ["a", sound],
      ]),
    ).rejects.toThrow('two tensors have the name "a"');
    await expect(writeSafetensors([], { sha256: "x" })).rejects.toThrow("petalgrad's own");
  });
});

describe("a bad file is refused", () => {
  const huge = 2 ** 53 - 1;
  it.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "0 bytes are too few"],
    ["a header longer than the file", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b), "it ends within its header"],
    ["a header of 2^63 bytes", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 0x7b), "9223372036854775808 bytes long"],
    ["a header over the format's limit", Uint8Array.of(0x01, 0xe1, 0xf5, 0x05, 0, 0, 0, 0, 0x7b), "100000001 bytes long"],
    ["a header that begins with a space", forge(" {}"), "does not begin with {"],
    ["a list for a header", forge("[]"), "does not begin with {"],
    ["a header cut off", forge('{"a":'), "its header is damaged"],
    ["a second header", forge("{}{}"), "something after the end"],
    ["no UTF-8", forge("{}").map((byte) => (byte === 0x7d ? 0xff : byte)), "not UTF-8"],
    ["a key twice", forge(`{"a":${JSON.stringify(f32([0], 0, 0))},"a":${JSON.stringify(f32([0], 0, 0))}}`), 'the key "a" a second time'],
    ["a field twice", forge('{"a":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), "a second time"],
    ["a tensor that is no object", forge({ a: 1 }), 'entry of "a" is no object'],
    ["metadata that is no text", forge({ __metadata__: { a: 1 } }), 'the metadata "a" is no text'],
    ["an element type that is no name of one", forge({ a: { ...f32([1], 0, 4), dtype: "f32" } }, 4), 'element type "f32"'],
    ["an element type of Object's", forge({ a: { ...f32([1], 0, 4), dtype: "constructor" } }, 4), 'element type "constructor"'],
    ["an unknown field", forge({ a: { ...f32([1], 0, 4), stride: 1 } }, 4), 'unknown field "stride"'],
    ["no shape", forge({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), "no proper shape"],
    ["a negative size", forge({ a: f32([-1, -1], 0, 4) }, 4), "no proper shape"],
    ["a size of -0", forge('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), "no proper shape"],
    ["a broken size", forge({ a: f32([1.5], 0, 6) }, 6), "no proper shape"],
    ["three offsets", forge({ a: f32([1], 0, 4, 4) }, 4), "no proper data_offsets"],
    ["offsets backwards", forge({ a: f32([1], 4, 0) }, 4), "lies at bytes 4 to 0 of 4"],
    ["offsets beyond the end", forge({ a: f32([2], 0, 8) }, 4), "lies at bytes 0 to 8 of 4"],
    ["a shape that needs more bytes", forge({ a: f32([2], 0, 4) }, 4), "needs 8 bytes, not 4"],
    ["a shape that overflows", forge({ a: f32([huge, huge, huge], 0, 4) }, 4), "bytes, not 4"],
    ["an overlap", forge({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), "an overlap"],
    ["a hole", forge({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "a hole"],
    ["a first tensor that is late", forge({ a: f32([1], 4, 8) }, 8), "a hole"],
    ["bytes left over", forge({ a: f32([1], 0, 4) }, 8), "bytes are left over"],
    ["a hash that is none", forge({ __metadata__: { sha256: "12" } }), "not of the form"],
  ])("%s", async (_, file, message) => {
    await expect(readSafetensors(file, "x.safetensors")).rejects.toThrow(message);
    await expect(readSafetensors(file, "x.safetensors")).rejects.toThrow(/^x\.safetensors/);
    await expect(readSafetensors(file)).rejects.toBeInstanceOf(SafetensorsError);
  });

  it("takes a shape with a zero, however large its other sizes", async () => {
    const { tensors } = await readSafetensors(forge({ a: f32([...Array<number>(30).fill(huge), 0], 0, 0) }));
    expect(tensors.get("a")?.data.length).toBe(0);
  });

  it("any bit flipped, any end cut off", async () => {
    const bytes = await writeSafetensors([["w", { dtype: "F32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }]], {
      step: "1000",
    });
    const read = (file: Uint8Array) => readSafetensors(file, "x", { sealed: true });
    await expect(read(bytes)).resolves.toBeDefined();
    for (let i = 0; i < bytes.length; i++) {
      const damaged = bytes.slice();
      damaged[i] = damaged[i]! ^ (1 << (i % 8));
      await expect(read(damaged), `byte ${i}`).rejects.toBeInstanceOf(SafetensorsError);
      await expect(read(bytes.slice(0, i)), `first ${i} bytes`).rejects.toBeInstanceOf(SafetensorsError);
    }
  });

  it("noise and half-sound headers end in a SafetensorsError or in a sound result, never in another error", async () => {
    const jsonish = fc.json().map((text) => forge(text, 8));
    const size = fc.oneof(fc.nat(9), fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 53, 1e300));
    const entry = fc.record({
      dtype: fc.constantFrom("F32", "U8", "I64", "BF16", "toString"),
      shape: fc.array(size, { maxLength: 3 }),
      data_offsets: fc.tuple(size, size),
    });
    const near = fc
      .tuple(fc.dictionary(fc.string({ maxLength: 2 }), entry, { maxKeys: 3 }), fc.nat(16))
      .map(([header, n]) => forge(header, n));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 64 }), jsonish, near), async (file) => {
        try {
          const { tensors } = await readSafetensors(file);
          for (const { shape, data } of tensors.values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("parseStrictJson", () => {
  it("takes a text of any length", () => {
    const text = '"x'.repeat(3e6);
    expect(parseStrictJson(JSON.stringify([text]))).toEqual([text]);
  });

  it("ends with more values than any file needs, before their memory is taken", () => {
    expect(() => parseStrictJson(`[${"{},".repeat(2_100_000)}1]`)).toThrow("more than 2000000 values at character");
  });

  it("agrees with JSON.parse, objects being Maps", () => {
    const plain = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(plain);
      return value instanceof Map ? Object.fromEntries([...value].map(([key, item]) => [key, plain(item)])) : value;
    };
    fc.assert(
      fc.property(fc.json({ maxDepth: 4, noUnicodeString: false } as fc.JsonSharedConstraints), (text) => {
        // A key named __proto__ is where the two must differ.
        fc.pre(!text.includes("__proto__"));
        expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    "",
    "{",
    "[1,]",
    '{"a":1,}',
    "01",
    "+1",
    "1.",
    "'a'",
    '"\n"',
    '"\\x"',
    "nul",
    "[1 2]",
    "{a:1}",
    "NaN",
    `${"[".repeat(20)}${"]".repeat(20)}`,
  ])("refuses %j", (text) => {
    expect(() => parseStrictJson(text)).toThrow(/at character \d+/);
  });
});
