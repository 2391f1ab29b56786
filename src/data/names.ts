/**
 * Names of files as people's systems leave them: which ones are no part of a data set, and one form for those that are. Every walk of a
 * folder or an archive (images, captions, class lists, embeddings) goes by these rules.
 */

/** What operating systems, file servers and archivers leave among people's files; in small letters. Hidden ones need no line here. */
const SYSTEM_NAMES = new Set([
  // Archives made by macOS, and its volumes.
  "__macosx",
  "icon\r",
  "network trash folder",
  "temporary items",
  // Windows.
  "thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  "$recycle.bin",
  "recycler",
  "system volume information",
  "found.000",
  // File servers (Synology, QNAP, NetApp) and file systems.
  "@eadir",
  "@tmp",
  "@recycle",
  "@recently-snapshot",
  "#recycle",
  "#snapshot",
  "~snapshot",
  "lost+found",
  // Programs.
  "__pycache__",
]);

/** Whether a file or folder is hidden or a system's own, by its name or by a folder it lies in: it is no class, no image, no caption. */
export function isStray(path: string): boolean {
  return path.split("/").some((name) => name.startsWith(".") || SYSTEM_NAMES.has(name.toLowerCase()));
}

/** One Unicode form for names that are compared: macOS decomposes "é" into two characters (NFD), others keep one (NFC). */
export function nameForm(name: string): string {
  return name.normalize("NFC");
}

const IMAGE_ENDING = /\.(?:jpe?g|jpe|jfif|png|webp|tiff?|gif|avif)$/i;

/** Whether a file's name is that of an image that can be decoded. */
export function isImageName(name: string): boolean {
  return IMAGE_ENDING.test(name);
}

/** A file's ending, such as ".bmp", in small letters; "" where it has none. */
export function endingOf(path: string): string {
  return /\.[^./]+$/.exec(path)?.[0].toLowerCase() ?? "";
}

/** A path without its last ending. */
export function withoutEnding(path: string): string {
  return path.replace(/\.[^./]+$/, "");
}
