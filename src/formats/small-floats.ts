/**
 * Floats of 4 to 16 bits as 32-bit ones: IEEE 754's binary16, bfloat16, the 8-bit types of the OCP specifications (OFP8; MX v1.0 for those of
 * 4 and 6 bits and the exponents alone), and their FNUZ relatives. Every 32-bit float holds every value of theirs.
 */

interface FloatForm {
  readonly bits: number;
  readonly exponent: number;
  readonly fraction: number;
  readonly bias: number;
  /**
   * What the largest exponent means: Inf and NaN as in IEEE 754, NaN where all bits are set (FN), nothing special (none), or, with NaN in the
   * place of -0, nothing special (FNUZ).
   */
  readonly special: "ieee" | "fn" | "none" | "fnuz";
}

export const SMALL_FLOATS = {
  F16: { bits: 16, exponent: 5, fraction: 10, bias: 15, special: "ieee" },
  BF16: { bits: 16, exponent: 8, fraction: 7, bias: 127, special: "ieee" },
  F8_E5M2: { bits: 8, exponent: 5, fraction: 2, bias: 15, special: "ieee" },
  F8_E4M3: { bits: 8, exponent: 4, fraction: 3, bias: 7, special: "fn" },
  F8_E5M2FNUZ: { bits: 8, exponent: 5, fraction: 2, bias: 16, special: "fnuz" },
  F8_E4M3FNUZ: { bits: 8, exponent: 4, fraction: 3, bias: 8, special: "fnuz" },
  // An exponent alone, without a sign.
  F8_E8M0: { bits: 8, exponent: 8, fraction: 0, bias: 127, special: "fn" },
  F6_E2M3: { bits: 6, exponent: 2, fraction: 3, bias: 1, special: "none" },
  F6_E3M2: { bits: 6, exponent: 3, fraction: 2, bias: 3, special: "none" },
  F4: { bits: 4, exponent: 2, fraction: 1, bias: 1, special: "none" },
} as const satisfies Readonly<Record<string, FloatForm>>;

export type SmallFloat = keyof typeof SMALL_FLOATS;

const tables = new Map<SmallFloat, Float32Array>();

/** The values of `count` elements, the first in the lowest bits. */
export function widened(bytes: Uint8Array, type: SmallFloat, count: number): Float32Array {
  const { bits } = SMALL_FLOATS[type];
  let table = tables.get(type);
  if (!table) tables.set(type, (table = Float32Array.from({ length: 1 << bits }, (_, code) => valueOf(code, SMALL_FLOATS[type]))));
  const values = new Float32Array(count);
  if (bits === 16) for (let i = 0; i < count; i++) values[i] = table[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!;
  else if (bits === 8) for (let i = 0; i < count; i++) values[i] = table[bytes[i]!]!;
  else {
    for (let i = 0; i < count; i++) {
      const at = i * bits;
      const two = bytes[at >> 3]! | ((bytes[(at >> 3) + 1] ?? 0) << 8);
      values[i] = table[(two >> (at & 7)) & ((1 << bits) - 1)]!;
    }
  }
  return values;
}

function valueOf(code: number, { bits, exponent, fraction, bias, special }: FloatForm): number {
  const signed = bits > exponent + fraction;
  const sign = signed && code >> (bits - 1) ? -1 : 1;
  const e = (code >> fraction) & ((1 << exponent) - 1);
  const f = code & ((1 << fraction) - 1);
  const [top, full] = [(1 << exponent) - 1, (1 << fraction) - 1];
  if (special === "ieee" && e === top) return f === 0 ? sign * Infinity : NaN;
  if (special === "fn" && e === top && f === full) return NaN;
  if (special === "fnuz" && code === 1 << (bits - 1)) return NaN;
  // Without fraction bits there is nothing below the least power of two.
  if (e === 0 && fraction > 0) return sign * f * 2 ** (1 - bias - fraction);
  return sign * (1 + f / (1 << fraction)) * 2 ** (e - bias);
}

/** The nearest halves (binary16) of 32-bit floats, ties to even, as their codes: beyond 65,520 infinity, as IEEE 754 rounds. */
export function halves(values: Float32Array): Uint16Array {
  const codes = new Uint16Array(values.length);
  new Uint32Array(values.buffer, values.byteOffset, values.length).forEach((bits, i) => (codes[i] = halfOf(bits, values[i]!)));
  return codes;
}

/** @param bits Those of `value`. */
function halfOf(bits: number, value: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 halves lie 2^-24 apart; a product with a power of two is exact.
  if (magnitude < 0x38800000) {
    const units = Math.abs(value) * 2 ** 24;
    const down = Math.floor(units);
    const rest = units - down;
    return sign | (rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down);
  }
  // The exponent for another bias; 13 bits of the fraction go, and what is carried may go into the exponent.
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >> 13) & 1)) >> 13);
}
