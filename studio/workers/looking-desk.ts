/** Looking inside: the adapter and how fast it is, the layers of the open model, and where its discriminator would change an image. */
import { kernelsOf, responsesOf } from "../../src/drawing/layers.js";
import { WANTED_FEATURES, WANTED_LIMITS } from "../../src/gpu/wants.js";
import type { Network } from "../../src/models/layers.js";
import { normalNoise } from "../../src/train/gan/noise.js";
import { type AdapterReport, adapterReport, survivingLoss, theDevice } from "./engine.js";
import { heatMap, kernelTiles, responseTiles } from "./layer-pictures.js";
import { measure } from "./measure.js";
import type { MeasureName } from "./measures.js";
import type { OpenModel } from "./open-model.js";
import { type Pixels, toPixels } from "./pixels.js";

/** What the adapter has, and what it lacks. */
export interface AdapterDetails extends AdapterReport {
  readonly features: readonly { readonly name: string; readonly there: boolean; readonly without: string }[];
  readonly limits: readonly { readonly name: string; readonly value: number; readonly wanted: number }[];
}

/** One layer's values as small pictures. */
export interface LayerPictures {
  readonly network: "generator" | "discriminator";
  readonly layer: string;
  readonly shape: readonly number[];
  readonly tiles: readonly Pixels[];
}

/** What a model does on the way of one image. */
export interface Look {
  readonly image: Pixels;
  readonly responses: readonly LayerPictures[];
  /** Where the discriminator would change the image; undefined without one. */
  readonly heat: Pixels | undefined;
  readonly probability: number | undefined;
}

export class LookingDesk {
  readonly #model: OpenModel;

  constructor(model: OpenModel) {
    this.#model = model;
  }

  /** What the adapter has. */
  async details(): Promise<AdapterDetails> {
    const device = await theDevice();
    const limits = device.gpu.limits as unknown as Readonly<Record<string, number | undefined>>;
    return {
      ...adapterReport(device),
      features: Object.entries(WANTED_FEATURES).map(([name, without]) => ({ name, there: device.gpu.features.has(name), without })),
      limits: Object.entries(WANTED_LIMITS).flatMap(([name, wanted]) => {
        const value = limits[name];
        return value === undefined ? [] : [{ name, value, wanted }];
      }),
    };
  }

  /** One line on how fast the adapter is. */
  measure(name: MeasureName): Promise<string> {
    return survivingLoss((device) => measure(device, name));
  }

  /** The kernels of the model's convolutions. */
  async kernels(): Promise<LayerPictures[]> {
    const { generator, discriminator } = (await this.#model.on(await theDevice())).model;
    const of = async (network: LayerPictures["network"], model: Network | undefined): Promise<LayerPictures[]> =>
      ((model && (await kernelsOf(model))) ?? []).map((values) => ({
        ...{ network, layer: values.layer, shape: values.shape },
        tiles: kernelTiles(values, network === "generator"),
      }));
    return [...(await of("generator", generator)), ...(await of("discriminator", discriminator))];
  }

  /** Draws one image and shows what each layer gives on its way. */
  look(text: string, seed: number): Promise<Look> {
    return survivingLoss(async (device) => {
      const drawing = await this.#model.on(device);
      const { generator, discriminator } = drawing.model;
      const { noiseSize, imageSize } = generator.options;
      const embedding = await drawing.embed([text]);
      const networks = { generator, ...(discriminator && { discriminator }) };
      const seen = await responsesOf(device, networks, normalNoise(1, noiseSize, seed), embedding);
      const of = (network: LayerPictures["network"]) =>
        seen[network].map((values) => ({ network, layer: values.layer, shape: values.shape, tiles: responseTiles(values) }));
      return {
        image: toPixels(seen.image, imageSize),
        responses: [...of("generator"), ...of("discriminator")],
        heat: discriminator && heatMap(await drawing.judgeGradient(seen.image, embedding), imageSize),
        probability: discriminator && (await drawing.judge(seen.image, embedding))[0]!,
      };
    });
  }
}
