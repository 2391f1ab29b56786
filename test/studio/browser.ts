/**
 * The studio's page in a real browser, as a person has it: the built page on a static host under a sub-path, in the system's Chromium with
 * SwiftShader as its graphics adapter. Where there is no Chromium the tests are skipped, saying so; CI asks for it (PETALGRAD_BROWSER=1).
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, describe } from "vitest";
import { findBrowser } from "../../src/cli/driver.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The built page. */
export const DIST = join(root, "dist", "studio");

/** The browser's program, or undefined. */
export const CHROMIUM = findBrowser();

if (!CHROMIUM && process.env.PETALGRAD_BROWSER === "1") throw new Error("there is no Chromium, and these tests are not to be skipped");
if (!CHROMIUM) console.warn("skipped: the studio's tests need Chromium (Debian: apt-get install chromium)");

/** Tests that need the browser. */
export const describeInBrowser = describe.skipIf(!CHROMIUM);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

let isBuilt = false;

/** Builds the page where its sources have changed; looked at once a file of tests. */
function buildPage(): void {
  if (isBuilt) return;
  const built = spawnSync(process.execPath, [join(root, "scripts", "build-studio.mjs"), "--if-needed"], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  isBuilt = true;
}

/** A static host that knows nothing but files. @param extra Further files by name, such as a model. */
export async function staticHost(extra: Readonly<Record<string, Uint8Array>> = {}): Promise<{ address: string; server: Server }> {
  buildPage();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname);
    const name = path.replace(/^\/some\/where\//, "") || "index.html";
    const contents = extra[name] ?? (existsSync(join(DIST, name)) ? readFileSync(join(DIST, name)) : undefined);
    if (!path.startsWith("/some/where/") || !contents) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "content-length": contents.length });
    response.end(contents);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/where/`, server };
}

const QUIET = [
  ...["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  "--force-color-profile=srgb",
];

/** A browser for a file of tests, closed at its end. @param webgpu Whether it offers an adapter. */
export async function openBrowser({ webgpu = true } = {}): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM!, args: [...QUIET, ...(webgpu ? ["--enable-unsafe-webgpu"] : [])] });
  afterAll(() => browser.close());
  return browser;
}

/** A page, what it asked for elsewhere, and what went wrong in it. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Requests that left the page's origin. */
  readonly foreign: string[];
  /** Errors in the console, and exceptions that nobody caught. */
  readonly errors: string[];
}

/** A visit of its own: nothing is stored from others. */
export async function visit(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const [foreign, errors]: [string[], string[]] = [[], []];
  const { origin } = new URL(address);
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (!["blob:", "data:"].includes(url.protocol) && url.origin !== origin) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(address);
  return { page, context, foreign, errors };
}

/** Red, green and blue of each pixel of canvases. */
export const pixelsOf = (page: Page, selector: string): Promise<number[][]> =>
  page.$$eval(selector, (canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      return [...data].filter((_, i) => i % 4 !== 3);
    }),
  );

/** Keeps a picture of the page in the folder that PETALGRAD_SHOTS names, if it does. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.PETALGRAD_SHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
