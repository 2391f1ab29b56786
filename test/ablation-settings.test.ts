/** An ablation's settings are spelt as the reports that are kept beside the page of results spell them: else those would no longer count. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { changesOf } from "../src/node/reproduce/ablation-changes.js";
import { settingsOf } from "../src/node/reproduce/ablation-reports.js";

it("finds the kept reports of minibatch deviation again, by name and by settings", () => {
  const name = "petals-small-discriminator-batches-joint-minibatch-deviation-on-info-weight-1";
  const kept = JSON.parse(readFileSync(`docs/results/${name}-seed-0.json`, "utf8")) as { settings: { textEncoder: string } };
  const given = {
    ...({ dataset: "petals", preset: "small", steps: 8000 } as const),
    ...({ discriminatorBatches: "joint", minibatchDeviation: true, infoWeight: 1 } as const),
  };
  const { textEncoder } = kept.settings;
  expect({ ...settingsOf({ given, styleSteps: 1500, samples: 1000, zeroShot: true }), textEncoder }).toEqual(kept.settings);
  expect(["petals-small", ...changesOf(given).map(([flag, value]) => `${flag}-${value}`)].join("-")).toBe(name);
});
