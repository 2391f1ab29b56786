/** Sizes in messages about limits. */
import { expect, it } from "vitest";
import { mebibytes } from "../../src/gpu/device.js";

it("a size is told apart from the limit that it exceeds, by bytes where it must be", () => {
  expect([1.5 * 2 ** 20, 4096 * 2 ** 20].map((size) => mebibytes(size))).toEqual(["1.5 MiB", "4096 MiB"]);
  const limit = 4096 * 2 ** 20;
  expect([mebibytes(limit + 16, limit), mebibytes(limit, limit + 16)]).toEqual(["4294967312 bytes", "4294967296 bytes"]);
  expect([mebibytes(2 * limit, limit), mebibytes(limit, 2 * limit)]).toEqual(["8192 MiB", "4096 MiB"]);
});
