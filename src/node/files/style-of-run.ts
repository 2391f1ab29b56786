/** The style encoder in the folder of the run whose generator it inverts. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import { readStyle, readStylePart, type StyleFile } from "../../train/style/file.js";
import { STYLE_ENCODER_NAME, STYLE_FOLDER } from "../../train/run/names.js";
import { readPath } from "./read-bytes.js";

/** The style encoder of a run, or of a model file that holds one. @throws UserError when it has none */
export async function styleOfRun(run: string): Promise<StyleFile> {
  if (existsSync(run) && statSync(run).isFile()) return readPath(run, styleIn);
  const path = join(run, STYLE_FOLDER, STYLE_ENCODER_NAME);
  if (existsSync(path)) return readPath(path, readStyle);
  // Named as what it is: a model file has no style encoder, a run can get one.
  const isRun = existsSync(join(run, "config.json"));
  throw new UserError(
    isRun
      ? `${run} has no style encoder yet: ${commandLine("train-style", "--run", run)}`
      : `${run} holds no run, and only a run has a style encoder`,
  );
}

async function styleIn(bytes: Uint8Array, name: string): Promise<StyleFile> {
  const found = await readStylePart(bytes, name);
  if (found) return found;
  throw new UserError(`${name} has no style encoder: a file gets it by ${commandLine("export", "RUN", "--with", "style")}`);
}
