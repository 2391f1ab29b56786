/** MS-COCO by its name: fetched from a server of ours in the form of theirs, read from its archives. */
import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { COCO_REMOTES, type CocoRemotes, downloadCoco, missingOfCoco } from "../../../src/node/datasets/coco.js";
import { openDataset, requireDataset } from "../../../src/node/datasets/open.js";
import { cocoArchives as archives } from "./coco-set.js";
import { found, levels, picture, PictureSets } from "./picture-set.js";

const sets = new PictureSets("coco");
beforeEach(() => sets.next());
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves them as COCO's host does; the first answer for the images breaks off. */
async function serve(files: Readonly<Record<keyof CocoRemotes, Uint8Array>>): Promise<{ remotes: CocoRemotes; asked: string[] }> {
  const asked: string[] = [];
  let broken = false;
  const parts = Object.keys(files) as (keyof CocoRemotes)[];
  const base = COCO_REMOTES.coco;
  server = createServer((request, response) => {
    const part = parts.find((one) => request.url === new URL(base[one].url).pathname)!;
    asked.push(`${request.url} ${request.headers.range ?? ""}`.trim());
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const rest = files[part].subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      ...{ "content-length": rest.length, "content-type": "application/zip" },
      ...(from > 0 && { "content-range": `bytes ${from}-${files[part].length - 1}/${files[part].length}` }),
    });
    if (part === "train" && !broken) {
      broken = true;
      response.write(rest.subarray(0, 100), () => setTimeout(() => response.destroy(), 50));
    } else response.end(rest);
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const remote = (part: keyof CocoRemotes) => ({
    ...{ ...base[part], url: `http://127.0.0.1:${port}${new URL(base[part].url).pathname}` },
    md5: createHash("md5").update(files[part]).digest("hex"),
  });
  return { remotes: { annotations: remote("annotations"), train: remote("train"), val: remote("val") }, asked };
}

it("is fetched part by part, resumed, and opened from its archives; what is there is not fetched again", async () => {
  const dataDir = join(sets.folder, "coco");
  const { remotes, asked } = await serve(archives("2014"));
  await downloadCoco("coco", dataDir, {}, remotes);
  // How much of the answer that breaks off has come, and whether the next begins after it, is the system's.
  expect(asked.map((one) => one.replace(/ bytes=\d+-$/, ""))).toEqual([
    ...["/annotations/annotations_trainval2014.zip", "/zips/train2014.zip", "/zips/train2014.zip", "/zips/val2014.zip"],
  ]);
  expect(readdirSync(dataDir).sort()).toEqual(["annotations_trainval2014.zip", "train2014.zip", "val2014.zip"]);
  // The other year may lie beside.
  for (const [part, bytes] of Object.entries(archives("2017")))
    if (part !== "val") writeFileSync(join(dataDir, part === "train" ? "train2017.zip" : "annotations_trainval2017.zip"), bytes);
  const dataset = await openDataset("coco", { dataDir, size: 8, cacheDir: join(sets.base, "cache") });
  expect([dataset.name, dataset.classless, dataset.captions]).toEqual(["coco", true, 40]);
  expect([levels(dataset, "train"), levels(dataset, "test")]).toEqual([
    [10, 20, 30, 40, 50, 60],
    [70, 80],
  ]);
  expect(found(dataset)[70]?.[4]).toBe("caption 4 of picture 7.");
  expect(dataset.report.skipped).toEqual([]);
  expect(asked).toHaveLength(4);
  expect(await missingOfCoco("coco2017", dataDir)).toEqual(["val"]);
});

it("is a folder of that name, where there is one", async () => {
  sets.put("coco/0.png", picture(0));
  sets.put("coco/0.txt", "zero");
  const before = process.cwd();
  process.chdir(sets.folder);
  try {
    expect(found(await openDataset("coco", { size: 8, cacheDir: join(sets.base, "cache") }))).toEqual({ 0: ["zero"] });
  } finally {
    process.chdir(before);
  }
});

it("says what lacks where nothing may be fetched, and which options are not for it", async () => {
  const dataDir = join(sets.folder, "none");
  await expect(requireDataset("coco", { dataDir, download: false })).rejects.toThrow(
    /^coco: no annotations and no train and no val in \S+none\.\nFetch, and put into \S+none .*\n {2}annotations_trainval2014\.zip +253 MB, from http:\/\/images\.cocodataset\.org\/annotations\/ann/,
  );
  await expect(requireDataset("coco2017", { dataDir, layout: "coco" })).rejects.toThrow(
    "coco2017 has captions and a layout of its own: leave --layout out",
  );
  await expect(requireDataset("coco", { dataDir })).resolves.toBeUndefined();
  const { remotes } = await serve(archives("2014"));
  const wrong = { ...remotes, annotations: { ...remotes.annotations, md5: "0" } };
  await expect(downloadCoco("coco", dataDir, {}, wrong)).rejects.toThrow(
    /^coco: what http\S+ sent as annotations_trainval2014\.zip\S* has MD5 .*\nFetch, and put/,
  );
});
