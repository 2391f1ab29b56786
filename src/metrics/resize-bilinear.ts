/** Bilinear enlargement as PyTorch's `interpolate(mode="bilinear", align_corners=False)`: pixels are squares, and their centres are what is interpolated. */

/**
 * @param images [N, 3, size, size]
 * @returns [N, 3, side, side]
 */
export function resizeBilinear(images: Float32Array, size: number, side: number): Float32Array {
  const planes = images.length / (size * size);
  const result = new Float32Array(planes * side * side);
  const places = Array.from({ length: side }, (_, i) => {
    const at = Math.min(size - 1, Math.max(0, ((i + 0.5) * size) / side - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(size - 1, low + 1), share: at - low };
  });
  let to = 0;
  for (let plane = 0; plane < planes; plane++) {
    const pixel = (y: number, x: number) => images[(plane * size + y) * size + x]!;
    for (const y of places) {
      for (const x of places) {
        const above = pixel(y.low, x.low) * (1 - x.share) + pixel(y.low, x.high) * x.share;
        const below = pixel(y.high, x.low) * (1 - x.share) + pixel(y.high, x.high) * x.share;
        result[to++] = above * (1 - y.share) + below * y.share;
      }
    }
  }
  return result;
}
