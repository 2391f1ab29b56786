/** Networks as tensors of a safetensors file: `prefix.variable` in PyTorch's names and shapes. */
import type { Network } from "../../models/layers.js";
import type { Store } from "../../tensor/variables.js";
import { NonFiniteError, UserError } from "../../errors.js";
import type { SafeTensor } from "../../formats/safetensors.js";
import { Sha256 } from "../../formats/sha256.js";

export type NamedTensor = readonly [name: string, tensor: SafeTensor];

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
 * @throws UserError when one is missing or has another shape.
 */
export function loadStore(prefix: string, store: Store, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
  const values = new Map<string, Float32Array>();
  for (const { name, tensor } of store.entries) {
    const found = tensors.get(`${prefix}.${name}`);
    if (!found) throw new UserError(`${file}: the tensor ${prefix}.${name} is missing`);
    if (found.dtype !== "F32" || found.shape.join() !== tensor.shape.join()) {
      throw new UserError(`${file}: ${prefix}.${name} is ${found.dtype} [${found.shape.join(", ")}], not F32 [${tensor.shape.join(", ")}]`);
    }
    values.set(name, found.data);
  }
  store.write(values);
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
