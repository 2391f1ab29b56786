/** The room Runs, beside trainings of other processes: the command serves it, the page follows, and what is killed shows as such. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { encodePng } from "../../src/node/files/png.js";
import { describeInBrowser, openBrowser, screenshot, staticHost, visit } from "./browser.js";

/** Above the numbers that Linux gives to processes. */
const NO_PROCESS = 2 ** 22 + 1;

const root = mkdtempSync(join(tmpdir(), "petalgrad-runs-room-"));
const runs = join(root, "runs");

const line = (step: number, lossG = 1 + 1 / step) =>
  `${JSON.stringify({ stage: "GAN", step, lossD: 1.3, lossG, real: 0.6, wrong: 0.5, fake: 0.4, imagesPerSecond: 50 })}\n`;

/** A run under way in another process: that of the tests. */
function makeRun(name: string, steps: number, options: object = {}): string {
  const folder = join(runs, name);
  cpSync("test/fixtures/earlier/run/config.json", join(folder, "config.json"));
  const config = {
    about: { adapter: "a" },
    options: { dataset: "petals", preset: "tiny", variant: "gan-int-cls", steps: 500, ...options },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "metrics.jsonl"), Array.from({ length: steps }, (_, i) => line(i + 1)).join(""));
  writeFileSync(join(folder, "lock.json"), JSON.stringify({ process: process.pid, machine: hostname() }));
  return folder;
}

function addSample(folder: string, step: number): void {
  const name = join(folder, "samples", `step-${String(step).padStart(6, "0")}`);
  mkdirSync(join(folder, "samples"), { recursive: true });
  writeFileSync(`${name}.txt`, "a flower with red petals\nyellow petals\n");
  writeFileSync(`${name}.png`, encodePng({ width: 8, height: 4, pixels: new Uint8Array(8 * 4 * 3).fill(step % 256) }));
}

/** The cells of a run's row. */
const rowOf = (page: Page, name: string) => page.locator(".runs-table tbody tr", { has: page.getByText(name, { exact: true }) });
const cell = async (page: Page, name: string, column: number) => (await rowOf(page, name).locator("td").nth(column).innerText()).trim();
const waitFor = async (look: () => Promise<unknown>, wanted: unknown) => {
  await expect.poll(look, { timeout: 20_000, interval: 50 }).toEqual(wanted);
};

describeInBrowser("the room Runs", () => {
  let browser: Browser;
  let studio: ChildProcess;
  let address: string;
  let fixed: string;
  let live: string;

  beforeAll(async () => {
    live = makeRun("petals-1", 40);
    const other = makeRun("petals-2", 60, { variant: "gan", learningRate: 0.001 });
    mkdirSync(join(other, "checkpoint"));
    writeFileSync(join(other, "checkpoint", "step-000050.safetensors"), "");
    copyFileSync("test/fixtures/earlier/model-399d622.safetensors", join(other, "model.safetensors"));
    addSample(other, 10);
    addSample(other, 50);
    browser = await openBrowser();
    // Builds the page, too.
    const host = await staticHost();
    fixed = host.address;
    // Where its user would start it: beside `runs`.
    const words = ["--import", import.meta.resolve("tsx"), fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)), "studio"];
    studio = spawn(process.execPath, words, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    for await (const text of createInterface({ input: studio.stdout! })) {
      address = /^studio: (http\S+)$/.exec(text)?.[1] ?? "";
      if (address !== "") break;
    }
    return () => {
      studio.kill("SIGKILL");
      host.server.close();
      rmSync(root, { recursive: true, force: true });
    };
  });

  it("follows a training of another process without being loaded again, and shows when it is killed", async () => {
    const { page, context, foreign } = await visit(browser, `${address}#/runs`);
    await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    await page.getByText("The runs under runs, live while they train.").waitFor();
    await waitFor(() => cell(page, "petals-1", 3), "40 / 500");
    expect(await cell(page, "petals-1", 4)).toBe("training");
    expect(await cell(page, "petals-2", 0)).toBe("gan");
    await page.evaluate(() => ((globalThis as { mark?: boolean }).mark = true));
    await page.getByRole("checkbox", { name: "petals-2" }).setChecked(false);
    await page.getByRole("checkbox", { name: "petals-1" }).setChecked(true);
    const generator = page.locator(".chart-numbers", { hasText: "Loss" }).first().locator("tr", { hasText: "generator" }).locator("td");
    await waitFor(() => generator.allInnerTexts(), ["40", "2", "1.025", "2", "1.025"]);
    appendFileSync(join(live, "metrics.jsonl"), line(41, 7.5));
    await waitFor(() => cell(page, "petals-1", 3), "41 / 500");
    expect(await cell(page, "petals-1", 5)).toBe("D 1.300, G 7.500");
    await waitFor(() => generator.allInnerTexts(), ["41", "2", "1.025", "7.5", "7.5"]);
    addSample(live, 41);
    await page.getByAltText("Sample grid of petals-1 at step 41").waitFor();
    await page.getByText("Sentences of its rows").click();
    await page.getByText("yellow petals").waitFor();
    writeFileSync(join(live, "lock.json"), JSON.stringify({ process: NO_PROCESS, machine: hostname() }));
    await waitFor(() => cell(page, "petals-1", 4), "killed");
    await page.getByText("It ended at step 41 without saving, and it has no checkpoint yet.").waitFor();
    expect(await page.evaluate(() => (globalThis as { mark?: boolean }).mark)).toBe(true);
    expect(foreign).toEqual([]);
    await context.close();
  });

  it("lays the curves of two runs over each other, shows what differs, and is brought back by its link", async () => {
    addSample(live, 41);
    const { page, context } = await visit(browser, `${address}#/runs?run=petals-2`);
    await page.getByRole("checkbox", { name: "petals-1" }).check();
    await page.getByRole("heading", { name: "Loss: generator" }).waitFor();
    const lines = page.locator(".chart-legend").nth(1).getByRole("button");
    await waitFor(async () => (await lines.allInnerTexts()).map((text) => text.split(/\s/)[0]), ["petals-2", "petals-1"]);
    const differs = page.locator(".runs-options tbody tr");
    expect((await differs.allInnerTexts()).map((text) => text.split(/\s+/))).toEqual([
      ["--variant", "gan", "gan-int-cls"],
      ["--learning-rate", "0.001", "–"],
    ]);
    // One slider for both: the newest grid of each up to its step.
    const slider = page.getByRole("region", { name: "Samples" }).getByRole("slider");
    await slider.fill("1");
    await page.getByAltText("Sample grid of petals-1 at step 41").waitFor();
    await page.getByAltText("Sample grid of petals-2 at step 10").waitFor();
    await slider.press("End");
    await page.getByAltText("Sample grid of petals-2 at step 50").waitFor();
    await page.getByLabel("Smoothing").fill("0.6");
    expect(new URL(page.url()).hash).toBe("#/runs?run=petals-2&run=petals-1&smooth=0.6");
    await screenshot(page, "runs-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await screenshot(page, "runs-dark");
    const again = await context.newPage();
    await again.goto(page.url());
    await waitFor(
      async () => (await again.locator(".runs-card h2").allInnerTexts()).map((text) => text.split(/\s/)[0]),
      ["petals-2", "petals-1"],
    );
    expect(await again.getByLabel("Smoothing").inputValue()).toBe("0.6");
    await context.close();
  });

  it("opens a run's model in Draw", async () => {
    const { page, context } = await visit(browser, `${address}#/runs?run=petals-2`);
    await page.getByRole("button", { name: "Open in Draw" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".results canvas.pixels").length > 0);
    expect(await page.locator(".model-name").innerText()).toContain("model.safetensors");
    await context.close();
  });

  it("has no serious fault of access, works at phone width and by keyboard", async () => {
    const { page, context } = await visit(browser, `${address}#/runs?run=petals-2&run=petals-1`, { viewport: { width: 390, height: 800 } });
    await page.getByRole("heading", { name: "Loss: generator" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(
      violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => [id, nodes[0]?.html]),
    ).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await screenshot(page, "runs-phone");
    await page.getByRole("checkbox", { name: "petals-1" }).focus();
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "Loss", exact: true }).waitFor();
    await context.close();
  });

  it("says when the server has gone, which Ctrl-C ends at once", async () => {
    const { page, context } = await visit(browser, `${address}#/runs`);
    await rowOf(page, "petals-2").waitFor();
    const begun = performance.now();
    studio.kill("SIGINT");
    expect(await once(studio, "exit")).toEqual([0, null]);
    expect(performance.now() - begun).toBeLessThan(2000);
    await page.getByText("The studio's server does not answer").waitFor();
    await context.close();
  });

  it("has no door on a static host, which is asked for nothing of it", async () => {
    const { page, context } = await visit(browser, fixed);
    const asked: string[] = [];
    context.on("request", (request) => asked.push(request.url()));
    await page.goto(`${fixed}#/runs`);
    await page.reload();
    await page.getByRole("link", { name: "Draw" }).waitFor();
    expect(await page.getByRole("link", { name: "Runs" }).count()).toBe(0);
    expect(asked.filter((url) => url.includes("/api"))).toEqual([]);
    await context.close();
  });
});
