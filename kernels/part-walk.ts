/**
 * How a long reduction is shared out, so that rounding errors hardly grow with its length: a sum in one row of n equal numbers is off by
 * n 2^-26 at worst, so a lane adds up blocks of 16 elements and then the blocks, walks some hundred elements, and leaves one part for the
 * stage that follows.
 */
import { roundUp } from "./gemm-problem.js";
import { type WriteNumber } from "./loops.js";

/** Elements that a lane adds up one after the other where it walks more than 32. */
export const BLOCK = 16;

/** Parts that lie side by side, taking turns. More parts take a stretch each, side by side in so many, lest a lane's elements lie far apart. */
const SIDE_BY_SIDE = 1024;

/** Parts of a reduction of which each takes some `share` elements. */
export function partsOf(length: number, share: number): number {
  const least = Math.ceil(length / share);
  return least <= SIDE_BY_SIDE ? least : roundUp(least, SIDE_BY_SIDE);
}

/** WGSL of a lane's walk: its elements are first, first + step ... below end. */
export interface PartWalk {
  readonly first: string;
  readonly end: string;
  readonly step: string;
  /** Whether the walk is so long that it should be added up in blocks. */
  readonly blocked: boolean;
}

/** Lanes that share out a part between them, the WGSL of which of them a lane is, and how numbers are written. */
export interface Lanes {
  readonly along: number;
  readonly lane: string;
  readonly number: WriteNumber;
}

/**
 * The walk of part `part` (a WGSL variable) of `parts`. A lane's elements lie apart, so that neighbours in memory belong to neighbouring
 * lanes and parts, which run side by side. Parts may be empty.
 */
export function partWalk(length: number, parts: number, { along, lane, number }: Lanes): PartWalk {
  const [lengthText, sideText] = [number(length), number(Math.min(parts, SIDE_BY_SIDE))];
  const offset = along === 1 ? "" : ` * ${along}u + ${lane}`;
  const step = along === 1 ? sideText : `${sideText} * ${along}u`;
  const blocked = length > 2 * BLOCK * parts * along;
  if (parts <= SIDE_BY_SIDE) return { first: `part${offset}`, end: lengthText, step, blocked };
  const stretch = number(Math.ceil((length * SIDE_BY_SIDE) / parts));
  const first = `part / ${sideText} * ${stretch} + part % ${sideText}${offset}`;
  return { first, end: `min((part / ${sideText} + 1u) * ${stretch}, ${lengthText})`, step, blocked };
}
