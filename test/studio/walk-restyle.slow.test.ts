/** The rooms Walk and Restyle, used as a person would. */
import { readFileSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { PNG } from "pngjs";
import sharp from "sharp";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { photoImage } from "../../src/data/photo.js";
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import { interpolate } from "../../src/drawing/interpolate.js";
import { restyle } from "../../src/drawing/restyle.js";
import { StyledModel } from "../../src/drawing/styled-model.js";
import { readGan } from "../../src/train/gan/model-file.js";
import { joined } from "../../src/tensor/rows.js";
import { networkDigest } from "../../src/train/run/network-file.js";
import { encodeStyle, readStyle } from "../../src/train/style/file.js";
import { device } from "../device.js";
import { tinyStyle } from "../node/files/tiny-run.js";
import { describeInBrowser, openBrowser, pixelsOf, screenshot, staticHost, visit } from "./browser.js";
import { loudModel } from "./loud-model.js";

/** Whose images differ by their sentences: a trained one as small as a test wants hardly knows them apart. */
const file = Buffer.from(await loudModel());
const HALF_A_LEVEL = 0.5 + 0.13;

/** The largest difference, in grey levels, between canvases of the page and images [N, 3, size, size]. */
function apart(seen: readonly number[][], images: Float32Array): number {
  const each = images.length / seen.length;
  const plane = each / 3;
  let worst = 0;
  seen.forEach((pixels, i) =>
    pixels.forEach((value, at) => {
      const wanted = (images[i * each + (at % 3) * plane + Math.floor(at / 3)]! + 1) * 127.5;
      worst = Math.max(worst, Math.abs(value - wanted));
    }),
  );
  return worst;
}

/** Bytes of the file that the page offers after a click. */
async function saved(page: Page, button: string): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

describeInBrowser("the rooms Walk and Restyle", () => {
  let browser: Browser;
  let address: string;
  beforeAll(async () => {
    browser = await openBrowser();
    const host = await staticHost({ "models/petals.safetensors": file });
    address = host.address;
    afterAll(() => host.server.close());
  });

  it("walks as Node does, plays, and saves a GIF", async () => {
    const { page, context, errors } = await visit(browser, `${address}#/walk`);
    const texts = { from: "red petals", to: "a blue flower" };
    await page.getByText("16×16").waitFor();
    await page.getByLabel("From sentence").fill(texts.from);
    await page.getByLabel("To sentence").fill(texts.to);
    await page.getByLabel("Steps").fill("3");
    await page.getByRole("combobox", { name: "Walk" }).selectOption("both");
    await page.getByRole("combobox", { name: "Path" }).selectOption("spherical");
    await page.getByRole("button", { name: "Walk", exact: true }).click();
    await page.getByRole("button", { name: "Play" }).waitFor();

    const drawing = new DrawingModel(await device(), await readGan(file, "model"));
    const styles = { from: { seed: 0 }, to: { seed: 1 } };
    const { images } = await interpolate(drawing, { texts, styles, steps: 3, path: "spherical" });
    const each = images.length / 9;
    const gap = images.slice(0, each).map((value, i) => Math.abs(value - images[2 * each + i]!));
    expect(Math.max(...gap) * 127.5).toBeGreaterThan(3);
    for (const moment of [0, 1, 2]) {
      await page.locator(".player input[type=range]").fill(String(moment));
      await page.getByText(`Step ${moment + 1} of 3`).waitFor();
      const column = [0, 3, 6].map((i) => images.slice((i + moment) * each, (i + moment + 1) * each));
      const shown = await pixelsOf(page, ".player canvas");
      expect(shown.length).toBe(3);
      shown.forEach((pixels, row) => expect(apart([pixels], column[row]!)).toBeLessThan(HALF_A_LEVEL));
    }

    await page.getByRole("button", { name: "Play" }).click();
    await page.waitForFunction(() => /Step [23] of 3/.test(document.querySelector(".player")!.textContent));
    await page.getByRole("button", { name: "Pause" }).click();
    const { name, bytes } = await saved(page, "Save (GIF)");
    expect(name).toBe("red-petals-a-blue-flower.gif");
    expect(bytes.subarray(0, 6).toString("latin1")).toBe("GIF89a");
    // There and back over three steps: four frames, each with its graphic control extension.
    expect(bytes.toString("latin1").split("\x21\xf9\x04").length - 1).toBe(4);
    // The third frame is the walk's end; a palette keeps colours to within some levels.
    const frame = await sharp(bytes, { page: 2 }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const middle = (x: number, y: number) => frame.data[3 * ((4 + y) * frame.info.width + 4 + x)]!;
    for (const at of [3, 8, 12]) expect(Math.abs(middle(at, at) - (images[2 * each + at * 16 + at]! + 1) * 127.5)).toBeLessThan(16);

    await page.getByRole("combobox", { name: "Walk" }).selectOption("noises");
    await page.getByLabel("From seed").fill("4");
    await page.getByLabel("To seed").fill("9");
    await page.getByRole("button", { name: "Walk", exact: true }).click();
    await page.getByRole("heading", { name: "All 3 images" }).waitFor();
    const ends = await interpolate(drawing, {
      texts: { at: [texts.from] },
      styles: { from: { seed: 4 }, to: { seed: 9 } },
      ...{ steps: 3, path: "spherical" },
    });
    drawing.destroy();
    await page.locator(".player input[type=range]").fill("2");
    await page.getByText("Step 3 of 3").waitFor();
    expect(apart(await pixelsOf(page, ".player canvas"), ends.images.slice(2 * each))).toBeLessThan(HALF_A_LEVEL);
    expect(errors).toEqual([]);
    expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    await screenshot(page, "walk");
    await context.close();
  });

  it("keeps what is typed before the model is there", async () => {
    const { page, context } = await visit(browser, `${address}#/walk`);
    await context.route("**/petals.safetensors", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await route.continue();
    });
    await page.reload();
    await page.getByLabel("From sentence").fill("red petals");
    expect(await page.getByText("16×16").count()).toBe(0);
    await page.getByText("16×16").waitFor();
    expect(await page.getByLabel("From sentence").inputValue()).toBe("red petals");
    expect(await page.getByLabel("To sentence").inputValue()).not.toBe("");
    await context.close();
  });

  it("restyles a photograph as Node does, with a style encoder opened beside, and stops refining when asked", async () => {
    const model = await readGan(file, "model");
    const { imageSize } = model.generator.options;
    const style = await tinyStyle(model.generator.options);
    const encoder = await encodeStyle({ style, generator: await networkDigest(model.generator), kind: "ema" });
    const photo = new PNG({ width: 40, height: 30 });
    photo.data.forEach((_, i) => (photo.data[i] = i % 4 === 3 ? 255 : (i * 7 + (i >> 5)) % 256));
    const other = new PNG({ width: 20, height: 20 });
    other.data.forEach((_, i) => (other.data[i] = i % 4 === 3 ? 255 : i % 256));

    const { page, context, errors } = await visit(browser, `${address}#/restyle`);
    await page.getByText("has no style encoder").waitFor();
    await page.getByLabel("open its file").setInputFiles({ name: "cat.txt", mimeType: "text/plain", buffer: Buffer.from("no style") });
    await page.getByText("cat.txt").waitFor();
    await page.getByLabel("open its file").setInputFiles({ name: "style.safetensors", mimeType: "", buffer: Buffer.from(encoder) });
    await page.getByText("Styles are read by style.safetensors").waitFor();
    const choose = page.getByLabel("Choose photographs");
    await choose.setInputFiles({ name: "a.png", mimeType: "image/png", buffer: PNG.sync.write(photo) });
    await choose.setInputFiles({ name: "b.png", mimeType: "image/png", buffer: PNG.sync.write(other) });
    await page.locator(".photos canvas").nth(1).waitFor();
    await page.getByLabel("Sentences").fill("red petals\na blue flower");
    await page.getByRole("button", { name: "Restyle" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".restyled canvas").length === 6);

    const drawing = new DrawingModel(await device(), model);
    const styled = await StyledModel.create(drawing, await readStyle(encoder, "style"));
    const both = [
      photoImage({ width: 40, height: 30, pixels: photo.data }, imageSize),
      photoImage({ width: 20, height: 20, pixels: other.data }, imageSize),
    ];
    const { images } = await restyle(styled, joined(both), ["red petals", "a blue flower"]);
    const weak = await restyle(styled, joined(both), ["red petals", "a blue flower"], { styleStrength: 0.5 });
    drawing.destroy();
    styled.destroy();
    const full = await pixelsOf(page, ".restyled canvas");
    expect(apart(full, images)).toBeLessThan(HALF_A_LEVEL);

    await page.getByLabel("Strength").fill("0.5");
    await page.getByRole("button", { name: "Restyle" }).click();
    await page.getByRole("button", { name: "Restyle", exact: true }).waitFor();
    const before = await pixelsOf(page, ".restyled canvas");
    expect(apart(before, weak.images)).toBeLessThan(HALF_A_LEVEL);
    expect(apart(before, images)).toBeGreaterThan(3);

    await page.getByLabel("Refine, steps").fill("500");
    await page.getByRole("button", { name: "Restyle" }).click();
    // The first few move an image by less than a grey level.
    await page.getByText(/step (?:[2-9]\d|\d{3}) of 500/).waitFor();
    await page.getByRole("button", { name: "Stop refining" }).click();
    await page.getByRole("button", { name: "Restyle", exact: true }).waitFor();
    // What was found until then is drawn: other images in the columns of the sentences, the same photographs before them.
    const after = await pixelsOf(page, ".restyled canvas");
    expect(after.length).toBe(6);
    after.forEach((pixels, i) => (i % 3 === 0 ? expect(pixels).toEqual(before[i]) : expect(pixels).not.toEqual(before[i])));
    expect(errors).toEqual([]);
    expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    await screenshot(page, "restyle");
    await context.close();
  });
});
