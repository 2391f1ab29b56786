/** The tuner's decisions, on made-up hardware with a made-up clock; then races on the real device. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Lowering } from "../../kernels/kernel.js";
import type { Tunable } from "../../src/gpu/tunable.js";
import { Tuner, type TunerHardware, type TunerOptions } from "../../src/gpu/tuner.js";
import { compile, conv2d, input, matmul, transpose } from "../../src/index.js";
import { FolderStore } from "../../src/node/files/folder-store.js";
import { tuningIn } from "../../src/train/run/tuning.js";
import { device } from "../device.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-tuner-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const store = () => tuningIn(new FolderStore(join(folder, String(files++))));

const lowering = (code: string): Lowering => ({
  launches: [{ kernel: { name: code, code, workgroups: [1, 1, 1] }, slots: [] }],
  scratch: [],
});

/** A problem whose candidates are named after their milliseconds; the first is the rule's. */
const tunable = (problem: string, times: readonly number[], work = 1, version = ""): Tunable => ({
  tuning: { problem, work, candidates: times.map((ms) => `${ms} ms`) },
  lower: (name) => lowering(`${problem}${version} takes ${name}`),
  inputs: [],
  outputs: [],
});

/** Hardware on which a race takes `cost` milliseconds; `raced` says which problems were. */
function hardware(cost = 1) {
  const raced: string[] = [];
  let time = 0;
  const made: TunerHardware = {
    adapter: "a made-up GPU",
    now: () => time,
    race: (entrants) => {
      const codes = entrants.map(({ launches }) => launches[0]!.kernel.code);
      raced.push(codes[0]!.split(" ")[0]!);
      time += cost;
      return Promise.resolve(codes.map((code) => Number(/takes (\S+) ms/.exec(code)![1])));
    },
  };
  return { made, raced };
}

/** What a new tuner chooses, which problems it raced, and what it warned of. */
async function choose(options: TunerOptions, tunables: readonly Tunable[], cost?: number) {
  const { made, raced } = hardware(cost);
  const warnings: string[] = [];
  const tuner = new Tuner(made, { ...options, onWarning: (text) => warnings.push(text) });
  return { choices: Object.fromEntries(await tuner.choose(tunables)), raced, warnings, tuner };
}

const A = tunable("A", [5, 3, 4]);
const B = tunable("B", [5, 4.9], 10);

describe("decisions", () => {
  it("the fastest candidate wins; one that is hardly faster leaves the rule's choice", async () => {
    const { choices, raced } = await choose({ mode: "cached" }, [A, B, A]);
    expect(choices).toEqual({ A: "3 ms", B: "5 ms" });
    expect(raced, "once each, the costly one first").toEqual(["B", "A"]);
  });

  it("a candidate that does not run does not win, nor does one that is the same kernels as another", async () => {
    const twice: Tunable = { ...tunable("C", [2, 1]), lower: () => lowering("C takes 2 ms") };
    const { choices, raced } = await choose({ mode: "full" }, [tunable("D", [2, Infinity]), tunable("E", [Infinity, 7]), twice]);
    expect(choices).toEqual({ C: "2 ms", D: "2 ms", E: "7 ms" });
    expect(raced).toEqual(["D", "E"]);
  });

  it("a winner is kept and not raced again, unless in full", async () => {
    const cache = store();
    await choose({ mode: "cached", cache }, [A]);
    const again = await choose({ mode: "cached", cache }, [A, B]);
    expect(again).toMatchObject({ choices: { A: "3 ms", B: "5 ms" }, raced: ["B"], warnings: [] });
    expect((await choose({ mode: "cached", cache }, [A, B])).raced, "both are kept").toEqual([]);
    expect((await choose({ mode: "full", cache }, [A, B])).raced).toEqual(["B", "A"]);
    const third = await choose({ mode: "cached", cache }, [A, B]);
    expect(third).toMatchObject({ choices: again.choices, raced: [] });
  });

  it("a tuner decides once, in its first program", async () => {
    const { tuner, raced } = await choose({ mode: "full" }, [A]);
    expect(Object.fromEntries(await tuner.choose([A, B]))).toEqual({ A: "3 ms", B: "5 ms" });
    expect(raced).toEqual(["A", "B"]);
  });

  it("winners of another adapter are not used, and stay", async () => {
    const cache = store();
    const { made } = hardware();
    await new Tuner({ ...made, adapter: "another" }, { mode: "cached", cache }).choose([A]);
    expect((await choose({ mode: "cached", cache }, [A])).raced).toEqual(["A"]);
    expect(Object.keys((JSON.parse((await cache.read())!) as { adapters: object }).adapters)).toEqual(["a made-up GPU", "another"]);
  });
});

describe("the time allowed", () => {
  const many = Array.from({ length: 10 }, (_, i) => tunable(`P${i}`, [2, 1], 10 - i));

  it("ends the races of a program: the costliest problems are tuned, the rest goes by rule and is left for a next time", async () => {
    const cache = store();
    const first = await choose({ mode: "cached", cache, budget: 100 }, many, 30);
    expect(first.raced).toEqual(["P0", "P1", "P2"]);
    expect(first.choices).toMatchObject({ P2: "1 ms", P3: "2 ms", P9: "2 ms" });
    expect((await choose({ mode: "cached", cache, budget: 100 }, many, 30)).raced).toEqual(["P3", "P4", "P5"]);
  });

  it("is spent on problems whose kernels are compiled when there is none left to compile others", async () => {
    const known = (problem: string): Tunable => ({ ...tunable(problem, [2, 1]), lower: (name) => lowering(`P0 takes ${name}`) });
    const { choices } = await choose({ mode: "cached", budget: 100 }, [...many.slice(0, 4), known("K")], 30);
    expect(choices).toMatchObject({ P3: "2 ms", K: "1 ms" });
  });

  it("is no limit in full", async () => {
    expect((await choose({ mode: "full", budget: 100 }, many, 30)).raced).toHaveLength(10);
  });

  it("is told with the progress", async () => {
    const seen: unknown[] = [];
    await choose({ mode: "cached", budget: 4000, onProgress: (p) => seen.push(p) }, [A, B]);
    expect(seen).toEqual([0, 1, 2].map((done) => ({ done, total: 2, seconds: 4 })));
  });
});

describe("a cache", () => {
  it.each([
    ["no JSON", '{"format": 1, "adapters": {'],
    ["another format", '{"format": 2, "adapters": {}}'],
    ["no object", "[]"],
    ["no decision", '{"format": 1, "adapters": {"a made-up GPU": {"A": {"choice": 3}}}}'],
  ])("that is damaged (%s) is ignored with a warning, and replaced", async (_, text) => {
    const cache = store();
    await cache.write(text);
    const { choices, raced, warnings } = await choose({ mode: "cached", cache }, [A]);
    expect({ choices, raced }).toEqual({ choices: { A: "3 ms" }, raced: ["A"] });
    expect(warnings).toEqual([expect.stringMatching(/^.*\.json is damaged \(.*\); it is not used$/)]);
    expect(await choose({ mode: "cached", cache }, [A])).toMatchObject({ raced: [], warnings: [] });
  });

  it("that knows other kernels, or a candidate there is not, is ignored with a warning", async () => {
    const cache = store();
    await choose({ mode: "cached", cache }, [A, B]);
    const changed = await choose({ mode: "cached", cache }, [tunable("A", [5, 3, 4], 1, "'"), B]);
    expect(changed.raced).toEqual(["A'"]);
    expect(changed.warnings).toEqual([`${cache.name} knows a kernel that has changed since; its tuning is not used`]);
    writeFileSync(cache.name, (await cache.read())!.replace('"3 ms"', '"6 ms"'));
    expect((await choose({ mode: "cached", cache }, [tunable("A", [5, 3, 4], 1, "'")])).raced).toEqual(["A'"]);
  });

  it("that cannot be written is told, and the choice stands", async () => {
    const cache = { ...store(), write: () => Promise.reject(new Error("no room")) };
    const { choices, warnings } = await choose({ mode: "cached", cache }, [A]);
    expect(choices).toEqual({ A: "3 ms" });
    expect(warnings.join()).toContain("cannot be written (no room)");
  });
});

describe("a run's record", () => {
  it("keeps all decisions, the rule's among them, and comes before the cache and the races", async () => {
    const [run, cache] = [store(), store()];
    const first = await choose({ mode: "cached", run, cache, budget: 0 }, [A, B]);
    expect(first).toMatchObject({ choices: { A: "5 ms", B: "5 ms" }, raced: [] });
    // Meanwhile another run has tuned.
    await choose({ mode: "cached", cache }, [A, B]);
    for (const mode of ["cached", "full"] as const) {
      const resumed = await choose({ mode, run, cache }, [A, B, tunable("C", [2, 1])]);
      expect(resumed.choices).toEqual({ A: "5 ms", B: "5 ms", C: "1 ms" });
    }
  });

  it("of other kernels is told", async () => {
    const run = store();
    await choose({ mode: "cached", run }, [A]);
    const { warnings } = await choose({ mode: "cached", run }, [tunable("A", [5, 3, 4], 1, "'")]);
    expect(warnings).toEqual([`${run.name} knows a kernel that has changed since; the run goes on with slightly other numbers`]);
  });
});

describe("on the device", () => {
  const values = (n: number) => Float32Array.from({ length: n }, (_, i) => ((i * 37) % 101) / 50 - 1);
  const build = () => {
    const x = input("x", [2, 8, 8, 8]);
    const a = input("a", [36, 40]);
    return { y: conv2d(x, input("w", [12, 8, 3, 3]), { padding: 1 }), product: matmul(transpose(a), a) };
  };
  const inputs = { x: values(1024), w: values(864), a: values(1440) };

  async function compute(tuner: Tuner | undefined) {
    const opened = await device();
    opened.tuner = tuner;
    try {
      const program = await compile(opened, build);
      const result = await program.run(inputs);
      program.destroy();
      return result;
    } finally {
      opened.tuner = undefined;
    }
  }

  it("what is tuned computes the same, frees its buffers, and with one cache gives the same bits without a race", async () => {
    const opened = await device();
    const byRule = await compute(undefined);
    const before = opened.allocatedBytes;
    const cache = store();
    const progress: number[] = [];
    const options: TunerOptions = { mode: "cached", budget: 60_000, cache, onProgress: ({ done }) => progress.push(done) };
    const tuned = await compute(new Tuner(opened, options));
    expect(progress).toEqual([0, 1, 2]);
    expect(opened.allocatedBytes).toBe(before);
    for (const name of ["y", "product"] as const)
      tuned[name].forEach((v, i) => {
        if (Math.abs(v - byRule[name][i]!) > 1e-4) expect.fail(`${name}[${i}] is ${v}, by rule ${byRule[name][i]}`);
      });
    expect(await compute(new Tuner(opened, options))).toEqual(tuned);
    expect(progress, "no second race").toEqual([0, 1, 2]);
  });

  it("a program runs the candidate that was chosen", async () => {
    const opened = await device();
    // Hardware on which the last candidate is the fastest.
    const race: TunerHardware["race"] = (entrants) => Promise.resolve(entrants.map((_, i) => entrants.length - i));
    opened.tuner = new Tuner({ adapter: "", race, now: () => 0 }, { mode: "full" });
    try {
      const program = await compile(opened, build);
      const names = (await program.profile()).map(({ name }) => name);
      program.destroy();
      const { operation } = build().product;
      if (operation.kind !== "kernel") throw new Error("a product is a kernel");
      const { traits } = opened;
      const last = operation.lower(traits, operation.lower(traits).tuning!.candidates.at(-1));
      // Adapters without timestamps have no profile.
      if (names.length > 0) expect(names).toContain(last.launches[0]!.kernel.name);
    } finally {
      opened.tuner = undefined;
    }
  });
});
