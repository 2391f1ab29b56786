/**
 * The char-CNN-RNN out of a Torch7 file: nn modules as the authors' programs save them (Reed et al. 2016, "Learning Deep Representations of
 * Fine-Grained Visual Descriptions"; HybridCNN with FixedRNN, HybridCNNLong with FixedGRU), in a checkpoint (`protos.enc_doc`) or alone, or
 * the flat vector of `getParameters`.
 *
 * The outer graph holds the convolutions, the graph of the recurrent cell unrolled over time, and the last linear layer. Which of the
 * cell's linear layers is which is read off its graph: what it takes (the convolutions' features or a state), the activation its
 * sum goes through (tanh: the candidate state; sigmoid: a gate), and where the gate goes (through 1 − u: the update).
 */
import { UserError } from "../../../errors.js";
import { toFloats } from "../../../formats/number-array.js";
import { LuaTable, type LuaValue, tensorValues, TorchObject, TorchTensor } from "../../../formats/torch7.js";
import type { EncoderWeights, ImportedWeights, Weight } from "./encoder-weights.js";

/** Width of the filters. */
const KERNEL = 4;
/** Steps that the convolutions of 201 characters leave to each cell. */
const STEPS = { rnn: 8, gru: 18 } as const;
/** Modules within modules; the authors' nest 4 deep. */
const MAX_DEPTH = 32;
/** Nodes of a cell's graph; a GRU over 18 steps has some 350. */
const MAX_NODES = 2000;

/**
 * The encoder's weights.
 * @param root The file's object.
 * @param file Named in messages.
 * @throws UserError when it holds no char-CNN-RNN of either published form
 */
export function weightsOfTorch7(root: LuaValue, file: string): ImportedWeights {
  const protos = root instanceof LuaTable ? root.get("protos") : undefined;
  const encoder = protos instanceof LuaTable ? protos.get("enc_doc") : root;
  if (encoder instanceof TorchTensor) return { weights: weightsOfVector(toFloats(tensorValues(encoder)), file), state: "mean" };
  if (!(encoder instanceof TorchObject)) throw new UserError(`${file} holds no nn module, nor a checkpoint with one as protos.enc_doc`);
  return new Importer(file).import(encoder);
}

class Importer {
  readonly #weights = new Map<string, Weight>();

  constructor(readonly file: string) {}

  import(encoder: TorchObject): ImportedWeights {
    const parts = this.#modules(encoder, MAX_DEPTH);
    const convolutions = parts.filter((part) => kindOf(part) === "TemporalConvolution");
    if (convolutions.length !== 3) this.#fail(`${convolutions.length} temporal convolutions in it, not 3`);
    convolutions.forEach((part, i) => this.#add(`conv${i + 1}`, part));
    // Outermost first: the first graph within the encoder's own is the cell.
    const cell = parts.find((part) => part !== encoder && kindOf(part) === "gModule") ?? this.#fail("no graph of a recurrent cell in it");
    const state = this.#cell(cell);
    const inCell = new Set(this.#modules(cell, MAX_DEPTH));
    const outside = parts.filter((part) => kindOf(part) === "Linear" && !inCell.has(part));
    if (outside.length !== 1) this.#fail(`${outside.length} linear layers behind its recurrent cell, not 1`);
    this.#add("project", outside[0]!);
    return { weights: this.#weights, state };
  }

  #fail(problem: string): never {
    throw new UserError(`${this.file} holds no char-CNN-RNN that petalgrad knows: ${problem}`);
  }

  /** A module and those within it, each once, in the order in which they run. */
  #modules(module: TorchObject, depth: number, seen = new Set<TorchObject>()): TorchObject[] {
    if (depth === 0) this.#fail("its modules nest too deep");
    if (seen.has(module)) return [];
    seen.add(module);
    const listed = module.fields.get("modules");
    // Graphs of older versions of nngraph keep their modules in the nodes alone.
    const inner = listed instanceof LuaTable ? listed.list() : nodesOf(module).map((node) => node.get("module"));
    return [module, ...inner.flatMap((part) => (part instanceof TorchObject ? this.#modules(part, depth - 1, seen) : []))];
  }

  /** The cell's linear layers, every step's. @returns which of its states it hands on */
  #cell(cell: TorchObject): ImportedWeights["state"] {
    const nodes = nodesOf(cell);
    if (nodes.length > MAX_NODES) this.#fail(`its recurrent cell is a graph of ${nodes.length} nodes`);
    const graph = new Graph(nodes);
    const layers = nodes.flatMap((node) => {
      const layer = linearOf(moduleOf(node));
      return layer ? [{ layer, name: this.#role(graph, node) }] : [];
    });
    const kind = layers.some(({ name }) => name.startsWith("gru.")) ? "gru" : "rnn";
    if (layers.some(({ name }) => !name.startsWith(kind))) this.#fail("its recurrent cell is partly a ReLU RNN, partly a GRU");
    const steps = layers.filter(({ name }) => name === "rnn.input" || name === "gru.candidate_input").length;
    if (steps !== STEPS[kind]) this.#fail(`its ${kind.toUpperCase()} runs over ${steps} steps, not ${STEPS[kind]}`);
    const mean = nodes.some((node) => {
      const scale = moduleOf(node)?.fields.get("constant_scalar");
      return typeof scale === "number" && Math.abs(scale * steps - 1) < 1e-5;
    });
    for (const { name, layer } of layers) this.#add(name, layer);
    return mean ? "mean" : "last";
  }

  /** Which linear layer of the cell a node's is. */
  #role(graph: Graph, node: LuaTable): string {
    const side = graph.takesInput(node) ? "input" : "hidden";
    const sum = graph.past(node, "CAddTable");
    switch (kindOf(moduleOf(sum))) {
      case "ReLU":
      case "Threshold":
        return `rnn.${side}`;
      case "Tanh":
        return `gru.candidate_${side}`;
      case "Sigmoid":
        return `gru.${graph.readers(sum!).some((reader) => kindOf(moduleOf(reader)) === "MulConstant") ? "update" : "reset"}_${side}`;
      default:
        return this.#fail("a linear layer of its recurrent cell leads to no activation");
    }
  }

  /** Takes a layer's weight and bias; those of a later step must be the first one's. */
  #add(name: string, layer: TorchObject): void {
    const weight = this.#tensor(layer, "weight", 2);
    const bias = this.#tensor(layer, "bias", 1);
    const convolution = name.startsWith("conv");
    if (convolution && (layer.fields.get("kW") !== KERNEL || layer.fields.get("dW") !== 1 || weight.shape[1]! % KERNEL !== 0))
      this.#fail(`${name} is no convolution of width ${KERNEL} and stride 1`);
    this.#set(`${name}.weight`, convolution ? framesLast(weight) : weight);
    this.#set(`${name}.bias`, bias);
  }

  #set(name: string, weight: Weight): void {
    const before = this.#weights.get(name);
    if (before && !(before.data.length === weight.data.length && before.data.every((value, i) => value === weight.data[i])))
      this.#fail(`${name} is another at another step of its recurrent cell`);
    this.#weights.set(name, before ?? weight);
  }

  #tensor(layer: TorchObject, field: string, dimensions: number): Weight {
    const tensor = layer.fields.get(field);
    if (!(tensor instanceof TorchTensor) || tensor.shape.length !== dimensions)
      return this.#fail(`a layer of the class ${layer.className} has no ${field}`);
    return { shape: tensor.shape, data: toFloats(tensorValues(tensor)) };
  }
}

/** nngraph's nodes: what each computes, from what. */
class Graph {
  readonly #readers = new Map<LuaTable, LuaTable[]>();

  constructor(readonly nodes: readonly LuaTable[]) {
    for (const node of nodes) {
      for (const source of sourcesOf(node)) {
        const readers = this.#readers.get(source);
        if (readers) readers.push(node);
        else this.#readers.set(source, [node]);
      }
    }
  }

  /** The nodes that take a node's output. */
  readers(node: LuaTable): readonly LuaTable[] {
    return this.#readers.get(node) ?? [];
  }

  /** The first node behind this one that is of another kind. */
  past(node: LuaTable, kind: string): LuaTable | undefined {
    let at = this.readers(node)[0];
    for (let hops = 0; at && kindOf(moduleOf(at)) === kind && hops < this.nodes.length; hops++) at = this.readers(at)[0];
    return at;
  }

  /** Whether a node takes one of the graph's inputs: nothing but nodes that hand on what they get lies between. */
  takesInput(node: LuaTable): boolean {
    let at = sourcesOf(node)[0];
    for (let hops = 0; at && hops < this.nodes.length; hops++) {
      if (moduleOf(at) && kindOf(moduleOf(at)) !== "Identity") return false;
      at = sourcesOf(at)[0];
    }
    return true;
  }
}

/** The data of a graph's nodes, in the order in which they run. */
const nodesOf = (graph: TorchObject): LuaTable[] => {
  const nodes = graph.fields.get("forwardnodes");
  const data =
    nodes instanceof LuaTable ? nodes.list().map((node) => (node instanceof TorchObject ? node.fields.get("data") : undefined)) : [];
  return data.filter((table) => table instanceof LuaTable);
};

/** A node's data holds the data of those it takes from under 1, 2, ... of its `mapindex`. */
const sourcesOf = (node: LuaTable): LuaTable[] => {
  const map = node.get("mapindex");
  return map instanceof LuaTable ? map.list().filter((table) => table instanceof LuaTable) : [];
};

const moduleOf = (node: LuaTable | undefined): TorchObject | undefined => {
  const module = node?.get("module");
  return module instanceof TorchObject ? module : undefined;
};

/** The class without its package: nn and cudnn have the same ones. */
const kindOf = (module: TorchObject | undefined): string | undefined => module?.className.replace(/^\w+\./, "");

/** The linear layer that a module is, or a sequence of nothing else. */
function linearOf(module: TorchObject | undefined): TorchObject | undefined {
  if (kindOf(module) === "Linear") return module;
  const listed = kindOf(module) === "Sequential" ? module!.fields.get("modules") : undefined;
  const parts = listed instanceof LuaTable ? listed.list() : [];
  return parts.length === 1 && parts[0] instanceof TorchObject && kindOf(parts[0]) === "Linear" ? parts[0] : undefined;
}

/** Torch7 keeps a temporal convolution's weight as [out, kernel · in]; PyTorch as [out, in, kernel]. */
function framesLast({ shape, data }: Weight): Weight {
  const [outputs, columns] = shape as [number, number];
  const inputs = columns / KERNEL;
  const turned = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let k = 0; k < KERNEL; k++) {
      for (let i = 0; i < inputs; i++) turned[(o * inputs + i) * KERNEL + k] = data[o * columns + k * inputs + i]!;
    }
  }
  return { shape: [outputs, inputs, KERNEL], data: turned };
}

/** The released encoders' alphabet and embedding: a vector alone does not tell them. */
const VECTOR = { alphabet: 70, embedding: 1024 };

/** Layers in the order in which nngraph counts the parameters of a graph that takes the mean of all states. */
const VECTOR_LAYERS = {
  rnn: ["input", "hidden"].map((side) => `rnn.${side}`),
  gru: ["candidate_input", "update_input", "update_hidden", "reset_input", "reset_hidden", "candidate_hidden"].map((part) => `gru.${part}`),
} as const;

/**
 * The flat vector of a whole encoder's parameters, as `getParameters` gives it.
 * @param sizes What the vector does not tell.
 * @throws UserError when its length is no char-CNN-RNN's
 */
export function weightsOfVector(vector: Float32Array, file: string, { alphabet, embedding } = VECTOR): EncoderWeights {
  const layers = (width: number, cell: keyof typeof VECTOR_LAYERS): [name: string, outputs: number, columns: number][] => {
    const [first, second] = [Math.min(384, Math.round(1.5 * width)), Math.min(512, 2 * width)];
    return [
      ["conv1", first, KERNEL * alphabet],
      ["conv2", second, KERNEL * first],
      ["conv3", width, KERNEL * second],
      ...VECTOR_LAYERS[cell].map((name): [string, number, number] => [name, width, width]),
      ["project", embedding, width],
    ];
  };
  for (const cell of ["rnn", "gru"] as const) {
    for (let width = 1; width <= 2048; width++) {
      const found = layers(width, cell);
      if (found.reduce((sum, [, outputs, columns]) => sum + outputs * (columns + 1), 0) !== vector.length) continue;
      let at = 0;
      const take = (...shape: number[]): Weight => ({ shape, data: vector.slice(at, (at += shape.reduce((a, b) => a * b, 1))) });
      return new Map(
        found.flatMap(([name, outputs, columns]) => {
          const weight = take(outputs, columns);
          return [
            [`${name}.weight`, name.startsWith("conv") ? framesLast(weight) : weight] as const,
            [`${name}.bias`, take(outputs)] as const,
          ];
        }),
      );
    }
  }
  throw new UserError(
    `${file}: a vector of ${vector.length} numbers is no char-CNN-RNN of ${alphabet} characters and embeddings of ${embedding}`,
  );
}
