/** The recording of effects: what a program changes is collected, in order, while its function of tensors is being called. */
import { UserError } from "../errors.js";
import type { Tensor } from "./tensor.js";

let recording: Tensor[] | undefined;

/** Calls `build` and returns its result with the effects it recorded. */
export function record<R>(build: () => R): { result: R; effects: Tensor[] } {
  if (recording) throw new UserError("compile: a program is being recorded already");
  const effects: Tensor[] = [];
  recording = effects;
  try {
    return { result: build(), effects };
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
