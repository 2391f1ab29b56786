/**
 * The authors' text encoders as objects of Torch7, built from their definition: a graph of nngraph's nodes with all that such a file holds
 * beside the weights (both directions of the graph, gradients, functions), its parameters views of one storage as after `getParameters`.
 */
import type { TorchObject } from "../../../../src/formats/torch7.js";
import { LuaFunction, LuaTable, type LuaValue, TorchStorage, type TorchTensor } from "../../../../src/formats/torch7.js";
import { lua, torchObject, torchTensor } from "../../../formats/torch7-writer.js";

export interface EncoderFacts {
  readonly cell: "rnn" | "gru";
  readonly channels: readonly [number, number];
  readonly width: number;
  readonly size: number;
}

export interface TorchEncoderOptions {
  readonly steps?: number;
  /** The GRU's: the mean of all states, or the last. */
  readonly average?: boolean;
}

const ALPHABET = 70;
const KERNEL = 4;

/** A node: what nngraph calls its data. */
class GraphNode {
  readonly data = new LuaTable();
  readonly children: GraphNode[] = [];
  constructor(
    module: TorchObject | undefined,
    readonly sources: readonly GraphNode[],
    more: Readonly<Record<string, LuaValue>> = {},
  ) {
    if (module) this.data.entries.set("module", module);
    for (const [key, value] of Object.entries(more)) this.data.entries.set(key, value);
    const map = new LuaTable();
    sources.forEach((source, i) => {
      map.entries.set(i + 1, source.data);
      map.entries.set(source.data, i + 1);
      source.children.push(this);
    });
    this.data.entries.set("mapindex", map);
    this.data.entries.set("annotations", lua({ _debugLabel: "[encoder.lua]:1" }));
  }
}

/** Each node after all it takes from, as nngraph sorts them: the first input's first. */
function sorted(output: GraphNode, seen = new Set<GraphNode>()): GraphNode[] {
  if (seen.has(output)) return [];
  seen.add(output);
  return [...output.sources.flatMap((source) => sorted(source, seen)), output];
}

function graphModule(inputs: readonly GraphNode[], output: GraphNode, container: boolean): TorchObject {
  const outnode = new GraphNode(undefined, [output], { input: lua([]) });
  const order = sorted(outnode);
  const objects = new Map(order.map((node) => [node, torchObject("nngraph.Node")]));
  for (const [node, object] of objects) {
    object.fields = lua({
      data: node.data,
      children: lua(node.children.filter((child) => objects.has(child)).map((child) => objects.get(child))),
      visited: false,
      marked: false,
    });
  }
  const nodes = lua(order.map((node) => objects.get(node)));
  const modules = lua(order.flatMap((node) => (node.data.get("module") ? [node.data.get("module")] : [])));
  return torchObject("nn.gModule", {
    fg: torchObject("graph.Graph", { nodes }),
    innode: objects.get(order[0]!),
    outnode: objects.get(outnode),
    forwardnodes: nodes,
    backwardnodes: lua([...nodes.list()].reverse()),
    nInputs: inputs.length,
    ...(container && { modules }),
    verbose: false,
    output: torchTensor([0], new Float32Array(0)),
  });
}

/** The inputs of a graph, handed on by identities; several are parts of one. */
function inputs(count: number): GraphNode[] {
  const identity = () => torchObject("nn.Identity");
  if (count === 1) return [new GraphNode(identity(), [new GraphNode(undefined, [], { input: lua([]) })])];
  const all = new GraphNode(undefined, [new GraphNode(undefined, [], { input: lua([]) })], { nSplitOutputs: count });
  return Array.from({ length: count }, (_, i) => new GraphNode(identity(), [new GraphNode(undefined, [all], { selectindex: i + 1 })]));
}

const call = (name: string, ...sources: GraphNode[]): GraphNode => new GraphNode(torchObject(`nn.${name}`), sources);
const scaled = (constant: number, source: GraphNode): GraphNode =>
  new GraphNode(torchObject("nn.MulConstant", { constant_scalar: constant, inplace: false }), [source]);

/**
 * @param parameters Under the names of test/fixtures, in PyTorch's layout.
 * @returns the encoder, and its parameters as one vector in the order of their first use
 */
export function torchEncoder(
  { cell, channels, width, size }: EncoderFacts,
  parameters: ReadonlyMap<string, Float32Array>,
  { steps = cell === "rnn" ? 8 : 18, average = true }: TorchEncoderOptions = {},
  /** As nngraph of 2016, whose graphs list their modules; older ones do not. */
  container = true,
): { encoder: TorchObject; vector: Float32Array } {
  const vector = new Float32Array([...parameters.values()].reduce((sum, { length }) => sum + length, 0));
  const storage = new TorchStorage(vector);
  const tensors = new Map<string, TorchTensor>();
  let used = 0;
  const view = (name: string, shape: number[], values: Float32Array): TorchTensor => {
    let tensor = tensors.get(name);
    if (!tensor) {
      tensor = torchTensor(shape, storage, used);
      vector.set(values, used);
      used += values.length;
      tensors.set(name, tensor);
    }
    // Layers that share weights have tensors of their own on the same storage.
    return torchTensor(shape, storage, tensor.offset);
  };
  const values = (name: string) => parameters.get(name) ?? new Float32Array(0);

  const convolution = (name: string, from: number, to: number): TorchObject => {
    // [out, in, kernel] → [out, kernel · in]
    const turned = values(`${name}.weight`).map((_, at, weight) => {
      const [o, k, i] = [Math.floor(at / (from * KERNEL)), Math.floor(at / from) % KERNEL, at % from];
      return weight[(o * from + i) * KERNEL + k]!;
    });
    return torchObject("nn.TemporalConvolution", {
      ...{ inputFrameSize: from, outputFrameSize: to, kW: KERNEL, dW: 1, train: false },
      weight: view(`${name}.weight`, [to, KERNEL * from], turned),
      bias: view(`${name}.bias`, [to], values(`${name}.bias`)),
      gradWeight: torchTensor([0], new Float32Array(0)),
    });
  };
  const linear = (name: string, from: number, to: number): TorchObject =>
    torchObject("nn.Linear", {
      weight: view(`${name}.weight`, [to, from], values(`${name}.weight`)),
      bias: view(`${name}.bias`, [to], values(`${name}.bias`)),
      accUpdateGradParameters: new LuaFunction(),
      _type: "torch.FloatTensor",
    });
  const layer = (name: string, source: GraphNode): GraphNode =>
    new GraphNode(torchObject("nn.Sequential", { modules: lua([linear(name, width, width)]) }), [source]);

  const rnn = (x: readonly GraphNode[]): GraphNode => {
    let h = call("ReLU", layer("rnn.input", x[0]!));
    let total = h;
    for (const now of x.slice(1)) {
      h = call("ReLU", call("CAddTable", layer("rnn.input", now), layer("rnn.hidden", h)));
      total = call("CAddTable", total, h);
    }
    return scaled(1 / x.length, total);
  };
  const gru = (x: readonly GraphNode[]): GraphNode => {
    const states = [call("Tanh", layer("gru.candidate_input", x[0]!))];
    for (const now of x.slice(1)) {
      const h = states.at(-1)!;
      const gate = (name: string) => call("Sigmoid", call("CAddTable", layer(`gru.${name}_input`, now), layer(`gru.${name}_hidden`, h)));
      const update = gate("update");
      const reset = gate("reset");
      const gated = call("CMulTable", reset, h);
      const candidate = call("Tanh", call("CAddTable", layer("gru.candidate_input", now), layer("gru.candidate_hidden", gated)));
      const rest = new GraphNode(torchObject("nn.AddConstant", { constant_scalar: 1 }), [scaled(-1, update)]);
      states.push(call("CAddTable", call("CMulTable", update, candidate), call("CMulTable", rest, h)));
    }
    return average
      ? scaled(
          1 / x.length,
          states.reduce((sum, state) => call("CAddTable", sum, state)),
        )
      : states.at(-1)!;
  };

  const sequence = torchObject("nn.Sequential", {
    modules: lua([
      convolution("conv1", ALPHABET, channels[0]),
      torchObject("nn.Threshold", { threshold: 1e-6, val: 0 }),
      torchObject("nn.TemporalMaxPooling", { kW: 3, dW: 3 }),
      convolution("conv2", channels[0], channels[1]),
      torchObject("nn.Threshold", { threshold: 1e-6, val: 0 }),
      torchObject("nn.TemporalMaxPooling", { kW: 3, dW: 3 }),
      convolution("conv3", channels[1], width),
      torchObject("nn.Threshold", { threshold: 1e-6, val: 0 }),
      ...(cell === "rnn" ? [torchObject("nn.TemporalMaxPooling", { kW: 3, dW: 2 })] : []),
    ]),
  });
  const x = inputs(steps);
  const recurrent = graphModule(x, cell === "rnn" ? rnn(x) : gru(x), container);
  const [text] = inputs(1);
  const features = new GraphNode(torchObject("nn.SplitTable", { dimension: 2 }), [new GraphNode(sequence, [text!])]);
  const dropout = new GraphNode(torchObject("nn.Dropout", { p: 0, noise: torchTensor([0], new Float32Array(0)) }), [
    new GraphNode(recurrent, [features]),
  ]);
  const output = new GraphNode(linear("project", width, size), [dropout]);
  return { encoder: graphModule([text!], output, container), vector };
}

/** A checkpoint of the training program. */
export const checkpoint = (encoder: TorchObject): LuaTable =>
  lua({ protos: lua({ enc_image: torchObject("nn.Identity"), enc_doc: encoder }), opt: lua({ cnn_dim: 256, avg: 1 }), i: 16400 });
