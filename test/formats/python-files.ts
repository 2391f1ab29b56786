/** Files that Python and NumPy wrote (scripts/fixtures/formats.py), by name. */
import { readFileSync } from "node:fs";

const files = JSON.parse(readFileSync(new URL("../fixtures/formats.json", import.meta.url), "utf8")) as Record<string, string>;

export function pythonFile(name: string): Uint8Array {
  const base64 = files[name];
  if (base64 === undefined) throw new Error(`formats.json has no ${name}`);
  return Uint8Array.from(Buffer.from(base64, "base64"));
}
