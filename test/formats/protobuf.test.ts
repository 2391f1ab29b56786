/** Protocol Buffers as written, against the bytes of the format's own documentation. */
import { expect, it } from "vitest";
import { bytes, float, integer, message, text, written } from "../../src/formats/protobuf.js";

const hex = (file: Uint8Array) => Buffer.from(file).toString("hex");

it("writes the examples of protobuf.dev's page on encoding", () => {
  expect(hex(written(integer(1, 150)))).toBe("089601");
  expect(hex(written(text(2, "testing")))).toBe("120774657374696e67");
  expect(hex(written(message(3, integer(1, 150))))).toBe("1a03089601");
  // A negative int32 takes ten bytes, as a two's complement of 64 bits.
  expect(hex(written(integer(2, -2)))).toBe("10feffffffffffffffff01");
});

it("writes what they leave out", () => {
  expect(hex(written(integer(16, 0), integer(1, 127), integer(1, 128)))).toBe("800100" + "087f" + "088001");
  expect(hex(written(float(2, 0.2)))).toBe("15cdcc4c3e");
  expect(hex(written(bytes(9, Uint8Array.of(1, 2)), text(1, "é")))).toBe("4a020102" + "0a02c3a9");
  expect(hex(written(message(1, message(2, text(3, "a")), integer(4, 5)), message(1)))).toBe("0a07" + "12031a0161" + "2005" + "0a00");
  // Longer than a byte says.
  expect(hex(written(message(1, bytes(2, new Uint8Array(200)))).slice(0, 6))).toBe("0acb0112c801");
});
