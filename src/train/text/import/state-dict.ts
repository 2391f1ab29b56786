/**
 * Names of a char-CNN-RNN's weights in PyTorch state dicts: those of the public port of the released weights (`conv1.weight`,
 * `rnn.i2h.weight`, `rnn.h2h_update.bias`, `emb_proj.weight`; with `_` for `.` in its extracted files), which exports use too, and
 * petalgrad's own (`rnn.input.weight`, `gru.update_hidden.bias`, `project.weight`). Shapes are the same in both.
 */
import { UserError } from "../../../errors.js";
import type { SafeTensor } from "../../../formats/safetensors.js";
import type { EncoderWeights, Weight } from "./encoder-weights.js";

/**
 * The weights of a state dict that was saved as safetensors. Whatever stands before every name (`module.`, `_orig_mod.`, `text_encoder.`) is
 * taken off; where the encoder is a part of something larger, the rest is left alone, as are counters of batches anywhere.
 * @param file Named in messages.
 * @throws UserError when a tensor is none of a char-CNN-RNN's, there twice, or of other elements than floats, or there are several encoders
 */
export function weightsOfStateDict(tensors: ReadonlyMap<string, SafeTensor>, file: string): EncoderWeights {
  const names = [...tensors.keys()].filter((name) => !/(?:^|[._])num_batches_tracked$/.test(name));
  const prefix = prefixOf(names, file);
  const inside = names.filter((name) => name.startsWith(prefix));
  const gated = inside.some((name) => /h2h_update/.test(name));
  const weights = new Map<string, Weight>();
  for (const name of inside) {
    const { dtype, shape, data } = tensors.get(name)!;
    const ours = ownName(name.slice(prefix.length), gated);
    if (!ours) throw new UserError(`${file}: the tensor "${name}" is none of a char-CNN-RNN's`);
    if (weights.has(ours)) throw new UserError(`${file}: ${ours} is there twice, the second time as "${name}"`);
    if (!/^B?F/.test(dtype)) throw new UserError(`${file}: the tensor "${name}" is ${dtype}; save it as 32-bit floats`);
    weights.set(ours, { shape, data: Float32Array.from(data as Float32Array) });
  }
  return weights;
}

/** Weights that every char-CNN-RNN has. */
const MARKS = ["conv1.weight", "conv2.weight", "conv3.weight", "project.weight"];

/** What stands before an encoder's names: "" or "a.b.". */
function prefixOf(names: readonly string[], file: string): string {
  const found = new Map<string, Set<string>>();
  for (const name of names) {
    // Names have few parts; a stranger's may have very many.
    const parts = name.split(".", MAX_PARTS);
    for (let count = 0; count < parts.length; count++) {
      const prefix = parts
        .slice(0, count)
        .map((part) => `${part}.`)
        .join("");
      const ours = ownName(name.slice(prefix.length), false);
      if (!ours) continue;
      const marks = found.get(prefix) ?? new Set<string>();
      found.set(prefix, marks.add(ours));
      break;
    }
  }
  const whole = [...found].filter(([, marks]) => MARKS.every((mark) => marks.has(mark))).map(([prefix]) => prefix);
  if (whole.length > 1)
    throw new UserError(`${file} holds several text encoders, under "${whole[0]}" and under "${whole[1]}": save one of them alone`);
  return whole[0] ?? (found.size === 1 ? [...found.keys()][0]! : "");
}

const MAX_PARTS = 16;

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
