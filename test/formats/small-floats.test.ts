/** Small floats against their definitions: every code of the 8-bit types and below by hand-written values, F16 and BF16 by other means. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/random/philox.js";
import { halves, type SmallFloat, widened } from "../../src/formats/small-floats.js";
import { readSafetensors, SafetensorsError, writeSafetensors } from "../../src/formats/safetensors.js";
import { fromHalf, rounded, toHalf } from "../half.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("values by the definitions", () => {
  // OCP OFP8 (2023), table 2: the largest, the least normal, the largest and the least subnormal number, and what is special.
  it.each<[SmallFloat, [code: number, value: number][]]>([
    [
      "F8_E5M2",
      [
        [0x7b, 57344],
        [0x04, 2 ** -14],
        [0x03, 0.75 * 2 ** -14],
        [0x01, 2 ** -16],
        [0x7c, Infinity],
        [0xfc, -Infinity],
        [0x7d, NaN],
        [0x80, -0],
        [0xbc, -1],
      ],
    ],
    [
      "F8_E4M3",
      [
        [0x7e, 448],
        [0x08, 2 ** -6],
        [0x07, 0.875 * 2 ** -6],
        [0x01, 2 ** -9],
        [0x7f, NaN],
        [0xff, NaN],
        [0x78, 256],
        [0x80, -0],
        [0xb8, -1],
      ],
    ],
    [
      "F8_E5M2FNUZ",
      [
        [0x7f, 57344],
        [0x04, 2 ** -15],
        [0x01, 2 ** -17],
        [0x80, NaN],
        [0xc0, -1],
      ],
    ],
    [
      "F8_E4M3FNUZ",
      [
        [0x7f, 240],
        [0x08, 2 ** -7],
        [0x01, 2 ** -10],
        [0x80, NaN],
        [0xc0, -1],
      ],
    ],
    // OCP MX v1.0, sections 5.3 and 5.4.
    [
      "F8_E8M0",
      [
        [0x7f, 1],
        [0x00, 2 ** -127],
        [0xfe, 2 ** 127],
        [0xff, NaN],
      ],
    ],
  ])("%s", (type, pairs) => {
    for (const [code, value] of pairs) expect([code, widened(bytes(code), type, 1)[0]]).toEqual([code, value]);
  });

  it("F4: all sixteen, the first of a byte in its low half", () => {
    const half = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
    const packed = bytes(0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe);
    expect([...widened(packed, "F4", 16)]).toEqual([...half, ...half.map((v) => -v)]);
  });

  it("F6: four in three bytes, the first in the lowest bits", () => {
    // The largest, the least, one, and minus one of each: codes of 6 bits, one behind the other.
    const packed = (codes: number[]) => {
      const all = codes.reduce((sum, code, i) => sum + code * 64 ** i, 0);
      return bytes(all & 255, (all >> 8) & 255, all >> 16);
    };
    expect([...widened(packed([0x1f, 0x01, 0x08, 0x28]), "F6_E2M3", 4)]).toEqual([7.5, 0.125, 1, -1]);
    expect([...widened(packed([0x1f, 0x01, 0x0c, 0x2c]), "F6_E3M2", 4)]).toEqual([28, 0.0625, 1, -1]);
  });

  it("BF16: the upper half of a 32-bit float, all of them", () => {
    const codes = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const expected = new Float32Array(Uint32Array.from(codes, (code) => code << 16).buffer);
    expect(widened(new Uint8Array(codes.buffer), "BF16", 65536)).toEqual(expected);
  });

  it("F16: the numbers of binary16", () => {
    const codes = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x7c00, 0xfc00, 0x7e00, 0x3555);
    const expected = [0, -0, 1, -2, 65504, 2 ** -14, 1023 * 2 ** -24, 2 ** -24, Infinity, -Infinity, NaN, 0.333251953125];
    expect([...widened(new Uint8Array(codes.buffer), "F16", codes.length)]).toEqual(expected);
  });
});

/** A file of one tensor after another, no questions asked. */
function forge(tensors: [name: string, dtype: string, shape: number[], data: Uint8Array][]): Uint8Array {
  let at = 0;
  const header = tensors.map(([name, dtype, shape, data]) => [name, { dtype, shape, data_offsets: [at, (at += data.length)] }]);
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const file = new Uint8Array(8 + text.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let to = 8 + text.length;
  for (const [, , , data] of tensors) {
    file.set(data, to);
    to += data.length;
  }
  return file;
}

describe("in a safetensors file", () => {
  const four: Record<string, Uint8Array> = { BOOL: bytes(1, 0), F16: bytes(0, 0x3c, 0, 0xc0), BF16: bytes(0x80, 0x3f, 0, 0xc0) };

  it("every type of the specification is read, at any place", async () => {
    const file = forge([
      ["bool", "BOOL", [2], four["BOOL"]!],
      ["f4", "F4", [2], bytes(0xa2)],
      ["half", "F16", [2], four["F16"]!],
      ["brain", "BF16", [1, 2], four["BF16"]!],
      ["eight", "F8_E4M3", [2], bytes(0x38, 0xc0)],
      ["odd", "F32", [1], new Uint8Array(Float32Array.of(7).buffer)],
      ["nothing", "F16", [3, 0], bytes()],
    ]);
    const { tensors, unread, sealed } = await readSafetensors(file);
    expect(Object.fromEntries([...tensors].map(([name, { shape, data }]) => [name, [shape, [...data]]]))).toEqual({
      bool: [[2], [1, 0]],
      f4: [[2], [1, -1]],
      half: [[2], [1, -2]],
      brain: [
        [1, 2],
        [1, -2],
      ],
      eight: [[2], [1, -2]],
      odd: [[1], [7]],
      nothing: [[3, 0], []],
    });
    expect(unread.size).toBe(0);
    expect(sealed).toBe(false);
  });

  it("complex numbers, and types younger than this reader, stand beside the rest", async () => {
    const { tensors, unread } = await readSafetensors(
      forge([
        ["a", "C64", [1], new Uint8Array(8)],
        ["b", "F3_E1M1", [9], new Uint8Array(5)],
        ["c", "U8", [1], bytes(9)],
      ]),
    );
    expect([...tensors.keys()]).toEqual(["c"]);
    expect(Object.fromEntries(unread)).toEqual({ a: "C64", b: "F3_E1M1" });
  });

  it.each<[string, string, number[], number]>([
    ["halves of three bytes", "F16", [1], 3],
    ["an odd number of quarters", "F4", [3], 2],
    ["five of six bits in three bytes", "F6_E2M3", [5], 3],
    ["complex numbers of four bytes", "C64", [1], 4],
  ])("refuses %s", async (_, dtype, shape, length) => {
    await expect(readSafetensors(forge([["a", dtype, shape, new Uint8Array(length)]]), "x")).rejects.toThrow(SafetensorsError);
  });

  it("small floats are not written, but halves", async () => {
    await expect(writeSafetensors([["a", { dtype: "BF16", shape: [1], data: Float32Array.of(1) }]])).rejects.toThrow("read, not written");
    const values = Float32Array.of(1, -0, 1 / 3, 6e-8, 65504, Infinity);
    const half = { dtype: "F16", shape: [2, 3], data: values } as const;
    const bytes = { dtype: "U8", shape: [1], data: Uint8Array.of(7) } as const;
    const file = await writeSafetensors([["u", bytes], ["a", half], ["f", { ...half, dtype: "F32" }]]); // prettier-ignore
    const { tensors } = await readSafetensors(file);
    // Wider elements first, so that each lies aligned.
    expect([...tensors].map(([name, { dtype }]) => `${name} ${dtype}`)).toEqual(["f F32", "a F16", "u U8"]);
    expect(tensors.get("a")!.data).toEqual(rounded(values));
    expect(tensors.get("u")!.data).toEqual(bytes.data);
    const large = { dtype: "F16", shape: [1], data: Float32Array.of(65520) } as const;
    await expect(writeSafetensors([["big", large]])).rejects.toThrow("tensor big holds numbers that are too large for F16");
  });

  it("the nearest half of every number is its nearest half", () => {
    const random = new RandomStream(3);
    // All halves, all places half way between two, and what lies just beside them; numbers of every size.
    const codes = Array.from({ length: 0x7c00 }, (_, code) => fromHalf(code));
    const between = codes.slice(1).map((value, i) => (value + codes[i]!) / 2);
    const beside = between.flatMap((value) => [value * (1 - 2 ** -22), value * (1 + 2 ** -22)]);
    const anywhere = Array.from({ length: 20_000 }, () => random.normal() * 2 ** (40 * random.uniform() - 26));
    const all = Float32Array.from([...codes, ...between, ...beside, ...anywhere].flatMap((value) => [value, -value]));
    const finite = all.filter((value) => Math.abs(value) < 65520);
    expect(finite.length).toBeGreaterThan(200_000);
    expect(halves(finite)).toEqual(Uint16Array.from(finite, toHalf));
    expect([...halves(Float32Array.of(65520, -1e30, Infinity, NaN))]).toEqual([0x7c00, 0xfc00, 0x7c00, 0x7e00]);
    // A view that does not begin where its buffer does.
    expect([...halves(Float32Array.of(5, 1, 2).subarray(1))]).toEqual([0x3c00, 0x4000]);
  });

  it("a web page, and a pointer in place of the file, are called what they are", async () => {
    const text = (value: string) => readSafetensors(new TextEncoder().encode(value), "x.safetensors");
    await expect(text("<!DOCTYPE html><html>Quota exceeded</html>")).rejects.toThrow(
      "x.safetensors is no sound safetensors file: it is a web page",
    );
    await expect(text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")).rejects.toThrow("it is a pointer of Git LFS");
  });
});
