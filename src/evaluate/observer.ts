/** What an image network says of any number of images: its features and its outputs, by a compiled program of fixed batch. */
import type { Device } from "../gpu/device.js";
import type { ImageEncoder } from "../models/image-encoder.js";
import { concat } from "../tensor/layout.js";
import { joined, RowProgram } from "../tensor/rows.js";
import { alone, type Sharing } from "../tensor/sharing.js";
import { input } from "../tensor/tensor.js";
import type { Parts } from "./pictures.js";

export interface Observation {
  /** Of the layer before the last, [N, featureSize]. */
  readonly features: Float32Array;
  /** Of the last layer (logits of classes, or an embedding), [N, outputSize]. */
  readonly outputs: Float32Array;
}

export class Observer {
  private constructor(
    readonly network: ImageEncoder,
    readonly program: RowProgram,
    readonly featureSize: number,
  ) {}

  /** @param batch Images a run of the program. */
  static async create(device: Device, network: ImageEncoder, batch = 32): Promise<Observer> {
    const { imageSize } = network.options;
    let featureSize = 0;
    const program = await RowProgram.compile(device, batch, () => {
      const features = network.features(input("images", [batch, 3, imageSize, imageSize]), "evaluate");
      featureSize = features.shape[1]!;
      return concat([features, network.outputs(features)], 1);
    });
    return new Observer(network, program, featureSize);
  }

  get outputSize(): number {
    return this.network.options.embedding;
  }

  /** @param images [N, 3, S, S] in [−1, 1] @param share Who does which of the program's runs. */
  async observe(images: Float32Array, share?: Sharing): Promise<Observation> {
    const count = images.length / (3 * this.network.options.imageSize ** 2);
    const both = await this.program.run({ images }, count, share);
    const width = this.featureSize + this.outputSize;
    const columns = (from: number, to: number) => {
      const part = new Float32Array(count * (to - from));
      for (let row = 0; row < count; row++) part.set(both.subarray(row * width + from, row * width + to), row * (to - from));
      return part;
    };
    return { features: columns(0, this.featureSize), outputs: columns(this.featureSize, width) };
  }

  destroy(): void {
    this.program.destroy();
  }
}

/** What several networks say of the same images. @param share Who looks at which of the parts. */
export async function observeAll(
  observers: readonly Pick<Observer, "observe">[],
  parts: Parts,
  share: Sharing = alone,
): Promise<Observation[]> {
  // One array a part: for each network a length, its features and its outputs.
  const seen = await share("images looked at", parts.count, async (i) => {
    const images = await parts.at(i);
    const all: Float32Array[] = [];
    for (const observer of observers) {
      const { features, outputs } = await observer.observe(images);
      all.push(Float32Array.of(features.length, outputs.length), features, outputs);
    }
    return joined(all);
  });
  const observations = observers.map(() => ({ features: [] as Float32Array[], outputs: [] as Float32Array[] }));
  for (const part of seen) {
    let at = 0;
    const next = (length: number): Float32Array => part.subarray(at, (at += length));
    for (const { features, outputs } of observations) {
      const [ofFeatures, ofOutputs] = next(2);
      features.push(next(ofFeatures!));
      outputs.push(next(ofOutputs!));
    }
  }
  return observations.map(({ features, outputs }) => ({ features: joined(features), outputs: joined(outputs) }));
}
