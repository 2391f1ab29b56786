/** Looking into a model: the kernels of its convolutions, and what its layers give for one image. */
import type { Device } from "../gpu/device.js";
import type { Discriminator } from "../models/discriminator.js";
import type { Generator } from "../models/generator.js";
import type { Network } from "../models/layers.js";
import { compile } from "../tensor/compile.js";
import { input, type Tensor } from "../tensor/tensor.js";

/** Values with their shape, by the name of a layer. */
export interface LayerValues {
  readonly layer: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The kernels of a network's convolutions: [out, in, K, K], or [in, out, K, K] of a transposed one. */
export async function kernelsOf(network: Network): Promise<LayerValues[]> {
  const values = await network.parameters.read();
  return network.parameters.entries
    .filter(({ tensor }) => tensor.rank === 4)
    .map(({ name, tensor }) => ({ layer: name.replace(/\.weight$/, ""), shape: tensor.shape, values: values.get(name)! }));
}

/** What layers give on the way of one image: G's to it, and D's from it. */
export interface Responses {
  /** [3, S, S] in (−1, 1). */
  readonly image: Float32Array;
  /** [C, H, W] each, from coarse to fine. */
  readonly generator: readonly LayerValues[];
  /** [C, H, W] each, from fine to coarse; none without a discriminator. */
  readonly discriminator: readonly LayerValues[];
}

/**
 * Draws one image and keeps what each layer gives.
 * @param noise [1, noiseSize]
 * @param text [1, textSize], a normalised embedding
 */
export async function responsesOf(
  device: Device,
  { generator, discriminator }: { readonly generator: Generator; readonly discriminator?: Discriminator },
  noise: Float32Array,
  text: Float32Array,
): Promise<Responses> {
  const [drawn, looked]: [Map<string, Tensor>, Map<string, Tensor>] = [new Map(), new Map()];
  const program = await compile(device, () => {
    const [z, t] = [input("noise", [1, noise.length]), input("text", [1, text.length])];
    const image = generator.call(z, t, "evaluate", (layer, response) => drawn.set(`G ${layer}`, response));
    discriminator?.look(image, "evaluate", (layer, response) => looked.set(`D ${layer}`, response));
    return { image, ...Object.fromEntries(drawn), ...Object.fromEntries(looked) };
  });
  try {
    const results: Readonly<Record<string, Float32Array>> = await program.run({ noise, text });
    const read = (tensors: ReadonlyMap<string, Tensor>): LayerValues[] =>
      [...tensors].map(([name, { shape }]) => ({ layer: name.slice(2), shape: shape.slice(1), values: results[name]! }));
    return { image: results.image!, generator: read(drawn), discriminator: read(looked) };
  } finally {
    program.destroy();
  }
}
