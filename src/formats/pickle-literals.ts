/** The numbers and strings of Python's older pickles, which are written as Python shows them. Each gives undefined for what is none. */

/** "-12", or "12L" as Python 2 writes long ones. */
export const parseInteger = (text: string): bigint | undefined => (/^-?\d{1,40}L?$/.test(text) ? BigInt(text.replace("L", "")) : undefined);

export function parseFloating(text: string): number | undefined {
  if (text === "nan") return NaN;
  if (/^-?inf$/.test(text)) return text === "inf" ? Infinity : -Infinity;
  const value = /^[-+]?[\d.]{1,40}(?:[eE][-+]?\d{1,4})?$/.test(text) ? Number(text) : NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** Longer texts are no names, and looking for escapes takes many times a text's memory. */
const MAX_ESCAPED = 1_000_000;

/** A text in Python's raw-unicode-escape. */
export function parseEscaped(text: string): string | undefined {
  let sound = text.length <= MAX_ESCAPED;
  const plain = sound
    ? text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
        const code = parseInt(short ?? long!, 16);
        if (code <= 0x10ffff) return String.fromCodePoint(code);
        sound = false;
        return "";
      })
    : "";
  return sound ? plain : undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" },
  ...{ "\\": "\\", "'": "'", '"': '"' },
};

/** A string of Python 2 in quotes, with escapes. It may be an array's contents, so there is nothing made for each of its characters. */
export function parseQuoted(text: string): Uint8Array | undefined {
  const end = text.length - 1;
  if (end < 1 || (text[0] !== "'" && text[0] !== '"') || text[end] !== text[0]) return undefined;
  const bytes = new Uint8Array(end);
  let length = 0;
  for (let at = 1; at < end;) {
    const code = text.charCodeAt(at++);
    bytes[length++] = code;
    if (code !== BACKSLASH || at >= end) continue;
    const escape = ESCAPES[text[at]!];
    const number = escape === undefined ? /^(?:x([0-9a-fA-F]{2})|([0-7]{1,3}))/.exec(text.slice(at, Math.min(end, at + 3))) : null;
    // What is no escape stays, its backslash too.
    if (escape === undefined && !number) continue;
    bytes[length - 1] = escape?.charCodeAt(0) ?? (number![1] === undefined ? parseInt(number![2]!, 8) : parseInt(number![1], 16));
    at += number?.[0].length ?? 1;
  }
  return bytes.slice(0, length);
}

const BACKSLASH = 0x5c;
