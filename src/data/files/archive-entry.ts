/** What the readers of archives have in common. */

/** One entry of an archive. */
export interface ArchiveEntry {
  /** As the archive has it, with forward slashes. */
  readonly path: string;
  /** Bytes of its contents, as the archive says. */
  readonly size: number;
  readonly kind: "file" | "link" | "folder" | "other";
  /** A link's target, from the archive's root; undefined where it leads out of the archive. */
  readonly target?: string;
  /** The contents, of `size` bytes; to be called, if at all, before the next entry is asked for. @throws Error where they are damaged */
  read(): Promise<Uint8Array>;
}

/**
 * Guards against archives that unpack to far more than they are: photographs hardly shrink, captions by a factor of 30 at most, tar's blocks
 * included. Throws Error where an archive has more entries or bytes in them than an honest one of its size.
 */
export class Unpacked {
  #entries = 0;
  #bytes = 0;
  readonly #size: number;

  /** @param size Bytes of the archive itself. */
  constructor(size: number) {
    this.#size = size;
  }

  add(bytes: number): void {
    this.#entries++;
    this.#bytes += bytes;
    if (this.#bytes > 2 ** 32 + 64 * this.#size) {
      throw new Error(`it unpacks to more than ${Math.round(this.#bytes / 2 ** 20)} MiB from ${this.#size} bytes`);
    }
    if (this.#entries > 100_000 + this.#size / 64) {
      throw new Error(`it has more than ${this.#entries - 1} entries in ${this.#size} bytes`);
    }
  }
}
