/**
 * JSON as RFC 8259 says, but that a key may stand only once in an object and nesting ends at a small depth: for headers that come from
 * strangers, where `JSON.parse` would quietly keep the last of two entries. Objects become Maps, so that no key means anything special.
 */

const SPACE = /[ \t\n\r]*/y;
/** A text is taken in such pieces: one pattern for all of it would keep a place to go back to for every character. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

const MAX_DEPTH = 8;
/** Ten times those of any model or data set: an empty object takes fifty times the two characters that ask for one. */
const MAX_VALUES = 2_000_000;

/**
 * Parses `text`.
 * @throws Error saying what is wrong, at which character
 */
export function parseStrictJson(text: string): unknown {
  let at = 0;
  let values = 0;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const takeMark = (mark: string): boolean => {
    take(SPACE);
    if (text[at] !== mark) return false;
    at++;
    return true;
  };
  const fail = (problem: string): never => {
    throw new Error(`${problem} at character ${at}`);
  };
  const expect = (mark: string): void => {
    if (!takeMark(mark)) fail(`no "${mark}"`);
  };

  const takeString = (): string | undefined => {
    const from = at;
    if (text[at] !== '"') return undefined;
    at++;
    do take(PLAIN);
    while (take(ESCAPE) !== undefined);
    if (text[at] !== '"') return fail(at < text.length ? "no character of a text" : "a text without an end");
    return text.slice(from, ++at);
  };

  const value = (depth: number): unknown => {
    if (depth > MAX_DEPTH) fail("too deep a nesting");
    if (++values > MAX_VALUES) fail(`more than ${MAX_VALUES} values`);
    if (takeMark("{")) return object(depth);
    if (takeMark("[")) return array(depth);
    const token = takeString() ?? take(NUMBER) ?? take(WORD);
    return token === undefined ? fail("no value") : JSON.parse(token);
  };

  const object = (depth: number): Map<string, unknown> => {
    const members = new Map<string, unknown>();
    if (takeMark("}")) return members;
    do {
      take(SPACE);
      const token = takeString() ?? fail("no key");
      const key = JSON.parse(token) as string;
      if (members.has(key)) fail(`the key ${token.slice(0, 100)} a second time`);
      expect(":");
      members.set(key, value(depth + 1));
    } while (takeMark(","));
    expect("}");
    return members;
  };

  const array = (depth: number): unknown[] => {
    const items: unknown[] = [];
    if (takeMark("]")) return items;
    do items.push(value(depth + 1));
    while (takeMark(","));
    expect("]");
    return items;
  };

  const root = value(0);
  take(SPACE);
  if (at !== text.length) fail("something after the end");
  return root;
}
