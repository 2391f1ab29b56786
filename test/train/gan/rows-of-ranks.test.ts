/** Ranks that would have too few rows each are refused before anything is done. */
import { expect, it } from "vitest";
import { UserError } from "../../../src/errors.js";
import type { GivenOptions } from "../../../src/train/gan/options.js";
import { trainGan } from "../../../src/train/gan/session.js";
import { MemoryStore } from "../../../src/train/run/store.js";
import { ALONE } from "../../../src/train/run/world.js";

it.each<[GivenOptions, string]>([
  [{ variant: "gan-int" }, "--batch 4 gives each of 4 ranks 1 rows, and gan-int needs an even number"],
  [{ variant: "gan", diversityWeight: 5 }, "--batch 4 gives each of 4 ranks one row, and --diversity-weight compares two"],
])("%j", async (given, message) => {
  const dataset = () => Promise.reject(new Error("no data was to be opened"));
  const training = trainGan({
    given: { preset: "tiny", batch: 4, ...given },
    store: new MemoryStore(),
    dataset,
    world: { ...ALONE, size: 4 },
  });
  await expect(training).rejects.toThrow(UserError);
  await expect(training).rejects.toThrow(message);
});
