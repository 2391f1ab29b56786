/**
 * How a user types a command of petalgrad, for messages and help: `npm run sample -- --run DIR` in a clone, `npx petalgrad sample --run DIR`
 * where the package is installed.
 */

/** A clone runs its TypeScript as it is; the package holds JavaScript. So where this file lies says what can be typed, and no process is asked. */
const IN_CLONE = import.meta.url.endsWith(".ts");

/**
 * A whole line, as it is typed.
 * @param line Of the form "sample --run DIR": the command's name, then its words, quoted where a shell wants it.
 */
export function typed(line: string, inClone = IN_CLONE): string {
  const [, name = "", words = ""] = /^(\S+) ?(.*)$/s.exec(line) ?? [];
  if (!inClone) return `npx petalgrad ${line}`;
  // npm keeps options to itself unless they follow "--".
  return words === "" ? `npm run ${name}` : `npm run ${name} -- ${words}`;
}

/** The same from single words, of which those with spaces and the like are quoted: paths and sentences. */
export function commandLine(name: string, ...words: readonly string[]): string {
  return typed([name, ...words.map(quoted)].join(" "));
}

/** A word as a shell reads it. */
export function quoted(word: string): string {
  return /^[\p{L}\p{M}\p{N}\-_./\\:=+,@%~]+$/u.test(word) ? word : `"${word.replace(/["$`]/g, "\\$&")}"`;
}
