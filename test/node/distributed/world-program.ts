/** Run on several ranks by world.test.ts: does what its first word says, and prints one line of JSON a rank. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { abortWorld, leaveWorld, openWorld } from "../../../src/node/distributed/open.js";
import { RandomStream } from "../../../src/random/philox.js";

const [what, ...words] = process.argv.slice(2);
const has = (word: string): boolean => words.includes(word);
const world = await openWorld({
  warn: (text) => process.stderr.write(`petalgrad: ${text}\n`),
  ordered: has("ordered"),
  halves: has("halves"),
  timeout: 1,
});
const { rank, localRank, size } = world;

/** This rank's numbers, of which every rank can say what the others' are. */
const numbers = (of: number, count: number): Float32Array => {
  const random = new RandomStream(of, 1);
  return Float32Array.from({ length: count }, () => random.normal());
};
const digest = (values: Uint8Array | Float32Array): string => createHash("sha256").update(values).digest("hex").slice(0, 16);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const tell = (value: object): void => void process.stdout.write(`${JSON.stringify({ rank, ...value })}\n`);

if (what === "operations") {
  // Asked for at once: each rank has them in the same order all the same.
  const own = new TextEncoder().encode(`rank ${rank}${"!".repeat(rank)}`);
  const [sums, broadcast, gathered] = [numbers(rank, 1001), world.broadcast(own, "broadcast"), world.gather(own, "gather")];
  const summed = world.sum(sums, "sum");
  await world.barrier("barrier");
  await summed;
  const all = Array.from({ length: size }, (_, r) => numbers(r, 1001));
  const inOrder = all.reduce((a, b) => a.map((value, i) => value + b[i]!));
  const error = Math.max(...inOrder.map((value, i) => Math.abs(value - sums[i]!)));
  // Ranks that come late are waited for.
  if (rank === 1) await setTimeout(300);
  const came = Date.now();
  await world.barrier("a late rank");
  const left = Date.now();
  tell({ localRank, size, broadcast: text(await broadcast), gathered: (await gathered).map(text), sum: digest(sums), error, came, left });
} else if (what === "absent") {
  // Rank 1 lives and never comes.
  if (rank === 1) await setTimeout(60_000);
  await world.sum(new Float32Array(10), "step 7, gradients");
} else if (what === "fails") {
  if (rank === 1) process.exit(3);
  await world.barrier("what never ends");
} else throw new Error(`no such test: ${what}`);
await leaveWorld().catch(() => abortWorld(1));
