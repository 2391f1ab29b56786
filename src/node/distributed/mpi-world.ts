/**
 * A world on MPI. All operations are non-blocking ones of the library, which the event loop asks whether they are done: every turn at first,
 * every millisecond later, so that waiting costs little and the GPU is served meanwhile. One at a time, in the order of the calls, since
 * all ranks must begin theirs in one order.
 */
import { UserError } from "../../errors.js";
import type { Patience, World } from "../../train/run/world.js";
import type { MpiLibrary } from "./library.js";
import { OrderedSum } from "./ordered-sum.js";

export interface WaitOptions {
  /** So long is waited for the others before all is given up, in seconds. */
  readonly timeout: number;
  /** Before that is told: seconds. */
  readonly warnAfter?: number;
  /** Is told in one line that this rank waits. */
  readonly warn: (text: string) => void;
}

export interface SumOptions {
  /** Add up in the order of the ranks, so that the bits do not depend on the library. */
  readonly ordered?: boolean;
  /** Sums travel in halves; they are added up as f32. */
  readonly halves?: boolean;
}

/** So long is asked in every turn of the event loop, in ms. */
const EAGER = 4;
/** Between a rank's last words and the end of all, in ms. */
const HEARD = 500;
/** What MPI's counts, 32 bits with a sign, are certain to hold. */
const MOST_AT_ONCE = 2 ** 28;

type Begin = (request: BigInt64Array) => number;

export class MpiWorld implements World {
  localRank = 0;
  readonly rank: number;
  readonly size: number;
  readonly #library: MpiLibrary;
  readonly #wait: Required<WaitOptions>;
  readonly #ordered: OrderedSum | undefined;
  /** The last operation asked for. */
  #last: Promise<unknown> = Promise.resolve();
  #over = false;

  private constructor(library: MpiLibrary, wait: WaitOptions, { ordered = false, halves = false }: SumOptions) {
    this.#library = library;
    this.#wait = { warnAfter: 10, ...wait };
    const { call, handles } = library;
    this.#check("MPI_Init_thread", call.Init_thread(null, null, 2, new Int32Array(1)));
    process.on("exit", this.#abortUnlessOver);
    this.#check("MPI_Comm_set_errhandler", call.Comm_set_errhandler(handles.world, handles.errorsReturn));
    const number = (name: "Comm_rank" | "Comm_size"): number => {
      const value = new Int32Array(1);
      this.#check(`MPI_${name}`, call[name](handles.world, value));
      return value[0]!;
    };
    this.rank = number("Comm_rank");
    this.size = number("Comm_size");
    if (ordered || halves) this.#ordered = new OrderedSum(this.rank, this.size, halves ? "f16" : "f32");
  }

  /**
   * Joins the ranks. Once in a process.
   * @param hostName Tells which ranks are on one machine.
   */
  static async join(library: MpiLibrary, wait: WaitOptions, sums: SumOptions, hostName: string): Promise<MpiWorld> {
    const world = new MpiWorld(library, wait, sums);
    const names = (await world.gather(new TextEncoder().encode(hostName), "the names of the machines")).map(String);
    world.localRank = names.slice(0, world.rank).filter((name) => name === names[world.rank]).length;
    return world;
  }

  sum(values: Float32Array, what: string): Promise<void> {
    if (this.size === 1) return Promise.resolve();
    const { call, handles } = this.#library;
    return this.#inTurn(async () => {
      if (this.#ordered)
        return this.#ordered.sum(values, {
          exchange: (send, receive, bytes) =>
            this.#done(what, "limited", [send, receive], (request) =>
              call.Ialltoall(send, bytes, handles.byte, receive, bytes, handles.byte, handles.world, request),
            ),
          collect: (send, receive, bytes) =>
            this.#done(what, "limited", [send, receive], (request) =>
              call.Iallgather(send, bytes, handles.byte, receive, bytes, handles.byte, handles.world, request),
            ),
        });
      for (let at = 0; at < values.length; at += MOST_AT_ONCE) {
        const part = values.subarray(at, at + MOST_AT_ONCE);
        await this.#done(what, "limited", [part], (request) =>
          call.Iallreduce(handles.inPlace, part, part.length, handles.float, handles.sum, handles.world, request),
        );
      }
    });
  }

  broadcast(bytes: Uint8Array, what: string, patience: Patience = "limited"): Promise<Uint8Array<ArrayBuffer>> {
    const { call, handles } = this.#library;
    return this.#inTurn(async () => {
      const send = (buffer: Uint8Array | Float64Array): Promise<void> =>
        this.#done(what, patience, [buffer], (request) => call.Ibcast(buffer, buffer.byteLength, handles.byte, 0, handles.world, request));
      const length = Float64Array.of(bytes.length);
      await send(length);
      const all = this.rank === 0 ? Uint8Array.from(bytes) : new Uint8Array(length[0]!);
      for (let at = 0; at < all.length; at += MOST_AT_ONCE) await send(all.subarray(at, at + MOST_AT_ONCE));
      return all;
    });
  }

  gather(bytes: Uint8Array, what: string, patience: Patience = "limited"): Promise<Uint8Array<ArrayBuffer>[]> {
    const { call, handles } = this.#library;
    return this.#inTurn(async () => {
      const [own, lengths] = [Float64Array.of(bytes.length), new Float64Array(this.size)];
      await this.#done(what, patience, [own, lengths], (request) =>
        call.Iallgather(own, 8, handles.byte, lengths, 8, handles.byte, handles.world, request),
      );
      const parts = Array.from(lengths, (length) => new Uint8Array(length));
      const most = Math.max(1, Math.floor(MOST_AT_ONCE / this.size));
      for (let at = 0; at < Math.max(...lengths); at += most) {
        const counts = Int32Array.from(lengths, (length) => Math.min(most, Math.max(0, length - at)));
        const places = new Int32Array(this.size);
        for (let i = 1; i < this.size; i++) places[i] = places[i - 1]! + counts[i - 1]!;
        const all = new Uint8Array(places.at(-1)! + counts.at(-1)!);
        const part = bytes.subarray(at, at + most);
        await this.#done(what, patience, [part, all, counts, places], (request) =>
          call.Iallgatherv(part, part.length, handles.byte, all, counts, places, handles.byte, handles.world, request),
        );
        parts.forEach((to, i) => to.set(all.subarray(places[i], places[i]! + counts[i]!), at));
      }
      return parts;
    });
  }

  barrier(what: string, patience: Patience = "limited"): Promise<void> {
    const { call, handles } = this.#library;
    return this.#inTurn(() => this.#done(what, patience, [], (request) => call.Ibarrier(handles.world, request)));
  }

  abort(code: number): never {
    this.#over = true;
    this.#end(code);
    process.exit(code);
  }

  /** The good end. All devices must be destroyed before: their threads may outlive the library. */
  async leave(): Promise<void> {
    if (this.#over) return;
    await this.barrier("the end");
    this.#check("MPI_Finalize", this.#library.call.Finalize());
    this.#over = true;
    process.off("exit", this.#abortUnlessOver);
  }

  /** A process that ends in any other way takes the others along: they would wait for it. Never Finalize here, which waits for them. */
  readonly #abortUnlessOver = (code: number): void => {
    if (!this.#over) this.#end(code || 1);
  };

  /** Ends all ranks, once the launcher has had time to pass on what this one said last: MPICH's drops what it has not read by then. */
  #end(code: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HEARD);
    this.#library.call.Abort(this.#library.handles.world, code);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Begins an operation and waits for its end. @param kept Memory that it reads and writes meanwhile. */
  async #done(what: string, patience: Patience, kept: readonly ArrayBufferView[], begin: Begin): Promise<void> {
    const { call, handles } = this.#library;
    const request = new BigInt64Array(1);
    const flag = new Int32Array(1);
    this.#check(what, begin(request));
    const begun = performance.now();
    let warned = false;
    for (;;) {
      this.#check(what, call.Test(request, flag, handles.ignoreStatus));
      if (flag[0] !== 0) break;
      const waited = performance.now() - begun;
      const { timeout, warnAfter, warn } = this.#wait;
      if (!warned && waited > 1000 * warnAfter) {
        warned = true;
        warn(`rank ${this.rank} waits for the other ranks: ${what}`);
      }
      if (patience === "limited" && waited > 1000 * timeout) {
        warn(`rank ${this.rank} has waited ${timeout} s for the other ranks and gives up: ${what}`);
        this.abort(1);
      }
      await new Promise<void>((resolve) => (waited < EAGER ? setImmediate(resolve) : setTimeout(resolve, 1)));
    }
    used(kept);
  }

  /** @throws UserError for a code that is not 0 */
  #check(what: string, code: number): void {
    if (code === 0) return;
    const [text, length] = [new Uint8Array(1024), new Int32Array(1)];
    this.#library.call.Error_string(code, text, length);
    const said = new TextDecoder().decode(text.subarray(0, length[0])).replace(/\0+$/, "").trim().split("\n")[0];
    throw new UserError(`MPI failed (${what}): ${said}`);
  }
}

/** Keeps memory referenced up to here: what the library still writes to may not be collected. */
function used(_kept: readonly ArrayBufferView[]): void {
  // Being named is enough.
}
