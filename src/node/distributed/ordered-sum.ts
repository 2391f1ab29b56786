/**
 * A sum over the ranks in the order of the ranks: every rank gets one part of the vector from all others, adds it up, and gives the result to
 * all. As much travels as in the library's own sum, whose order is its own. What travels may be halves, each part under a power of two of its
 * own; sums are f32 all the same. All ranks unpack the same bytes, so all have the same bits.
 */
import { widened } from "../../formats/small-floats.js";

export interface Exchange {
  /** Gives every rank its part of `send`, `bytes` each; `receive` gets this rank's part from every rank, in their order. */
  exchange(send: Uint8Array, receive: Uint8Array, bytes: number): Promise<void>;
  /** Gives `send` to all; `receive` gets what all gave, in their order. */
  collect(send: Uint8Array, receive: Uint8Array, bytes: number): Promise<void>;
}

export class OrderedSum {
  /** Kept from sum to sum, as large as the largest. */
  #sent = new Uint8Array(0);
  #received = new Uint8Array(0);

  constructor(
    readonly rank: number,
    readonly size: number,
    readonly wire: "f32" | "f16",
  ) {}

  /** Sums in place. */
  async sum(values: Float32Array, { exchange, collect }: Exchange): Promise<void> {
    const { size, wire } = this;
    const part = Math.ceil(values.length / size);
    const bytes = wire === "f16" ? 4 + 4 * Math.ceil(part / 2) : 4 * part;
    if (this.#sent.length < bytes * size) {
      this.#sent = new Uint8Array(bytes * size);
      this.#received = new Uint8Array(bytes * size);
    }
    const [sent, received] = [this.#sent.subarray(0, bytes * size), this.#received.subarray(0, bytes * size)];
    const place = (all: Uint8Array, rank: number): Uint8Array => all.subarray(rank * bytes, (rank + 1) * bytes);
    const partOf = (rank: number): Float32Array => values.subarray(rank * part, Math.min((rank + 1) * part, values.length));
    for (let rank = 0; rank < size; rank++) packed(partOf(rank), wire, place(sent, rank));
    await exchange(sent, received, bytes);
    const own = partOf(this.rank);
    const total = new Float32Array(own.length);
    for (let rank = 0; rank < size; rank++) {
      const summand = unpacked(place(received, rank), wire, own.length);
      for (let i = 0; i < total.length; i++) total[i]! += summand[i]!;
    }
    packed(total, wire, place(sent, this.rank));
    await collect(place(sent, this.rank), received, bytes);
    for (let rank = 0; rank < size; rank++) partOf(rank).set(unpacked(place(received, rank), wire, partOf(rank).length));
  }
}

function packed(values: Float32Array, wire: "f32" | "f16", out: Uint8Array): void {
  const floats = new Float32Array(out.buffer, out.byteOffset, out.length / 4);
  if (wire === "f32") floats.set(values);
  else {
    floats[0] = halfScale(values);
    toHalves(values, floats[0]!, new Uint16Array(out.buffer, out.byteOffset + 4));
  }
}

function unpacked(bytes: Uint8Array, wire: "f32" | "f16", count: number): Float32Array {
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (wire === "f32") return floats.subarray(0, count);
  const values = widened(bytes.subarray(4), "F16", count);
  const back = 1 / floats[0]!;
  for (let i = 0; i < count; i++) values[i]! *= back;
  return values;
}

/** The power of two that brings the largest finite value to between 2^14 and 2^15: halves end at 65504. */
export function halfScale(values: Float32Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > most && size < Infinity) most = size;
  }
  return most === 0 ? 1 : 2 ** Math.max(-120, Math.min(120, 14 - Math.floor(Math.log2(most))));
}

/** Values times `scale` as halves, rounded to the nearest, ties to even; what is not finite stays so. */
export function toHalves(values: Float32Array, scale: number, out: Uint16Array): void {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let i = 0; i < values.length; i++) {
    float[0] = values[i]! * scale;
    const sign = (bits[0]! >>> 16) & 0x8000;
    const size = bits[0]! & 0x7fffffff;
    if (size >= 0x7f800000) out[i] = sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (size >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (size >= 0x38800000) out[i] = sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    else {
      // Below 2^-14 a half is a multiple of 2^-24, as is a float between 1/2 and 1.
      float[0] = Math.abs(float[0]!) + 0.5;
      out[i] = sign | (bits[0]! - 0x3f000000);
    }
  }
}
