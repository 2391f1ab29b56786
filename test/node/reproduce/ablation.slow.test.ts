/** The ablation on tiny runs: it says how long it will take, can be stopped, does nothing twice, and prints its page. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overSeeds, seedsText } from "../../../src/node/reproduce/ablation-page.js";
import { type AblationRequest, ablationRuns } from "../../../src/node/reproduce/ablation-plan.js";
import { reproduceAblation } from "../../../src/node/reproduce/reproduce.js";
import type { Report } from "../../../src/evaluate/report.js";
import { VARIANTS, type Variant } from "../../../src/train/gan/options.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { fewSteps } from "../../evaluate/few-steps.js";

const before = process.env.PETALGRAD_CACHE;
const folder = mkdtempSync(join(tmpdir(), "petalgrad-ablation-"));
const results = join(folder, "docs", "results");
const page = join(results, "petals-tiny.md");

const request = {
  given: { dataset: "petals", preset: "tiny", steps: 2, textSteps: 1 } as AblationRequest["given"],
  ...{ seeds: [0], variants: VARIANTS as readonly Variant[], styleSteps: 2, samples: 20, zeroShot: false, folder: join(folder, "runs") },
  sizes: { networks: fewSteps({ renders: 40 }) },
};

async function reproduce(stopAfter = Infinity, change: Partial<typeof request> = {}) {
  const events: TrainEvent[] = [];
  const controller = new AbortController();
  const onEvent = (event: TrainEvent) => {
    events.push(event);
    if (events.filter(({ kind }) => kind === "checkpoint").length >= stopAfter) controller.abort();
  };
  const result = reproduceAblation({ ...request, ...change }, results, { onEvent, signal: controller.signal });
  const steps = () => events.filter(({ kind }) => kind === "step").length;
  return { result: await result.catch((error: unknown) => error), events, steps };
}

beforeAll(() => {
  process.env.PETALGRAD_CACHE = join(folder, "cache");
});

afterAll(() => {
  if (before === undefined) delete process.env.PETALGRAD_CACHE;
  else process.env.PETALGRAD_CACHE = before;
  rmSync(folder, { recursive: true, force: true });
});

describe("the ablation", () => {
  it("trains each variant with each seed", () => {
    const runs = ablationRuns({ ...request, seeds: [0, 1], folder: "f" });
    expect(runs).toHaveLength(8);
    expect(runs[5]).toEqual({ path: join("f", "seed-1", "gan-cls"), seed: 1, given: { ...request.given, variant: "gan-cls", seed: 1 } });
  });

  it("can be stopped, goes on where it was, and does nothing twice", async () => {
    const stopped = await reproduce(1);
    expect(stopped.result).toHaveProperty("name", "AbortError");
    const first = stopped.events.find(({ kind }) => kind === "message");
    expect(first).toHaveProperty("text", expect.stringMatching(/^expected on this adapter: about .*4 of 4 runs to train/));

    const rest = await reproduce();
    expect(rest.result).toBe(`${page}; runs and reports are in ${request.folder}`);
    // Three runs of two steps (their text encoder was kept), four style encoders of two steps.
    expect(rest.steps()).toBe(3 * 2 + 4 * 2);
    const report = join(request.folder, "seed-0", "evaluation", "report.json");
    const time = statSync(report).mtimeMs;
    const text = readFileSync(page, "utf8");
    writeFileSync(page, text.replace("FID-petalgrad", "damaged"));

    const again = await reproduce();
    expect(again.steps()).toBe(0);
    expect(statSync(report).mtimeMs).toBe(time);
    // Printed anew, the same to the letter.
    expect(readFileSync(page, "utf8")).toBe(text);

    for (const variant of ["gan", "gan-cls", "gan-int", "gan-int-cls"])
      expect(text).toMatch(new RegExp(`\\| real \\|.*\\| ${variant} \\|`));
    expect(text).toContain("npm run reproduce -- --what ablation --dataset petals --preset tiny");
    expect(text).toContain("background, by style");
    const { width, height } = PNG.sync.read(readFileSync(join(results, "petals-tiny.png")));
    // 13 columns and 6 rows of 16 pixels, two between.
    expect([width, height]).toEqual([13 * 18 + 2, 6 * 18 + 2]);
  });

  it("counts the seeds that were measured elsewhere with the same settings, and no others", async () => {
    const kept = (seed: number) => join(results, `petals-tiny-seed-${seed}.json`);
    interface Kept {
      settings: Record<string, unknown>;
      seed: number;
      report: Report;
    }
    const own = JSON.parse(readFileSync(kept(0), "utf8")) as Kept;
    const { columns } = own.report;
    const gan = columns.findIndex(({ label }) => label === "gan ema");
    const fid = columns[gan]!.values["fid.train"]!.value;
    const shifted = columns.map((c, i) => (i === gan ? { ...c, values: { ...c.values, "fid.train": { value: fid + 200 } } } : c));
    const elsewhere = { ...own, seed: 1, report: { ...own.report, columns: shifted } };
    writeFileSync(kept(1), JSON.stringify(elsewhere));
    writeFileSync(kept(2), JSON.stringify({ ...elsewhere, seed: 2, settings: { ...own.settings, steps: 3 } }));
    expect((await reproduce()).steps()).toBe(0);
    const text = readFileSync(page, "utf8");
    expect(text).toContain("2 seeds (means ± sample deviations over them)");
    expect(text).toContain("--seeds 2 --style-steps 2");
    const line = text.split("\n").find((l) => l.includes("FID-petalgrad, training"))!;
    expect(line.split("|")[4]).toContain("± 141");
    expect(line.split("|")[2]).not.toContain("±");
    expect(text).toContain("all of seed 0, from the same noise");

    // A variant alone joins what there is of its seed, and nothing else of the seed is lost.
    const alone = await reproduce(Infinity, { seeds: [1], variants: ["gan-cls"] });
    // Its seed's text encoder, itself, its style encoder.
    expect(alone.steps()).toBe(1 + 2 + 2);
    const joined = (JSON.parse(readFileSync(kept(1), "utf8")) as Kept).report.columns;
    expect(joined.find(({ label }) => label === "gan ema")).toEqual(shifted[gan]);
    const changed = joined.find(({ label }) => label === "gan-cls ema")!;
    expect(changed).not.toEqual(columns.find(({ label }) => label === "gan-cls ema"));
    writeFileSync(kept(1), JSON.stringify({ ...elsewhere, report: { ...own.report, columns: [changed] } }));
    await reproduce(Infinity, { seeds: [1], variants: ["gan-cls"] });
    const partly = readFileSync(page, "utf8");
    expect(partly).toContain("2 seeds (1 of gan, 1 of gan-int, 1 of gan-int-cls, means ± sample deviations over them)");
    expect(partly).toContain("images each of gan-cls, all of seed 1");
    expect(partly).toContain("| real | noise | gan | gan-cls | gan-int | gan-int-cls |");

    // Trained another way it is another ablation: a page and files beside these.
    const other = { given: { ...request.given, infoWeight: 1 }, variants: ["gan" as const], folder: join(folder, "other") };
    await reproduce(Infinity, other);
    expect(readFileSync(page, "utf8")).toBe(partly);
    const both = readFileSync(join(results, "petals-tiny-info-weight-1.md"), "utf8");
    expect(both).toContain("# GAN on petals, preset tiny, --info-weight 1\n");
    expect(both).toContain("--preset tiny --steps 2 --text-steps 1 --info-weight 1 --variant gan --seeds 1");
    expect(readdirSync(results)).toContain("petals-tiny-info-weight-1-seed-0.json");

    writeFileSync(kept(1), "{");
    expect((await reproduce()).result).toHaveProperty(
      "message",
      expect.stringContaining("seed-1.json is no report of an ablation, or damaged"),
    );
  });
});

describe("several seeds", () => {
  it("become means and deviations", () => {
    const report = (value: number, more = {}, label = "gan ema"): Report => ({
      ...{ dataset: "petals", samples: 20, seed: 1, curves: [], notes: [] },
      columns: [{ label, values: { zeroShot: { value }, ...more } }],
    });
    expect(overSeeds([report(1), report(3, { "fid.train": { value: 5, deviation: 2 } })])).toEqual([
      {
        label: "gan ema",
        values: { zeroShot: { value: 2, deviation: expect.closeTo(Math.SQRT2, 12) as number }, "fid.train": { value: 5, deviation: 2 } },
      },
    ]);
    // Real images' column, which no seed touches: an older report lacks a measure.
    const measured = { checkerboard: { value: 5 } };
    expect(overSeeds([report(4, {}, "real"), report(4, measured, "real")])[0]!.values).toEqual({ zeroShot: { value: 4 }, ...measured });
    expect(overSeeds([report(4)])[0]!.values.zeroShot).toEqual({ value: 4 });
    // Of variants that no seed was measured of, there is nothing to say.
    expect(seedsText([report(4), report(4)])).toBe("2 seeds (means ± sample deviations over them)");
  });
});
