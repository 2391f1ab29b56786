/** The bench measures what it says: rows complete, rungs and peers checked, fits right. No figure of speed is asserted. */
import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { powerChart } from "../../bench/chart.js";
import { performancePage, scalingPanels } from "../../bench/document.js";
import { type Case, ganCases, matmulCase, stridedCases } from "../../bench/gemm-cases.js";
import { benchKernels } from "../../bench/kernels.js";
import { benchLadder, requireSame } from "../../bench/ladder.js";
import { difference, type Ours, type PeerCase, sample } from "../../bench/peer-problems.js";
import { PeerProcess } from "../../bench/peer-process.js";
import { compare } from "../../bench/peers.js";
import { type Report, type Row, rowLine, summary } from "../../bench/report.js";
import { benchScaling, exponent } from "../../bench/scaling.js";
import { inTurns, Session } from "../../bench/session.js";
import { benchSteps, ganStep, inference, textStep } from "../../bench/steps.js";
import { Limits, median } from "../../bench/timing.js";
import { verdict } from "../../bench/verdict.js";
import { device } from "../device.js";

let limits: Promise<Limits> | undefined;
const session = async (filter = "", minutes = 10): Promise<Session> => {
  limits ??= device().then((opened) => Limits.create(opened));
  return new Session(await device(), await limits, filter, minutes, 1);
};
afterAll(async () => (await limits)?.destroy());

async function all(rows: AsyncGenerator<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const r of rows) list.push(r);
  return list;
}

const KEYS = ["suite", "name", "shape", "variant", "ms", "gflops", "gbps", "peer", "ratio", "adapter"];

describe("rows", () => {
  const networks = [[4, 2]] as const;

  it("of every family are complete, with a rate and a share of the adapter's limit", async () => {
    const measured = await all(benchKernels(await session("width 4, batch 2"), { allVariants: false, networks, products: [16] }));
    expect(measured.length).toBeGreaterThan(60);
    const [empty, ...rows] = measured;
    expect(empty).toMatchObject({ name: "an empty dispatch", gflops: null });
    for (const r of rows) {
      for (const key of KEYS) expect(r, r.name).toHaveProperty(key);
      expect(r.ms, r.name).toBeGreaterThan(0);
      const rate = r.gflops ?? r.gbps;
      expect(rate, r.name).toBeGreaterThan(0);
      expect(r.gflops === null || r.gbps === null, `${r.name}: one rate`).toBe(true);
      expect(r.more.share, r.name).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(r)), "JSON keeps all of it").toEqual(r);
      expect(rowLine(r)).toContain(r.name);
    }
  });

  it("are only those that were asked for, and what time did not allow is said", async () => {
    const few = await all(benchKernels(await session("D score"), { allVariants: false, networks, products: [] }));
    expect(few.slice(1).map(({ name }) => name)).toEqual(["D score forward", "D score dataGrad", "D score weightGrad"]);
    const late = await session("D score", 0);
    expect((await all(benchKernels(late, { allVariants: false, networks, products: [] }))).slice(1)).toEqual([]);
    expect(late.leftOut).toEqual(["kernels, width 4, batch 2 (no time left): D score forward, D score dataGrad, D score weightGrad"]);
  });

  it("count arithmetic by the definition", () => {
    expect(matmulCase(8).flops).toBe(2 * 8 ** 3);
    // 2 x outputs x taps x input channels.
    const [forward, dataGrad] = stridedCases(64, 16).filter(({ name }) => name.startsWith("D conv2"));
    expect(forward!.flops).toBe(2 * (16 * 16 * 16 * 128) * 16 * 64);
    expect(dataGrad!.flops).toBe(forward!.flops);
    expect(new Set(ganCases(64, 16).map(({ name }) => name)).size).toBe(45);
  });

  it("compare within a round, so that a slow moment of the machine does not count", async () => {
    const of = (times: number[]) => ({ measure: () => Promise.resolve(times.shift()!) });
    // In rounds two to four the machine is three times as slow, from the middle of the second on.
    const turns = await inTurns({ ours: of([1, 1, 3, 3, 1]), theirs: of([2, 6, 6, 6, 2]) }, 0);
    expect(turns.ratio("theirs", "ours")).toBe(2);
    expect(turns.median("theirs") / turns.median("ours")).toBe(6);
  });

  it("sum up by the geometric mean", () => {
    const of = (name: string, ratio: number): Row => ({
      ...{ suite: "", name, shape: "", variant: "", ms: 1, gflops: null, gbps: null, peer: "p", ratio, adapter: "", more: {} },
    });
    expect(summary([of("a", 2), of("b", 8)])).toEqual(["2 rows against p: 4.00 times as fast (geometric mean), least 2.00 (a)"]);
    expect(summary([])).toEqual([]);
    expect(median([5, 1, 3])).toBe(3);
  });
});

describe("the ladder", () => {
  it("has the adapter's rungs from naive to the tuned one", async () => {
    const rows = await all(benchLadder(await session(), [matmulCase(64)]));
    expect(rows[0]!.variant).toBe("naive");
    expect(rows.at(-1)!.variant).toMatch(/^tuned: /);
    expect(rows.every(({ note }) => note)).toBe(true);
  });

  it("refuses a rung that computes something else, and one that computes nothing", () => {
    const c: Pick<Case, "name"> = { name: "case" };
    expect(() => requireSame(c, "good", [1, 2.00001], [1, 2])).not.toThrow();
    expect(() => requireSame(c, "bad", [1, 2.01], [1, 2])).toThrow('case: the rung "bad" computes something else');
    expect(() => requireSame(c, "nothing", [NaN, 2], [1, 2])).toThrow("something else");
  });

  it("finds a lowest rung that is wrong", async () => {
    const right = matmulCase(64);
    const wrong: Case = { ...right, lower: (traits, variant) => ({ ...right.lower(traits, variant), launches: [] }) };
    await expect(all(benchLadder(await session(), [wrong]))).rejects.toThrow('the rung "naive" computes something else');
  });
});

describe("whole steps", () => {
  it("tell time, dispatches, script time, and memory against its bound", async () => {
    const step = ganStep("tiny");
    const [gan, drawing] = await all(benchSteps(await session(), [step, inference(3, "tiny")]));
    const { imagesPerSecond, dispatches, scriptMicroseconds, memoryMiB, arenaMiB, boundMiB } = gan!.more;
    expect(imagesPerSecond).toBeCloseTo((1000 * step.images) / gan!.ms, 6);
    expect(dispatches).toBeGreaterThan(50);
    expect(scriptMicroseconds).toBeGreaterThan(0);
    expect(arenaMiB!).toBeGreaterThanOrEqual(boundMiB!);
    expect(memoryMiB!, "arena, networks and inputs").toBeGreaterThan(arenaMiB!);
    expect(drawing!.shape).toBe("width 8, batch 3, 16x16");
  });

  it("leave nothing on the device", async () => {
    const before = (await device()).allocatedBytes;
    await all(benchSteps(await session(), [ganStep("tiny"), textStep("tiny")]));
    expect((await device()).allocatedBytes).toBe(before);
  });

  it("scale by a power law whose exponent is that of the points", async () => {
    expect(exponent([1, 2, 4, 8].map((x) => [x, 3 * x ** 1.7] as const))).toBeCloseTo(1.7, 10);
    const noisy = [1, 2, 4, 8].map((x, i) => [x, x * (i % 2 ? 1.1 : 0.9)] as const);
    expect(exponent(noisy)).toBeGreaterThan(1);
    const cases = [2, 4, 8].map((batch) => ({ x: batch, step: ganStep("tiny", { batch }) }));
    const rows = await all(benchScaling(await session(), [{ name: "batch", cases }]));
    expect(rows.map(({ more }) => more.x)).toEqual([2, 4, 8, undefined]);
    // The arithmetic of a step is linear in its batch.
    expect(rows.at(-1)!.more.arithmeticExponent).toBeCloseTo(1, 1);
  });
});

describe("peers", () => {
  const peer = (script: string) => PeerProcess.start(process.execPath, ["-e", script]);
  const answers = `const say = (m) => console.log("@" + JSON.stringify(m)); console.log("noise"); say({ ready: "fake 1.0" });
    require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { prepare } = JSON.parse(line);
      if (!prepare) say({ ms: 12 });
      else if (prepare.size === 1) say({ unsupported: "too small" });
      else if (prepare.size === 2) process.exit(3);
      else say({ results: { c: [1] }, ms: 5 });
    });`;

  it("are asked over lines, and say what they cannot do", async () => {
    const fake = await peer(answers);
    expect(fake.name).toBe("fake 1.0");
    expect(await fake.prepare({ op: "matmul", size: 4 })).toEqual({ results: { c: [1] }, ms: 5 });
    expect(await fake.measure()).toBe(12);
    expect(await fake.prepare({ op: "matmul", size: 1 })).toEqual({ unsupported: "too small" });
    fake.close();
  });

  it("that end or do not start are told of in one line", async () => {
    const fake = await peer(answers);
    expect(await fake.prepare({ op: "matmul", size: 2 })).toEqual({ unsupported: "its process ended (exit code 3)" });
    await expect(fake.measure()).rejects.toThrow("fake 1.0: its process ended (exit code 3)");
    await expect(peer("throw new Error('no driver')")).rejects.toThrow(/^its process ended \(exit code 1\)/);
    await expect(PeerProcess.start("no-such-program", [])).rejects.toThrow("ENOENT");
  });

  it("that fail while they are timed leave the row to the others", async () => {
    const ours = { watch: { expected: 1, measure: () => Promise.resolve(10) }, results: { c: [1] }, variant: "", free: () => undefined };
    const c = {
      suite: "s",
      name: "n",
      shape: "",
      tolerance: 1e-3,
      problem: { op: "matmul", size: 4 },
      prepare: () => Promise.resolve(ours),
    };
    const [good, bad] = [await peer(answers), await peer(answers.replace("fake", "bad").replace("say({ ms: 12 })", "process.exit(4)"))];
    const said: string[] = [];
    const compared = compare(await session(), c as unknown as PeerCase, ours as unknown as Ours, [bad, good], (line) => said.push(line));
    expect((await all(compared)).map(({ peer, ratio }) => [peer, ratio])).toEqual([["fake 1.0", 1.2]]);
    expect(said).toEqual(["n, : bad 1.0: its process ended (exit code 4)"]);
    good.close();
  });

  it("must come to our results", () => {
    const ours = { c: [1, -2, 0] };
    expect(difference(ours, { c: [1.0001, -2, 0.0001] }, 1e-3)).toBeUndefined();
    expect(difference(ours, { c: [1, 2, 0] }, 1e-3)).toContain("c: 2 for our -2");
    expect(difference(ours, { c: [1, NaN, 0] }, 1e-3)).toContain("c: NaN");
    expect(difference(ours, { c: [1, -2] }, 1e-3)).toBe("c: 2 values for our 3");
    expect(difference(ours, {}, 1e-3)).toBe("c: no values for our 3");
    expect(sample(Float32Array.from({ length: 1024 }, (_, i) => i)).slice(0, 3)).toEqual([0, 4, 8]);
  });
});

describe("npm run bench", () => {
  const run = (...words: string[]) => spawnSync(process.execPath, ["--import", "tsx", "bench/main.ts", ...words], { encoding: "utf8" });

  it("refuses names it does not know in one line", () => {
    for (const [words, message] of [
      [["--suite", "kernel"], "error: bench: --suite kernel: there is no such name, only kernels, ladder, steps, scaling"],
      [["--peers", "tf"], "error: bench: --peers tf: there is no such name"],
      [["--minuts", "3"], "error: unknown option --minuts"],
    ] as const) {
      const { status, stderr } = run(...words);
      expect(status, words.join(" ")).toBe(1);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toContain(message);
    }
  });

  it("says its options", () => {
    const { status, stdout } = run("--help");
    expect(status).toBe(0);
    for (const word of ["--suite", "--filter", "--minutes", "--peers", "--tune", "--json", "jax-js", "npm run bench --"]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).toContain("npm run bench -- --suite steps");
  });
});

describe("docs/explanation/performance.md", () => {
  const machine = { date: "2026-01-01 00:00", cpu: "a CPU", cores: 2, adapter: "an adapter", settings: { "kind of adapter": "GPU" } };
  const made = (measured: Partial<Row>): Row => ({
    ...{
      suite: "",
      name: "",
      shape: "",
      variant: "",
      ms: 1,
      gflops: null,
      gbps: null,
      peer: null,
      ratio: null,
      adapter: "an adapter",
      more: {},
    },
    ...measured,
  });
  const report = (...rows: Row[]): Report => ({ machine, peak: { gflops: 50, gbps: 5 }, leftOut: ["kernels: two rows"], rows });
  const points = [4, 8, 16].map((x) => made({ suite: "scaling", name: "batch", shape: `batch ${x}`, ms: 10 * x, more: { x, gflop: x } }));

  it("has a section for what was measured, and none for what was not", () => {
    const step = made({ suite: "steps", name: "GAN step", ms: 239, more: { arenaMiB: 11, boundMiB: 10, dispatches: 423 } });
    const peers = [
      made({ suite: "peers, step", name: "step", shape: "small", ms: 10, peer: "slow 1.0", ratio: 12.3, more: { peerMs: 123 } }),
      made({ suite: "peers, step", name: "step", shape: "small", ms: 10, peer: "other 2.0", ratio: 2, more: { peerMs: 20 } }),
      made({ suite: "peers, matmul", name: "matmul", shape: "8", ms: 4, peer: "slow 1.0", ratio: 3, more: { peerMs: 12 } }),
    ];
    const page = performancePage(
      [report(step, ...peers)],
      [{ change: "c", predicted: "2 x", measured: "1.5 x", command: "npm run x" }],
      "why",
    );
    expect(page).toContain("| GAN step |  | 239 |");
    expect(page).toContain("1.100 x");
    expect(page).toContain("| work | ours, ms | slow 1.0 | other 2.0 |");
    expect(page).toContain("| step, small | 10.0 | **12.3** (123) | **2.00** (20.0) |");
    expect(page, "a peer that cannot").toContain("| matmul, 8 | 4.00 | **3.00** (12.0) |  |");
    expect(page).toContain("| c | 2 x | 1.5 x | `npm run x` |");
    expect(page).toContain("- kernels: two rows");
    for (const absent of ["## Kernels", "## How time grows", "## What tuning gains"]) expect(page).not.toContain(absent);
  });

  it("draws time and arithmetic on logarithmic axes", () => {
    const [panel] = scalingPanels(points);
    expect(panel!.lines[0]!.points).toEqual([4, 8, 16].map((x) => [x, 10 * x]));
    // Linear arithmetic through the last point is the measured line itself here.
    expect(panel!.lines[1]!.points).toEqual(panel!.lines[0]!.points);
    const svg = powerChart([panel!]);
    const dots = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
    expect(dots).toHaveLength(3);
    // Doublings are equally far apart, across and upwards.
    expect(dots[1]![0] - dots[0]![0]).toBeCloseTo(dots[2]![0] - dots[1]![0], 0);
    expect(dots[0]![1] - dots[1]![1]).toBeCloseTo(dots[1]![1] - dots[2]![1], 0);
    expect(dots[0]![1], "more time is higher up").toBeGreaterThan(dots[1]![1]);
  });

  it("is said to stand to the bars for GPUs, or to be of none", () => {
    const product = made({ suite: "peers, matmul", name: "matmul 4096", gflops: 34000, more: { share: 0.56 } });
    const step = made({ suite: "peers, step", name: "step", ms: 40, peer: "PyTorch", ratio: 1.25, more: { peerMs: 50 } });
    expect(verdict(report(product, step))).toEqual([
      "matmul 4096: 34000 GFLOP/s, 56 % of the f32 peak measured beside it (bar: 50 %)",
      "the paper preset's step: 40.0 ms, 1.25 times as fast as PyTorch (50.0 ms)",
    ]);
    const none = { ...report(), machine: { ...machine, settings: { "kind of adapter": "software" } } };
    expect(verdict(none).join("\n")).toMatch(/is a software adapter.*\n.*not measured\n.*not measured/);
  });
});
