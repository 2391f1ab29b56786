/**
 * Protocol Buffers' wire format, as much of it as writing needs: a message is its fields, one after the other, each a number that says which
 * field and how long, then its value (protobuf.dev, "Encoding"). Bytes in, bytes out.
 */

/** A field of a message, ready to be written: pieces that follow each other, not copied before the whole is. */
export type Field = readonly Uint8Array[];

const LENGTH_FIRST = 2;
const FOUR_BYTES = 5;

/** Seven bits a byte, the lowest first, the eighth set where more follow. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

const tag = (field: number, kind: number): Uint8Array => varint(BigInt((field << 3) | kind));

/** An int32, int64 or enum. */
export const integer = (field: number, value: number): Field => [tag(field, 0), varint(BigInt(value))];

/** A float. */
export function float(field: number, value: number): Field {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return [tag(field, FOUR_BYTES), new Uint8Array(bytes.buffer)];
}

/** Bytes as they are. */
export const bytes = (field: number, value: Uint8Array): Field => [tag(field, LENGTH_FIRST), varint(BigInt(value.length)), value];

/** A string. */
export const text = (field: number, value: string): Field => bytes(field, new TextEncoder().encode(value));

/** A message in a message. */
export function message(field: number, ...fields: readonly Field[]): Field {
  const pieces = fields.flat();
  return [tag(field, LENGTH_FIRST), varint(BigInt(pieces.reduce((size, piece) => size + piece.length, 0))), ...pieces];
}

/** The outermost message as the bytes of a file. */
export function written(...fields: readonly Field[]): Uint8Array {
  const pieces = fields.flat();
  const file = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  pieces.reduce((at, piece) => (file.set(piece, at), at + piece.length), 0);
  return file;
}
