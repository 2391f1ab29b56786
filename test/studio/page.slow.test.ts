/** The built page as a whole: its size, what it may ask for, where it may lie, and a browser that cannot compute. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { describeInBrowser, DIST, openBrowser, staticHost, visit } from "./browser.js";

describeInBrowser("the page", () => {
  it("is at most 150 kB gzip, without its model, and names nothing outside its folder", async () => {
    const host = await staticHost();
    afterAll(() => host.server.close());
    const names = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|css|html|svg)$/.test(name));
    expect(names.length).toBeGreaterThan(4);
    const sizes = names.map((name) => gzipSync(readFileSync(join(DIST, name)), { level: 9 }).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150_000);
    for (const name of names.filter((name) => /\.(html|css)$/.test(name)))
      expect(readFileSync(join(DIST, name), "utf8"), name).not.toMatch(/(?:src|href|url\()=?["']?(?:https?:|\/)/);
  });

  it("says in one sentence what a browser without WebGPU cannot do, in every room", async () => {
    const browser = await openBrowser();
    const host = await staticHost();
    afterAll(() => host.server.close());
    const { page, context } = await visit(browser, host.address);
    // Workers have a navigator of their own: the whole interface is taken away.
    await context.route("**/*worker*.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `Object.defineProperty(navigator, "gpu", { value: undefined });${await response.text()}` });
    });
    for (const room of ["draw", "walk", "restyle", "train", "inside"]) {
      await page.goto(`${host.address}?${room}#/${room}`);
      await page.getByText("This browser has no WebGPU: use a current Chrome, Edge, Firefox or Safari").first().waitFor();
    }
  });
});
