/** Images as bytes: a quarter of the memory to write to the device, and no arithmetic before it. */
import { unpackPixels } from "../../kernels/pixels.js";
import { ShapeError } from "../errors.js";
import { channelsLast, format, type Shape, size } from "./shape.js";
import { Tensor } from "./tensor.js";

/** Words of u32 that hold images of a shape [N, C, H, W] as bytes. @throws ShapeError when the bytes fill no whole words */
export function pixelWords(shape: Shape): number {
  if (shape.length !== 4 || size(shape) % 4 !== 0)
    throw new ShapeError(`pixels: ${format(shape)} is no [N, C, H, W] of a multiple of four bytes`);
  return size(shape) / 4;
}

/**
 * Images in [−1, 1] from bytes 0 ... 255.
 * @param words u32 [N·C·H·W / 4]: the bytes of [N, H, W, C], four a word, the first in the lowest bits (a `Uint8Array`'s on every machine
 *   that runs WebGPU).
 * @param shape [N, C, H, W]
 * @throws ShapeError
 */
export function pixels(words: Tensor, shape: Shape): Tensor {
  if (words.dtype !== "u32" || words.rank !== 1 || words.size !== pixelWords(shape))
    throw new ShapeError(`pixels: ${format(shape)} wants u32 [${pixelWords(shape)}], not ${words.toString()}`);
  const operation = { kind: "kernel" as const, lower: () => unpackPixels(size(shape)), whole: [0] };
  return new Tensor("pixels", shape, operation, [words], { order: channelsLast(4), sources: [] });
}
