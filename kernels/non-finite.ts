/**
 * NaN and infinities in WGSL, as IEEE 754 has them. WGSL lets a driver assume that there are none: `x != x` may be folded away, a
 * comparison turned round, `x * 0` made 0; and of two numbers `max` and `clamp` may give the one that is no NaN. So here NaN is told by its
 * bits, which no driver assumes anything about. Expressions hold for `T` = f32 and vec4f alike (U: the unsigned integers of that width);
 * their arguments are names, since they are written several times.
 */

/** Bits of the infinity; greater magnitudes are NaN. */
const INFINITY = "0x7f800000u";
/** Bits of a NaN. */
const NAN = "0x7fc00000u";

const magnitude = (x: string, U = "U"): string => `(bitcast<${U}>(${x}) & ${U}(0x7fffffffu))`;

export const isNaN = (x: string, U = "U"): string => `(${magnitude(x, U)} > ${U}(${INFINITY}))`;
export const isInfinite = (x: string): string => `(${magnitude(x)} == U(${INFINITY}))`;
export const isNonFinite = (x: string, U = "U"): string => `(${magnitude(x, U)} >= ${U}(${INFINITY}))`;

/** `value`, but x where x is NaN. */
export const keepNaN = (x: string, value: string, U = "U"): string => `select(${value}, ${x}, ${isNaN(x, U)})`;

/** The larger of both, NaN where one of them is. */
export const larger = (a: string, b: string, U = "U"): string => keepNaN(a, keepNaN(b, `max(${a}, ${b})`, U), U);

/** max(x, 0), NaN where x is: what is not left as it is are -0 and all below, down to minus infinity, whose bits are one range. */
export const positivePart = (x: string): string => `select(${x}, T(0), (bitcast<U>(${x}) ^ U(0x80000000u)) <= U(${INFINITY}))`;

export type Comparison = ">" | ">=" | "<" | "<=";

/** a compared with b; false where one of them is NaN. */
export const compare = (a: string, comparison: Comparison, b: string): string =>
  `((${a} ${comparison} ${b}) & !${isNaN(a)} & !${isNaN(b)})`;

/** x compared with zero; false where x is NaN. */
export const compareZero = (x: string, comparison: Comparison): string => `((${x} ${comparison} T(0)) & !${isNaN(x)})`;

/** 0 where x is finite, else NaN: 0·x, x − x. */
export const zeroTimes = (x: string): string => `bitcast<T>(select(U(0u), U(${NAN}), ${isNonFinite(x)}))`;

/** x / 0, or x / -0 where `negative`: an infinity of the quotient's sign, NaN where x is 0 or NaN. */
export const overZero = (x: string, negative: boolean): string => {
  const sign = `((bitcast<U>(${x})${negative ? " ^ U(0x80000000u)" : ""}) & U(0x80000000u))`;
  return `bitcast<T>(select(${sign} | U(${INFINITY}), U(${NAN}), ${isZeroOrNaN(x)}))`;
};

/** 0 / y: NaN where y is 0 or NaN, else 0. */
export const zeroOver = (y: string): string => `bitcast<T>(select(U(0u), U(${NAN}), ${isZeroOrNaN(y)}))`;

const isZeroOrNaN = (x: string): string => `(${isNaN(x)} | (${magnitude(x)} == U(0u)))`;

/** Statement that makes `name` minus infinity, which WGSL has no constant for. */
export const minusInfinity = (name: string): string => `var ${name}_bits = 0xff800000u; let ${name} = bitcast<f32>(${name}_bits);`;
