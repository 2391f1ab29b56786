/** The recurrent halves of the text encoders: a cell of shared weights over the positions that the convolutions leave. */
import { relu, tanh } from "../tensor/elementwise.js";
import { permute, reshape, slice } from "../tensor/layout.js";
import { apply, gruCell, type GruInputs, type LinearParameters, lstmCell, type LstmState, rnnCell } from "../tensor/recurrent.js";
import type { Tensor } from "../tensor/tensor.js";

export const CELLS = ["rnn", "gru", "lstm"] as const;
/** The recurrent cells of the text encoders. */
export type Cell = (typeof CELLS)[number];

/** Makes a weight [out, in] and its bias in the network under construction. */
export type MakeLinear = (weight: string, bias: string, inputs: number, outputs: number) => LinearParameters;

/** Features [N, C, T] to the states [N, C] after each of the T steps. */
export type Recurrence = (features: Tensor) => Tensor[];

/**
 * - `rnn`: ReLU RNN; the first step has neither hidden term nor hidden bias (as the authors' code, unlike PyTorch).
 * - `gru`: the authors' form (see `gruCell`); the first step is tanh of the candidate's projection.
 * - `lstm`: PyTorch's `nn.LSTM` from a zero state, with its names of weights.
 * @param width Channels of the features and of the state.
 */
export function recurrence(cell: Cell, width: number, make: MakeLinear): Recurrence {
  const linear = (name: string) => make(`${name}.weight`, `${name}.bias`, width, width);
  switch (cell) {
    case "rnn": {
      const [input, hidden] = [linear("rnn.input"), linear("rnn.hidden")];
      return (features) => {
        const [first, ...later] = timeSteps(features, input);
        return scan(relu(first!), later, (h, a) => rnnCell(a, h, hidden));
      };
    }
    case "gru": {
      const gates = (side: "input" | "hidden"): { [K in keyof GruInputs]: LinearParameters } => ({
        update: linear(`gru.update_${side}`),
        reset: linear(`gru.reset_${side}`),
        candidate: linear(`gru.candidate_${side}`),
      });
      const [input, hidden] = [gates("input"), gates("hidden")];
      return (features) => {
        const [update, reset, candidate] = [input.update, input.reset, input.candidate].map((gate) => timeSteps(features, gate));
        const later = candidate!.slice(1).map((c, t): GruInputs => ({ update: update![t + 1]!, reset: reset![t + 1]!, candidate: c }));
        return scan(tanh(candidate![0]!), later, (h, inputs) => gruCell(inputs, h, hidden));
      };
    }
    case "lstm": {
      const input = make("lstm.weight_ih_l0", "lstm.bias_ih_l0", width, 4 * width);
      const hidden = make("lstm.weight_hh_l0", "lstm.bias_hh_l0", width, 4 * width);
      return (features) => {
        const [first, ...later] = timeSteps(features, input);
        const states = scan(lstmCell(first!, undefined, hidden), later, (state: LstmState, a) => lstmCell(a, state, hidden));
        return states.map(({ h }) => h);
      };
    }
  }
}

/** first, step(first, inputs[0]), step(step(first, inputs[0]), inputs[1]), ... */
function scan<State, Input>(first: State, inputs: readonly Input[], step: (state: State, input: Input) => State): State[] {
  const states = [first];
  for (const input of inputs) states.push(step(states.at(-1)!, input));
  return states;
}

/** [N, C, T] projected at once, then one [N, H] a step. */
function timeSteps(x: Tensor, projection: LinearParameters): Tensor[] {
  const [n, channels, steps] = x.shape as [number, number, number];
  const rows = reshape(permute(x, [0, 2, 1]), [n * steps, channels]);
  const all = reshape(apply(rows, projection), [n, steps, -1]);
  return Array.from({ length: steps }, (_, t) => reshape(slice(all, 1, t, t + 1), [n, all.shape[2]!]));
}
