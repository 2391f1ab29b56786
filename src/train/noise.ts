/** The noise of samples, drawn on the CPU so that a seed means the same everywhere. */
import { RandomStream } from "../data/philox.js";
import { SAMPLE_NOISE } from "./names.js";

/** Standard normal noise [count, size]; row i does not depend on the count. */
export function normalNoise(count: number, size: number, seed: number): Float32Array {
  const noise = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const random = new RandomStream(seed, SAMPLE_NOISE, i);
    for (let d = 0; d < size; d++) noise[i * size + d] = random.normal();
  }
  return noise;
}
