// @ts-nocheck: the packages are installed only when the peer is asked for.
/**
 * jax-js as a peer, on its WebGPU backend: the same adapter. NCHW, and everything under `jit`.
 * Its functions consume their arguments: `.ref` keeps one. Inside a traced function nothing is worth freeing, so that all is kept there.
 */
import { generator, lossD, lossG, networkOf, trained } from "./models.mjs";
import { inputValues, openDawn, otherValues, permute, readTensors, serve, Unsupported, waitAsleep } from "./serve.mjs";

let jax;
let np;
let lax;
let software = true;

const array = ({ shape, data }) => np.array(data.slice(), { shape });
const filled = (shape, make = inputValues) => ({ shape, data: make(shape.reduce((a, b) => a * b, 1)) });
/** Given channels-last, kept as jax-js does. */
const images = (shape, make) => array(permute(filled(shape, make), [0, 3, 1, 2]));

async function prepare(problem) {
  switch (problem.op) {
    case "matmul": {
      const [a, b] = [0, 1].map(() => array(filled([problem.size, problem.size])));
      return work([a, b], (x, y) => ({ c: np.matmul(x, y) }));
    }
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

const ready = (tree) => waitAsleep(jax.blockUntilReady(tree), software);
const dispose = (tree) => jax.tree.leaves(tree).forEach((leaf) => leaf.dispose());

/** @param inputs arrays, or trees of them. @param execute from them to arrays by name. @param orders how a result must be permuted. */
function work(inputs, execute, orders = {}) {
  const compiled = jax.jit(execute);
  // It submits work only when somebody waits for its results, and drops what is disposed before: all are kept until then.
  let pending = [];
  const run = () => void pending.push(compiled(...inputs.map((tree) => jax.tree.ref(tree))));
  const wait = async () => {
    await ready(pending);
    pending.splice(0).forEach(dispose);
  };
  return {
    ...{ run, wait },
    results: async () => {
      run();
      const read = [];
      for (const [name, x] of Object.entries(pending[0])) {
        const t = { shape: x.shape, data: await x.ref.data() };
        read.push([name, orders[name] ? permute(t, orders[name]).data : t.data]);
      }
      await wait();
      return Object.fromEntries(read);
    },
    dispose: () => {
      inputs.forEach(dispose);
      compiled.dispose();
    },
  };
}

const pads = (padding) => [
  [padding, padding],
  [padding, padding],
];

const ops = {
  conv: (x, w, stride, padding) => lax.convGeneralDilated(x.ref, w.ref, [stride, stride], pads(padding)),
  deconv: (x, w, stride, padding) => lax.convTranspose(x.ref, w.ref, [stride, stride], pads(padding), { transposeKernel: true }),
  norm: (x, scale, bias, mean, variance) => {
    const axes = x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
    const spread = (t) => t.ref.reshape(x.shape.map((n, d) => (d === 1 ? n : 1)));
    const m = mean ? spread(mean) : np.mean(x.ref, axes, { keepdims: true });
    const centred = x.ref.sub(m.ref);
    const v = variance ? spread(variance) : np.mean(centred.ref.mul(centred.ref), axes, { keepdims: true });
    return centred.ref
      .div(np.sqrt(v.ref.add(1e-5)))
      .mul(spread(scale))
      .add(spread(bias));
  },
  linear: (x, w, b) => np.matmul(x.ref, w.ref.transpose()).add(b.ref),
  relu: (x) => jax.nn.relu(x.ref),
  leaky: (x) => jax.nn.leakyRelu(x.ref, 0.2),
  tanh: (x) => np.tanh(x.ref),
  add: (a, b) => a.ref.add(b.ref),
  scale: (x, factor) => x.ref.mul(factor),
  column: (x) => x.ref.reshape([...x.shape, 1, 1]),
  row: (x) => x.ref.reshape([x.shape[0]]),
  tile: (x) => np.broadcastTo(x.ref, [x.shape[0], x.shape[1], 4, 4]),
  join: (a, b) => np.concatenate([a.ref, b.ref], 1),
  softplus: (x) => jax.nn.softplus(x.ref),
  neg: (x) => x.ref.neg(),
  mean: (x) => np.mean(x.ref),
};

const LAST = [0, 2, 3, 1];

function convolution(direction, s) {
  const x = () => images([s.batch, s.inHeight, s.inWidth, s.inChannels]);
  const y = () => images([s.batch, s.outHeight, s.outWidth, s.outChannels]);
  const w = () => array(permute(filled([s.kernelHeight, s.kernelWidth, s.inChannels, s.outChannels]), [3, 2, 0, 1]));
  const [stride, padding] = [s.strideHeight, s.paddingHeight];
  if (direction === "forward") return work([x(), w()], (a, b) => ({ c: ops.conv(a, b, stride, padding) }), { c: LAST });
  // A weight [O, I, H, W] of a convolution is [in, out, H, W] of the transposed one.
  if (direction === "dataGrad") return work([y(), w()], (a, b) => ({ c: ops.deconv(a, b, stride, padding) }), { c: LAST });
  const gradient = (image, weight, dy) => {
    const [, back] = jax.vjp((kernel) => ops.conv(image, kernel, stride, padding), [weight.ref]);
    return { c: back(dy.ref)[0] };
  };
  return work([x(), w(), y()], gradient, { c: [2, 3, 1, 0] });
}

function batchNorm(shape) {
  const c = filled([shape.at(-1)]);
  const execute = (x, scale, bias, dy) => {
    const [y, back] = jax.vjp((a, b, d) => ops.norm(a, b, d), [x.ref, scale.ref, bias.ref]);
    const [dx, dScale, dBias] = back(dy.ref);
    return { y, dx, dScale, dBias };
  };
  return work([images(shape), array(c), array(c), images(shape, otherValues)], execute, { y: LAST, dx: LAST });
}

const loadAll = (network) => Object.fromEntries(Object.entries(network).map(([name, t]) => [name, array(t)]));

function drawing({ folder, batch }) {
  const tensors = readTensors(folder);
  const rows = ({ shape, data }) => array({ shape: [batch, shape[1]], data: data.subarray(0, batch * shape[1]) });
  const execute = (w, noise, text) => ({ images: generator(ops, w, noise, text, true) });
  return work([loadAll(networkOf(tensors, "generator")), rows(tensors.noiseD), rows(tensors.text)], execute, { images: LAST });
}

/** Adam (Kingma and Ba 2015) on trees of arrays; `rate` holds the bias corrections of the step. */
function adam({ weights, first, second }, gradient, rate) {
  const next = { weights: {}, first: {}, second: {} };
  for (const name of Object.keys(weights)) {
    const g = gradient[name];
    const m = first[name].ref.mul(0.5).add(g.ref.mul(0.5));
    const v = second[name].ref.mul(0.999).add(g.ref.mul(g.ref).mul(0.001));
    const move = m.ref.mul(rate.first.ref).div(np.sqrt(v.ref.mul(rate.second.ref)).add(1e-8));
    next.weights[name] = weights[name].ref.sub(move.mul(2e-4));
    next.first[name] = m;
    next.second[name] = v;
  }
  return next;
}

function step({ folder, interpolate }) {
  if (interpolate) throw new Unsupported("its step is written for GAN-CLS");
  const tensors = readTensors(folder);
  const data = Object.fromEntries(["real", "wrong", "text", "noiseD", "noiseG"].map((name) => [name, array(tensors[name])]));
  const state = (name) => {
    const network = Object.fromEntries(Object.entries(networkOf(tensors, name)).filter(([key]) => trained(key)));
    const zeros = () =>
      loadAll(Object.fromEntries(Object.entries(network).map(([key, t]) => [key, { ...t, data: new Float32Array(t.data.length) }])));
    return { weights: loadAll(network), first: zeros(), second: zeros() };
  };
  const iteration = jax.jit((g, d, batch, rate) => {
    const fake = generator(ops, g.weights, batch.noiseD, batch.text);
    const [lossOfD, dD] = jax.valueAndGrad((w) => lossD(ops, w, batch, fake))(jax.tree.ref(d.weights));
    const nextD = adam(d, dD, rate);
    const [lossOfG, dG] = jax.valueAndGrad((w) => lossG(ops, w, nextD.weights, batch))(jax.tree.ref(g.weights));
    return { g: adam(g, dG, rate), d: nextD, losses: { lossD: lossOfD, lossG: lossOfG } };
  });
  let now = { g: state("generator"), d: state("discriminator"), losses: {} };
  let t = 0;
  const run = () => {
    t++;
    const rate = { first: np.array(1 / (1 - 0.5 ** t)), second: np.array(1 / (1 - 0.999 ** t)) };
    dispose(now.losses);
    now = iteration(now.g, now.d, jax.tree.ref(data), rate);
  };
  const wait = () => ready(now);
  return {
    ...{ run, wait },
    results: async () => {
      const losses = [];
      for (const _ of [1, 2]) {
        run();
        await wait();
        for (const name of ["lossD", "lossG"]) losses.push((await now.losses[name].ref.data())[0]);
      }
      return { losses };
    },
    dispose: () => [now, data].forEach(dispose),
  };
}

await serve(async () => {
  await openDawn();
  jax = await import("@jax-js/jax");
  ({ numpy: np, lax } = jax);
  if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("its WebGPU backend does not start here");
  jax.defaultDevice("webgpu");
  const { architecture, description, device } = jax.getWebGPUDevice().adapterInfo ?? {};
  software = /llvmpipe|lavapipe|swiftshader|software/i.test(`${architecture} ${description} ${device}`);
  const { createRequire } = await import("node:module");
  const { dirname, join } = await import("node:path");
  const { readFileSync } = await import("node:fs");
  const main = createRequire(import.meta.url).resolve("@jax-js/jax");
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(main)), "package.json"), "utf8"));
  return { name: `jax-js ${version}`, prepare };
});
