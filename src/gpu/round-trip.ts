/**
 * Memory that goes through the host and comes back changed, in pieces: while one is on its way out another is being worked on, and a third
 * is on its way back. The buffers it goes through are kept, and worked on where the device maps them.
 */
import type { Device } from "./device.js";
import { type Memory, Staging } from "./memory.js";

/** Bytes of a piece, about: small enough to overlap, large enough that a piece's fixed cost does not show. */
const PIECE = 4 << 20;

/** What is done with a piece's numbers, in place. @param extra The last ones of the last piece, which are the host's own; else none. */
export type PieceWork = (values: Float32Array<ArrayBuffer>, extra: Float32Array<ArrayBuffer>) => Promise<void>;

interface Piece {
  readonly staging: Staging;
  readonly segments: readonly { readonly memory: Memory; readonly from: number; readonly bytes: number; readonly at: number }[];
  /** Bytes of the segments. */
  readonly bytes: number;
}

export class RoundTrip {
  readonly #pieces: readonly Piece[];

  /**
   * @param memories What goes out and comes back, side by side.
   * @param extra Numbers of the host that go along in the last piece.
   */
  constructor(
    readonly device: Device,
    memories: readonly Memory[],
    readonly extra = 0,
    pieceBytes = PIECE,
  ) {
    const lists: { memory: Memory; from: number; bytes: number; at: number }[][] = [[]];
    let room = pieceBytes;
    for (const memory of memories) {
      for (let from = 0; from < memory.buffer.size;) {
        if (room === 0) {
          lists.push([]);
          room = pieceBytes;
        }
        const bytes = Math.min(room, memory.buffer.size - from);
        lists.at(-1)!.push({ memory, from, bytes, at: pieceBytes - room });
        from += bytes;
        room -= bytes;
      }
    }
    this.#pieces = lists.map((segments, i) => {
      const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
      return { segments, bytes, staging: new Staging(device, bytes + (i === lists.length - 1 ? 4 * extra : 0)) };
    });
  }

  /** Bytes that travel. */
  get bytes(): number {
    return this.#pieces.reduce((sum, { bytes }) => sum + bytes, 4 * this.extra);
  }

  /**
   * Sends out what the memories hold after all work submitted so far, one piece after the other.
   * @returns when all is written back: work submitted from then on sees it.
   */
  async run(work: PieceWork): Promise<void> {
    const { queue } = this.device.gpu;
    for (const { staging, segments } of this.#pieces) {
      const encoder = this.device.gpu.createCommandEncoder();
      for (const { memory, from, bytes, at } of segments) encoder.copyBufferToBuffer(memory.buffer, from, staging.buffer, at, bytes);
      queue.submit([encoder.finish()]);
    }
    let before: Promise<void> = Promise.resolve();
    const last = this.#pieces.at(-1)!;
    const trips = this.#pieces.map((piece) => {
      const turn = before;
      const trip = piece.staging.lend(async (range) => {
        // The pieces in one order, which is that of all ranks.
        await turn;
        const extra = piece === last ? this.extra : 0;
        await work(new Float32Array(range, 0, piece.bytes / 4 + extra), new Float32Array(range, piece.bytes, extra));
        for (const { memory, from, bytes, at } of piece.segments) queue.writeBuffer(memory.buffer, from, range, at, bytes);
      });
      before = trip;
      // A failure is told by the promise below.
      trip.catch(() => undefined);
      return trip;
    });
    await Promise.all(trips);
  }

  destroy(): void {
    for (const { staging } of this.#pieces) staging.destroy();
  }
}
