/**
 * `npm run prepare -- ...` is `petalgrad prepare ...`. npm itself runs a script of this name after each install and before packing:
 * then there is nothing to do.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const asked = process.env.npm_command === "run" || process.env.npm_command === "run-script";
if (asked) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  for (const words of [
    ["scripts/setup.mjs", "--packages"],
    ["--import", "tsx", "src/cli/main.ts", "prepare", ...process.argv.slice(2)],
  ]) {
    const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
  }
}
