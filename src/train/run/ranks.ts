/** What the ranks of a training have in common beside the sums of a step: files, options, variables, the choice of kernels. */
import { reasonOf, UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { flagName, valueWord } from "../../option-spec.js";
import type { Store } from "../../tensor/variables.js";
import type { RunStore } from "./store.js";
import type { World } from "./world.js";

/** So many steps lie between two comparisons of the ranks' parameters. */
export const COMPARED_EVERY = 100;

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const parsed = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/**
 * A store of which rank 0 alone reads and writes the files; the others get what it reads, or why it cannot, so that they need not reach them.
 * All ranks read the same files in the same order.
 * @param store Not looked at on the other ranks.
 */
export function shareStore(world: World, store: RunStore): RunStore {
  if (world.size === 1) return store;
  const first = world.rank === 0;
  const nothing = Promise.resolve();
  return {
    path: store.path,
    async read(name) {
      const found = first ? await readOrReason(store, name) : new Uint8Array();
      const all = await world.broadcast(found, `the file ${name}`, "endless");
      if (all[0] === REFUSED) throw new UserError(new TextDecoder().decode(all.subarray(1)));
      return all[0] === FOUND ? all.slice(1) : undefined;
    },
    async list(folder) {
      const names = first ? await store.list(folder) : [];
      return parsed(await world.broadcast(text(names), `the files in ${folder}`, "endless")) as string[];
    },
    write: (name, contents) => (first ? store.write(name, contents) : nothing),
    append: (name, line) => (first ? store.append(name, line) : nothing),
    remove: (name) => (first ? store.remove(name) : nothing),
  };
}

/** What the bytes after the first are. */
const [NONE, FOUND, REFUSED] = [0, 1, 2];

async function readOrReason(store: RunStore, name: string): Promise<Uint8Array> {
  const marked = (first: number, bytes: Uint8Array): Uint8Array => {
    const all = new Uint8Array(1 + bytes.length);
    all[0] = first;
    all.set(bytes, 1);
    return all;
  };
  try {
    const bytes = await store.read(name);
    return bytes ? marked(FOUND, bytes) : Uint8Array.of(NONE);
  } catch (error) {
    return marked(REFUSED, new TextEncoder().encode(reasonOf(error)));
  }
}

/**
 * Compares what must be the same on all ranks.
 * @throws UserError on all of them, naming the first that differs
 */
export async function requireSame(world: World, values: Readonly<Record<string, unknown>>): Promise<void> {
  if (world.size === 1) return;
  const all = (await world.gather(text(values), "the ranks' options", "endless")).map(parsed) as Record<string, unknown>[];
  const word = (value: unknown): string =>
    value === undefined ? "nothing" : typeof value === "object" ? JSON.stringify(value) : valueWord(value as string);
  const names = [...new Set(all.flatMap((one) => Object.keys(one)))];
  for (const name of names) {
    const rank = all.findIndex((one) => JSON.stringify(one[name]) !== JSON.stringify(all[0]![name]));
    if (rank < 0) continue;
    throw new UserError(
      `all ranks need the same ${flagName(name)}: rank 0 has ${word(all[0]![name])}, rank ${rank} ${word(all[rank]![name])}`,
    );
  }
}

/** Work that the first rank of each machine does for the others: they do it after it, and find what it has made. */
export async function firstOfEachMachine<Result>(world: World, what: string, work: () => Promise<Result>): Promise<Result> {
  if (world.localRank > 0) await world.barrier(what, "endless");
  const result = await work();
  if (world.localRank === 0) await world.barrier(what, "endless");
  return result;
}

/** The rows of a batch that are a rank's own. @throws UserError where they are not the same for all */
export function rowsOfRank({ size }: Pick<World, "size">, batch: number): number {
  if (batch % size !== 0)
    throw new UserError(`--batch ${batch} is the whole batch, and ${size} ranks do not divide it: give a multiple of ${size}`);
  return batch / size;
}

/** Gives all ranks rank 0's values of the variables. */
export async function spreadStores(world: World, stores: readonly Store[]): Promise<void> {
  await together(world, stores, async (values, store) => {
    const bytes = await world.broadcast(new Uint8Array(values.buffer), `the variables of ${store.name}`, "endless");
    return new Float32Array(bytes.buffer);
  });
}

/** Replaces the variables by their means over the ranks: running statistics, of which each rank has those of its own rows. */
export async function averageStores(world: World, stores: readonly Store[], where: string): Promise<void> {
  await together(world, stores, async (values, store) => {
    await world.sum(values, `${where}, the statistics of ${store.name}`);
    return values.map((value) => value / world.size);
  });
}

/** Replaces the values of each store, all variables in a row, by what the ranks make of them together. */
async function together(
  world: World,
  stores: readonly Store[],
  make: (values: Float32Array<ArrayBuffer>, store: Store) => Promise<Float32Array>,
): Promise<void> {
  if (world.size === 1) return;
  for (const store of new Set(stores)) {
    if (store.length === 0) continue;
    const values = await store.read();
    const row = new Float32Array(store.length);
    let at = 0;
    for (const part of values.values()) {
      row.set(part, at);
      at += part.length;
    }
    const made = await make(row, store);
    at = 0;
    store.write(new Map([...values].map(([name, { length }]) => [name, made.slice(at, (at += length))])));
  }
}

/** @throws UserError on all ranks where one has other parameters than rank 0 */
export async function requireEqual(world: World, stores: readonly Store[], where: string): Promise<void> {
  if (world.size === 1) return;
  const hashes = new Uint32Array(stores.length);
  for (const [i, store] of stores.entries()) for (const part of (await store.read()).values()) hashes[i] = hash(part, hashes[i]!);
  const all = await world.gather(new Uint8Array(hashes.buffer), `${where}, comparing parameters`);
  for (const [rank, bytes] of all.entries()) {
    const other = new Uint32Array(bytes.slice().buffer).findIndex((value, i) => value !== new Uint32Array(all[0]!.slice().buffer)[i]);
    if (other >= 0)
      throw new UserError(
        `${where}: the parameters of ${stores[other]!.name} on rank ${rank} are not those of rank 0; the last checkpoint before is sound`,
      );
  }
}

/** A hash of 32 bits (FNV-1a by words). */
function hash(values: Float32Array, start: number): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let h = (start ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words[i]!, 0x01000193) ^ (h >>> 15);
  return h >>> 0;
}

/** Lets all ranks compute by the kernels that rank 0 chose: others have other last digits. */
export function shareTuner(world: World, device: Device): void {
  const { tuner } = device;
  if (!tuner || world.size === 1) return;
  device.tuner = {
    async choose(tunables) {
      const own = await tuner.choose(tunables);
      return new Map(parsed(await world.broadcast(text([...own]), "the choice of kernels", "endless")) as [string, string][]);
    },
  };
}
