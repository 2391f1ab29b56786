/** Reads ONNX files and computes them in float64, for tests: the few operators that petalgrad writes, each by its definition. */
import { widened } from "../../src/formats/small-floats.js";
import { at, build, concat, conv2d, convTranspose2d, matmul, type NdArray, ndarray, normalize } from "../reference/index.js";

type Value = bigint | Uint8Array;

/** All fields of a message, by number, in order. */
function fields(message: Uint8Array): Map<number, Value[]> {
  const found = new Map<number, Value[]>();
  let place = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[place++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => message.subarray(place, (place += length));
  while (place < message.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    if (kind !== 0 && kind !== 2 && kind !== 5) throw new Error(`a field of kind ${kind}`);
    const value = kind === 0 ? varint() : take(kind === 5 ? 4 : Number(varint()));
    found.set(tag >> 3, [...(found.get(tag >> 3) ?? []), value]);
  }
  if (place !== message.length) throw new Error("a field runs over the end");
  return found;
}

const texts = (values: Value[] = []) => values.map((value) => Buffer.from(value as Uint8Array).toString());
const messages = (values: Value[] = []) => values.map((value) => fields(value as Uint8Array));
const numbers = (values: Value[] = []) => values.map(Number);

type Attributes = Readonly<Record<string, number | number[]>>;
export interface ReadNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

function attribute(message: Map<number, Value[]>): [string, number | number[]] {
  const [type] = numbers(message.get(20));
  const float = () => Buffer.from(message.get(2)![0] as Uint8Array).readFloatLE();
  return [texts(message.get(1))[0]!, type === 7 ? numbers(message.get(8)) : type === 2 ? numbers(message.get(3))[0]! : float()];
}

/** A tensor as float64, whatever the file keeps. */
function tensor(message: Map<number, Value[]>): [string, NdArray] {
  const raw = Uint8Array.from(message.get(9)![0] as Uint8Array);
  const shape = numbers(message.get(1));
  const [type] = numbers(message.get(2));
  if (type !== 1 && type !== 7 && type !== 10) throw new Error(`a tensor of type ${type}`);
  const data = { 1: () => new Float32Array(raw.buffer), 7: () => Array.from(new BigInt64Array(raw.buffer), Number), 10: () => widened(raw, "F16", raw.length / 2) }[type](); // prettier-ignore
  return [texts(message.get(8))[0]!, ndarray(shape, data)];
}

function value(message: Map<number, Value[]>) {
  const type = messages(messages(message.get(2))[0]!.get(1))[0]!;
  const shape = messages(messages(type.get(2))[0]!.get(1)).map((size) => (size.has(1) ? numbers(size.get(1))[0]! : texts(size.get(2))[0]!));
  return { name: texts(message.get(1))[0]!, type: numbers(type.get(1))[0]!, shape, doc: texts(message.get(3))[0]! };
}

/** What a file says. */
export function readOnnx(file: Uint8Array) {
  const model = fields(file);
  const graph = messages(model.get(7))[0]!;
  const nodes = messages(graph.get(1)).map((node): ReadNode => ({
    type: texts(node.get(4))[0]!,
    inputs: texts(node.get(1)),
    outputs: texts(node.get(2)),
    attributes: Object.fromEntries(messages(node.get(5)).map(attribute)),
  }));
  return {
    irVersion: numbers(model.get(1))[0],
    opsets: messages(model.get(8)).map((set) => ({ domain: texts(set.get(1))[0], version: numbers(set.get(2))[0] })),
    nodes,
    tensors: new Map(messages(graph.get(5)).map(tensor)),
    inputs: messages(graph.get(11)).map(value),
    outputs: messages(graph.get(12)).map(value),
  };
}

const map = (x: NdArray, f: (v: number) => number): NdArray => ndarray(x.shape, x.data.map(f));

/** A combination of arrays of which the second may have one row, or one value, for all of the first's. */
const combine = (a: NdArray, b: NdArray, f: (x: number, y: number) => number): NdArray =>
  ndarray(a.shape, a.data.map((x, i) => f(x, b.data[i % b.data.length]!))); // prettier-ignore

function compute({ type, attributes }: ReadNode, [x, ...more]: readonly NdArray[]): NdArray {
  const [a, b, c, d] = more as [NdArray, NdArray, NdArray, NdArray];
  const ints = (name: string, fallback: number[]) => (attributes[name] as number[] | undefined) ?? fallback;
  const pair = (values: number[]) => [values[0]!, values[1]!] as const;
  const [strides, pads] = [pair(ints("strides", [1, 1])), ints("pads", [0, 0, 0, 0])];
  if (pads[0] !== pads[2] || pads[1] !== pads[3]) throw new Error("uneven padding");
  switch (type) {
    case "Sub":
      return combine(x!, a, (p, q) => p - q);
    case "Mul":
      return combine(x!, a, (p, q) => p * q);
    case "Add":
      return combine(x!, a, (p, q) => p + q);
    case "Cast":
      if (attributes.to !== 1) throw new Error("a cast to no float");
      return x!;
    case "Gemm": {
      if (attributes.transB !== 1) throw new Error("weights that are not turned");
      const product = matmul(
        x!,
        build([a.shape[1]!, a.shape[0]!], ([i, o]) => at(a, o!, i!)),
      );
      return combine(product, b, (p, q) => p + q);
    }
    case "LeakyRelu":
      return map(x!, (v) => (v > 0 ? v : (attributes.alpha as number) * v));
    case "Relu":
      return map(x!, (v) => Math.max(0, v));
    case "Tanh":
      return map(x!, Math.tanh);
    case "Concat":
      return concat([x!, a], attributes.axis as number);
    case "Unsqueeze":
      if (a.data.join() !== "2,3") throw new Error("other axes");
      return ndarray([...x!.shape, 1, 1], x!.data);
    case "Conv":
      return conv2d(x!, a, strides, pair(pads));
    case "ConvTranspose":
      return convTranspose2d(x!, a, strides, pair(pads), [0, 0]);
    case "BatchNormalization":
      return normalize(x!, a, b, c, d, attributes.epsilon as number);
    default:
      throw new Error(`the operator ${type}`);
  }
}

/** The values of the outputs. */
export function runOnnx(file: Uint8Array, inputs: Readonly<Record<string, NdArray>>): NdArray[] {
  const { nodes, tensors, outputs } = readOnnx(file);
  const values = new Map([...tensors, ...Object.entries(inputs)]);
  for (const node of nodes) {
    const read = node.inputs.map((name) => {
      const found = values.get(name);
      if (!found) throw new Error(`${node.type} reads ${name}, which nothing has made yet`);
      return found;
    });
    if (values.has(node.outputs[0]!)) throw new Error(`${node.outputs[0]} is made twice`);
    values.set(node.outputs[0]!, compute(node, read));
  }
  return outputs.map(({ name }) => values.get(name)!);
}
