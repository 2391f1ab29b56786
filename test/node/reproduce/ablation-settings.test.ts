/** An ablation's settings are spelt as the reports that are kept beside the page of results spell them, but for the recipe. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { changesOf } from "../../../src/node/reproduce/ablation-changes.js";
import { keptReports, settingsOf } from "../../../src/node/reproduce/ablation-reports.js";

it("spells settings as the kept reports do, which do not count since recipes have changed the defaults", () => {
  const name = "petals-small-discriminator-batches-joint-minibatch-deviation-on-info-weight-1";
  const kept = JSON.parse(readFileSync(`docs/results/${name}-seed-0.json`, "utf8")) as { settings: { textEncoder: string } };
  const given = {
    ...({ dataset: "petals", preset: "small", steps: 8000 } as const),
    ...({ discriminatorBatches: "joint", minibatchDeviation: true, infoWeight: 1 } as const),
  };
  const { textEncoder } = kept.settings;
  const settings = { ...settingsOf({ given, styleSteps: 1500, samples: 1000, zeroShot: true }), textEncoder };
  expect(settings).toEqual({ ...kept.settings, recipe: "petalgrad" });
  expect(keptReports("docs/results", name, settings).size).toBe(0);
  expect(keptReports("docs/results", name, kept.settings).size).toBe(2);
  expect(["petals-small", ...changesOf(given).map(([flag, value]) => `${flag}-${value}`)].join("-")).toBe(name);
});
