/** All that a GAN run must remember beside its step number: networks, statistics, optimizer moments, the moving average. */
import type { Gan } from "./gan.js";
import { loadNetwork, loadStore, type NamedTensor, networkTensors, storeTensors } from "./network-file.js";
import type { SafeTensor } from "./safetensors.js";

export async function ganTensors(gan: Gan): Promise<NamedTensor[]> {
  const parts = [
    networkTensors("generator", gan.generator),
    networkTensors("discriminator", gan.discriminator),
    ...(gan.average === gan.generator ? [] : [networkTensors("average", gan.average)]),
    ...(["adamG", "adamD"] as const).flatMap((name) => [
      storeTensors(`${name}.m`, gan[name].first),
      storeTensors(`${name}.v`, gan[name].second),
    ]),
    ...(gan.text ? [gan.text.tensors()] : []),
  ];
  return (await Promise.all(parts)).flat();
}

/** @throws UserError when the file is not of such networks */
export function loadGanTensors(gan: Gan, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
  loadNetwork("generator", gan.generator, tensors, file);
  loadNetwork("discriminator", gan.discriminator, tensors, file);
  if (gan.average !== gan.generator) loadNetwork("average", gan.average, tensors, file);
  for (const name of ["adamG", "adamD"] as const) {
    loadStore(`${name}.m`, gan[name].first, tensors, file);
    loadStore(`${name}.v`, gan[name].second, tensors, file);
  }
}
