/** The recording of a program: what it changes, in order, and the inputs it names, while its function of tensors is being called. */
import { UserError } from "../errors.js";
import type { Tensor } from "./tensor.js";

interface Recording {
  readonly effects: Tensor[];
  readonly inputs: Set<string>;
}

let recording: Recording | undefined;

/** Calls `build` and returns its result with the effects it recorded, and the names of all inputs it made or used. */
export function record<R>(build: () => R): { result: R; effects: readonly Tensor[]; inputs: ReadonlySet<string> } {
  if (recording) throw new UserError("compile: a program is being recorded already");
  const { effects, inputs } = (recording = { effects: [], inputs: new Set() });
  try {
    return { result: build(), effects, inputs };
  } finally {
    recording = undefined;
  }
}

/** The effects recorded so far, none outside `compile`. */
export const recorded = (): readonly Tensor[] => recording?.effects ?? [];

/** @throws UserError outside `compile`: a change of a variable belongs to a program. */
export function recordEffect(effect: Tensor): void {
  if (!recording) throw new UserError(`${effect.name}: variables can only be changed inside the function given to compile()`);
  recording.effects.push(effect);
}

/** Called for every input that is made or read: one that the outputs turn out not to need may be given all the same. */
export function recordInput(name: string): void {
  recording?.inputs.add(name);
}
