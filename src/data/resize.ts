/**
 * Resizing a photograph as the original program's library did: the mean over the source area when shrinking, linear between corners when
 * enlarging.
 */

/**
 * Resizes RGB bytes, each axis by itself, ignoring the aspect ratio.
 * @param pixels height x width x 3. @returns newHeight x newWidth x 3.
 */
export function resizeArea(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Uint8Array {
  const columns = axisWeights(width, newWidth);
  const rows = axisWeights(height, newHeight);
  const narrow = new Float32Array(height * newWidth * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      const { first, weights } = columns[x]!;
      for (let i = 0, at = (y * width + first) * 3; i < weights.length; i++, at += 3) {
        const weight = weights[i]!;
        red += weight * pixels[at]!;
        green += weight * pixels[at + 1]!;
        blue += weight * pixels[at + 2]!;
      }
      const to = (y * newWidth + x) * 3;
      narrow[to] = red;
      narrow[to + 1] = green;
      narrow[to + 2] = blue;
    }
  }
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

interface Weights {
  /** First source place that counts. */
  readonly first: number;
  /** Share of this and the following places; they sum to 1. */
  readonly weights: Float32Array;
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
