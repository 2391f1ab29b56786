/** `petalgrad text-encoder`: text encoders of others made petalgrad's own, and the reverse. */
import { commandLine } from "../command-line.js";
import { UserError } from "../errors.js";
import { defineCommand } from "./command.js";
import { checkExtension, writePicture } from "./drawing.js";

export const textEncoder = defineCommand({
  name: "text-encoder",
  summary: "import a char-CNN-RNN from Torch7 or PyTorch, or export one to PyTorch",
  details:
    "import reads the released encoders (.t7: a checkpoint, its nn modules, or the vector of their parameters) and PyTorch state dicts\n" +
    "(.safetensors); what it writes is for train --text-encoder, embeddings, and sample --text-encoder. export writes the weights of an\n" +
    "encoder, or of a whole model's, as a state dict with the names of the public PyTorch port.",
  words: ["import|export", "FILE"],
  options: { out: { type: "text", placeholder: "FILE", description: "safetensors file to write" } },
  examples: [
    ["text-encoder import lm_sje_birds.t7 --out birds.safetensors", "the authors' encoder of birds"],
    ["text-encoder export runs/flowers-1/text-encoder.safetensors --out state-dict.safetensors", "weights for PyTorch"],
  ],
  async run({ out }, context, [way, file]) {
    if (out === undefined) throw new UserError("say where to write: --out FILE.safetensors");
    checkExtension("--out", out, ".safetensors");
    // Loaded here, so that --help needs no engine.
    const { readPath } = await import("../node/files/read-bytes.js");
    const { encodeTextEncoder, readTextModel } = await import("../train/text/encoder-file.js");
    const { exportStateDict, importTextEncoder } = await import("../train/text/import/import-encoder.js");
    if (way === "export") {
      const stateDict = await exportStateDict(await readPath(file!, readTextModel));
      return context.print(`state dict: ${writePicture(out, stateDict)}`);
    }
    const imported = await readPath(file!, importTextEncoder);
    const { cell, state, width, embedding } = imported.encoder.options;
    const path = writePicture(out, await encodeTextEncoder(imported));
    context.print(
      `text encoder: ${path} (char-CNN-RNN, ${cell.toUpperCase()} of width ${width}, ${state} state, embeddings of ${embedding})`,
    );
    context.print(`train with it: ${commandLine("train", "--text-encoder", path)}`);
  },
});
