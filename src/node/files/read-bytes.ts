/** Whole files as bytes, for the readers of the core, which know only bytes and the name that messages give them. */
import { readFile } from "node:fs/promises";
import { UserError } from "../../errors.js";
import { fileProblemOr } from "./file-problem.js";

/** A file's bytes. @throws UserError when it cannot be read, or is larger than what can be read at once */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${fileProblemOr(error)}`);
  }
}

/** What a reader of the core makes of a file. @throws UserError when it cannot be read, and what the reader throws */
export const readPath = async <T>(path: string, read: (bytes: Uint8Array, name: string) => T | Promise<T>): Promise<T> =>
  read(await readBytes(path), path);
