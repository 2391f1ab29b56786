/** Text encoders of others made petalgrad's own, and the reverse. */
import { Alphabet } from "../../../data/alphabet.js";
import { endingOf } from "../../../data/names.js";
import { UserError } from "../../../errors.js";
import { readSafetensors, writeSafetensors } from "../../../formats/safetensors.js";
import { readTorch7 } from "../../../formats/torch7.js";
import { FORMAT } from "../../run/model-format.js";
import { storeTensors } from "../../run/network-file.js";
import type { TextModel } from "../captions.js";
import type { TextEncoderFile } from "../encoder-file.js";
import { encoderOf, type ImportedWeights } from "./encoder-weights.js";
import { portName, weightsOfStateDict } from "./state-dict.js";
import { weightsOfTorch7 } from "./torch7-encoder.js";

/**
 * Reads a char-CNN-RNN of either published form from a Torch7 file, or from a PyTorch state dict saved as safetensors. It reads the
 * alphabet of the authors' programs, and its embeddings come out as its own modules give them: nothing is normalised.
 * @param name The file, whose ending says which it is; for messages too.
 * @throws UserError when the file is neither, or damaged
 */
export async function importTextEncoder(bytes: Uint8Array, name: string): Promise<TextEncoderFile> {
  const encoder = encoderOf(await importedWeights(bytes, name), name);
  const alphabet = Alphabet.original();
  if (encoder.options.alphabet !== alphabet.size)
    throw new UserError(
      `${name} takes an alphabet of ${encoder.options.alphabet} characters; only the original one of ${alphabet.size} is known`,
    );
  const normalisation = { center: new Float32Array(encoder.options.embedding), scale: 1 };
  return { encoder, alphabet, normalisation, image: undefined, similarity: "dot" };
}

async function importedWeights(bytes: Uint8Array, name: string): Promise<ImportedWeights> {
  switch (endingOf(name)) {
    case ".t7":
      return weightsOfTorch7(readTorch7(bytes, name), name);
    case ".safetensors": {
      const { tensors, metadata } = await readSafetensors(bytes, name);
      if (metadata.get("format") === FORMAT) throw new UserError(`${name} is petalgrad's own already: give it to --text-encoder as it is`);
      return { weights: weightsOfStateDict(tensors, name), state: "mean" };
    }
    case ".pth":
    case ".pt":
      throw new UserError(
        `${name}: a PyTorch file may hold programs; save its state dict as safetensors (safetensors.torch.save_file) and import that`,
      );
    default:
      throw new UserError(`${name}: text encoders are imported from .t7 (Torch7) and .safetensors (a PyTorch state dict) files`);
  }
}

/**
 * A text encoder's weights as a PyTorch state dict: a safetensors file with the names of the public port of the released encoders. Its
 * metadata hold the alphabet, and the scale by which petalgrad multiplies embeddings less their centre.
 */
export async function exportStateDict({ encoder, alphabet, normalisation }: TextModel): Promise<Uint8Array> {
  const tensors = await storeTensors("", encoder.parameters);
  const metadata = {
    format: "pt",
    alphabet: JSON.stringify(alphabet),
    options: JSON.stringify(encoder.options),
    scale: String(normalisation.scale),
  };
  return writeSafetensors(
    tensors.map(([name, tensor]) => [portName(name), tensor] as const),
    metadata,
  );
}
