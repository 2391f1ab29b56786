/** Writes .npy files of any type, order and version, by the definition of numpy.lib.format. */

/** @param header What stands between the magic and the elements, as Python shows a dictionary. */
export function forgeNpy(header: string, contents: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(`${header}\n`, "latin1");
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [...new Uint8Array(Uint32Array.of(text.length).buffer)];
  return Uint8Array.from([0x93, ...Buffer.from("NUMPY"), version, 0, ...length, ...text, ...contents]);
}

export const npyHeader = (descr: string, shape: readonly number[], fortran = false): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
