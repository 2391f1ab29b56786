/** SHA-256 of bytes and texts that follow each other, in any runtime: WebCrypto hashes only what lies in memory as one piece. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** A hash that is fed part by part. */
export class Sha256 {
  readonly #hash = sha256.create();

  /** Texts count as UTF-8, arrays of numbers as their bytes in memory. */
  update(part: string | ArrayBufferView): this {
    this.#hash.update(typeof part === "string" ? new TextEncoder().encode(part) : bytesIn(part));
    return this;
  }

  /** In lower-case hexadecimal digits. */
  hex(): string {
    return bytesToHex(this.#hash.digest());
  }
}

const bytesIn = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
