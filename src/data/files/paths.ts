/** Paths inside a folder or archive: parts with "/" between them, from its top. */

/** The last part. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** What is before the last part; "." at the top. */
export const folderOf = (path: string): string => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".");

/** Parts one after the other, "." and ".." followed; one that leads out of the top begins with "..". */
export function joined(...parts: readonly string[]): string {
  const out: string[] = [];
  for (const part of parts.join("/").split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && out.length > 0 && out.at(-1) !== "..") out.pop();
    else out.push(part);
  }
  return out.join("/");
}
