/** What a person does in the room Train: all runs of the tests have the same options. */
import { readFileSync } from "node:fs";
import type { Download, Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** A button by its whole name. */
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

/** The form of a new run, which is shut while there are runs. */
export async function openForm(page: Page): Promise<Locator> {
  const form = page.locator(".new-run");
  if ((await form.getAttribute("open")) === null) await form.getByRole("heading").click();
  return form;
}

/** Types the options that all runs here have, and starts. */
export async function start(page: Page, name: string, textForm = ""): Promise<void> {
  const form = await openForm(page);
  const more = form.locator("details", { hasText: "More options" });
  if ((await more.getAttribute("open")) === null) await more.getByText("More options").click();
  const given = { Name: name, Steps: 20, Batch: 4, "Text steps": 4, "Sample every": 10, "Checkpoint every": 5 };
  for (const [label, value] of Object.entries(given)) await form.getByLabel(label, { exact: true }).fill(String(value));
  await form.getByRole("combobox", { name: "Text form", exact: true }).selectOption(textForm);
  await button(page, "Start").click();
}

/** Presses Pause as soon as the GAN has begun, then goes to step 6 at least: a checkpoint is behind it, and the end is not near. */
export async function pauseInTheMiddle(page: Page): Promise<void> {
  await page.evaluate(() => {
    const press = (): void => {
      const now = document.querySelector(".now")?.textContent ?? "";
      const pause = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "Pause");
      if (/GAN, step/.test(now) && pause) pause.click();
      else requestAnimationFrame(press);
    };
    press();
  });
  await page.getByText("Paused", { exact: true }).waitFor();
  const step = async () => Number(/step (\d+) of/.exec(await page.locator(".now").innerText())?.[1]);
  for (let before = await step(); before < 6; before = await step()) {
    await button(page, "One step").click();
    await page.getByText(`step ${before + 1} of 20`).waitFor();
  }
  expect(await step()).toBeLessThan(20);
}

export const finished = (page: Page, step = 20) => page.getByText(`Finished, at step ${step}.`).waitFor();

/** What a button gives to save. */
export async function saved(page: Page, name: string): Promise<Uint8Array> {
  const [download]: [Download, void] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
  return new Uint8Array(readFileSync(await download.path()));
}
