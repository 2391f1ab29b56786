/** What ends: programs, stores and devices free what they hold, once; whoever uses them afterwards, or waits for them, is told. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { DestroyedError, DeviceLostError } from "../../src/index.js";
import { device as testDevice } from "../device.js";

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "done",
    (error: unknown) => error,
  );

describe("a program's end", () => {
  const build = () => ({ y: g.mul(g.matmul(g.input("x", [256, 256]), g.input("w", [256, 256])), 2) });
  const inputs = { x: new Float32Array(256 ** 2), w: new Float32Array(256 ** 2) };

  it("during runs: they fail by name, and all memory is given back once", async () => {
    const device = await testDevice();
    const before = device.allocatedBytes;
    const program = await g.compile(device, build);
    await program.run(inputs);
    expect(device.allocatedBytes).toBeGreaterThan(before);
    const pending = [outcome(program.run()), outcome(program.run())];
    program.destroy();
    expect(device.allocatedBytes).toBe(before);
    for (const result of await Promise.all(pending)) {
      expect(result).toEqual(new DestroyedError("run: the program was destroyed before its results were read"));
    }
    program.destroy();
    expect(device.allocatedBytes).toBe(before);
    await device.gpu.queue.onSubmittedWorkDone();
    device.check();
  });

  it("before runs: refused, and nothing reaches the device", async () => {
    const device = await testDevice();
    const program = await g.compile(device, build);
    program.destroy();
    program.destroy();
    const error = new DestroyedError("run: the program was destroyed");
    await expect(program.run(inputs)).rejects.toThrow(error);
    expect(() => program.launch(inputs)).toThrow(error);
    await expect(program.profile()).rejects.toThrow(error);
    await device.gpu.queue.onSubmittedWorkDone();
    device.check();
  });

  it("leaves what a failed compile took", async () => {
    const device = await testDevice();
    const before = device.allocatedBytes;
    const bad = new g.Tensor("bad", [4], { kind: "map", expression: (a) => `nonsense(${a})` }, [g.input("x", [4])]);
    await expect(g.compile(device, () => ({ bad }))).rejects.toThrow(g.KernelError);
    expect(device.allocatedBytes).toBe(before);
  });
});

describe("a store's end", () => {
  it("frees its memory; programs of its variables are refused from then on", async () => {
    const device = await testDevice();
    const before = device.allocatedBytes;
    const store = new g.Store("short-lived");
    const v = store.variable("v", [300], (values) => values.fill(2));
    const other = new g.Store("other");
    const w = other.variable("w", [1], (values) => values.fill(3));
    const program = await g.compile(device, () => ({ y: g.sum(v) }));
    const another = await g.compile(device, () => ({ y: g.exp(g.mul(w, 0)) }));
    expect(await program.run()).toEqual({ y: Float32Array.of(600) });
    const held = device.allocatedBytes;
    const reading = store.read();
    store.destroy();
    // What was under way had been copied already.
    expect((await reading).get("v")![299]).toBe(2);
    expect(device.allocatedBytes).toBe(held - 1280);
    store.destroy();
    expect(device.allocatedBytes).toBe(held - 1280);
    await expect(program.run()).rejects.toThrow(new DestroyedError("run: the variables of short-lived were destroyed"));
    expect(() => program.launch()).toThrow(DestroyedError);
    const error = new DestroyedError("short-lived: the store was destroyed");
    await expect(g.compile(device, () => ({ y: g.exp(v) }))).rejects.toThrow(error);
    await expect(store.read()).rejects.toThrow(error);
    expect(() => store.write(new Map())).toThrow(error);
    expect(() => store.variable("w", [1])).toThrow(error);
    expect(() => store.like("copy")).toThrow(error);
    expect(() => new g.Store("new").copyFrom(store)).toThrow(error);
    expect(await another.run()).toEqual({ y: Float32Array.of(1) });
    for (const p of [program, another]) p.destroy();
    other.destroy();
    expect(device.allocatedBytes).toBe(before);
    device.check();
  });

  it("before any program used it, too", async () => {
    const store = new g.Store("unused");
    store.variable("v", [3]);
    store.destroy();
    await expect(store.read()).rejects.toThrow(DestroyedError);
  });
});

describe("a device's end", () => {
  it("during a run and a compile: both hear of it, and nothing counts as allocated", async () => {
    const device = await g.openDevice();
    const program = await g.compile(device, () => ({ y: g.exp(g.input("x", [4])) }));
    const pending = outcome(program.run({ x: [1, 2, 3, 4] }));
    const compiling = outcome(g.compile(device, () => ({ y: g.tanh(g.input("x", [5])) })));
    device.destroy();
    expect(device.allocatedBytes).toBe(0);
    for (const result of [await pending, await compiling]) expect(result).toBeInstanceOf(DeviceLostError);
    // At once, not when the loss comes round.
    await expect(program.run({ x: [1, 2, 3, 4] })).rejects.toThrow(DeviceLostError);
    await expect(g.compile(device, () => ({ y: g.full([1], 1) }))).rejects.toThrow(DeviceLostError);
    program.destroy();
    device.destroy();
    expect(device.allocatedBytes).toBe(0);
  });

  it("fifty devices opened and destroyed leave no threads and no memory", async ({ skip }) => {
    if (process.platform !== "linux") skip();
    // In a process of its own, where garbage is collected when asked for.
    const script = `
      import { readdirSync, readFileSync } from "node:fs";
      import * as g from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
      const threads = () => readdirSync("/proc/self/task").length;
      const memory = () => Number(/VmRSS:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
      const seen = [];
      for (let i = 0; i < 50; i++) {
        const device = await g.openDevice();
        const program = await g.compile(device, () => ({ y: g.mul(g.input("x", [2 ** 18]), 2) }));
        await program.run({ x: new Float32Array(2 ** 18) });
        device.destroy();
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
        seen.push([threads(), memory()]);
      }
      console.log(JSON.stringify(seen));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--expose-gc", "--import", "tsx", "--input-type=module", "--eval", script],
      { cwd: fileURLToPath(new URL("../..", import.meta.url)) },
    );
    const seen = JSON.parse(stdout) as [threads: number, memory: number][];
    const [early, late] = [seen[9]!, seen[49]!];
    // A device that stays has a thread or more of its own, and 4 MiB of buffers here.
    expect(late[0] - early[0]).toBeLessThanOrEqual(5);
    expect(late[1] - early[1]).toBeLessThan(100);
  });
});
