/** A step of the GAN as D's step and G's step apart, so that a person can look between them. The bits are those of the whole step. */
import type { Device } from "../../gpu/device.js";
import type { CompileOptions } from "../../tensor/compile.js";
import type { InputValues } from "../../tensor/program.js";
import type { TrainHooks } from "../run/events.js";
import type { Gan, GanHalves } from "./gan.js";

export class ByHalves {
  /** Compiled when a step first goes by halves. */
  #programs: Promise<GanHalves> | undefined;

  constructor(
    readonly device: Device,
    readonly gan: Gan,
    readonly options: Pick<CompileOptions, "recompute" | "storage">,
    readonly hooks: TrainHooks,
  ) {}

  /** D's step; then, when the pace says so, G's. Nothing is saved in between, so nobody resumes there. @returns the step's scalars */
  async run(inputs: InputValues, step: number): Promise<Readonly<Record<string, Float32Array>>> {
    const { onEvent, pace } = this.hooks;
    if (!this.#programs) onEvent({ kind: "message", text: "compiling the two halves of the training step" });
    const { discriminator, generator } = await (this.#programs ??= this.gan.compileHalves(this.device, this.options));
    const ofD = await discriminator.run(readBy(discriminator, inputs));
    onEvent({ kind: "half", step, metrics: scalars(ofD) });
    await pace?.();
    return { ...ofD, ...(await generator.run(readBy(generator, inputs))) };
  }
}

/** What a program of half a step reads of the step's inputs. */
const readBy = ({ inputs: names }: { readonly inputs: readonly string[] }, inputs: InputValues): InputValues =>
  Object.fromEntries(names.map((name) => [name, inputs[name]!]));

/** Outputs of one number each, by name. */
export const scalars = (values: Readonly<Record<string, Float32Array>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value[0]!]));
