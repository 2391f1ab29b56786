/** Text encoders of others made petalgrad's own, and the reverse. */
import { extname } from "node:path";
import { Alphabet } from "../../data/alphabet.js";
import { readTorch7 } from "../../formats/torch7.js";
import { UserError } from "../../errors.js";
import { readBytes } from "../datasets/embeddings/image-vectors.js";
import { FORMAT, readTextModel, type TextEncoderFile } from "../../train/gan/model-file.js";
import { storeTensors } from "../../train/run/network-file.js";
import { readSafetensors, writeSafetensors } from "../../formats/safetensors.js";
import { encoderOf, type ImportedWeights } from "../../train/text/import/encoder-weights.js";
import { portName, weightsOfStateDict } from "../../train/text/import/state-dict.js";
import { weightsOfTorch7 } from "../../train/text/import/torch7-encoder.js";

/**
 * Reads a char-CNN-RNN of either published form from a Torch7 file, or from a PyTorch state dict saved as safetensors. It reads the
 * alphabet of the authors' programs, and its embeddings come out as its own modules give them: nothing is normalised.
 * @throws UserError when the file is neither, or damaged
 */
export async function importTextEncoder(path: string): Promise<TextEncoderFile> {
  const encoder = encoderOf(await importedWeights(path), path);
  const alphabet = Alphabet.original();
  if (encoder.options.alphabet !== alphabet.size)
    throw new UserError(
      `${path} takes an alphabet of ${encoder.options.alphabet} characters; only the original one of ${alphabet.size} is known`,
    );
  const normalisation = { center: new Float32Array(encoder.options.embedding), scale: 1 };
  return { encoder, alphabet, normalisation, image: undefined, similarity: "dot" };
}

async function importedWeights(path: string): Promise<ImportedWeights> {
  switch (extname(path).toLowerCase()) {
    case ".t7":
      return weightsOfTorch7(readTorch7(await readBytes(path), path), path);
    case ".safetensors": {
      const { tensors, metadata } = await readSafetensors(await readBytes(path), path);
      if (metadata.get("format") === FORMAT) throw new UserError(`${path} is petalgrad's own already: give it to --text-encoder as it is`);
      return { weights: weightsOfStateDict(tensors, path), state: "mean" };
    }
    case ".pth":
    case ".pt":
      throw new UserError(
        `${path}: a PyTorch file may hold programs; save its state dict as safetensors (safetensors.torch.save_file) and import that`,
      );
    default:
      throw new UserError(`${path}: text encoders are imported from .t7 (Torch7) and .safetensors (a PyTorch state dict) files`);
  }
}

/**
 * The weights of a text encoder, or of a whole model's, as a PyTorch state dict: a safetensors file with the names of the public port of the
 * released encoders. Its metadata hold the alphabet, and the scale by which petalgrad multiplies embeddings less their centre.
 */
export async function exportStateDict(path: string): Promise<Uint8Array> {
  const { encoder, alphabet, normalisation } = await readTextModel(path);
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
