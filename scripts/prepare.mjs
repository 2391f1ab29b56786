/**
 * `npm run prepare -- ...` is `petalgrad prepare ...`. npm itself runs a script of this name after each install and before packing:
 * then there is nothing to do. The package holds this file too, and the command built.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const asked = process.env.npm_command === "run" || process.env.npm_command === "run-script";
if (asked) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const inClone = existsSync(fileURLToPath(new URL("../src/cli/main.ts", import.meta.url)));
  const command = inClone ? ["--import", "tsx", "src/cli/main.ts"] : ["dist/src/cli/main.js"];
  for (const words of [...(inClone ? [["scripts/setup.mjs", "--packages"]] : []), [...command, "prepare", ...process.argv.slice(2)]]) {
    const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
  }
}
