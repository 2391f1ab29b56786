/**
 * Large sets: how long preparing takes against sharp alone, and how much memory preparing and training take.
 *
 *   npx tsx bench/large-set.ts [--count 100000] [--picture 640x480] [--rounds 3] [--steps 30]
 *
 * The pictures are 64 different ones, of 640x480 pixels and about as many bytes as MS-COCO's, linked under as many names as are asked for: to
 * prepare, each name is an image. Preparing and sharp take turns, since a machine may have other work; the processor's time is told beside
 * the clock's. With --rounds 0 sharp is left out; with --steps 0 training is.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { petalsImage } from "../src/data/petals.js";

const [DIFFERENT, SIZE, CAPTIONS] = [64, 64, 5];

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    picture: { type: "string", default: "640x480" },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "30" },
  },
});
const count = Number(values.count);
const [WIDTH, HEIGHT] = values.picture.split("x").map(Number) as [number, number];

interface Result {
  readonly seconds: number;
  readonly cpu: number;
  readonly mebibytes: number;
}

function child(...words: string[]): Result {
  const file = new URL("large-set-child.ts", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", file, ...words], {
    encoding: "utf8",
    env: { ...process.env, PETALGRAD_CACHE: caches },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Result;
}

/** Enlarged petals with the noise of a camera. */
async function picture(i: number): Promise<Buffer> {
  const { pixels } = petalsImage(7, i, 0, SIZE);
  const large = await sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 3 } })
    .resize(WIDTH, HEIGHT, { fit: "fill" })
    .raw()
    .toBuffer();
  let state = i + 1;
  for (let at = 0; at < large.length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    large[at] = Math.max(0, Math.min(255, large[at]! + ((state >> 16) % 25) - 12));
  }
  return sharp(large, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

async function makeSet(folder: string): Promise<number> {
  mkdirSync(join(folder, "images"), { recursive: true });
  let bytes = 0;
  for (let i = 0; i < DIFFERENT; i++) {
    const jpeg = await picture(i);
    bytes += jpeg.length / DIFFERENT;
    writeFileSync(join(base, `${i}.jpg`), jpeg);
  }
  const colours = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white"];
  let lines = "";
  for (let i = 0; i < count; i++) {
    const name = `images/${String(i).padStart(6, "0")}.jpg`;
    if (!existsSync(join(folder, name))) linkSync(join(base, `${i % DIFFERENT}.jpg`), join(folder, name));
    const text = Array.from(
      { length: CAPTIONS },
      (_, c) => `a ${colours[(i + c) % 8]} flower with ${3 + (i % 20)} petals, number ${i}, seen ${c}`,
    );
    lines += `${JSON.stringify({ file_name: name, text })}\n`;
    if (lines.length > 1 << 20 || i === count - 1) {
      appendFileSync(join(folder, "metadata.jsonl"), lines);
      lines = "";
    }
  }
  return bytes;
}

const base = mkdtempSync(join(tmpdir(), "petalgrad-large-"));
const caches = join(base, "caches");
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const median = (numbers: number[]): string => numbers.sort((a, b) => a - b)[numbers.length >> 1]!.toFixed(2);
const told = (name: string, { seconds, cpu, mebibytes }: Result): string =>
  `${name} ${seconds.toFixed(1)} s (processor ${cpu.toFixed(1)} s), ${mebibytes.toFixed(0)} MiB`;
try {
  const folder = join(base, "large");
  const bytes = await makeSet(folder);
  say(
    `${count} images of ${WIDTH}x${HEIGHT}, ${(bytes / 1000).toFixed(0)} kB each (${DIFFERENT} different ones), ${CAPTIONS} captions each`,
  );
  const ratios = { full: [] as number[], fullCpu: [] as number[], small: [] as number[], smallCpu: [] as number[] };
  for (let round = 0; round < Number(values.rounds); round++) {
    rmSync(caches, { recursive: true, force: true });
    const full = child("sharp", folder, String(SIZE), "full");
    const prepared = child("prepare", folder, String(SIZE), caches);
    const small = child("sharp", folder, String(SIZE));
    say(`${told("prepare", prepared)}; ${told("sharp", full)}; ${told("sharp, decoding smaller", small)}`);
    ratios.full.push(prepared.seconds / full.seconds);
    ratios.fullCpu.push(prepared.cpu / full.cpu);
    ratios.small.push(prepared.seconds / small.seconds);
    ratios.smallCpu.push(prepared.cpu / small.cpu);
  }
  if (Number(values.rounds) > 0) {
    const { full, fullCpu, small, smallCpu } = ratios;
    say(`prepare / sharp: ${median(full)} by the clock, ${median(fullCpu)} by the processor's time (bar 1.3)`);
    say(`prepare / sharp that decodes JPEGs smaller: ${median(small)}, ${median(smallCpu)}`);
  } else say(told("prepare", child("prepare", folder, String(SIZE), caches)));
  if (Number(values.steps) > 0) {
    const large = child("train", folder, values.steps, join(base, "run-large"));
    const petals = child("train", "petals", values.steps, join(base, "run-petals"));
    say(
      `training, ${values.steps} steps: ${large.mebibytes.toFixed(0)} MiB; on petals ${petals.mebibytes.toFixed(0)} MiB: ${(large.mebibytes - petals.mebibytes).toFixed(0)} more (bar 400)`,
    );
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
