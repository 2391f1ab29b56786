/**
 * Pictures of the studio's rooms for the documents, light and dark, with the model in the box:
 *
 *   node scripts/build-studio.mjs --if-needed && node --import tsx scripts/studio-pictures.ts [--runs DIR] [--room NAME]
 *
 * DIR is a folder of runs for the room Runs, which shows the newest; without it that room is left out. Needs Chromium (`node scripts/setup.mjs --tests`).
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium, type Page } from "playwright-core";
import { findBrowser } from "../src/cli/driver.mjs";
import { PackedDataset } from "../src/data/packed.js";
import { makePetals } from "../src/data/petals.js";
import { encodePng } from "../src/node/files/png.js";
import { pageFolder } from "../src/node/studio/page-folder.js";
import { startStudio } from "../src/node/studio/server.js";

const IMAGES = fileURLToPath(new URL("../docs/images", import.meta.url));
/** A software adapter takes its time. */
const PATIENCE = 600_000;

const { values } = parseArgs({ options: { runs: { type: "string" }, room: { type: "string" } } });

/** A few painted flowers, as files that a person would drop. */
async function photographs(): Promise<{ name: string; mimeType: string; buffer: Buffer }[]> {
  const petals = new PackedDataset(await makePetals({ seed: 5 }));
  return [3, 900, 1700].map((image, i) => {
    const side = petals.side(image);
    const picture = { width: side, height: side, pixels: petals.pixels(image) };
    return { name: `flower-${i + 1}.png`, mimeType: "image/png", buffer: Buffer.from(encodePng(picture)) };
  });
}

/** What a person does in each room before it is worth a picture. */
const ROOMS: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  draw: async (page) => {
    await page
      .getByLabel("Sentences")
      .fill("a flower with long red petals and a yellow center\nsmall white petals\nblue petals around a big center");
    await page.getByLabel("Images of each").fill("7");
    await page.getByRole("button", { name: "Draw" }).click();
    await page.getByRole("button", { name: "Save the grid" }).waitFor();
  },
  walk: async (page) => {
    await page.getByLabel("From sentence").fill("a flower with yellow petals");
    await page.getByLabel("To sentence").fill("a flower with blue petals");
    await page.getByRole("button", { name: "Walk", exact: true }).click();
    await page.getByRole("button", { name: "Play" }).waitFor();
  },
  restyle: async (page) => {
    await page.getByLabel("Choose photographs").setInputFiles(await photographs());
    await page.getByLabel("Sentences").fill("red petals\nwhite petals\nblue petals\nyellow petals");
    await page.getByRole("button", { name: "Restyle", exact: true }).click();
    await page.locator(".restyled").waitFor();
    await page.getByRole("button", { name: "Save the grid" }).scrollIntoViewIfNeeded();
  },
  train: async (page) => {
    await page
      .getByRole("button", { name: /^(Start|Train)/ })
      .first()
      .click();
    // Images that are anything but grey come with the last steps.
    await page.getByText(/^Finished, at step/).waitFor();
    await page.evaluate("scrollTo(0, 0)");
  },
  inside: async (page) => {
    await page.getByLabel("Sentence").fill("a flower with red petals");
    await page.getByRole("button", { name: "Look inside" }).click();
    await page.getByRole("heading", { name: "Responses" }).waitFor();
    await page.locator(".looked").scrollIntoViewIfNeeded();
  },
  ...(values.runs !== undefined && {
    runs: async (page: Page) => {
      await page.getByText("Probability that the discriminator gives").first().waitFor();
      await page.locator("canvas").nth(1).waitFor();
    },
  }),
};

const executablePath = findBrowser();
if (!executablePath) throw new Error("there is no Chromium: node scripts/setup.mjs --tests");
mkdirSync(IMAGES, { recursive: true });
const server = await startStudio({ page: pageFolder(), runs: values.runs ?? "runs", port: undefined, host: "127.0.0.1" });
const browser = await chromium.launch({
  executablePath,
  args: ["--enable-unsafe-webgpu", "--no-first-run", "--disable-background-networking"],
});
for (const colorScheme of ["light", "dark"] as const) {
  for (const [room, prepare] of Object.entries(ROOMS).filter(([name]) => values.room === undefined || name === values.room)) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1160, height: 760 } });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`http://127.0.0.1:${server.port}/#/${room}`);
    if (room !== "runs" && room !== "train") await page.getByText(".safetensors").first().waitFor();
    await prepare(page);
    await page.screenshot({ path: join(IMAGES, `studio-${room}-${colorScheme}.png`) });
    console.log(`docs/images/studio-${room}-${colorScheme}.png`);
    await context.close();
  }
}
await browser.close();
await server.close();
