// @ts-nocheck: the packages are installed only when the peer is asked for.
/**
 * onnxruntime as a peer: `node onnx.mjs webgpu|cpu`. Inference only: matmul, convolutions and transposed ones forward, the generator.
 * Weights are initializers, as in any model. A run takes its inputs from JavaScript and gives its outputs back there.
 */
import { cpus } from "node:os";
import { generator, networkOf } from "./models.mjs";
import { model, node, tensor } from "./onnx-model.mjs";
import { inputValues, permute, readTensors, serve, Unsupported } from "./serve.mjs";

const provider = process.argv[2];
let ort;

async function prepare(problem) {
  switch (problem.op) {
    case "matmul": {
      const shape = [problem.size, problem.size];
      return one("MatMul", { a: filled(shape) }, { b: filled(shape) }, shape, {});
    }
    case "forward":
    case "dataGrad":
      return convolution(problem.op, problem.conv);
    case "generator":
      return drawing(problem);
    default:
      throw new Unsupported("its packages hold no training");
  }
}

const filled = (shape) => ({ shape, data: inputValues(shape.reduce((a, b) => a * b, 1)) });

function convolution(direction, s) {
  const x = [s.batch, s.inHeight, s.inWidth, s.inChannels];
  const y = [s.batch, s.outHeight, s.outWidth, s.outChannels];
  const w = permute(filled([s.kernelHeight, s.kernelWidth, s.inChannels, s.outChannels]), [3, 2, 0, 1]);
  const [p, q] = [s.paddingHeight, s.paddingWidth];
  const attributes = { kernel_shape: [s.kernelHeight, s.kernelWidth], strides: [s.strideHeight, s.strideWidth], pads: [p, q, p, q] };
  const [from, to, type] = direction === "forward" ? [x, y, "Conv"] : [y, x, "ConvTranspose"];
  return one(type, { x: permute(filled(from), [0, 3, 1, 2]) }, { w }, [to[0], to[3], to[1], to[2]], attributes);
}

/** A model of one node. */
function one(type, inputs, initializers, shape, attributes) {
  const graph = {
    nodes: [node(type, [...Object.keys(inputs), ...Object.keys(initializers)], "c", attributes)],
    initializers: Object.entries(initializers).map(([name, t]) => tensor(name, t.shape, t.data)),
    inputs: Object.entries(inputs).map(([name, t]) => ({ name, shape: t.shape })),
    outputs: [{ name: "c", shape }],
  };
  return session(graph, inputs);
}

async function session(graph, inputs) {
  const options = {
    executionProviders: [provider],
    // Threads that spin while they wait would take the cores from whose turn it is.
    extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
    intraOpNumThreads: cpus().length,
    logSeverityLevel: 3,
  };
  const made = await ort.InferenceSession.create(model(graph), options);
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, new ort.Tensor("float32", data, shape)]));
  const results = async () => {
    const outputs = await made.run(feeds);
    return Object.fromEntries(Object.entries(outputs).map(([name, { dims, data }]) => [name, inOrder({ shape: dims, data })]));
  };
  return { run: () => made.run(feeds), wait: async () => {}, results, dispose: () => void made.release() };
}

/** Images as the problem has them: channels-last. */
const inOrder = (t) => (t.shape.length === 4 ? permute(t, [0, 2, 3, 1]).data : t.data);

function drawing({ folder, batch }) {
  const tensors = readTensors(folder);
  const network = networkOf(tensors, "generator");
  const nodes = [];
  const initializers = Object.entries(network).map(([name, t]) => tensor(name, t.shape, t.data));
  const number = (values) => {
    const name = `constant${initializers.length}`;
    initializers.push(tensor(name, [values.length], BigInt64Array.from(values.map(BigInt))));
    return name;
  };
  const emit = (type, inputs, attributes) => {
    const name = `t${nodes.length}`;
    nodes.push(node(type, inputs, name, attributes));
    return name;
  };
  const side = (w) => network[w].shape[2];
  const spatial = (w, stride, padding) => ({
    kernel_shape: [side(w), side(w)],
    strides: [stride, stride],
    pads: new Array(4).fill(padding),
  });
  const ops = {
    conv: (x, w, stride, padding) => emit("Conv", [x, w], spatial(w, stride, padding)),
    deconv: (x, w, stride, padding) => emit("ConvTranspose", [x, w], spatial(w, stride, padding)),
    norm: (x, scale, bias, mean, variance) => emit("BatchNormalization", [x, scale, bias, mean, variance], { epsilon: 1e-5 }),
    linear: (x, w, b) => emit("Gemm", [x, w, b], { transB: 1 }),
    relu: (x) => emit("Relu", [x]),
    leaky: (x) => emit("LeakyRelu", [x], { alpha: 0.2 }),
    tanh: (x) => emit("Tanh", [x]),
    add: (a, b) => emit("Add", [a, b]),
    join: (a, b) => emit("Concat", [a, b], { axis: 1 }),
    column: (x) => emit("Reshape", [x, number([batch, -1, 1, 1])]),
  };
  const names = Object.fromEntries(Object.keys(network).map((name) => [name, name]));
  const last = generator(ops, names, "noise", "text", true);
  nodes.push(node("Identity", [last], "images"));
  const rows = (t) => ({ shape: [batch, t.shape[1]], data: t.data.slice(0, batch * t.shape[1]) });
  const inputs = { noise: rows(tensors.noiseD), text: rows(tensors.text) };
  const graph = {
    ...{ nodes, initializers },
    inputs: Object.entries(inputs).map(([name, { shape }]) => ({ name, shape })),
    outputs: [{ name: "images", shape: [batch, 3, 64, 64] }],
  };
  return session(graph, inputs);
}

await serve(async () => {
  ort = (await import("onnxruntime-node")).default;
  const backends = ort.listSupportedBackends().map(({ name }) => name);
  if (!backends.includes(provider)) throw new Error(`this onnxruntime-node has no provider ${provider}, only ${backends.join(", ")}`);
  return { name: `onnxruntime-node ${ort.env.versions.node} ${provider}`, prepare };
});
