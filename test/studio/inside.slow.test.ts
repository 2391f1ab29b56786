/** The room Look inside, used as a person would. */
import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, expect, it } from "vitest";
import { describeInBrowser, openBrowser, pixelsOf, screenshot, staticHost, visit } from "./browser.js";
import { loudModel } from "./loud-model.js";

describeInBrowser("the room Look inside", () => {
  it("shows the adapter, measures it, and shows a model's layers and where D would change an image", async () => {
    const browser = await openBrowser();
    const host = await staticHost({ "models/petals.safetensors": await loudModel() });
    afterAll(() => host.server.close());
    const { page, errors } = await visit(browser, `${host.address}#/inside`);
    await page.getByText("missing: train keeps activations in f32").waitFor();
    await page.getByRole("button", { name: "Measure", exact: true }).click();
    await page.getByText(/A training step, preset tiny: [\d.e+]+ ms/).waitFor({ timeout: 200_000 });
    const report = await page.locator(".report").textContent();
    expect(report).toMatch(/^petalgrad studio on google swiftshader\nA product of matrices.*: [\d.e+]+ GFLOP\/s \(.*\nA pass.* GB\/s/);

    await page.getByText("16×16").waitFor();
    await page.getByLabel("Sentence").fill("red petals");
    await page.getByRole("button", { name: "Look inside" }).click();
    await page.getByText(/D says \d+ % real/).waitFor({ timeout: 60_000 });
    // G: deconv1 to 3, text apart; D: conv1, conv2, join, score. Responses: two of G, two of D.
    expect(await page.locator(".layers figure").count()).toBe(3 + 4 + 2 + 2);
    const [image, heat] = await pixelsOf(page, ".looked canvas");
    // A heat map has its hottest place, and no colour but black to white over red and yellow.
    expect(Math.max(...heat!)).toBe(255);
    for (let p = 0; p < heat!.length; p += 3) expect(heat![p]! >= heat![p + 1]! && heat![p + 1]! >= heat![p + 2]!).toBe(true);
    expect(new Set(image).size).toBeGreaterThan(20);
    expect(errors).toEqual([]);
    expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    await screenshot(page, "inside");
  });
});
