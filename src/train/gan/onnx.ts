/**
 * A generator with its text branch as an ONNX graph: what models/generator.ts says in evaluation mode, for any number of images.
 *
 *   noise [N, Z]   ──────────────────────────────────────┐
 *   text  [N, T]   Sub centre, Mul scale, Gemm, LeakyRelu, Concat, Unsqueeze, ConvTranspose, ... Tanh   image [N, 3, S, S]
 *
 * The text goes in as its encoder gives it: the shift and the scale that the generator was trained with are in the graph. Kernels of smooth
 * layers are widened to the 4×4 that they stand for, so that any runtime draws with them.
 */
import { type OnnxAttribute, type OnnxNode, type OnnxTensor, writeOnnx } from "../../formats/onnx.js";
import { upsamplings } from "../../models/generator.js";
import { BATCH_NORM_EPSILON } from "../../models/layers.js";
import { fitsHalves, type Precision, storeTensors } from "../run/network-file.js";
import type { GeneratorFile } from "./model-file.js";

/** Side of the kernels that double an image's side. */
const SIDE = 4;

/** The 4×4 kernel of a smaller one, [I, O, K, K]: convolved with 2×2 boxes and halved, until it is as large (models/upsampling.ts). */
function widenedKernel(data: Float32Array, side: number): Float32Array {
  if (side >= SIDE) return data;
  const [kernels, wide] = [data.length / side ** 2, side + 1];
  const result = new Float32Array(kernels * wide ** 2);
  for (let k = 0; k < kernels; k++)
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++)
        for (const [down, right] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const)
          // prettier-ignore
          result[(k * wide + row + down) * wide + column + right]! += 0.5 * data[(k * side + row) * side + column]!;
  return widenedKernel(result, wide);
}

/** Nodes and weights of a graph, as they come. */
class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly tensors: OnnxTensor[] = [];

  constructor(
    readonly weights: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>,
    readonly precision: Precision,
  ) {}

  /** @returns the output's name, by which others read it */
  node(type: string, output: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): string {
    this.nodes.push({ type, inputs, output, attributes });
    return output;
  }

  constant(tensor: OnnxTensor): string {
    this.tensors.push(tensor);
    return tensor.name;
  }

  /** A weight under its own name; halves are made floats again by a node, and what follows computes in f32. */
  weight(name: string, { shape, data } = this.weights.get(name)!): string {
    if (this.precision === "f32" || !fitsHalves(shape, data)) return this.constant({ name, type: "F32", shape, data });
    return this.node("Cast", name, [this.constant({ name: `${name}.f16`, type: "F16", shape, data })], { to: { int: 1 } });
  }

  linear(name: string, x: string): string {
    return this.node("Gemm", `${name}.linear`, [x, this.weight(`${name}.weight`), this.weight(`${name}.bias`)], { transB: { int: 1 } });
  }

  convolution(name: string, x: string, padding: number): string {
    return this.node("Conv", name, [x, this.weight(`${name}.weight`)], { pads: { ints: Array<number>(4).fill(padding) } });
  }

  /** Stride 1 makes 4×4 of a point, stride 2 doubles the side. */
  transposed(name: string, x: string, stride: 1 | 2): string {
    const key = `${name}.weight`;
    const { shape, data } = this.weights.get(key)!;
    const wide = { shape: [...shape.slice(0, 2), SIDE, SIDE], data: widenedKernel(data, shape[3]!) };
    const attributes = { strides: { ints: [stride, stride] }, pads: { ints: Array<number>(4).fill(stride - 1) } };
    return this.node("ConvTranspose", name, [x, this.weight(key, wide)], attributes);
  }

  norm(name: string, x: string): string {
    const values = ["weight", "bias", "running_mean", "running_var"].map((part) => this.weight(`${name}.${part}`));
    return this.node("BatchNormalization", name, [x, ...values], { epsilon: { float: BATCH_NORM_EPSILON } });
  }

  relu(x: string): string {
    return this.node("Relu", `${x}.relu`, [x]);
  }

  /** models/residual.ts */
  residual(name: string, x: string): string {
    const stage = (i: number, h: string, padding: number) =>
      this.norm(`${name}.norm${i}`, this.convolution(`${name}.conv${i}`, h, padding));
    const h = stage(3, this.relu(stage(2, this.relu(stage(1, x, 0)), 1)), 1);
    return this.relu(this.node("Add", name, [x, h]));
  }
}

/**
 * The bytes of an ONNX file that draws as the generator does: inputs `noise` [N, Z] and `text` [N, T], output `image` [N, 3, S, S].
 * @param precision Of the weights in the file; computing is in f32 in both.
 */
export async function encodeOnnx({ generator, normalisation }: GeneratorFile, precision: Precision = "f32"): Promise<Uint8Array> {
  const { imageSize, noiseSize, textSize, residual } = generator.options;
  const tensors = [...(await storeTensors("", generator.parameters)), ...(await storeTensors("", generator.statistics))];
  const graph = new GraphBuilder(
    new Map(tensors.map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }])),
    precision,
  );

  const centre = graph.constant({ name: "text.centre", type: "F32", shape: [textSize], data: normalisation.center });
  const scale = graph.constant({ name: "text.scale", type: "F32", shape: [], data: Float32Array.of(normalisation.scale) });
  const normal = graph.node("Mul", "text.normalised", [graph.node("Sub", "text.centred", ["text", centre]), scale]);
  const projected = graph.node("LeakyRelu", "text.projected", [graph.linear("text", normal)], { alpha: { float: 0.2 } });
  const joined = graph.node("Concat", "joined", ["noise", projected], { axis: { int: 1 } });
  const axes = graph.constant({ name: "axes", type: "I64", shape: [2], data: BigInt64Array.of(2n, 3n) });
  let h = graph.transposed("deconv1", graph.node("Unsqueeze", "point", [joined, axes]), 1);
  for (let level = 1; level <= upsamplings(imageSize); level++) {
    h = graph.norm(`norm${level}`, h);
    h = residual && level <= 2 ? graph.residual(`residual${level}`, h) : graph.relu(h);
    h = graph.transposed(`deconv${level + 1}`, h, 2);
  }
  graph.node("Tanh", "image", [h]);

  return writeOnnx({
    name: "generator",
    doc: "A generator of petalgrad's (Reed et al. 2016): images of sentences, from noise and the sentences' embeddings.",
    nodes: graph.nodes,
    tensors: graph.tensors,
    inputs: [
      { name: "noise", shape: ["N", noiseSize], doc: "Standard normal." },
      {
        name: "text",
        shape: ["N", textSize],
        doc: "Embeddings of sentences, as their text encoder gives them (petalgrad embeddings): not normalised.",
      },
    ],
    outputs: [{ name: "image", shape: ["N", 3, imageSize, imageSize], doc: "Red, green, blue; from -1 (black) to 1." }],
  });
}
