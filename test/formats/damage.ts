/** What may happen to a file: the fuzz tests of all readers. */
import fc from "../property.js";
import { expect } from "vitest";
import { UserError } from "../../src/errors.js";

/** A file cut short, with bytes changed, inserted or taken out. */
const damage = fc.record({
  keep: fc.double({ min: 0, max: 1, noNaN: true }),
  changes: fc.array(
    fc.tuple(fc.nat(), fc.constantFrom("flip", "set", "insert", "remove"), fc.oneof(fc.nat(255), fc.constantFrom(0, 127, 128, 255))),
    {
      maxLength: 4,
    },
  ),
});

function apply(file: Uint8Array, { keep, changes }: { keep: number; changes: [number, string, number][] }): Uint8Array {
  const bytes = [...file];
  // Half of the files keep their length.
  if (keep < 0.5) bytes.length = Math.floor(2 * keep * bytes.length);
  for (const [place, kind, value] of changes) {
    if (bytes.length === 0) break;
    const at = place % bytes.length;
    if (kind === "flip") bytes[at]! ^= 1 << (value & 7);
    if (kind === "set") bytes[at] = value;
    if (kind === "insert") bytes.splice(at, 0, value);
    if (kind === "remove") bytes.splice(at, 1);
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads damaged copies of sound files, and noise: each gives a value or a UserError of one line that begins with the file's name, and
 * leaves its memory be: arrays are never larger than `most` times the file.
 */
export function survives(files: readonly Uint8Array[], read: (bytes: Uint8Array, name: string) => unknown, most = 2, numRuns = 1500): void {
  const broken = fc.tuple(fc.constantFrom(...files), damage).map(([file, how]) => apply(file, how));
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: broken }, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const before = process.memoryUsage().arrayBuffers;
      try {
        read(bytes, "x.file");
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        expect((error as Error).message).toMatch(/^x\.file[^\n]*$/);
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(most * bytes.length + 2 ** 20);
    }),
    { numRuns },
  );
}

/** Every end cut off: each is refused. */
export function refusesEveryCut(file: Uint8Array, read: (bytes: Uint8Array, name: string) => unknown): void {
  for (let length = 0; length < file.length; length++) {
    expect(() => read(file.slice(0, length), "x.file"), `first ${length} bytes`).toThrow(UserError);
  }
}
