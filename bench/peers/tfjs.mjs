// @ts-nocheck: the packages are installed only when the peer is asked for.
/**
 * tfjs-backend-webgpu as a peer: runs the problems of bench/gemm-cases.ts on request, over the IPC channel of bench/peers.ts.
 * Timed as ours are (bench/timing.ts): several executions, submitted, no read-back, asleep while the device works.
 */
import { create, globals } from "webgpu";

// tfjs looks for a browser: a window whose navigator has a gpu. Dawn must be kept for ever, or it aborts at a garbage collection.
const gpu = create([]);
Object.assign(globalThis, globals);
Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" }, configurable: true });
globalThis.window = globalThis;
globalThis.self = globalThis;

const MEASUREMENT = 120;
let execute;
let dispose = () => {};
let guess = 0;
/** What WebGPU complained about since the last submission: such a time would be worth nothing. */
let failure;

const tf = await import("@tensorflow/tfjs-core");
await import("@tensorflow/tfjs-backend-webgpu");
// Its own messages and ours must not mix: an answer is one message.
const answer = (message) => process.send(message);

try {
  await tf.setBackend("webgpu");
  await tf.ready();
  tf.backend().device.addEventListener("uncapturederror", ({ error }) => (failure ??= error.message));
  answer({ ready: `tfjs-backend-webgpu ${tf.version_core}` });
} catch (error) {
  answer({ error: String(error) });
}

process.on("disconnect", () => process.exit(0));
process.on("message", (request) => {
  const work = "prepare" in request ? prepare(request.prepare).then(() => ({ ready: "prepared" })) : measure().then((ms) => ({ ms }));
  work.catch((error) => ({ error: String(error?.stack ?? error) })).then(answer);
});

/** Sets `execute` to one execution that leaves nothing behind. */
async function prepare(problem) {
  dispose();
  const { tensors, run } = problem.op === "matmul" ? matmul(problem.size) : convolution(problem.op, problem.conv);
  execute = () => run().dispose();
  dispose = () => tensors.forEach((tensor) => tensor.dispose());
  guess = 0;
  // The first execution compiles; the next two say what to expect.
  await time(1);
  guess = Math.min((await time(1)).ms, (await time(1)).ms);
}

function matmul(size) {
  const [a, b] = [values([size, size]), values([size, size])];
  return { tensors: [a, b], run: () => tf.matMul(a, b) };
}

function convolution(direction, s) {
  const x = [s.batch, s.inHeight, s.inWidth, s.inChannels];
  const w = [s.kernelHeight, s.kernelWidth, s.inChannels, s.outChannels];
  const y = [s.batch, s.outHeight, s.outWidth, s.outChannels];
  const [p, q] = [s.paddingHeight, s.paddingWidth];
  const pad = [
    [0, 0],
    [p, p],
    [q, q],
    [0, 0],
  ];
  const attributes = { strides: [s.strideHeight, s.strideWidth], pad, dataFormat: "NHWC", dilations: [1, 1], dimRoundingMode: undefined };
  const engine = tf.engine();
  if (direction === "forward") {
    const inputs = { x: values(x), filter: values(w) };
    return { tensors: Object.values(inputs), run: () => engine.runKernel("Conv2D", inputs, attributes) };
  }
  if (direction === "dataGrad") {
    const inputs = { dy: values(y), filter: values(w) };
    return { tensors: Object.values(inputs), run: () => engine.runKernel("Conv2DBackpropInput", inputs, { ...attributes, inputShape: x }) };
  }
  const inputs = { x: values(x), dy: values(y) };
  return { tensors: Object.values(inputs), run: () => engine.runKernel("Conv2DBackpropFilter", inputs, { ...attributes, filterShape: w }) };
}

const values = (shape) => tf.randomUniform(shape, -0.5, 0.5, "float32", 1);

async function measure() {
  for (;;) {
    const { ms, overslept } = await time(Math.max(1, Math.min(1000, Math.round(MEASUREMENT / guess))));
    if (!overslept) return (guess = ms);
    guess /= 2;
  }
}

async function time(times) {
  const backend = tf.backend();
  failure = undefined;
  const start = performance.now();
  for (let i = 0; i < times; i++) execute();
  backend.endComputePassEncoder();
  backend.submitQueue();
  const asleep = guess * times * 0.8;
  if (asleep > 2) await new Promise((resolve) => setTimeout(resolve, asleep));
  const awake = performance.now();
  await backend.device.queue.onSubmittedWorkDone();
  const end = performance.now();
  if (failure) throw new Error(failure);
  return { ms: (end - start) / times, overslept: asleep > 2 && end - awake < 0.02 * asleep };
}
