/** What all files that petalgrad writes models to have in common: a safetensors file whose metadata name the format. */
import { UserError } from "../../errors.js";
import { readSafetensors, type SafetensorsFile } from "../../formats/safetensors.js";

/** Metadata of every such file. */
export const FORMAT = "petalgrad 1";

/**
 * The bytes checked, the format compared.
 * @param name The file, for messages.
 * @throws UserError when it is damaged, or no model
 */
export async function readModelFile(bytes: Uint8Array, name: string): Promise<SafetensorsFile> {
  const file = await readSafetensors(bytes, name);
  const format = file.metadata.get("format");
  if (format !== FORMAT)
    throw new UserError(`${name} is ${format ? `of the format "${format}"` : "no model of petalgrad"}; this version reads "${FORMAT}"`);
  return file;
}
