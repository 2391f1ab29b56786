/** The recording of a program: what it changes, in order, and the inputs it names, while its function of tensors is being called. */
import { UserError } from "../errors.js";
import { namingInputs } from "./named-inputs.js";
import type { Tensor } from "./tensor.js";

/**
 * State of the module, since `assign(variable, value)` names no program: which one it belongs to is the one being built. It is set only while
 * `build` runs, which cannot wait for anything, so no two programs can meet in it.
 */
let recording: Tensor[] | undefined;

/** Calls `build` and returns its result with the effects it recorded, and the names of all inputs it made or used. */
export function record<R>(build: () => R): { result: R; effects: readonly Tensor[]; inputs: ReadonlySet<string> } {
  if (recording) throw new UserError("compile: a program is being recorded already");
  const effects: Tensor[] = (recording = []);
  try {
    return { ...namingInputs(build), effects };
  } finally {
    recording = undefined;
  }
}

/** The effects recorded so far, none outside `compile`. */
export const recorded = (): readonly Tensor[] => recording ?? [];

/** @throws UserError outside `compile`: a change of a variable belongs to a program. */
export function recordEffect(effect: Tensor): void {
  if (!recording) throw new UserError(`${effect.name}: variables can only be changed inside the function given to compile()`);
  recording.push(effect);
}
