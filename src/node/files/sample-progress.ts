/** What the sample grids of a run come to together: an animation of its progress, and a page to look through them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { reasonOf } from "../../errors.js";
import { writeFileAtomic } from "./atomic-file.js";

/** Frames of the animation at most, picked evenly: more would only make the file large. */
const MOST_FRAMES = 30;
/** Width of the animation: a README's. */
const WIDTH = 720;
/** Milliseconds a frame; the last one stands. */
const [FRAME, LAST] = [250, 2000];

/**
 * Writes samples/progress.gif and samples/index.html anew.
 * @param run The run's folder.
 * @param warn Told where that fails: the run itself is safe.
 */
export async function writeProgress(run: string, warn: (text: string) => void): Promise<void> {
  const folder = join(run, "samples");
  const grids = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^step-\d+\.png$/.test(name))
        .sort()
    : [];
  if (grids.length === 0) return;
  try {
    writeFileAtomic(join(folder, "index.html"), contactSheet(folder, grids));
    const picked = grids.filter((_, i) => i === grids.length - 1 || i % Math.ceil(grids.length / MOST_FRAMES) === 0);
    writeFileAtomic(join(folder, "progress.gif"), await animated(picked.map((name) => join(folder, name))));
  } catch (error) {
    warn(`${folder}: the progress of the samples was not written: ${reasonOf(error)}`);
  }
}

/** Grids of one size as frames. */
async function animated(files: readonly string[]): Promise<Uint8Array> {
  const frames: Buffer[] = [];
  let height = 0;
  for (const file of files) {
    const frame = sharp(file).resize({ width: WIDTH, withoutEnlargement: true }).removeAlpha().raw();
    const { data, info } = await frame.toBuffer({ resolveWithObject: true });
    // A run that another version began has grids of another size: the newest ones count.
    if (frames[0] && data.length !== frames[0].length) frames.length = 0;
    frames.push(data);
    height = info.height;
  }
  const width = frames[0]!.length / (3 * height);
  const raw = { width, height: height * frames.length, channels: 3 as const, pageHeight: height };
  const delay = frames.map((_, i) => (i === frames.length - 1 ? LAST : FRAME));
  return sharp(Buffer.concat(frames), { raw }).gif({ loop: 0, delay, effort: 3 }).toBuffer();
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);

/** Newest first, each with the list of its captions; a browser knows every script's direction. */
function contactSheet(folder: string, grids: readonly string[]): string {
  const sections = [...grids].reverse().map((name) => {
    const list = join(folder, name.replace(/\.png$/, ".txt"));
    const captions = existsSync(list) ? readFileSync(list, "utf8").trim().split("\n") : [];
    const step = Number(/\d+/.exec(name)![0]);
    const items = captions.map((caption) => `<li dir="auto">${escaped(caption)}</li>`).join("");
    return `<section><h2>Step ${step}</h2><img src="${name}" alt="Samples after step ${step}" loading="lazy"><ul>${items}</ul></section>`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Samples</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1440px;padding:0 1em}img{max-width:100%;image-rendering:pixelated}ul{list-style:none;padding:0}</style>
<h1>Samples</h1>
${sections.join("\n")}
</html>
`;
}
