/** A tensor's name is for people: whatever a user calls an input or a kernel, the engine treats it as what it is. */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { customKernel, input, type Tensor, UserError } from "../../src/index.js";
import { arithmetic } from "../../src/tensor/work.js";

describe("a name decides nothing", () => {
  it("an input named as a copy is refused in words", () => {
    expect(() => g.add(input("reorder", [3], "u32"), 1)).toThrow(
      new UserError("add: reorder[3] u32 holds whole numbers (u32), which only look-ups and random numbers take"),
    );
    // But a real copy is nothing that the user made.
    const turned = g.permute(input("index", [2, 3], "u32"), [1, 0]);
    expect(() => g.add(g.reshape(turned, [6]), 1)).toThrow(/add: index\[2, 3\] u32 holds/);
  });

  it("a relu keeps its own result for the derivative, unless its input really is a batch norm", () => {
    const signOf = (x: Tensor): Tensor => {
      const y = g.relu(x);
      const [where] = y.vjp!(g.full(y.shape, 1));
      return where!.inputs[0] === y ? y : x;
    };
    const x = input("batchNorm", [4, 3]);
    expect(signOf(x)).not.toBe(x);
    const normal = g.batchNorm(input("x", [4, 3]), input("weight", [3]), input("bias", [3])).y;
    expect(signOf(normal)).toBe(normal);
  });

  it("a kernel of one's own counts no arithmetic of ours", () => {
    const images = input("images", [2, 3, 9, 7]);
    const kernel = input("kernel", [5, 3, 3, 3]);
    const own = { shape: [2, 5, 4, 3], code: "", workgroups: [1, 1, 1] as const };
    for (const name of ["conv2d", "convTranspose2d", "convWeightGrad", "matmul"])
      expect(arithmetic(() => ({ y: customKernel(name, [images, kernel], own) }))).toBe(0);
  });
});

it("arithmetic is counted by the definition, forward and backward", () => {
  const images = input("images", [2, 3, 9, 7]);
  const kernel = input("kernel", [5, 3, 3, 3]);
  const convolution = () => g.conv2d(images, kernel, { stride: 2, padding: 1 });
  const once = 2 * (2 * 5 * 5 * 4) * (3 * 3 * 3);
  expect(arithmetic(() => ({ y: convolution() }))).toBe(once);
  expect(
    arithmetic(() => {
      const [dx, dw] = g.grad(g.sum(convolution()), [images, kernel]);
      return { dx: dx!, dw: dw! };
    }),
  ).toBe(2 * once);
  expect(arithmetic(() => ({ y: g.convTranspose2d(input("y", [2, 5, 5, 4]), kernel, { stride: 2, padding: 1 }) }))).toBe(once);
  expect(arithmetic(() => ({ y: g.matmul(input("a", [2, 3, 4]), input("b", [4, 5])) }))).toBe(2 * 2 * 3 * 4 * 5);
});
