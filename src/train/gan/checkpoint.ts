/** All that a GAN run must remember beside its step number: networks, statistics, optimizer moments, the moving average. */
import type { Network } from "../../models/layers.js";
import type { Adam } from "../../tensor/optimizers.js";
import type { Store } from "../../tensor/variables.js";
import type { Gan } from "./gan.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "../run/network-file.js";
import type { SafeTensor } from "../../formats/safetensors.js";

/** By the first part of their tensors' names. */
function networksOf({ generator, discriminator, average, reader }: Gan): [name: string, network: Network][] {
  const networks = { generator, discriminator, ...(average !== generator && { average }), ...(reader && { reader }) };
  return Object.entries(networks);
}

function optimizersOf({ adamG, adamD, adamR }: Gan): [name: string, adam: Adam][] {
  return Object.entries({ adamG, adamD, ...(adamR && { adamR }) });
}

/** All variables: of the networks, their statistics, and the optimizers. */
export function ganStores(gan: Gan): readonly Store[] {
  const text = gan.text && [gan.text.encoder, gan.text.average];
  return [
    ...networksOf(gan).flatMap(([, { parameters, statistics }]) => [parameters, statistics]),
    ...optimizersOf(gan).flatMap(([, { first, second }]) => [first, second]),
    ...(text ?? []).flatMap(({ parameters, statistics }) => [parameters, statistics]),
    ...(gan.text ? [gan.text.adam.first, gan.text.adam.second] : []),
  ];
}

/** The parameters, which all ranks have alike, and the running statistics, which each has of its own rows. */
export function ganKinds(gan: Gan): { readonly parameters: readonly Store[]; readonly statistics: readonly Store[] } {
  const networks = [...networksOf(gan).map(([, network]) => network), ...(gan.text ? [gan.text.encoder, gan.text.average] : [])];
  return { parameters: networks.map(({ parameters }) => parameters), statistics: networks.map(({ statistics }) => statistics) };
}

export async function ganTensors(gan: Gan): Promise<NamedTensor[]> {
  const parts = [
    ...networksOf(gan).map(([name, network]) => networkTensors(name, network)),
    ...optimizersOf(gan).flatMap(([name, { first, second }]) => [storeTensors(`${name}.m`, first), storeTensors(`${name}.v`, second)]),
    ...(gan.text ? [gan.text.tensors()] : []),
  ];
  return (await Promise.all(parts)).flat();
}

/** @throws UserError when the file is not of such networks */
export function loadGanTensors(gan: Gan, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
  for (const [name, network] of networksOf(gan)) loadNetwork(name, network, tensors, file);
  for (const [name, { first, second }] of optimizersOf(gan)) {
    loadStore(`${name}.m`, first, tensors, file);
    loadStore(`${name}.v`, second, tensors, file);
  }
}
