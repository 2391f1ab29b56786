/** Seeded damage to files: to their bytes, and to the JSON in them. */

/** Uniform in [0, 1), the same sequence for the same seed (mulberry32). */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;

export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

/** A few bytes changed, put in, taken out or written over with a number, or the end cut off. */
export function damaged(random: Random, file: Uint8Array): Uint8Array {
  let bytes = file.slice();
  for (let changes = 1 + Math.floor(random() * 3); changes > 0 && bytes.length > 0; changes--) {
    // Headers are where the lies are.
    const within = random() < 0.5 ? Math.min(200, bytes.length) : bytes.length;
    const at = Math.floor(random() * within);
    switch (Math.floor(random() * 6)) {
      case 0:
        bytes[at]! ^= 1 << Math.floor(random() * 8);
        break;
      case 1:
        bytes[at] = pick(random, [0, 1, 127, 128, 255, Math.floor(random() * 256)]);
        break;
      case 2:
        bytes = Uint8Array.from([...bytes.subarray(0, at), Math.floor(random() * 256), ...bytes.subarray(at)]);
        break;
      case 3:
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
        break;
      case 4: {
        const number = pick(random, [-1, 0, 1, 2 ** 31 - 1, 2 ** 30, 1000]);
        new Uint8Array(Int32Array.of(number).buffer).forEach((byte, i) => at + i < bytes.length && (bytes[at + i] = byte));
        break;
      }
      default:
        bytes = bytes.slice(0, Math.floor(random() * bytes.length));
    }
  }
  return bytes;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NONSENSE: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1,
  1.5,
  3,
  1e9,
  2 ** 53,
  1e308,
  "",
  "x",
  "__proto__",
  "two\nlines",
  [],
  [-1],
  [[]],
  {},
  { x: 1 },
];

/** A value somewhere in it replaced by nonsense or by another value of it, left out, or put in twice. */
export function nonsense(random: Random, json: unknown): unknown {
  const root = { json: structuredClone(json) as Json };
  for (let changes = 1 + Math.floor(random() * 2); changes > 0; changes--) {
    const places = placesIn(root as { json: Json });
    const [holder, key] = pick(random, places);
    const [other, otherKey] = pick(random, places);
    const target = holder as Record<string, Json>;
    const way = random();
    if (way < 0.6) target[key] = pick(random, NONSENSE);
    else if (way < 0.75) target[key] = structuredClone((other as Record<string, Json>)[otherKey]!);
    else if (way < 0.9 && holder !== (root as unknown)) {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete target[key];
    } else if (Array.isArray(holder)) holder.push(target[key]!);
    else target[`${key}x`] = pick(random, NONSENSE);
  }
  return root.json;
}

/** Every value's holder and key; of long lists the first ones, so that no list takes all the damage. */
function placesIn(holder: Json): [holder: Json[] | { [key: string]: Json }, key: string][] {
  if (typeof holder !== "object" || holder === null) return [];
  return Object.entries(holder)
    .slice(0, 20)
    .flatMap(([key, value]) => [[holder, key], ...placesIn(value)] as [Json[] | { [key: string]: Json }, string][]);
}
