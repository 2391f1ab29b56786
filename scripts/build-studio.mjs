/**
 * Builds the studio's page into dist/studio: a static folder that works from any sub-path of any host, with the models in the box beside it.
 *
 *   node scripts/build-studio.mjs               always
 *   node scripts/build-studio.mjs --if-needed   only when a file that goes into it has changed
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// Whoever calls it: tests say NODE_ENV=test, and would get the page for developers.
process.env.NODE_ENV = "production";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = join(root, "dist", "studio");
const stamp = join(output, "sources.sha256");

/** Of all that goes into the page. */
function sources() {
  const hash = createHash("sha256");
  for (const folder of ["studio", "src", "kernels", "models"].filter((name) => existsSync(join(root, name))))
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).sort((a, b) =>
      join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
    ))
      if (entry.isFile()) hash.update(`${entry.name}\0`).update(readFileSync(join(entry.parentPath, entry.name)));
  return hash.update(readFileSync(join(root, "package-lock.json"))).digest("hex");
}

const digest = sources();
const isFresh = () => existsSync(stamp) && readFileSync(stamp, "utf8") === digest;

/** Seconds after which another's lock counts as left behind. */
const LONGEST_BUILD = 120;

/** One build at a time: files of tests that begin side by side ask for the page all at once. */
async function lock() {
  const path = `${output}.lock`;
  mkdirSync(join(root, "dist"), { recursive: true });
  for (;;) {
    try {
      mkdirSync(path);
      return () => rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
      if (Date.now() - since > 1000 * LONGEST_BUILD) rmSync(path, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const ifNeeded = process.argv.includes("--if-needed");
if (!(ifNeeded && isFresh())) {
  const unlock = await lock();
  try {
    if (!(ifNeeded && isFresh())) await make();
  } finally {
    unlock();
  }
}

async function make() {
  process.stderr.write("building the studio's page ...\n");
  // Loaded here: mostly there is nothing to build.
  const { build } = await import("vite");
  await build({ configFile: join(root, "studio", "vite.config.ts"), logLevel: "warn" });
  // The page shows these at first sight.
  if (existsSync(join(root, "models"))) {
    mkdirSync(join(output, "models"), { recursive: true });
    for (const name of readdirSync(join(root, "models")))
      if (name.endsWith(".safetensors")) cpSync(join(root, "models", name), join(output, "models", name));
  }
  writeFileSync(stamp, digest);
}
