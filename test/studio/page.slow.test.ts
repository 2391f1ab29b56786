/** The built page as a whole: its size, what it may ask for, where it may lie, and a browser that cannot compute. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { describeInBrowser, DIST, openBrowser, staticHost, visit } from "./browser.js";

/** The scripts that begin with some of them: those, and all that they import, at once or later. */
function scriptsFrom(...first: readonly string[]): string[] {
  const found = new Set(first);
  for (const name of found)
    for (const [, next = ""] of readFileSync(join(DIST, "assets", name), "utf8").matchAll(
      /(?:from|import)\s*\(?\s*["'`]\.\/([^"'`]+\.js)/g,
    ))
      found.add(next);
  return [...found];
}

describeInBrowser("the page", () => {
  let browser: Browser;
  let host: Awaited<ReturnType<typeof staticHost>>;
  beforeAll(async () => {
    browser = await openBrowser();
    host = await staticHost({ "models/petals.safetensors": readFileSync("test/fixtures/earlier/model-399d622.safetensors") });
    return () => host.server.close();
  });

  it("computes, unpacks and keeps files in its workers only: the page's own thread has no such code", () => {
    const all = readdirSync(join(DIST, "assets"));
    const begin = (pattern: RegExp) => all.filter((name) => pattern.test(name));
    const own = scriptsFrom(...begin(/^index-.*\.js$/));
    // The rooms that come later are among them.
    expect(own.length).toBeGreaterThan(2);
    const workers = scriptsFrom(...begin(/^studio\.worker-.*\.js$/));
    const havingWord = (names: readonly string[], word: string) =>
      names.filter((name) => readFileSync(join(DIST, "assets", name), "utf8").includes(word));
    for (const word of ["@compute", "createComputePipeline", "requestDevice", "DecompressionStream", "getDirectory"]) {
      expect(havingWord(own, word), word).toEqual([]);
      expect(havingWord(workers, word), word).not.toEqual([]);
    }
  });

  it("loads at most 150 kB gzip until the first drawing, the model apart, and names nothing outside its folder", async () => {
    const zipped = (name: string) => gzipSync(readFileSync(join(DIST, name)), { level: 9 }).length;
    const total = (names: readonly string[]) => names.reduce((sum, name) => sum + zipped(name), 0);
    const context = await browser.newContext();
    const loaded = new Set<string>();
    context.on("request", (request) => loaded.add(new URL(request.url()).pathname.replace("/some/where/", "") || "index.html"));
    const page = await context.newPage();
    await page.goto(host.address);
    await page.locator(".results canvas.pixels").first().waitFor();
    const names = [...loaded].filter((name) => /\.(js|css|html|svg)$/.test(name));
    expect(names.length).toBeGreaterThan(4);
    expect(total(names)).toBeLessThanOrEqual(150_000);
    // The rooms Train and Runs come when they are entered. 19 kB are the layouts of own pictures (7 the reader of tables), 2 the ranks of a training.
    const all = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|css|html|svg)$/.test(name));
    // What reads Parquet comes only for who gives such a file.
    const parquet = all.filter((name) => /parquet-[^/]*\.js$/.test(name));
    expect(parquet).toHaveLength(1);
    expect(total(parquet)).toBeLessThanOrEqual(21_000);
    expect(total(all.filter((name) => !parquet.includes(name)))).toBeLessThanOrEqual(212_000);
    for (const name of all.filter((name) => /\.(html|css)$/.test(name)))
      expect(readFileSync(join(DIST, name), "utf8"), name).not.toMatch(/(?:src|href|url\()=?["']?(?:https?:|\/)/);
  });

  it("says in one sentence what a browser without WebGPU cannot do, in every room", async () => {
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

  it.each([
    // What an old browser or a private window lacks, and what it is told.
    [
      "delete StorageManager.prototype.getDirectory",
      "This browser keeps no files for pages: use a current one, and no private window, to train",
    ],
    ["delete FileSystemFileHandle.prototype.createWritable", "This browser writes no files for pages: use a current one to train"],
  ])("says in one sentence why an old browser cannot train: %s", async (lacking, sentence) => {
    const { page, context, errors } = await visit(browser, host.address);
    await context.addInitScript(`${lacking}; delete StorageManager.prototype.persist;`);
    await context.route("**/*worker*.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${lacking};${await response.text()}` });
    });
    await page.goto(`${host.address}?old#/train`);
    const start = page.getByRole("button", { name: "Start", exact: true });
    const alert = page.getByRole("alert").getByText(sentence);
    await start.or(alert).first().waitFor();
    if (await start.isVisible()) await start.click();
    await alert.waitFor();
    // It still draws.
    await page.getByRole("link", { name: "Draw" }).click();
    await page.locator(".results canvas.pixels").first().waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });
});
