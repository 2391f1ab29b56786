/** A data set of which some may not be read: as root no permission would refuse, so the refusal is the file system's by proxy. */
import type FsNow from "node:fs";
import type Fs from "node:fs/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { openDataset } from "../../../src/node/datasets/open.js";
import { tinyFolder } from "./tiny-folder.js";

const refuse = vi.hoisted(() => (path: unknown, syscall: string): void => {
  if (/(?:images.class_1|class_2.image_2_3\.png|text_c10.class_3)$/.test(String(path)))
    throw Object.assign(new Error(`EACCES: permission denied, ${syscall} '${String(path)}'`), { code: "EACCES", syscall, path });
});

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof FsNow>();
  const readFileSync = (...args: Parameters<typeof fs.readFileSync>): unknown => {
    refuse(args[0], "open");
    return fs.readFileSync(...args);
  };
  return { ...fs, readFileSync };
});
vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof Fs>();
  const refusing =
    (call: (path: string, ...rest: unknown[]) => Promise<unknown>, syscall: string) =>
    async (path: string, ...rest: unknown[]): Promise<unknown> => {
      refuse(path, syscall);
      return call(path, ...rest);
    };
  const [readdir, open, readFile] = [fs.readdir, fs.open, fs.readFile] as unknown as Parameters<typeof refusing>[0][];
  return { ...fs, readdir: refusing(readdir!, "scandir"), open: refusing(open!, "open"), readFile: refusing(readFile!, "open") };
});

const home = mkdtempSync(join(tmpdir(), "petalgrad-refused-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it("leaves a folder or file that may not be read out by name, and takes the rest", async () => {
  const dataset = await openDataset(tinyFolder(join(home, "birds")), { size: 16, cacheDir: join(home, "cache") });
  // Six classes of four images: without two classes and one image.
  expect(dataset.images).toBe(24 - 4 - 4 - 1);
  const why = new Map(dataset.report.skipped.map(({ file, reason }) => [file, reason]));
  expect(why.get("images/class_1")).toBe("the folder cannot be read: permission denied (EACCES)");
  expect(why.get("text_c10/class_3")).toBe("the folder cannot be read: permission denied (EACCES)");
  expect(why.get("images/class_2/image_2_3.png")).toBe("cannot be read: permission denied (EACCES)");
});
