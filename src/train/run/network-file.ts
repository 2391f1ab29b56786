/** Networks as tensors of a safetensors file: `prefix.variable` in PyTorch's names and shapes. */
import type { Network } from "../../models/layers.js";
import type { Store } from "../../tensor/variables.js";
import { NonFiniteError, UserError } from "../../errors.js";
import { format, type Shape } from "../../tensor/shape.js";
import { withVariableCheck } from "../../tensor/variables.js";
import type { SafetensorsFile, SafeTensor } from "../../formats/safetensors.js";
import { Sha256 } from "../../formats/sha256.js";

export type NamedTensor = readonly [name: string, tensor: SafeTensor];

/** What a network and its settings put into a file that others share. */
export interface FilePart {
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Whether a file has a part: its settings or any of its tensors, so that half of one is an error and not nothing. */
export const hasPart = ({ tensors, metadata }: Pick<SafetensorsFile, "tensors" | "metadata">, part: string): boolean =>
  metadata.has(`${part}.options`) || [...tensors.keys()].some((tensor) => tensor.startsWith(`${part}.`));

/** How a file keeps weights: as they are, or as their nearest halves. */
export const PRECISIONS = ["f32", "f16"] as const;
/** One of these. */
export type Precision = (typeof PRECISIONS)[number];

/**
 * Tensors as a file of that precision keeps them. Vectors stay as they are: biases, scales and statistics are few, and statistics may be
 * smaller or larger than any half; as does what holds a number that is too large.
 */
export function inPrecision(precision: Precision, tensors: readonly NamedTensor[]): readonly NamedTensor[] {
  if (precision === "f32") return tensors;
  const halved = ({ dtype, shape, data }: SafeTensor) => dtype === "F32" && fitsHalves(shape, data);
  return tensors.map(([name, tensor]) => (halved(tensor) ? [name, { ...tensor, dtype: "F16" } as SafeTensor] : [name, tensor]));
}

/** Whether weights are kept as halves where those are wanted. */
export const fitsHalves = (shape: Shape, data: Float32Array): boolean =>
  shape.length > 1 && data.every((value) => Math.abs(value) < LARGEST_HALF);

const LARGEST_HALF = 65504;

/** The store's variables, read from the device; without a prefix under their own names. */
export async function storeTensors(prefix: string, store: Store): Promise<NamedTensor[]> {
  const values = await store.read();
  return store.entries.map(({ name, tensor }) => [
    prefix ? `${prefix}.${name}` : name,
    { dtype: "F32", shape: tensor.shape, data: values.get(name)! },
  ]);
}

/**
 * Sets a store from the file's tensors of that prefix; others are left alone.
 * @param file Named in messages.
 * @throws UserError when one is missing or has another shape, NonFiniteError when one holds values that are not finite.
 */
export function loadStore(prefix: string, store: Store, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
  const values = new Map<string, Float32Array>();
  for (const { name, tensor } of store.entries) {
    const data = floats(fitting(`${prefix}.${name}`, tensor.shape, tensors, file));
    if (!data.every(Number.isFinite)) throw new NonFiniteError(`${file}: ${prefix}.${name} holds values that are not finite`);
    if (name.endsWith("running_var") && data.some((value) => value < 0))
      throw new UserError(`${file}: ${prefix}.${name} holds variances below 0`);
    values.set(name, data);
  }
  store.write(values);
}

/** Weights of other tools may have other types of floats. */
export const floats = ({ data }: SafeTensor): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as Float64Array);

/** The tensor of that name. @throws UserError when it is missing, has another shape, or holds something else than floats */
function fitting(name: string, shape: Shape, tensors: ReadonlyMap<string, SafeTensor>, file: string): SafeTensor {
  const found = tensors.get(name);
  if (!found) throw new UserError(`${file}: the tensor ${name} is missing`);
  if (!/^B?F/.test(found.dtype) || found.shape.join() !== shape.join())
    throw new UserError(`${file}: ${name} is ${found.dtype} ${format(found.shape)}, not F32 ${format(shape)}`);
  return found;
}

/**
 * Builds a network and sets it from the file's tensors of that prefix. Every variable's shape is compared with its tensor's before anything
 * is made of that size.
 * @throws UserError when one is missing, has another shape, or holds values that are not finite
 */
export function networkFrom<N extends Network>(prefix: string, tensors: ReadonlyMap<string, SafeTensor>, file: string, build: () => N): N {
  let network: N;
  try {
    network = withVariableCheck((name, shape) => void fitting(`${prefix}.${name}`, shape, tensors, file), build);
  } catch (error) {
    // What the network's own rules say does not name the file.
    if (error instanceof UserError && !error.message.startsWith(file)) throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
  loadNetwork(prefix, network, tensors, file);
  return network;
}

/** Parameters and batch-norm statistics of a network under one prefix, as a PyTorch state dict has them. */
export async function networkTensors(prefix: string, network: Network): Promise<NamedTensor[]> {
  return [...(await storeTensors(prefix, network.parameters)), ...(await storeTensors(prefix, network.statistics))];
}

/** The reverse of `networkTensors`. @throws UserError */
export function loadNetwork(prefix: string, network: Network, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
  loadStore(prefix, network.parameters, tensors, file);
  loadStore(prefix, network.statistics, tensors, file);
}

/** Nothing broken is kept: the last checkpoint must be a good one. @throws NonFiniteError naming the tensor */
export function refuseNonFinite(step: number, tensors: readonly NamedTensor[]): void {
  const broken = tensors.find(([, { data }]) => data instanceof Float32Array && !data.every(Number.isFinite));
  if (broken) throw new NonFiniteError(`step ${step}: ${broken[0]} holds values that are not finite`);
}

/** Changes with any weight or statistic of the network: tells what belongs to it. */
export async function networkDigest(network: Network): Promise<string> {
  const hash = new Sha256();
  for (const [name, { data }] of await networkTensors(network.name, network)) {
    hash.update(name);
    hash.update(data);
  }
  return hash.hex();
}
