/**
 * Resizing a photograph as the original program's library did: the mean over the source area when shrinking, linear between corners when
 * enlarging.
 */

/**
 * Resizes RGB bytes, each axis by itself, ignoring the aspect ratio.
 * @param pixels height x width x 3. @returns newHeight x newWidth x 3.
 */
export function resizeArea(pixels: Pixels, width: number, height: number, newWidth: number, newHeight: number): Uint8Array {
  const { weights: columns, even } = axisOf(width, newWidth);
  const { weights: rows } = axisOf(height, newHeight);
  const narrow = scratch(height * newWidth * 3);
  if (even === undefined) weighRows(pixels, width, height, columns, narrow);
  else sumRows(pixels, width, height, even, narrow);
  const out = new Uint8Array(newHeight * newWidth * 3);
  const stride = newWidth * 3;
  const line = new Float32Array(stride);
  for (let y = 0; y < newHeight; y++) {
    const { first, weights } = rows[y]!;
    line.fill(0.5);
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      const start = (first + i) * stride;
      for (let x = 0; x < stride; x++) {
        line[x] = line[x]! + weight * narrow[start + x]!;
      }
    }
    out.set(line, y * stride);
  }
  return out;
}

/** Between the passes: the same memory for image after image, since taking and clearing it anew would take a tenth of the time. */
let between = new Float32Array(0);
const MOST_KEPT = 1 << 22;

function scratch(length: number): Float32Array {
  if (length > MOST_KEPT) return new Float32Array(length);
  if (between.length < length) between = new Float32Array(length);
  return between;
}

/** The first pass: each row made narrow. */
function weighRows(pixels: Pixels, width: number, height: number, columns: readonly Weights[], narrow: Float32Array): void {
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of columns) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let i = 0, at = (y * width + first) * 3; i < weights.length; i++, at += 3) {
        const weight = weights[i]!;
        red += weight * pixels[at]!;
        green += weight * pixels[at + 1]!;
        blue += weight * pixels[at + 2]!;
      }
      narrow[to++] = red;
      narrow[to++] = green;
      narrow[to++] = blue;
    }
  }
}

/** The same, to the bit, in half the time, where all places but a column's first and last weigh the same: their bytes are added up as integers. */
function sumRows(pixels: Pixels, width: number, height: number, even: EvenWeights, narrow: Float32Array): void {
  const { first, last, head, whole, tail } = even;
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < first.length; x++) {
      const begin = (y * width + first[x]!) * 3;
      const end = (y * width + last[x]!) * 3;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let at = begin + 3; at < end; at += 3) {
        red += pixels[at]!;
        green += pixels[at + 1]!;
        blue += pixels[at + 2]!;
      }
      const h = head[x]!;
      const w = whole[x]!;
      const t = tail[x]!;
      narrow[to++] = h * pixels[begin]! + w * red + t * pixels[end]!;
      narrow[to++] = h * pixels[begin + 1]! + w * green + t * pixels[end + 1]!;
      narrow[to++] = h * pixels[begin + 2]! + w * blue + t * pixels[end + 2]!;
    }
  }
}

/** Weights of an axis on which all places but the first and the last of each new one weigh the same. */
interface EvenWeights {
  readonly first: Int32Array;
  readonly last: Int32Array;
  /** Of the first place; 0 for the last where it is the first. */
  readonly head: Float32Array;
  readonly whole: Float32Array;
  readonly tail: Float32Array;
}

/** Weights from here on are multiples of 2^-45, and sums are below 2^8: they fit the 53 bits of a number, and come out the same in any order. */
const LEAST_EXACT = 2 ** -22;

/** Undefined where the order of a sum could be seen in its bits. */
function evenWeights(axis: readonly Weights[]): EvenWeights | undefined {
  const even = axis.every(
    ({ weights }) => weights.every((weight) => weight >= LEAST_EXACT) && weights.subarray(1, -1).every((weight) => weight === weights[1]),
  );
  if (!even) return undefined;
  return {
    first: Int32Array.from(axis, ({ first }) => first),
    last: Int32Array.from(axis, ({ first, weights }) => first + weights.length - 1),
    head: Float32Array.from(axis, ({ weights }) => weights[0]!),
    whole: Float32Array.from(axis, ({ weights }) => (weights.length > 2 ? weights[1]! : 0)),
    tail: Float32Array.from(axis, ({ weights }) => (weights.length > 1 ? weights.at(-1)! : 0)),
  };
}

type Pixels = Uint8Array | Uint8ClampedArray;

interface Weights {
  /** First source place that counts. */
  readonly first: number;
  /** Share of this and the following places; they sum to 1. */
  readonly weights: Float32Array;
}

interface Axis {
  /** Of each new place. */
  readonly weights: readonly Weights[];
  readonly even: EvenWeights | undefined;
}

/** The axes met last: most images of a data set have one of a few sizes. */
const axes = new Map<string, Axis>();
const MOST_AXES = 64;

function axisOf(length: number, newLength: number): Axis {
  const key = `${length} ${newLength}`;
  const known = axes.get(key);
  if (known) return known;
  const weights = axisWeights(length, newLength);
  const axis = { weights, even: evenWeights(weights) };
  if (axes.size >= MOST_AXES) axes.clear();
  axes.set(key, axis);
  return axis;
}

/** For each new place on an axis, the shares of the old places. */
function axisWeights(length: number, newLength: number): Weights[] {
  return Array.from({ length: newLength }, (_, i) => {
    if (newLength > length) {
      // Corners stay where they are.
      const at = newLength > 1 ? (i * (length - 1)) / (newLength - 1) : 0;
      const first = Math.min(Math.floor(at), Math.max(0, length - 2));
      return { first, weights: length > 1 ? Float32Array.of(1 - (at - first), at - first) : Float32Array.of(1) };
    }
    const start = (i * length) / newLength;
    const end = ((i + 1) * length) / newLength;
    const first = Math.floor(start);
    const count = Math.min(length, Math.ceil(end - 1e-9)) - first;
    const weights = Float32Array.from({ length: count }, (_unused, j) => {
      const covered = Math.min(end, first + j + 1) - Math.max(start, first + j);
      return covered / (end - start);
    });
    return { first, weights };
  });
}
