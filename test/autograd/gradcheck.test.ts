/** The gradient checker that users have: it accepts right derivatives and names wrong ones. */
import { describe, expect, it } from "vitest";
import { conv2d, exp, gradcheck, matmul, mul, relu, sum, tanh, Tensor, UserError } from "../../src/index.js";
import { device } from "../device.js";
import { noise } from "../tensor/noise.js";

const point = (...shape: number[]) => ({
  shape,
  values: noise(
    shape.reduce((a, b) => a * b, 1),
    shape.join(),
  ),
});

/** 3x², whose derivative is said to be `slope`·x. */
const claimed = (x: Tensor, slope: number): Tensor =>
  new Tensor("claimed", x.shape, { kind: "map", expression: (a) => `(3.0 * ${a} * ${a})` }, [x], {
    order: x.order,
    vjp: (g) => [mul(g, mul(x, slope))],
  });

describe("gradcheck", () => {
  it("accepts right gradients", async () => {
    const report = await gradcheck(
      await device(),
      (x, w, v) => matmul(tanh(sum(conv2d(x, w, { padding: 1 }), [2, 3])), v),
      [point(2, 3, 5, 5), point(4, 3, 3, 3), point(4, 2)],
      { directions: 4 },
    );
    expect(report.checked).toBe(12);
    expect(report.worst).toBeLessThan(2e-2);
    await gradcheck(await device(), (x) => mul(exp(x), claimed(x, 6)), [point(40)]);
  });

  it("names the input, both derivatives and the tolerance of a wrong one", async () => {
    const wrong = gradcheck(await device(), (x, y) => mul(y, claimed(x, 5)), [point(3, 7), point(3, 7)]);
    await expect(wrong).rejects.toThrow(UserError);
    await expect(wrong).rejects.toThrow(/input 0 \[3, 7\]: the gradient says \S+ along a direction, differences say \S+ \(tolerance \S+\)/);
    await expect(gradcheck(await device(), (x) => claimed(x, -6), [point(9)])).rejects.toThrow(UserError);
    await expect(gradcheck(await device(), (x) => claimed(x, 0), [point(9)])).rejects.toThrow(UserError);
  });

  it("finds a kink that a step crosses", async () => {
    await expect(gradcheck(await device(), relu, [{ shape: [4], values: [0, 0, 0, 0] }])).rejects.toThrow(UserError);
  });

  it("wants the right number of values", async () => {
    await expect(gradcheck(await device(), relu, [{ shape: [4], values: [0, 0] }])).rejects.toThrow(
      "gradcheck: 2 values for input 0 of shape [4]",
    );
  });
});
