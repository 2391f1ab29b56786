/** Hashes, against those of node:crypto. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { Sha256 } from "../../src/formats/sha256.js";

it("gives what node:crypto gives, part by part, of texts, of bytes and of numbers that lie inside a larger buffer", () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i)).subarray(3, 900);
  const parts = ["Blüte 🌸", values, new Uint8Array([1, 2, 3]), "", new Uint32Array([7])];
  const [ours, theirs] = [new Sha256(), createHash("sha256")];
  for (const part of parts) {
    ours.update(part);
    theirs.update(part);
  }
  expect(ours.hex()).toBe(theirs.digest("hex"));
});
