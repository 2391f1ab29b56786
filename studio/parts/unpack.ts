/** What a browser has for archives: bytes from anywhere in a file, streams, and the unpacking of deflated bytes. */
import type { Inflate, RandomAccess } from "../../src/data/files/zip.js";

export const randomAccess = (file: Blob): RandomAccess => ({
  size: file.size,
  read: async (position, length) => new Uint8Array(await file.slice(position, position + length).arrayBuffer()),
});

/** A stream's pieces; not all browsers let streams be gone through by themselves. */
export async function* chunksOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export const unpackDeflated: Inflate = async (packed, most) => {
  const unpacked = new Uint8Array(most);
  let length = 0;
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  for await (const part of chunksOf(stream)) {
    if (length + part.length > most) throw new Error("it unpacks to more than it says");
    unpacked.set(part, length);
    length += part.length;
  }
  return unpacked.subarray(0, length);
};
