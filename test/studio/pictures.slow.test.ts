/** Pictures of one's own in the room Train: read as Node reads them, kept, trained on. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { PNG } from "pngjs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AxeBuilder } from "@axe-core/playwright";
import type { Dataset } from "../../src/data/dataset.js";
import { decodePacked } from "../../src/data/packed-form.js";
import { Sha256 } from "../../src/formats/sha256.js";
import { type Packing, ParquetWriter } from "../../src/node/datasets/export/parquet-writer.js";
import { openDataset } from "../../src/node/datasets/open.js";
import { describeInBrowser, openBrowser, staticHost, visit, type Visit } from "./browser.js";
import { button, finished, openForm, pauseInTheMiddle, saved, start } from "./train-room.js";

const COLOURS: readonly (readonly [string, number, number, number])[] = [
  ["red", 220, 30, 40],
  ["yellow", 240, 220, 40],
  ["blue", 40, 60, 220],
];

/** A picture of a disc of a colour, larger than what is kept of it. */
function picture([, ...colour]: (typeof COLOURS)[number], i: number): Buffer {
  const png = new PNG({ width: 90 + i, height: 80 });
  for (let y = 0; y < png.height; y++)
    for (let x = 0; x < png.width; x++) {
      const inside = Math.hypot(x - 40 - i, y - 40) < 20 + i;
      for (let c = 0; c < 3; c++) png.data[4 * (y * png.width + x) + c] = inside ? colour[c]! : 90 + x;
      png.data[4 * (y * png.width + x) + 3] = 255;
    }
  return PNG.sync.write(png);
}

/** The input that takes a file of pictures. */
const ONE_FILE = "input[accept='.zip,.tar,.tgz,.gz,.parquet']";

/** A Parquet file of some of the discs, and of one row that is no picture. */
function table(from: number, to: number, packing?: Packing): Buffer {
  const writer = new ParquetWriter(packing);
  const rows = Array.from({ length: to - from }, (_, i) => {
    const [fileName, captions] = [`photos/${from + i}.png`, captionsOf(from + i)];
    return writer.add({ fileName, image: picture(COLOURS[(from + i) % 3]!, from + i), captions });
  });
  const broken = writer.add({ fileName: "photos/broken.png", image: Buffer.from("no picture"), captions: ["broken"] });
  return Buffer.concat([...rows, broken, writer.end()]);
}

const captionsOf = (i: number): string[] => [`a ${COLOURS[i % 3]![0]} disc, number ${i}`, `something ${COLOURS[i % 3]![0]}`];

const packedIn = (page: Page, name: string): Promise<number[]> =>
  page.evaluate(async (name) => {
    const folder = await (await (await navigator.storage.getDirectory()).getDirectoryHandle("pictures")).getDirectoryHandle(name);
    const file = await (await folder.getFileHandle("set.packed")).getFile();
    return [...new Uint8Array(await file.arrayBuffer())];
  }, name);

const contentsOf = (set: Dataset) => ({
  captions: Array.from({ length: set.images }, (_, i) => set.captionsOf(i)),
  names: Array.from({ length: set.images }, (_, i) => set.imageName(i)),
  pixels: Array.from({ length: set.images }, (_, i) => Buffer.from(set.pixels(i)).toString("base64")),
  ...{ split: set.split, classes: set.classes, alphabet: set.alphabet.toJSON() },
});

describeInBrowser("pictures of one's own", () => {
  const top = mkdtempSync(join(tmpdir(), "petalgrad-"));
  afterAll(() => rmSync(top, { recursive: true }));
  const garden = join(top, "garden");
  mkdirSync(join(garden, "photos"), { recursive: true });
  for (let i = 0; i < 12; i++) {
    const colour = COLOURS[i % 3]!;
    writeFileSync(join(garden, "photos", `${i}.png`), picture(colour, i));
    writeFileSync(join(garden, "photos", `${i}.txt`), captionsOf(i).join("\n"));
  }
  writeFileSync(join(garden, "photos", "broken.png"), "no picture");
  writeFileSync(join(garden, "photos", "broken.txt"), "broken");
  writeFileSync(join(garden, "lonely.txt"), "without a picture");
  let browser: Browser;
  let address: string;
  let tab: Visit;
  const chosen = (page: Page) => page.getByRole("combobox", { name: "Pictures", exact: true });

  beforeAll(async () => {
    browser = await openBrowser();
    const host = await staticHost();
    address = `${host.address}#/train`;
    afterAll(() => host.server.close());
    tab = await visit(browser, address);
    tab.page.setDefaultTimeout(150_000);
    // A test cannot use the browser's own dialogue: here as in a browser that has none.
    await tab.context.addInitScript(() => Object.defineProperty(globalThis, "showDirectoryPicker", { value: undefined }));
    await tab.page.reload();
  });

  it("are the data set that Node makes of the same folder, archive by archive too", async () => {
    const { page } = tab;
    await page.locator(".pictures input[webkitdirectory]").setInputFiles(garden);
    await page.getByText("12 pictures with 24 sentences, each for itself:").waitFor({ timeout: 40_000 });
    const expected = await openDataset(garden, { cacheDir: join(top, "cache") });
    const { split } = expected;
    await page.getByText(`${split.train.length} pictures to train on, ${split.test.length} held out`).waitFor();
    await page.getByText("How they were read, and 2 files left out").click();
    const said = await page.locator(".report-of-pictures li").allTextContents();
    expect(said).toContain("lonely.txt: no image beside it");
    expect(said).toContain("photos/broken.png: cannot be decoded (damaged, or of a kind that this browser does not read)");
    expect(said[0]).toContain("layout beside, by photos/0.txt");
    const seen = await decodePacked(Uint8Array.from(await packedIn(page, "garden")), "garden");
    expect(contentsOf(seen)).toEqual(contentsOf(expected));

    execFileSync("tar", ["-czf", "tarred.tgz", "-C", garden, "."], { cwd: top });
    execFileSync("python3", ["-c", "import shutil; shutil.make_archive('zipped', 'zip', 'garden')"], { cwd: top });
    for (const file of ["tarred.tgz", "zipped.zip"]) {
      const name = file.split(".")[0]!;
      await page.locator(ONE_FILE).setInputFiles(join(top, file));
      await expect.poll(() => chosen(page).inputValue(), { timeout: 60_000 }).toBe(name);
      const again = await decodePacked(Uint8Array.from(await packedIn(page, name)), name);
      expect(contentsOf(again)).toEqual(contentsOf(expected));
    }
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    await button(page, "Delete them from the browser").click();
    await expect.poll(() => chosen(page).locator("option").count()).toBe(3);
  });

  it("are read of Parquet files as Node does, by a reader that is fetched only then", async () => {
    const { page, context } = await visit(browser, address);
    const fetched: string[] = [];
    context.on("request", (request) => fetched.push(request.url()));
    await page.addInitScript(() => Object.defineProperty(globalThis, "showDirectoryPicker", { value: undefined }));
    await page.reload();
    const reader = () => fetched.filter((url) => /parquet/.test(url));
    const give = async (selector: string, path: string, cache: string) => {
      await page.locator(selector).setInputFiles(path);
      const name = basename(path, ".parquet");
      await expect.poll(() => chosen(page).inputValue(), { timeout: 60_000 }).toBe(name);
      const seen = await decodePacked(Uint8Array.from(await packedIn(page, name)), name);
      const expected = await openDataset(path, { cacheDir: join(top, cache) });
      expect(contentsOf(seen)).toEqual(contentsOf(expected));
      return expected;
    };
    // The same pictures in files of their own need no such reader.
    const loose = await give(".pictures input[webkitdirectory]", garden, "cache");
    expect(reader()).toEqual([]);
    writeFileSync(join(top, "table.parquet"), table(0, 12));
    expect(contentsOf(await give(ONE_FILE, join(top, "table.parquet"), "cache"))).toEqual(contentsOf(loose));
    expect(reader()).toHaveLength(1);
    await page.getByText("How they were read, and 1 file left out").click();
    const said = await page.locator(".report-of-pictures li").allTextContents();
    expect(said[0]).toMatch(/^layout parquet, by metadata\.jsonl/);
    expect(said).toContain("photos/broken.png: cannot be decoded (damaged, or of a kind that this browser does not read)");

    const tables = join(top, "tables");
    mkdirSync(join(tables, "data"), { recursive: true });
    writeFileSync(join(tables, "data", "train-00000-of-00002.parquet"), table(0, 5));
    writeFileSync(join(tables, "data", "train-00001-of-00002.parquet"), table(5, 9));
    writeFileSync(join(tables, "data", "test-00000-of-00001.parquet"), table(9, 12));
    const { split } = await give(".pictures input[webkitdirectory]", tables, "cache");
    expect([split.train.length, split.test.length]).toEqual([9, 3]);

    for (const [name, buffer, message] of [
      ["cut.parquet", table(0, 3).subarray(0, 300), /^cut\.parquet is a damaged Parquet file \(.*\); fetch it again/],
      [
        "packed.parquet",
        table(0, 3, { codec: 6, pack: (bytes) => bytes }),
        /^packed\.parquet is packed by ZSTD, which is not read: write it anew with snappy/,
      ],
    ] as const) {
      await page.locator(ONE_FILE).setInputFiles({ name, mimeType: "", buffer });
      await page.getByRole("alert").getByText(message).waitFor();
    }
    await context.close();
  });

  it("are read from a folder that the browser's own dialogue gives, and say what is wrong with one", async () => {
    const { page } = await visit(browser, address);
    // What the dialogue gives is a handle as this one is.
    await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const write = async (folder: FileSystemDirectoryHandle, name: string, text: string) => {
        const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
        await writable.write(text);
        await writable.close();
      };
      const canvas = new OffscreenCanvas(32, 32);
      for (const kind of ["rose", "tulip", "lily"]) {
        const folder = await (await root.getDirectoryHandle("classes", { create: true })).getDirectoryHandle(kind, { create: true });
        canvas.getContext("2d")!.fillRect(0, 0, 32, 32);
        const writable = await (await folder.getFileHandle("1.png", { create: true })).createWritable();
        await writable.write(await canvas.convertToBlob());
        await writable.close();
      }
      await write(await root.getDirectoryHandle("nothing", { create: true }), "readme.md", "no pictures");
      Object.assign(globalThis, { showDirectoryPicker: () => root.getDirectoryHandle("nothing") });
    });
    await button(page, "Your own: a folder …").click();
    await page
      .getByRole("alert")
      .getByText(/^nothing: nothing is in no layout that is known\./)
      .waitFor();
    await page.evaluate(() =>
      Object.assign(globalThis, {
        showDirectoryPicker: async () => (await navigator.storage.getDirectory()).getDirectoryHandle("classes"),
      }),
    );
    await button(page, "Your own: a folder …").click();
    await page.getByText("3 pictures with 3 sentences in 3 classes: 3 classes to train on, 0 held out").waitFor();
    await page.locator(ONE_FILE).setInputFiles({ name: "a.zip", mimeType: "", buffer: Buffer.from("no zip") });
    await page
      .getByRole("alert")
      .getByText(/a\.zip is a damaged archive/)
      .waitFor();
    await page.context().close();
  });

  it("are trained on, also after a reload, with the bits of a run that nothing interrupted", async () => {
    const { page, errors } = tab;
    await chosen(page).selectOption("garden");
    await start(page, "straight", "bag-of-words");
    await finished(page);
    const model = await saved(page, "Save model.safetensors");
    await page.getByText(/^garden-1: garden, GAN-INT-CLS/).waitFor();
    await openForm(page);
    await chosen(page).selectOption("garden");
    await start(page, "reloaded", "bag-of-words");
    await pauseInTheMiddle(page);
    await page.reload();
    await button(page, "Go on").click();
    await finished(page);
    const sha256 = (bytes: Uint8Array) => new Sha256().update(bytes).hex();
    expect(sha256(await saved(page, "Save model.safetensors"))).toBe(sha256(model));
    // Without its pictures a run stands, and says what it lacks.
    await openForm(page);
    await chosen(page).selectOption("garden");
    await button(page, "Delete them from the browser").click();
    await expect.poll(() => chosen(page).locator("option[value=garden]").count()).toBe(0);
    await page.getByLabel("To step").fill("22");
    await button(page, "Go on").click();
    await page.getByRole("alert").getByText('The pictures "garden" are not in this browser').waitFor();
    expect(errors).toEqual([]);
    expect(readFileSync(join(garden, "lonely.txt"), "utf8")).toBe("without a picture");
  });
});
