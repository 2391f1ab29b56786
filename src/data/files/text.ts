/** A text file's characters, whatever program wrote it. */
import { latin1 } from "../../formats/byte-reader.js";

/** How a file's text was read. "damaged" is UTF-8 in which some bytes are unsound: they became U+FFFD. */
export type Encoding = "utf-8" | "utf-16" | "windows-1252" | "damaged";

/** Zero bytes, as a share of the two-byte units, from which on text without a mark counts as UTF-16: every blank and line end has one. */
const ZEROS = 0.03;

/** What Windows-1252 has where Latin-1 has control characters (0x80 to 0x9f); the five that it lacks stay as they are. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/**
 * Decodes text: UTF-8 and UTF-16 by their marks; without one UTF-8 where it is sound, UTF-16 where zero bytes show it, else Windows-1252 (of
 * which Latin-1's letters are a part), unless more letters than not are UTF-8's.
 * @returns undefined where the bytes are no text.
 */
export function decodeText(bytes: Uint8Array): { text: string; encoding: Encoding } | undefined {
  const marked = markOf(bytes);
  const text = decodeAs(marked ?? "utf-8", bytes);
  if (marked !== undefined && marked !== "utf-8") {
    return text.includes("\0") || text.includes("\uFFFD") ? undefined : { text, encoding: "utf-16" };
  }
  if (text.includes("\0")) {
    const kind = zerosOf(bytes);
    const wide = kind && decodeAs(kind, bytes);
    return wide === undefined || /[\0\uFFFD]/.test(wide) ? undefined : { text: wide, encoding: "utf-16" };
  }
  const unsound = text.split("\uFFFD").length - 1;
  if (unsound === 0) {
    return { text, encoding: "utf-8" };
  }
  const letters = text.match(/[^\p{ASCII}\uFFFD]/gu)?.length ?? 0;
  if (marked === "utf-8" || letters > unsound) {
    return { text, encoding: "damaged" };
  }
  return { text: latin1(bytes).replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!), encoding: "windows-1252" };
}

type Unicode = "utf-8" | "utf-16le" | "utf-16be";

/** Removes the mark, if there is one; what is unsound becomes U+FFFD. */
function decodeAs(encoding: Unicode, bytes: Uint8Array): string {
  return new TextDecoder(encoding).decode(bytes);
}

function markOf(bytes: Uint8Array): Unicode | undefined {
  const [a, b, c] = bytes;
  if (a === 0xff && b === 0xfe) return "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  return a === 0xef && b === 0xbb && c === 0xbf ? "utf-8" : undefined;
}

/** The kind of UTF-16 in which zero bytes stand at every second place only: ASCII's upper halves. */
function zerosOf(bytes: Uint8Array): Unicode | undefined {
  const zeros = [0, 0];
  bytes.forEach((byte, i) => (zeros[i % 2]! += byte === 0 ? 1 : 0));
  const enough = ((zeros[0]! + zeros[1]!) * 2) / bytes.length >= ZEROS && bytes.length % 2 === 0;
  return enough && zeros[0] === 0 ? "utf-16le" : enough && zeros[1] === 0 ? "utf-16be" : undefined;
}
