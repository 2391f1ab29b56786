/** Memory planning: places in one arena for buffers whose times of use are known, so that those never alive together share it. */

export interface Allocation {
  /** For errors: the tensor that lives here. */
  readonly label: string;
  readonly bytes: number;
  /** First and last step that touches it, both included. */
  first: number;
  last: number;
  /** Byte offset in the arena, set by `planArena`. */
  offset: number;
}

export interface ArenaPlan {
  readonly bytes: number;
  /** The most bytes alive at any one step: no plan can need less. */
  readonly lowerBound: number;
}

/**
 * Greedy by size: the largest buffers first, each at the lowest offset that is free during its whole life.
 * @param alignment Of the offsets, in bytes.
 */
export function planArena(allocations: readonly Allocation[], alignment: number): ArenaPlan {
  const aligned = (n: number) => Math.ceil(n / alignment) * alignment;
  const placed: Allocation[] = [];
  let bytes = 0;
  for (const a of [...allocations].sort((p, q) => q.bytes - p.bytes || p.first - q.first)) {
    const busy = placed.filter((b) => b.first <= a.last && a.first <= b.last).sort((p, q) => p.offset - q.offset);
    let offset = 0;
    for (const b of busy) {
      if (offset + aligned(a.bytes) <= b.offset) break;
      offset = Math.max(offset, b.offset + aligned(b.bytes));
    }
    a.offset = offset;
    placed.push(a);
    bytes = Math.max(bytes, offset + aligned(a.bytes));
  }
  const change = new Map<number, number>();
  for (const a of allocations) {
    change.set(a.first, (change.get(a.first) ?? 0) + a.bytes);
    change.set(a.last + 1, (change.get(a.last + 1) ?? 0) - a.bytes);
  }
  let alive = 0;
  let lowerBound = 0;
  for (const [, delta] of [...change].sort(([p], [q]) => p - q)) lowerBound = Math.max(lowerBound, (alive += delta));
  return { bytes, lowerBound };
}
