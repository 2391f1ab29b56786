/** The numbers and strings of Python's older pickles, which are written as Python shows them. Each gives undefined for what is none. */

/** "-12", or "12L" as Python 2 writes long ones. */
export const parseInteger = (text: string): bigint | undefined => (/^-?\d{1,40}L?$/.test(text) ? BigInt(text.replace("L", "")) : undefined);

export function parseFloating(text: string): number | undefined {
  if (text === "nan") return NaN;
  if (/^-?inf$/.test(text)) return text === "inf" ? Infinity : -Infinity;
  const value = /^[-+]?[\d.]{1,40}(?:[eE][-+]?\d{1,4})?$/.test(text) ? Number(text) : NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** A text in Python's raw-unicode-escape. */
export function parseEscaped(text: string): string | undefined {
  const codes = [...text.matchAll(/\\U([0-9a-fA-F]{8})/g)].map(([, digits]) => parseInt(digits!, 16));
  if (codes.some((code) => code > 0x10ffff)) return undefined;
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) =>
    String.fromCodePoint(parseInt(short ?? long!, 16)),
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" },
  ...{ "\\": "\\", "'": "'", '"': '"' },
};

/** A string of Python 2 in quotes, with escapes. */
export function parseQuoted(text: string): Uint8Array | undefined {
  const body = /^(["'])(.*)\1$/s.exec(text)?.[2];
  if (body === undefined) return undefined;
  const plain = body.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([^]))/g, (all, hex?: string, octal?: string, letter?: string) => {
    if (letter !== undefined) return ESCAPES[letter] ?? all;
    return String.fromCharCode(hex !== undefined ? parseInt(hex, 16) : parseInt(octal!, 8) & 255);
  });
  return Uint8Array.from(Buffer.from(plain, "latin1"));
}
