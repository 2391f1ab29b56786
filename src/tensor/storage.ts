/**
 * What of a program is stored in halves (f16): the large tensors between kernels, activations and their gradients. All arithmetic is f32,
 * and so is what a program is given, shows, or keeps: inputs, outputs, variables, the gradients they are updated by, statistics, and
 * every sum that is made in parts.
 */
import { inHalves } from "../../kernels/halves.js";
import { requireChoice } from "../arguments.js";
import { UserError } from "../errors.js";
import type { Device } from "../gpu/device.js";
import type { Step } from "./lower.js";
import type { Tensor } from "./tensor.js";

/** How tensors between kernels are stored. */
export const STORAGES = ["f32", "f16"] as const;
/** "f32": as they are computed; "f16": rounded to halves. */
export type Storage = (typeof STORAGES)[number];

/** @throws UserError where the device cannot store tensors like that. */
export function requireStorage(device: Device, storage: Storage): void {
  requireChoice("compile", "storage", storage, STORAGES);
  if (storage === "f16" && !device.gpu.features.has("shader-f16"))
    throw new UserError(`storage f16: this adapter (${device.description}) has no shader-f16; use f32`);
}

/** Smaller tensors are not worth a rounding. */
const LEAST_ELEMENTS = 1024;

/** @param kept Tensors whose memory is read as f32: outputs of the program, and what lies inside a pack. */
export function tensorsInHalves(steps: readonly Step[], kept: ReadonlySet<Tensor>): Set<Tensor> {
  const halves = new Set<Tensor>();
  for (const { outputs } of steps) {
    // Kernels with several results are statistics.
    if (outputs.length > 1) continue;
    for (const t of outputs) {
      const { kind } = t.operation;
      if ((kind === "map" || kind === "kernel") && t.dtype === "f32" && t.size >= LEAST_ELEMENTS && !kept.has(t)) halves.add(t);
    }
  }
  for (const { node, inputs } of steps) {
    const { operation } = node;
    if (operation.kind === "effect" || (operation.kind === "map" && operation.target)) for (const t of inputs) halves.delete(t);
  }
  return halves;
}

/** The step, reading and writing these tensors in halves, by whichever of its candidates. */
export function stepInHalves(step: Step, halves: ReadonlySet<Tensor>): Step {
  const stored = { input: step.inputs.map((t) => halves.has(t)), output: step.outputs.map((t) => halves.has(t)) };
  if (![...stored.input, ...stored.output].includes(true)) return step;
  const { lower } = step;
  return {
    ...step,
    lowering: inHalves(step.lowering, stored),
    ...(lower && { lower: (candidate: string) => inHalves(lower(candidate), stored) }),
  };
}
