/** 300 seeded mutations of an archive of each kind that data sets come in: what is read of it, or one line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { pack } from "tar-stream";
import { afterAll, it } from "vitest";
import { packedAt } from "../../src/node/datasets/archive.js";
import { ParquetWriter } from "../../src/node/datasets/export/parquet-writer.js";
import { picture } from "../node/datasets/picture-set.js";
import { damaged, type Random } from "./mutations.js";
import { survives } from "./survives.js";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const captions = (i: number) => [`flower ${i} is red`, `number ${i}`];
const files = Object.fromEntries(
  Array.from({ length: 12 }, (_, i) => [
    [`images/class_${i % 3}/${i}.png`, picture(i)] as const,
    [`images/class_${i % 3}/${i}.txt`, Buffer.from(captions(i).join("\n"))] as const,
  ]).flat(),
);

async function tar(): Promise<Buffer> {
  const packing = pack();
  for (const [name, contents] of Object.entries(files)) packing.entry({ name }, contents);
  packing.entry({ name: "images/class_0/link.png", type: "symlink", linkname: "../class_1/1.png" });
  packing.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of packing) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function parquet(): Buffer {
  const writer = new ParquetWriter();
  const rows = Array.from({ length: 12 }, (_, i) => writer.add({ image: picture(i), captions: captions(i), fileName: `${i}.png` }));
  return Buffer.concat([...rows, writer.end()]);
}

/** What tells of the rest stands at an archive's begin (tar) or end (zip, Parquet): lies are put at both. */
function lying(random: Random, sound: Uint8Array): Uint8Array {
  return random() < 0.5 ? damaged(random, sound) : damaged(random, sound.slice().reverse()).reverse();
}

it.each([
  ["a zip archive", "a.zip", () => Promise.resolve(zipSync(files))],
  ["a tar archive", "a.tar", tar],
  ["a packed tar archive, damaged beneath", "a.tar.gz", tar],
  ["a Parquet file", "a.parquet", () => Promise.resolve(parquet())],
])("%s", async (_, name, make) => {
  const sound = await make();
  const path = join(folder, name);
  await survives(
    (random) => {
      const bytes = lying(random, sound);
      writeFileSync(path, name.endsWith(".gz") ? gzipSync(bytes) : bytes);
    },
    async () => {
      const reading = { wanted: () => true, largest: 2 ** 20, onSkipped: () => undefined };
      let left = 0;
      for await (const { bytes } of packedAt(path).read(reading)) left += bytes.length;
      return left;
    },
  );
});
