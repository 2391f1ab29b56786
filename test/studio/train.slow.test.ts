/** The room Train, used as a person would: every run of this file has the same options, so that all must end with the same bits. */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { strFromU8, unzipSync, zipSync } from "fflate";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import { sample } from "../../src/drawing/sample.js";
import { Sha256 } from "../../src/formats/sha256.js";
import { train } from "../../src/node/train.js";
import { readGan } from "../../src/train/gan/model-file.js";
import { withoutHooks } from "../../src/train/run/events.js";
import { device as testDevice } from "../device.js";
import { describeInBrowser, openBrowser, staticHost, visit, type Visit } from "./browser.js";
import { button, finished, pauseInTheMiddle, saved, start } from "./train-room.js";

const sha256 = (bytes: Uint8Array): string => new Sha256().update(bytes).hex();

/** A file of a run's archive. */
const fileIn = (archive: Uint8Array, file: string): Uint8Array =>
  Object.entries(unzipSync(archive)).find(([name]) => name.endsWith(`/${file}`))![1];

/** The steps that a run has lines of, in their order. */
const ganSteps = (metrics: Uint8Array): number[] =>
  strFromU8(metrics)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { stage: string; step: number })
    .flatMap(({ stage, step }) => (stage === "GAN" ? [step] : []));

describeInBrowser("the room Train", () => {
  let browser: Browser;
  let address: string;
  let tab: Visit;
  /** Of the run that nothing interrupted. */
  let model: Uint8Array;
  beforeAll(async () => {
    browser = await openBrowser();
    const host = await staticHost({ "models/petals.safetensors": readFileSync("test/fixtures/earlier/model-399d622.safetensors") });
    address = `${host.address}#/train`;
    afterAll(() => host.server.close());
    tab = await visit(browser, address);
    tab.page.setDefaultTimeout(150_000);
  });

  it("trains tiny for 20 steps, with curves, a grid to slide over, and no serious fault for a screen reader", async () => {
    const { page } = tab;
    await start(page, "straight");
    await finished(page);
    model = await saved(page, "Save model.safetensors");
    const table = page.locator(".chart-numbers").first();
    const lines = strFromU8(fileIn(await saved(page, "Save as a run"), "metrics.jsonl"))
      .trim()
      .split("\n");
    const { lossD, lossG } = JSON.parse(lines.at(-1)!) as { lossD: number; lossG: number };
    for (const [name, loss] of [
      ["discriminator", lossD],
      ["generator", lossG],
    ] as const)
      expect(await table.getByRole("row", { name: new RegExp(`^${name} 20 .* ${Number(loss.toPrecision(4))}$`) }).count()).toBe(1);
    const slider = page.getByLabel(/^Samples of step/);
    await slider.focus();
    await page.keyboard.press("ArrowLeft");
    await page.locator("canvas[data-step='10']").waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(
      violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => [id, nodes[0]?.html]),
    ).toEqual([]);
  });

  it("goes on after a reload between D's step and G's, with the bits of the run that nothing interrupted", async () => {
    const { page, context } = tab;
    await start(page, "reloaded");
    await pauseInTheMiddle(page);
    await button(page, "D step").click();
    await page.getByText("Paused after D’s step").waitFor();
    const other = await context.newPage();
    await other.goto(page.url());
    await other.getByText(/: trained in another tab/).waitFor();
    expect(await button(other, "Go on").isDisabled()).toBe(true);
    await other.close();
    await page.reload();
    await page
      .locator(".run")
      .getByText(/stopped at step \d+ \(checkpoint\)/)
      .waitFor();
    await button(page, "Go on").click();
    await finished(page);
    expect(sha256(await saved(page, "Save model.safetensors"))).toBe(sha256(model));
  });

  it("survives the death of the GPU process, with the same bits", async () => {
    const { page } = tab;
    await start(page, "crashed");
    await pauseInTheMiddle(page);
    const cdp = await browser.newBrowserCDPSession();
    await cdp.send("Browser.crashGpuProcess").catch(() => undefined);
    await button(page, "Go on").click();
    await page
      .getByText(/going on with a new one/)
      .first()
      .waitFor({ state: "attached" });
    await finished(page);
    expect(sha256(await saved(page, "Save model.safetensors"))).toBe(sha256(model));
  });

  it("says that the storage is full, and goes on with the same bits once there is room", async () => {
    const { page, context } = tab;
    await start(page, "full");
    await pauseInTheMiddle(page);
    // D's half and G's half of a step are that step, and neither is more.
    const step = Number(/step (\d+) of/.exec(await page.locator(".now").innerText())![1]);
    await button(page, "D step").click();
    await page.getByText("Paused after D’s step").waitFor();
    const told = await page.locator(".scalars").innerText();
    expect(told).toContain("D’s loss");
    expect(told).not.toContain("G’s loss");
    await button(page, "G step").click();
    await page.getByText(`step ${step + 1} of 20`).waitFor();
    await page.getByText("Paused", { exact: true }).waitFor();
    const cdp = await context.newCDPSession(page);
    const { origin } = new URL(address);
    await cdp.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    try {
      await button(page, "Go on").click();
      await page
        .getByRole("alert")
        .getByText(/^The browser's storage for this page is full: delete runs, or free disk space/)
        .waitFor();
      await page
        .locator(".run")
        .getByText(`stopped at step ${Math.floor((step + 1) / 5) * 5} (checkpoint)`)
        .waitFor();
    } finally {
      await cdp.send("Storage.overrideQuotaForOrigin", { origin });
    }
    await button(page, "Go on").click();
    await finished(page);
    expect(sha256(await saved(page, "Save model.safetensors"))).toBe(sha256(model));
    expect(ganSteps(fileIn(await saved(page, "Save as a run"), "metrics.jsonl"))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it("gives Node a run to go on with, and goes on with Node's", async () => {
    const { page } = tab;
    const folder = mkdtempSync(join(tmpdir(), "petalgrad-"));
    try {
      const files = unzipSync(await saved(page, "Save as a run"));
      const [run] = new Set(Object.keys(files).map((name) => name.split("/")[0]!));
      for (const [name, bytes] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), bytes);
      }
      const path = join(folder, run!);
      expect(await train({ given: { steps: 22 }, resume: path }, withoutHooks())).toMatchObject({ end: "finished", step: 22 });
      const names = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));
      const zip = zipSync(Object.fromEntries(names.map((name) => [`from-node/${name}`, new Uint8Array(readFileSync(join(path, name)))])));
      await page.locator("input[accept='.zip']").setInputFiles({ name: "run.zip", mimeType: "application/zip", buffer: Buffer.from(zip) });
      await page.getByText(/The run is here as from-node-1/).waitFor();
      await page.getByLabel("To step").fill("24");
      await button(page, "Go on").click();
      await finished(page, 24);
      const back = unzipSync(await saved(page, "Save as a run"));
      expect(ganSteps(back["from-node-1/metrics.jsonl"]!)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("lays runs over each other, keeps names and notes, and deletes only who was asked", async () => {
    const { page } = tab;
    await page.getByRole("link", { name: "straight" }).click();
    await page.getByText("Name and notes").click();
    await page.getByLabel("Notes").fill("the first");
    await page.getByLabel("Notes").blur();
    await page.getByRole("cell", { name: "the first" }).waitFor();
    for (const name of ["straight", "reloaded"]) await page.getByLabel(`Compare ${name}`).check();
    expect(await page.locator(".compared .chart-legend").first().getByRole("button").count()).toBe(2);
    // A phone shows all of it without sliding sideways; only the table may.
    await page.setViewportSize({ width: 390, height: 800 });
    await page.waitForFunction(() => document.querySelector(".compared .chart-plot canvas")!.clientWidth < 390);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.setViewportSize({ width: 1200, height: 900 });
    const rows = page.locator(".runs tbody tr");
    const before = await rows.count();
    await page.getByRole("link", { name: "reloaded" }).click();
    await button(page, "Delete …").click();
    await button(page, "Keep it").click();
    await button(page, "Delete …").click();
    await button(page, "Delete it for good").click();
    await page.waitForFunction((n) => document.querySelectorAll(".runs tbody tr").length === n, before - 1);
    expect(await page.getByRole("link", { name: "reloaded" }).count()).toBe(0);
  });

  it("draws with the model what Node draws with it", async () => {
    const { page, foreign, errors } = tab;
    await page.getByRole("link", { name: "straight" }).click();
    await button(page, "Draw with it").click();
    await page.getByRole("heading", { level: 1, name: "Draw" }).waitFor();
    await page.getByText("straight").waitFor();
    const texts = ["a flower with red petals"];
    await page.getByLabel("Sentences").fill(texts[0]!);
    await page.getByLabel("Images of each").fill("3");
    await page.getByLabel("Seed", { exact: true }).fill("5");
    await button(page, "Draw").click();
    await page.waitForFunction(() => document.querySelectorAll(".results canvas.pixels").length === 3);
    const seen = await page.$$eval(".results canvas.pixels", (canvases) =>
      canvases.map((canvas) => [...(canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, 16, 16).data]),
    );
    const drawing = new DrawingModel(await testDevice(), await readGan(model, "model"));
    const images = await sample(drawing, texts, { count: 3, seed: 5 });
    drawing.destroy();
    let worst = 0;
    for (let i = 0; i < 3; i++)
      for (let p = 0; p < 256; p++)
        for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(seen[i]![4 * p + c]! - (images[768 * i + 256 * c + p]! + 1) * 127.5));
    // Half a grey level is rounding; 1e-3 of the range −1 to 1 is an eighth of one.
    expect(worst).toBeLessThan(0.5 + 0.13);
    expect(foreign).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("says in one sentence why a file is no run", async () => {
    const page = tab.page;
    await page.goto(address);
    const choose = page.locator("input[accept='.zip']");
    await choose.setInputFiles({ name: "a.zip", mimeType: "application/zip", buffer: Buffer.from("no archive") });
    await page
      .getByRole("alert")
      .getByText(/^a\.zip is no sound zip archive/i)
      .waitFor();
    const zip = Buffer.from(zipSync({ "x/readme.txt": new Uint8Array(3) }));
    await choose.setInputFiles({ name: "b.zip", mimeType: "application/zip", buffer: zip });
    await page.getByRole("alert").getByText("There is no run in b.zip: no config.json").waitFor();
  });
});
