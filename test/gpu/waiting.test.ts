/** Waiting for a software adapter leaves the cores to it: the event loop, in which Dawn polls, turns at most once a millisecond. */
import { describe, expect, it } from "vitest";
import { compile, input, matmul } from "../../src/index.js";
import { device as testDevice } from "../device.js";

describe("waiting for a run", () => {
  it("does not spin", async ({ skip }) => {
    const device = await testDevice();
    if (!device.traits.software) skip();
    const program = await compile(device, () => {
      let x = input("x", [512, 512]);
      for (let i = 0; i < 40; i++) x = matmul(x, x);
      return { x };
    });
    const values = new Float32Array(512 * 512);
    await program.run({ x: values });
    let turns = 0;
    let done = false;
    const turn = (): void => {
      turns++;
      if (!done) setImmediate(turn);
    };
    const start = performance.now();
    const runs = [program.run(), program.run()];
    setImmediate(turn);
    await Promise.all(runs);
    done = true;
    const elapsed = performance.now() - start;
    program.destroy();
    expect(turns).toBeGreaterThan(0);
    // Spinning makes tens of turns a millisecond. A sleep may end a little early by this clock.
    expect(turns).toBeLessThan(1.5 * elapsed + 10);
  });
});
