/** A compilation can be watched and given up: in a page it takes seconds. */
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { device as testDevice } from "../device.js";

/** Kernels that no other program has: with a number of their own in the text. */
const build = (salt: number) => () => {
  const x = g.input("x", [64]);
  // Each sum ends a kernel; the last two are of one text.
  const y = [1, 2, 3, 3].map((k) => g.sum(g.exp(g.mul(x, salt + k / 7))));
  return Object.fromEntries(y.map((t, i) => [`y${i}`, g.mul(t, 2)]));
};

describe("compile", () => {
  it("tells how many kernels are compiled, each text once", async () => {
    const device = await testDevice();
    const seen: g.CompileProgress[] = [];
    const program = await g.compile(device, build(0.125), { onProgress: (progress) => seen.push(progress) });
    const total = seen[0]!.total;
    expect(total).toBeGreaterThanOrEqual(2);
    expect(total).toBeLessThan(program.dispatches);
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => ({ compiled: i + 1, total })));
    program.destroy();
  });

  it("ends with the signal's reason, before, while and between, and leaves nothing allocated", async () => {
    const device = await testDevice();
    const before = device.allocatedBytes;
    let built = false;
    const early = g.compile(device, () => ((built = true), build(0.25)()), { signal: AbortSignal.abort("no need") });
    await expect(early).rejects.toBe("no need");
    expect(built).toBe(false);
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ compiled }: g.CompileProgress) => {
      seen.push(compiled);
      controller.abort(new Error("enough"));
    };
    await expect(g.compile(device, build(0.375), { signal: controller.signal, onProgress })).rejects.toThrow("enough");
    const late = new AbortController();
    const compiling = g.compile(device, build(0.5), { signal: late.signal });
    late.abort();
    await expect(compiling).rejects.toThrow(/abort/i);
    expect(device.allocatedBytes).toBe(before);
    // The same program can still be had.
    const program = await g.compile(device, build(0.375), { signal: new AbortController().signal });
    expect((await program.run({ x: new Float32Array(64) })).y0).toEqual(Float32Array.of(128));
    program.destroy();
  });

  it("fails by what a kernel or a listener throws", async () => {
    const device = await testDevice();
    const before = device.allocatedBytes;
    const onProgress = () => {
      throw new Error("the listener's own");
    };
    await expect(g.compile(device, build(0.625), { onProgress })).rejects.toThrow("the listener's own");
    const bad = new g.Tensor("bad", [4], { kind: "map", expression: (a) => `nonsense(${a})` }, [g.input("x", [4])]);
    await expect(g.compile(device, () => ({ bad }), { signal: new AbortController().signal })).rejects.toThrow(g.KernelError);
    expect(device.allocatedBytes).toBe(before);
  });
});
