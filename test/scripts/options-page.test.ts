/** The reference page of options is what the tables say. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { OPTIONS_PAGE, optionsPage } from "../../scripts/options-page.js";
import { flagName } from "../../src/option-spec.js";
import { TRAIN_OPTIONS } from "../../src/train/gan/options.js";

it("is up to date (npm run docs:options makes it anew)", async () => {
  expect(readFileSync(OPTIONS_PAGE, "utf8")).toBe(await optionsPage());
});

it("has every option of train, and the paper's place where there is one", async () => {
  const page = await optionsPage();
  const train = page.slice(page.indexOf("## petalgrad train\n"), page.indexOf("## petalgrad train-text"));
  for (const key of Object.keys(TRAIN_OPTIONS)) expect(train).toMatch(new RegExp(`^\\| \`--(no-)?${flagName(key)}[ \`]`, "m"));
  expect(train).toContain(
    "| `--interp-beta X` from 0 to 1 | 0.5 | share of the first text in the mixture of type 1 | section 4.3, equation 5: β = 0.5 |",
  );
});
