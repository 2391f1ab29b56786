/** From a request's path to a file that may be read: never one outside its folder, whatever was asked. */
import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

/** A request that cannot be answered: a status of HTTP and one line. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const notFound = (): Refusal => new Refusal(404, "there is no such thing here");

/** The parts of a request's path, decoded once each, so that an encoded "/" stays inside its part. @throws Refusal */
export function partsOf(url: string): { parts: string[]; query: URLSearchParams } {
  // "GET http://elsewhere/ HTTP/1.1" is for proxies.
  if (!url.startsWith("/")) throw new Refusal(400, "the path must begin with /");
  const [path = "", query = ""] = url.slice(1).split("?", 2);
  try {
    return { parts: path.split("/").map(decodeURIComponent), query: new URLSearchParams(query) };
  } catch {
    throw new Refusal(400, "the path is not encoded as it should be");
  }
}

/** Whether each is the plain name of a file or folder. */
export function arePlain(names: readonly string[]): boolean {
  return names.every((name) => name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name));
}

/**
 * The path of what lies in a folder under these names, with links followed.
 * @returns undefined where there is nothing, or it lies outside
 */
export async function pathInside(folder: string, names: readonly string[]): Promise<string | undefined> {
  if (!arePlain(names)) return undefined;
  try {
    const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, ...names))]);
    return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The same for a plain file: no folder, and no pipe, which would never end. */
export async function fileInside(folder: string, names: readonly string[]): Promise<string | undefined> {
  const path = await pathInside(folder, names);
  if (path === undefined) return undefined;
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? path : undefined;
}
