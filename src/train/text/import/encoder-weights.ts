/**
 * Weights of a char-CNN-RNN from elsewhere, under the names that petalgrad gives them (those of a PyTorch module), and the encoder that
 * they make. Which form it is, and every size, follows from the weights themselves.
 */
import { UserError } from "../../../errors.js";
import { TextEncoder, type TextState } from "../../../models/text-encoder.js";
import { withVariableCheck } from "../../../tensor/variables.js";

/** A weight in PyTorch's shape: [out, in, kernel] of a convolution, [out, in] of a linear layer. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type EncoderWeights = ReadonlyMap<string, Weight>;

export interface ImportedWeights {
  readonly weights: EncoderWeights;
  /** Whether the mean of the cell's states or the last of them goes to the linear layer. */
  readonly state: TextState;
}

const noRandom = { uniform: () => 0.5, normal: () => 0 };

/**
 * The encoder that has these weights.
 * @param file Named in messages.
 * @throws UserError when one is missing, too many, of another size than the others ask for, or not finite
 */
export function encoderOf({ weights, state }: ImportedWeights, file: string): TextEncoder {
  const sizes = (name: string, dimensions: number): readonly number[] => {
    const { shape } = weights.get(name) ?? fail(file, `the weight ${name} is missing`);
    return shape.length === dimensions ? shape : fail(file, `${name} is [${shape.join(", ")}], which has not ${dimensions} dimensions`);
  };
  const options = {
    alphabet: sizes("conv1.weight", 3)[1]!,
    width: sizes("conv3.weight", 3)[0]!,
    embedding: sizes("project.weight", 2)[0]!,
    cell: weights.has("gru.update_input.weight") ? "gru" : "rnn",
    state,
  } as const;
  if (options.width < 1 || options.embedding < 1 || options.alphabet < 1) fail(file, "its sizes are those of no text encoder");
  // Before anything is made of these sizes: a few bytes of a header may ask for gigabytes.
  const check = (name: string, shape: readonly number[]): void => {
    const found = weights.get(name) ?? fail(file, `the weight ${name} is missing`);
    if (found.shape.join() !== shape.join())
      fail(file, `${name} is [${found.shape.join(", ")}]; in a char-CNN-RNN of width ${options.width} it is [${shape.join(", ")}]`);
    if (!found.data.every(Number.isFinite)) fail(file, `${name} holds values that are not finite`);
  };
  const encoder = withVariableCheck(check, () => new TextEncoder(options, noRandom));
  const { entries } = encoder.parameters;
  const known = new Set(entries.map(({ name }) => name));
  const extra = [...weights.keys()].find((name) => !known.has(name));
  if (extra) fail(file, `a char-CNN-RNN with a cell of the kind ${options.cell} has no weight ${extra}`);
  encoder.parameters.write(new Map([...weights].map(([name, { data }]) => [name, data])));
  return encoder;
}

function fail(file: string, problem: string): never {
  throw new UserError(`${file}: ${problem}`);
}
