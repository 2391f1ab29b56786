/** What a full or closed disk says, in one line. */
import { UserError } from "../../errors.js";
import { fileProblem } from "./file-problem.js";

/** Turns what a full or closed disk says into one line. @param wayOn Its end, where there is more to say. */
export function writing<T>(path: string, action: () => T, wayOn?: string): T {
  try {
    return action();
  } catch (error) {
    const refused = refusal(error, path);
    throw refused === undefined ? error : new UserError(wayOn === undefined ? refused : `${refused}; ${wayOn}`);
  }
}

/** Undefined for an error that is none of the file system's. */
function refusal(error: unknown, path: string): string | undefined {
  const problem = fileProblem(error);
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (problem === undefined) return undefined;
  if (code === "ENOSPC" || code === "EDQUOT") return `the disk is full: ${path} could not be written. Free some space`;
  if (code === "ENOTDIR" || code === "EEXIST" || code === "EISDIR")
    return `${path} cannot be written: ${code === "EISDIR" ? "a folder" : "a file"} is in its way (${code})`;
  return `${path} cannot be written: ${problem}`;
}
