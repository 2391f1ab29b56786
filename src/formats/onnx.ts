/**
 * ONNX: a graph of operators with its weights, as one file that most runtimes read (onnx.proto3; operators of set 17). Only written, and only
 * what networks here need: f32 and f16 weights, whole numbers, attributes of numbers.
 */
import { bytes, type Field, float, integer, message, text, written } from "./protobuf.js";
import { halves } from "./small-floats.js";

/** Operators' version, and the file's that came with it. */
const OPSET = 17;
const IR_VERSION = 8;

const TYPES = { F32: 1, I64: 7, F16: 10 } as const;

/** Weights or other constants. */
export type OnnxTensor = { readonly name: string; readonly shape: readonly number[] } & (
  { readonly type: "F32" | "F16"; readonly data: Float32Array } | { readonly type: "I64"; readonly data: BigInt64Array }
);

/** An attribute: a list of whole numbers, one, or another number. */
export type OnnxAttribute = { readonly ints: readonly number[] } | { readonly int: number } | { readonly float: number };

/** An operator with the names of what it reads and of what it makes. */
export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** An input or output of floats; a size that is a text is free, and has that name. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  /** What it is, for who opens the file. */
  readonly doc: string;
}

/** A network. */
export interface OnnxGraph {
  readonly name: string;
  readonly doc: string;
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

function attributeField([name, value]: readonly [string, OnnxAttribute]): Field {
  const named = text(1, name);
  if ("ints" in value) return message(5, named, ...value.ints.map((v) => integer(8, v)), integer(20, 7));
  if ("int" in value) return message(5, named, integer(3, value.int), integer(20, 2));
  return message(5, named, float(2, value.float), integer(20, 1));
}

const nodeField = ({ type, inputs, output, attributes = {} }: OnnxNode): Field =>
  message(
    1,
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, output),
    text(4, type),
    ...Object.entries(attributes).map(attributeField),
  );

function tensorField(tensor: OnnxTensor): Field {
  const data = tensor.type === "F16" ? halves(tensor.data) : tensor.data;
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(5, ...tensor.shape.map((n) => integer(1, n)), integer(2, TYPES[tensor.type]), text(8, tensor.name), bytes(9, raw));
}

function valueField(field: number, { name, shape, doc }: OnnxValue): Field {
  const sizes = shape.map((size) => message(1, typeof size === "number" ? integer(1, size) : text(2, size)));
  return message(field, text(1, name), message(2, message(1, integer(1, TYPES.F32), message(2, ...sizes))), text(3, doc));
}

/** The bytes of the file. */
export function writeOnnx({ name, doc, nodes, tensors, inputs, outputs }: OnnxGraph): Uint8Array {
  const graph = message(
    7,
    ...nodes.map(nodeField),
    text(2, name),
    ...tensors.map(tensorField),
    ...inputs.map((value) => valueField(11, value)),
    ...outputs.map((value) => valueField(12, value)),
  );
  return written(integer(1, IR_VERSION), text(2, "petalgrad"), text(6, doc), graph, message(8, text(1, ""), integer(2, OPSET)));
}
