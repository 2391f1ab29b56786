/**
 * Names of a char-CNN-RNN's weights in PyTorch state dicts: those of the public port of the released weights (`conv1.weight`,
 * `rnn.i2h.weight`, `rnn.h2h_update.bias`, `emb_proj.weight`; with `_` for `.` in its extracted files), which exports use too, and
 * petalgrad's own (`rnn.input.weight`, `gru.update_hidden.bias`, `project.weight`). Shapes are the same in both.
 */
import { UserError } from "../../../errors.js";
import type { SafeTensor } from "../../../formats/safetensors.js";
import type { EncoderWeights, Weight } from "./encoder-weights.js";

/** Modules that a text encoder is often wrapped in. */
const WRAPPERS = /^(?:(?:module|model|text|netT|encoder|enc_doc)\.)+/;

/**
 * The weights of a state dict that was saved as safetensors.
 * @param file Named in messages.
 * @throws UserError when a tensor is none of a char-CNN-RNN's, there twice, or of another element type than F32 and F64
 */
export function weightsOfStateDict(tensors: ReadonlyMap<string, SafeTensor>, file: string): EncoderWeights {
  const gated = [...tensors.keys()].some((name) => /h2h_update/.test(name));
  const weights = new Map<string, Weight>();
  for (const [name, { dtype, shape, data }] of tensors) {
    const ours = ownName(name.replace(WRAPPERS, ""), gated);
    if (!ours) throw new UserError(`${file}: the tensor "${name}" is none of a char-CNN-RNN's`);
    if (weights.has(ours)) throw new UserError(`${file}: ${ours} is there twice, the second time as "${name}"`);
    if (dtype !== "F32" && dtype !== "F64") throw new UserError(`${file}: the tensor "${name}" is ${dtype}; save it as 32-bit floats`);
    weights.set(ours, { shape, data: Float32Array.from(data) });
  }
  return weights;
}

const SIDE: Readonly<Record<string, string>> = { i2h: "input", h2h: "hidden" };

/** @param gated The port's names are those of a GRU: what carries no gate's name belongs to its candidate state. */
function ownName(name: string, gated: boolean): string | undefined {
  const match =
    /^(conv[123]|emb_proj|project|rnn[._](?:i2h|h2h)(?:_update|_reset)?|rnn\.(?:input|hidden)|gru\.(?:update|reset|candidate)_(?:input|hidden))[._](weight|bias)$/.exec(
      name,
    );
  if (!match) return undefined;
  const [, layer, kind] = match;
  const recurrent = /^rnn[._](i2h|h2h)(?:_(update|reset))?$/.exec(layer!);
  if (recurrent) {
    const [, side, gate = "candidate"] = recurrent;
    return `${gated ? `gru.${gate}_` : "rnn."}${SIDE[side!]}.${kind}`;
  }
  return `${layer === "emb_proj" ? "project" : layer}.${kind}`;
}

/** The public port's name of one of our parameters; our own where it has none (an LSTM's, which are PyTorch's). */
export function portName(name: string): string {
  const side = (which: string) => (which === "input" ? "i2h" : "h2h");
  return name
    .replace(/^project\./, "emb_proj.")
    .replace(/^rnn\.(input|hidden)\./, (_, which: string) => `rnn.${side(which)}.`)
    .replace(/^gru\.candidate_(input|hidden)\./, (_, which: string) => `rnn.${side(which)}.`)
    .replace(/^gru\.(update|reset)_(input|hidden)\./, (_, gate: string, which: string) => `rnn.${side(which)}_${gate}.`);
}
