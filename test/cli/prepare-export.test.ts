/** `petalgrad prepare --export DIR --layout NAME`: a set goes out as another layout, and comes back. */
import { join } from "node:path";
import { beforeEach, expect, it, vi } from "vitest";
import type { Context } from "../../src/cli/command.js";
import { prepare } from "../../src/cli/prepare.js";
import { picture, PictureSets } from "../node/datasets/picture-set.js";

const sets = new PictureSets("prepare-export");
beforeEach(() => {
  sets.next();
  vi.stubEnv("PETALGRAD_CACHE", join(sets.base, "cache"));
  for (const [i, caption] of ["zero", "one, with a comma", "two"].entries()) {
    sets.put(`mine/${i}.png`, picture(10 * i, 30, 20));
    sets.put(`mine/${i}.txt`, caption);
  }
});

async function run(given: Parameters<typeof prepare.run>[0]): Promise<string[]> {
  const lines: string[] = [];
  const context = {
    print: (line: string) => void lines.push(line),
    catchInterrupt: () => new AbortController().signal,
    stderr: { isTTY: false, write: () => true },
  } as unknown as Context;
  await prepare.run(given, context, []);
  return lines;
}

it("writes the layout, says what it cannot hold, and is read back", async () => {
  const [mine, out] = [join(sets.folder, "mine"), join(sets.folder, "out")];
  const written = await run({ dataset: mine, imageSize: 16, heldOut: 0.5, export: out, layout: "flickr" });
  expect(written[0]).toBe("mine: 3 images of 16x16, 3 captions");
  expect(written.slice(-2)).toEqual([`${out}: 3 images in layout flickr`, "layout flickr cannot hold: which images are held out"]);
  const read = await run({ dataset: out, imageSize: 16 });
  expect(read[0]).toBe("out: 3 images of 16x16, 3 captions");
  expect(read.join("\n")).toContain("layout flickr, by captions.txt; not reed (no text_c10), coco");
});

it("is refused before any work where no layout is named, or the folder is not new", async () => {
  const mine = join(sets.folder, "mine");
  await expect(run({ dataset: mine, export: join(sets.folder, "out") })).rejects.toThrow(
    /^--export \S+ needs a layout to write: --layout reed\|coco\|parquet\|webdataset\|imagefolder\|flickr\|beside\|folders$/,
  );
  await expect(run({ dataset: join(sets.folder, "none"), export: mine, layout: "coco" })).rejects.toThrow(/mine holds 0\.png already/);
  await expect(run({ dataset: mine, imageSize: 16, export: join(sets.folder, "out"), layout: "reed" })).rejects.toThrow(
    "mine has no classes, and layout reed is made of them: export it as another",
  );
});
