/**
 * Bytes of images to numbers: byte b becomes b / 127.5 − 1, so that 0 ... 255 is −1 ... 1.
 *
 * Bindings: 0 words u32, four bytes each, the first in the lowest bits; 1 result f32, in the order of the bytes. One invocation turns one
 * word into four numbers. Precondition: the number of bytes is a multiple of four.
 */
import { input, type Lowering, output } from "./kernel.js";
import { binding, entry, flatIndex, workgroupsFor } from "./loops.js";

export function unpackPixels(bytes: number): Lowering {
  const words = bytes / 4;
  const name = "pixels";
  const code = `// ${name}
${binding(0, "words", "u32")}
${binding(1, "result", "vec4f")}
${entry()} {
  let i = ${flatIndex()};
  if (i >= ${words}u) { return; }
  result[i] = vec4f((vec4u(words[i]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)) / 127.5 - 1.0;
}
`;
  return { launches: [{ kernel: { name, code, workgroups: workgroupsFor(words) }, slots: [input(0), output(0)] }], scratch: [] };
}
