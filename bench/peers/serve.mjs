// @ts-nocheck: plain JavaScript of a package of its own.
/**
 * The side of a peer in its own process: requests come as JSON lines on standard input, answers go as lines that begin with "@" to standard
 * output (a library's own messages do not). bench/peer-process.ts is the other side; bench/peers/torch_peer.py does the same in Python.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const MEASUREMENT = 120;

const answer = (message) => process.stdout.write(`@${JSON.stringify(message)}\n`);

/** What a library cannot do: said in one line, and the other problems go on. */
export class Unsupported extends Error {}

/**
 * @param start async () => ({ name, prepare, busy }): `prepare(problem)` makes a problem ready and resolves to
 *   { run: () => void | Promise, wait: async () => void, results: async () => ({ name: values }), dispose: () => void };
 *   `wait` waits until all that was submitted is done; `results` are of the next execution(s), row-major as the problem says.
 */
export async function serve(start) {
  let library;
  try {
    library = await start();
  } catch (error) {
    answer({ error: firstLine(error) });
    process.exit(0);
  }
  answer({ ready: library.name });
  let work;
  let guess = 0;
  const time = async (times) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) await work.run();
    await work.wait();
    return (performance.now() - start) / times;
  };
  const prepare = async (problem) => {
    work?.dispose();
    work = undefined;
    try {
      work = await library.prepare(problem);
      const start = performance.now();
      const results = await work.results();
      guess = performance.now() - start;
      // What is that slow has been warmed up by its results.
      if (guess < 20_000) guess = await time(1);
      // Where one is quick, the first of its kind may still have been warming something up.
      if (guess < 1000) guess = Math.min(guess, await time(1));
      return { results: Object.fromEntries(Object.entries(results).map(([name, values]) => [name, sample(values)])), ms: guess };
    } catch (error) {
      work = undefined;
      return { unsupported: firstLine(error) };
    }
  };
  const measure = async () => {
    guess = await time(Math.max(1, Math.min(1000, Math.round(MEASUREMENT / guess))));
    return { ms: guess };
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    answer(await ("prepare" in request ? prepare(request.prepare) : measure()).catch((error) => ({ error: firstLine(error) })));
  }
  process.exit(0);
}

const firstLine = (error) => String(error?.message ?? error).split("\n")[0];

/** As bench/peer-problems.ts samples ours. */
const sample = (values) => {
  const count = Math.min(256, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]);
};

/** As in bench/timing.ts. */
export const inputValue = (i) => Math.fround(((i * 7919) % 1000) / 1000 - 0.5);
export const inputValues = (size) => Float32Array.from({ length: size }, (_, i) => inputValue(i));
/** What comes from behind in a backward pass: unlike the input, or batch norm would cancel it. */
export const otherValues = (size) => Float32Array.from({ length: size }, (_, i) => inputValue(3 * i + 1));

/** Tensors that bench/peer-problems.ts wrote: { name: { shape, data } } in PyTorch's names and order. */
export function readTensors(folder) {
  const bytes = readFileSync(`${folder}/tensors.bin`);
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const list = JSON.parse(readFileSync(`${folder}/tensors.json`, "utf8"));
  return Object.fromEntries(
    list.map(({ name, shape, offset }) => [name, { shape, data: all.subarray(offset, offset + shape.reduce((a, b) => a * b, 1)) }]),
  );
}

/** Axes of row-major data exchanged: to[i] = from[permutation[i]]. */
export function permute({ shape, data }, permutation) {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const to = permutation.map((d) => shape[d]);
  const steps = permutation.map((d) => strides[d]);
  const result = new Float32Array(data.length);
  const at = new Array(to.length).fill(0);
  for (let i = 0, from = 0; i < data.length; i++) {
    result[i] = data[from];
    for (let d = to.length - 1; d >= 0; d--) {
      from += steps[d];
      if (++at[d] < to[d]) break;
      from -= steps[d] * to[d];
      at[d] = 0;
    }
  }
  return { shape: to, data: result };
}

/** Opens Dawn as a page's navigator.gpu; libraries look for a browser. Dawn must be kept for ever, or it aborts at a garbage collection. */
export async function openDawn() {
  const { create, globals } = await import("webgpu");
  process.env.XDG_RUNTIME_DIR ??= process.env.TMPDIR ?? "/tmp";
  globalThis.dawn = create([]);
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu: globalThis.dawn, userAgent: "node" }, configurable: true });
  globalThis.window = globalThis;
  globalThis.self = globalThis;
}

/**
 * Waits without taking a core from a CPU adapter: while a promise of Dawn's is pending, its Node binding polls in every turn of the event
 * loop; a sleep of a millisecond a turn leaves that core to the kernels. On a GPU nothing sleeps.
 */
export async function waitAsleep(promise, software) {
  if (!software) return promise;
  let pending = true;
  const bed = new Int32Array(new SharedArrayBuffer(4));
  const doze = () => {
    if (!pending) return;
    Atomics.wait(bed, 0, 0, 1);
    setImmediate(doze);
  };
  setImmediate(doze);
  try {
    return await promise;
  } finally {
    pending = false;
  }
}
