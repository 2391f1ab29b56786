/**
 * A feature network of the user's own, as ONNX (Inception v3, for FID and the inception score). It is run by `onnxruntime-node`, which
 * petalgrad does not bring: only who has such a file needs it.
 *
 *     input    [N, 3, 299, 299], values in [−1, 1]
 *     outputs  [N, 2048] features of the last pooling layer; if there is a second output [N, classes], logits for the inception score
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { UserError } from "../../errors.js";
import { joined } from "../../tensor/rows.js";
import type { Observation } from "../../evaluate/observer.js";
import { type FeatureNetwork, FEATURES } from "../../evaluate/published.js";
import { resizeBilinear } from "../../metrics/resize-bilinear.js";

/** Side of the images that the network takes. */
const SIDE = 299;
/** Images a run. */
const BATCH = 16;

/** What is used of onnxruntime-node. */
export interface Runtime {
  readonly InferenceSession: { create(path: string): Promise<Session> };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => RuntimeTensor;
}

export interface RuntimeTensor {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(inputs: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
}

/** @throws UserError where the package is not installed, or does not start */
async function loadRuntime(): Promise<Runtime> {
  const name = "onnxruntime-node";
  try {
    createRequire(import.meta.url).resolve(name);
  } catch {
    throw new UserError(`--features needs the package ${name}, which is not installed: npm install --no-save ${name}`);
  }
  try {
    // By a variable, so that neither the compiler nor a bundler asks for the package.
    const module = (await import(name)) as Runtime & { readonly default?: Runtime };
    return module.default ?? module;
  } catch (error) {
    throw new UserError(`${name} does not start: ${(error as Error).message}`);
  }
}

export class OnnxFeatures implements FeatureNetwork {
  private constructor(
    readonly name: string,
    readonly runtime: Runtime,
    readonly session: Session,
  ) {}

  /**
   * @param load How the runtime is found.
   * @throws UserError where the file or the package is missing, or the network is no such one
   */
  static async open(path: string, load: () => Promise<Runtime> = loadRuntime): Promise<OnnxFeatures> {
    if (!existsSync(path)) throw new UserError(`--features ${path}: no such file`);
    const runtime = await load();
    let session: Session;
    try {
      session = await runtime.InferenceSession.create(path);
    } catch (error) {
      throw new UserError(`--features ${path} cannot be loaded: ${(error as Error).message.split("\n")[0]}`);
    }
    if (session.inputNames.length !== 1)
      throw new UserError(`--features ${path} has the inputs ${session.inputNames.join(", ")}; one is wanted, images [N, 3, 299, 299]`);
    const network = new OnnxFeatures(path, runtime, session);
    // A shape that does not fit is found before anything long begins.
    await network.observe(new Float32Array(3 * SIDE * SIDE), SIDE);
    return network;
  }

  async observe(images: Float32Array, size: number): Promise<Observation> {
    const each = 3 * size * size;
    const count = images.length / each;
    const parts: Observation[] = [];
    for (let start = 0; start < count; start += BATCH) {
      const rows = Math.min(BATCH, count - start);
      const enlarged = resizeBilinear(images.subarray(start * each, (start + rows) * each), size, SIDE);
      parts.push(await this.#run(enlarged, rows));
    }
    return { features: joined(parts.map(({ features }) => features)), outputs: joined(parts.map(({ outputs }) => outputs)) };
  }

  async #run(images: Float32Array, rows: number): Promise<Observation> {
    const { session, runtime, name } = this;
    let outputs: Readonly<Record<string, RuntimeTensor>>;
    try {
      outputs = await session.run({ [session.inputNames[0]!]: new runtime.Tensor("float32", images, [rows, 3, SIDE, SIDE]) });
    } catch (error) {
      throw new UserError(`--features ${name} does not take images [N, 3, 299, 299]: ${(error as Error).message.split("\n")[0]}`);
    }
    const all = session.outputNames.map((output) => outputs[output]!);
    const width = ({ data }: RuntimeTensor) => data.length / rows;
    const features = all.find((output) => width(output) === FEATURES);
    if (!features) {
      const shapes = all.map(({ dims }) => `[${dims.join(", ")}]`).join(", ");
      throw new UserError(`--features ${name} gives ${shapes}; features [N, ${FEATURES}] are wanted`);
    }
    const logits = all.find((output) => output !== features && output.dims.length === 2);
    return { features: Float32Array.from(features.data), outputs: Float32Array.from(logits?.data ?? []) };
  }
}
