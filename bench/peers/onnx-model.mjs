// @ts-nocheck: plain JavaScript of a package of its own.
/** Writes an ONNX model: protobuf by hand, as much of it as nodes, attributes of numbers, and f32 or i64 initializers need (onnx.proto3). */

const varint = (value) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
};
const text = (value) => new TextEncoder().encode(value);
const join = (parts) => Buffer.concat(parts.flat());
/** A field of a message: numbers as varints, everything else with its length before it. */
const int = (field, value) => [varint(field << 3), varint(value)];
const bytes = (field, value) => [varint((field << 3) | 2), varint(value.length), value];
const float = (field, value) => [varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)];

const FLOAT = 1;
const INT64 = 7;

function attribute([name, value]) {
  const named = bytes(1, text(name));
  if (Array.isArray(value)) return join([named, ...value.map((v) => int(8, v)), int(20, 7)]);
  if (Number.isInteger(value)) return join([named, int(3, value), int(20, 2)]);
  return join([named, float(2, value), int(20, 1)]);
}

/** A node; attributes are integers, lists of integers, or other numbers (written 0.2, never 1.0). */
export const node = (type, inputs, output, attributes = {}) =>
  join([
    ...inputs.map((name) => bytes(1, text(name))),
    bytes(2, text(output)),
    bytes(4, text(type)),
    ...Object.entries(attributes).map((entry) => bytes(5, attribute(entry))),
  ]);

/** An initializer of a Float32Array or a BigInt64Array. */
export const tensor = (name, shape, data) =>
  join([
    ...shape.map((n) => int(1, n)),
    int(2, data instanceof BigInt64Array ? INT64 : FLOAT),
    bytes(8, text(name)),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);

const info = ({ name, shape }) => {
  const dimensions = shape.map((n) => bytes(1, join([int(1, n)])));
  const type = bytes(1, join([int(1, FLOAT), bytes(2, join(dimensions))]));
  return join([bytes(1, text(name)), bytes(2, join([type]))]);
};

/** @param graph nodes and initializers as made above; inputs and outputs as { name, shape }. */
export function model({ nodes, initializers, inputs, outputs }) {
  const graph = join([
    ...nodes.map((n) => bytes(1, n)),
    bytes(2, text("graph")),
    ...initializers.map((t) => bytes(5, t)),
    ...inputs.map((i) => bytes(11, info(i))),
    ...outputs.map((o) => bytes(12, info(o))),
  ]);
  return join([int(1, 8), bytes(8, join([bytes(1, text("")), int(2, 17)])), bytes(7, graph)]);
}
