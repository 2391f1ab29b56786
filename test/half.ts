/** IEEE 754 binary16, for tests: the nearest half of a number (ties to even, finite ones saturated), as bits and back. */

export const MOST = 65504;

/** Bits of the half that is nearest to a number. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (!Number.isFinite(value)) return sign | (Number.isNaN(value) ? 0x7e00 : 0x7c00);
  const x = Math.min(Math.abs(value), MOST);
  // Halves of one binade lie 2^(e - 10) apart; below 2^-14 as there.
  const exponent = Math.max(-14, Math.floor(Math.log2(x || 1e-30)));
  const units = x / 2 ** (exponent - 10);
  const down = Math.floor(units);
  const rest = units - down;
  const rounded = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
  // Units from 1024 on carry the implicit bit, which adds one to the exponent's field; rounding up to 2048 adds another.
  return sign | (rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded);
}

export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Each number's nearest half. */
export const rounded = (values: Float32Array): Float32Array => values.map((x) => fromHalf(toHalf(x)));
