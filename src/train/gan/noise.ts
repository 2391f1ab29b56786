/** The noise of samples, drawn on the CPU so that a seed means the same everywhere. */
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";

/**
 * Standard normal noise [count, size]; row i does not depend on the count.
 * @param truncation Values further from 0 are drawn again until they are not (Brock et al. 2019, section 3.1: less variety for more typical
 * images); the others stay what they are without truncation.
 */
export function normalNoise(count: number, size: number, seed: number, truncation = Infinity): Float32Array {
  const noise = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const random = new RandomStream(seed, StreamPurpose.sampleNoise, i);
    const again = new RandomStream(seed, StreamPurpose.redrawnNoise, i);
    for (let d = 0; d < size; d++) {
      let value = random.normal();
      while (Math.abs(value) > truncation) value = again.normal();
      noise[i * size + d] = value;
    }
  }
  return noise;
}
