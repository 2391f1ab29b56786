/** Memory that goes through the host in pieces while a program pauses. */
import { expect, it } from "vitest";
import { Memory } from "../../src/gpu/memory.js";
import { RoundTrip } from "../../src/gpu/round-trip.js";
import { compile } from "../../src/tensor/compile.js";
import { add, mul } from "../../src/tensor/elementwise.js";
import { pause } from "../../src/tensor/pause.js";
import { input } from "../../src/tensor/tensor.js";
import { assign, Store } from "../../src/tensor/variables.js";
import { device } from "../device.js";

it("comes back changed, piece by piece in order, the host's own numbers at the end", async () => {
  const gpu = await device();
  const [a, b] = [new Memory(gpu, "a", 4 * 300), new Memory(gpu, "b", 4 * 100)];
  a.write(Float32Array.from({ length: 300 }, (_, i) => i));
  b.write(Float32Array.from({ length: 100 }, (_, i) => 1000 + i));
  const trip = new RoundTrip(gpu, [a, b], 2, 4 * 128);
  expect(trip.bytes).toBe(4 * 402);
  for (const times of [1, 2]) {
    const seen: number[] = [];
    await trip.run(async (values, extra) => {
      extra.fill(-7);
      // Later pieces are out already, and wait for their turn.
      await new Promise((resolve) => setTimeout(resolve, seen.length === 0 ? 20 : 0));
      seen.push(...values);
      values.forEach((value, i) => (values[i] = value + 0.5));
    });
    const first = 0.5 * (times - 1);
    const all = [...Array.from({ length: 300 }, (_, i) => i + first), ...Array.from({ length: 100 }, (_, i) => 1000 + i + first)];
    expect(seen).toEqual([...all, -7, -7]);
    expect([...(await a.read())]).toEqual(all.slice(0, 300).map((value) => value + 0.5));
    expect([...(await b.read())]).toEqual(all.slice(300).map((value) => value + 0.5));
  }
  trip.destroy();
});

it("changes what the rest of a program reads, and nothing that was built before", async () => {
  const gpu = await device();
  const store = new Store("sum");
  const variable = store.variable("all", [4]);
  const result = new Store("result");
  const before = result.variable("before", [4]);
  const after = result.variable("after", [4]);
  const program = await compile(gpu, () => {
    const doubled = mul(input("x", [4]), 2);
    assign(variable, doubled);
    const old = add(variable, 1);
    pause("sum", [store]);
    assign(before, old);
    assign(after, add(variable, 1));
    return {};
  });
  expect(program.pauses.map(({ name }) => name)).toEqual(["sum"]);
  const x = [1, 2, 3, 4];
  await program.runInParts({ x }, async (name) => {
    expect(name).toBe("sum");
    expect([...(await store.read()).get("all")!]).toEqual([2, 4, 6, 8]);
    store.write(new Map([["all", Float32Array.of(10, 20, 30, 40)]]));
  });
  const read = async () => Object.fromEntries([...(await result.read())].map(([name, values]) => [name, [...values]]));
  expect(await read()).toEqual({ before: [3, 5, 7, 9], after: [11, 21, 31, 41] });
  // Without stopping, nothing changes on the way.
  program.launch({ x });
  expect(await read()).toEqual({ before: [3, 5, 7, 9], after: [3, 5, 7, 9] });
});
