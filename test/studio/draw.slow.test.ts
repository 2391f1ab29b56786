/** The room Draw, used as a person would. */
import { readFileSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import { sample } from "../../src/drawing/sample.js";
import { readGan } from "../../src/train/gan/model-file.js";
import { device as testDevice } from "../device.js";
import { describeInBrowser, openBrowser, pixelsOf, screenshot, staticHost, visit } from "./browser.js";

const file = readFileSync("test/fixtures/earlier/model-399d622.safetensors");

const drawn = (page: Page): Promise<number[][]> => pixelsOf(page, ".results canvas.pixels");

/** Waits until so many images are drawn. */
const wait = (page: Page, images: number) =>
  page.waitForFunction((n) => document.querySelectorAll(".results canvas.pixels").length === n, images);

describeInBrowser("the room Draw", () => {
  let browser: Browser;
  let address: string;
  beforeAll(async () => {
    browser = await openBrowser();
    const host = await staticHost({
      "models/petals.safetensors": file,
      "models/flowers.safetensors": file,
      "models/broken.safetensors": file.subarray(0, 5000),
    });
    address = host.address;
    afterAll(() => host.server.close());
  });

  it("draws what Node draws for the same model, sentences and seed; the link brings it back; nothing leaves the origin", async () => {
    const { page, context, foreign, errors } = await visit(browser, address);
    await wait(page, 12);
    const texts = ["a flower with red petals", "yellow petals"];
    await page.getByLabel("Sentences").fill(texts.join("\n"));
    await page.getByLabel("Images of each").fill("2");
    await page.getByLabel("Seed", { exact: true }).fill("7");
    await page.getByRole("button", { name: "Draw" }).click();
    await wait(page, 4);

    const device = await testDevice();
    const drawing = new DrawingModel(device, await readGan(file, "model"));
    const images = await sample(drawing, texts, { count: 2, seed: 7 });
    drawing.destroy();
    const [seen, each] = [await drawn(page), images.length / 4];
    const plane = each / 3;
    let worst = 0;
    for (let i = 0; i < 4; i++)
      for (let p = 0; p < plane; p++)
        for (let c = 0; c < 3; c++)
          worst = Math.max(worst, Math.abs(seen[i]![3 * p + c]! - (images[i * each + c * plane + p]! + 1) * 127.5));
    // Half a grey level is rounding; 1e-3 of the range −1 to 1 is an eighth of one.
    expect(worst).toBeLessThan(0.5 + 0.13);

    const again = await context.newPage();
    await again.goto(page.url());
    await wait(again, 4);
    expect(await drawn(again)).toEqual(seen);

    // The seed stays as long as it is to be kept.
    const seed = again.getByLabel("Seed", { exact: true });
    await again.getByRole("button", { name: "Draw" }).click();
    await wait(again, 4);
    expect(await seed.inputValue()).toBe("7");
    await again.getByLabel("Keep the seed").uncheck();
    await again.getByRole("button", { name: "Draw" }).click();
    await expect.poll(() => seed.inputValue()).not.toBe("7");
    await wait(again, 4);
    expect(await drawn(again)).not.toEqual(seen);
    expect(foreign).toEqual([]);
    expect(errors).toEqual([]);
    await context.close();
  });

  it("says what it does not read, takes any language, and keeps its model when a file is wrong", async () => {
    const { page, context } = await visit(browser, address);
    await wait(page, 12);
    await page.getByLabel("Sentences").fill(`פרח red\n${"petals ".repeat(60)}`);
    await expect.poll(() => page.locator(".notes li").count()).toBe(2);
    expect(await page.locator(".notes mark").allTextContents()).toEqual(["פ", "ר", "ח"]);
    expect(await page.locator(".notes li").nth(1).textContent()).toContain("Only the first 201 characters are read.");
    await page.setInputFiles("input[type=file]", { name: "cat.png", mimeType: "image/png", buffer: Buffer.from("no model") });
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("cat.png");
    expect(await page.locator(".model-name").textContent()).toContain("petals.safetensors");
    await page.getByRole("button", { name: "By address" }).click();
    await page.getByLabel("Address of a model").fill("models/broken.safetensors");
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("broken.safetensors");
    await context.close();
  });

  it("opens another model of the box, and its link brings that one back", async () => {
    const { page, context } = await visit(browser, address);
    await wait(page, 12);
    expect(await page.getByRole("button", { name: "Petals", exact: true }).count()).toBe(0);
    await page.getByRole("button", { name: "Flowers", exact: true }).click();
    await page.locator(".model-name", { hasText: "flowers.safetensors" }).waitFor();
    await page.getByRole("button", { name: "Petals", exact: true }).waitFor();
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await page.waitForURL(/flowers/);
    const again = await context.newPage();
    const fetched: string[] = [];
    again.on("request", (request) => request.method() === "GET" && fetched.push(request.url()));
    await again.goto(page.url());
    await again.locator(".model-name", { hasText: "flowers.safetensors" }).waitFor();
    expect(fetched.filter((url) => url.endsWith("petals.safetensors"))).toEqual([]);
    await context.close();
  });

  it("takes a link that is pasted into the tab: its model, its sentences, its seed", async () => {
    const { page, context } = await visit(browser, address);
    await wait(page, 12);
    await page.evaluate(() => (location.hash = "#/draw?text=a+white+flower&seed=7&count=2"));
    await wait(page, 2);
    expect(await page.getByLabel("Seed", { exact: true }).inputValue()).toBe("7");
    await page.evaluate(() => (location.hash = "#/draw?model=models/flowers.safetensors&text=a+blue+flower&seed=8&count=3"));
    await page.locator(".model-name", { hasText: "flowers.safetensors" }).waitFor();
    await wait(page, 3);
    expect(await page.getByRole("textbox").first().inputValue()).toBe("a blue flower");
    await context.close();
  });

  it("draws with the first model of the box, and says why, where a link's cannot be had", async () => {
    const { page, context } = await visit(browser, `${address}#/draw?model=models/none.safetensors&text=red+petals&count=4`);
    await wait(page, 4);
    expect(await page.getByRole("alert").textContent()).toContain("none.safetensors");
    expect(await page.locator(".model-name").textContent()).toContain("petals.safetensors");
    await context.close();
  });

  it("keeps the model that was opened last, though an earlier one comes later", async () => {
    const { page, context } = await visit(browser, address);
    await context.route("**/petals.safetensors", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await route.continue();
    });
    // The page first asks by HEAD whether the host has it.
    const slow = page.waitForResponse(
      (response) => response.url().endsWith("/petals.safetensors") && response.request().method() === "GET",
    );
    await page.reload();
    await page.setInputFiles("input[type=file]", { name: "mine.safetensors", mimeType: "", buffer: file });
    await page.locator(".model-name", { hasText: "mine.safetensors" }).waitFor();
    await (await slow).finished();
    await wait(page, 12);
    expect(await page.locator(".model-name").textContent()).toContain("mine.safetensors");
    await context.close();
  });

  it("has no serious fault for axe, in light and dark, at a phone's width", async () => {
    const { page, context } = await visit(browser, address, { viewport: { width: 390, height: 800 } });
    await wait(page, 12);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      await screenshot(page, `draw-${colorScheme}`);
    }
    await context.close();
  });

  it("survives the loss of the GPU process", async () => {
    const { page, context } = await visit(browser, address);
    await wait(page, 12);
    const session = await browser.newBrowserCDPSession();
    await session.send("Browser.crashGpuProcess").catch(() => undefined);
    await page.getByLabel("Images of each").fill("1");
    await page.getByRole("button", { name: "Draw" }).click();
    await wait(page, 2);
    await context.close();
  });
});

describeInBrowser("a browser without an adapter", () => {
  it("is told so in one sentence", async () => {
    const browser = await openBrowser({ webgpu: false });
    const { address, server } = await staticHost({ "models/petals.safetensors": file });
    const { page } = await visit(browser, address);
    await expect
      .poll(() => page.getByRole("alert").first().textContent())
      .toMatch(/^The browser found no graphics adapter|^This browser has no WebGPU/);
    server.close();
  });
});
