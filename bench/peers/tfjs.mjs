// @ts-nocheck: the packages are installed only when the peer is asked for.
/** TensorFlow.js as a peer, on its WebGPU backend (the same adapter) or its WebAssembly one: `node tfjs.mjs webgpu|wasm`. NHWC throughout. */
import { generator, lossD, lossG, networkOf, trained } from "./models.mjs";
import { inputValues, openDawn, otherValues, permute, readTensors, serve, Unsupported, waitAsleep } from "./serve.mjs";

const backendName = process.argv[2];
let tf;
let software = true;
/** What WebGPU complained about since the last wait: such a time would be worth nothing. */
let failure;

/**
 * The core's build for Node comes without derivatives. They lie beside it as modules that Node takes for scripts, so tsx reads them; they
 * go into a registry that all copies of the core share.
 */
async function gradients() {
  const { createRequire } = await import("node:module");
  const { require } = await import("tsx/cjs/api");
  require(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core/dist/register_all_gradients.js"), import.meta.url);
}

/** The package looks for its files beside a page; here they lie in its folder. */
async function wasm() {
  const { createRequire } = await import("node:module");
  const { dirname } = await import("node:path");
  const folder = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  const { setWasmPaths, setThreadsCount } = await import("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${folder}/`);
  setThreadsCount((await import("node:os")).cpus().length);
}

async function wait() {
  if (backendName !== "webgpu") return;
  const backend = tf.backend();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await waitAsleep(backend.device.queue.onSubmittedWorkDone(), software);
  const message = failure;
  failure = undefined;
  if (message) throw new Error(message);
}

async function prepare(problem) {
  switch (problem.op) {
    case "matmul":
      return product(problem.size);
    case "batchNorm":
      return batchNorm(problem.shape);
    case "generator":
      return drawing(problem);
    case "ganStep":
      return step(problem);
    default:
      return convolution(problem.op, problem.conv);
  }
}

const values = (shape, make = inputValues) => tf.tensor(make(shape.reduce((a, b) => a * b, 1)), shape);

/** @param inputs freed with the problem. @param execute returns tensors by name. */
function work(inputs, execute) {
  return {
    run: () => Object.values(execute()).forEach((t) => t.dispose()),
    wait,
    results: async () => {
      const outputs = Object.entries(execute());
      const read = [];
      for (const [name, t] of outputs) read.push([name, await t.data()]);
      outputs.forEach(([, t]) => t.dispose());
      return Object.fromEntries(read);
    },
    dispose: () => inputs.forEach((t) => t.dispose()),
  };
}

function product(size) {
  const [a, b] = [values([size, size]), values([size, size])];
  return work([a, b], () => ({ c: tf.matMul(a, b) }));
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
  const { kernel, inputs, more } = {
    forward: { kernel: "Conv2D", inputs: { x: values(x), filter: values(w) }, more: {} },
    dataGrad: { kernel: "Conv2DBackpropInput", inputs: { dy: values(y), filter: values(w) }, more: { inputShape: x } },
    weightGrad: { kernel: "Conv2DBackpropFilter", inputs: { x: values(x), dy: values(y) }, more: { filterShape: w } },
  }[direction];
  if (!tf.getKernel(kernel, backendName)) throw new Unsupported(`has no kernel ${kernel}`);
  return work(Object.values(inputs), () => ({ c: tf.engine().runKernel(kernel, inputs, { ...attributes, ...more }) }));
}

/** Moments over all but the channels, then the fused kernel; both have derivatives. */
const normalise = (x, scale, bias, mean, variance) => {
  if (mean) return tf.batchNorm(x, mean, variance, bias, scale, 1e-5);
  const axes = Array.from({ length: x.rank - 1 }, (_, i) => i);
  const m = tf.moments(x, axes);
  return tf.batchNorm(x, m.mean, m.variance, bias, scale, 1e-5);
};

function batchNorm(shape) {
  const c = [shape.at(-1)];
  const [x, scale, bias, dy] = [values(shape), values(c), values(c), values(shape, otherValues)];
  const gradient = tf.grads((a, b, d) => normalise(a, b, d));
  return work([x, scale, bias, dy], () => {
    const [dx, dScale, dBias] = gradient([x, scale, bias], dy);
    return { y: tf.tidy(() => normalise(x, scale, bias)), dx, dScale, dBias };
  });
}

const ops = {
  conv: (x, w, stride, padding) => tf.conv2d(x, w, stride, padding),
  deconv: (x, w, stride, padding) => {
    const side = (x.shape[1] - 1) * stride - 2 * padding + w.shape[0];
    return tf.conv2dTranspose(x, w, [x.shape[0], side, side, w.shape[2]], stride, padding);
  },
  norm: normalise,
  linear: (x, w, b) => tf.add(tf.matMul(x, w, false, true), b),
  relu: (x) => tf.relu(x),
  leaky: (x) => tf.leakyRelu(x, 0.2),
  tanh: (x) => tf.tanh(x),
  add: (a, b) => tf.add(a, b),
  scale: (x, factor) => tf.mul(x, factor),
  column: (x) => tf.reshape(x, [x.shape[0], 1, 1, x.shape[1]]),
  row: (x) => tf.reshape(x, [x.shape[0]]),
  tile: (x) => tf.tile(x, [1, 4, 4, 1]),
  join: (a, b) => tf.concat([a, b], -1),
  softplus: (x) => tf.softplus(x),
  neg: (x) => tf.neg(x),
  mean: (x) => tf.mean(x),
};

/** [O, I, H, W] as a convolution's [H, W, I, O]; a transposed one's [I, O, H, W] becomes the [H, W, O, I] that tfjs asks for. */
const load = ({ shape, data }) => {
  const t = shape.length === 4 ? permute({ shape, data }, [2, 3, 1, 0]) : { shape, data };
  return tf.tensor(t.data.slice(), t.shape);
};
const loadImages = (t) => {
  const { shape, data } = permute(t, [0, 2, 3, 1]);
  return tf.tensor(data, shape);
};
const loadAll = (network) => Object.fromEntries(Object.entries(network).map(([name, t]) => [name, load(t)]));

function drawing({ folder, batch }) {
  const tensors = readTensors(folder);
  const w = loadAll(networkOf(tensors, "generator"));
  const [noise, text] = [tensors.noiseD, tensors.text].map(({ shape, data }) =>
    tf.tensor(data.slice(0, batch * shape[1]), [batch, shape[1]]),
  );
  return work([...Object.values(w), noise, text], () => ({ images: tf.tidy(() => generator(ops, w, noise, text, true)) }));
}

function step({ folder, interpolate }) {
  if (interpolate) throw new Unsupported("its step is written for GAN-CLS");
  for (const kernel of ["Conv2DBackpropFilter", "Conv2DBackpropInput"])
    if (!tf.getKernel(kernel, backendName)) throw new Unsupported(`has no kernel ${kernel}`);
  const tensors = readTensors(folder);
  const data = { real: loadImages(tensors.real), wrong: loadImages(tensors.wrong) };
  for (const name of ["text", "noiseD", "noiseG"]) data[name] = load(tensors[name]);
  const [g, d] = ["generator", "discriminator"].map((name) => {
    const network = networkOf(tensors, name);
    const weights = Object.fromEntries(
      Object.keys(network)
        .filter(trained)
        .map((key) => [key, tf.variable(load(network[key]))]),
    );
    return { weights, list: Object.values(weights), adam: tf.train.adam(2e-4, 0.5, 0.999, 1e-8) };
  });
  const update = ({ list, adam }, loss) => adam.minimize(loss, true, list);
  const iteration = () => {
    const fake = tf.tidy(() => generator(ops, g.weights, data.noiseD, data.text));
    const lossOfD = update(d, () => lossD(ops, d.weights, data, fake));
    fake.dispose();
    const lossOfG = update(g, () => lossG(ops, g.weights, d.weights, data));
    return { lossD: lossOfD, lossG: lossOfG };
  };
  const once = work([...Object.values(data), ...g.list, ...d.list], iteration);
  const results = async () => {
    const [first, second] = [await once.results(), await once.results()];
    return { losses: [first.lossD[0], first.lossG[0], second.lossD[0], second.lossG[0]] };
  };
  return { ...once, results };
}

await serve(async () => {
  if (backendName === "webgpu") await openDawn();
  tf = await import("@tensorflow/tfjs-core");
  if (backendName === "webgpu") await import("@tensorflow/tfjs-backend-webgpu");
  else await wasm();
  await gradients();
  if (!(await tf.setBackend(backendName))) throw new Error(`the backend ${backendName} does not start here`);
  await tf.ready();
  if (backendName === "webgpu") {
    const { device, adapterInfo } = tf.backend();
    device.addEventListener("uncapturederror", ({ error }) => (failure ??= error.message));
    software = /llvmpipe|lavapipe|swiftshader|software/i.test(
      `${adapterInfo?.architecture} ${adapterInfo?.description} ${adapterInfo?.device}`,
    );
  }
  return { name: `tfjs-backend-${backendName} ${tf.version_core}`, prepare };
});
