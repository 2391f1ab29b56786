/** Programs as their users see them: named inputs and outputs in row-major order around a list of dispatches. */
import { ShapeError, UserError } from "../errors.js";
import type { Memory } from "../gpu/memory.js";
import type { DispatchList, Timing } from "../gpu/program.js";
import { reorder } from "./shape.js";
import type { Tensor } from "./tensor.js";

export interface ProgramInput {
  readonly tensor: Tensor;
  readonly memory: Memory;
}

/** Values of inputs by name, row-major. */
export type InputValues = Readonly<Record<string, ArrayLike<number>>>;

/** A compiled function of tensors. */
export class Program<Outputs extends Record<string, Tensor> = Record<string, Tensor>> {
  readonly #list: DispatchList;
  readonly #inputs: ReadonlyMap<string, ProgramInput>;
  readonly #outputs: Outputs;
  readonly #owned: readonly Memory[];

  constructor(
    list: DispatchList,
    inputs: ReadonlyMap<string, ProgramInput>,
    outputs: Outputs,
    owned: readonly Memory[],
    /** Bytes of the arena, and the least any plan could need. */
    readonly memory: { readonly arena: number; readonly lowerBound: number },
  ) {
    this.#list = list;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#owned = owned;
  }

  /** Names of the inputs. */
  get inputs(): readonly string[] {
    return [...this.#inputs.keys()];
  }

  /** Number of dispatches a run encodes. */
  get dispatches(): number {
    return this.#list.dispatches.length;
  }

  /**
   * Writes the inputs, runs, and resolves to the outputs. The work is submitted before `run` returns, so several runs can be under way;
   * an input not given keeps its values of the run before.
   * @throws UserError for an unknown input, ShapeError for a wrong number of values, DeviceLostError.
   */
  async run(inputs: InputValues = {}): Promise<{ [K in keyof Outputs]: Float32Array }> {
    this.#write(inputs);
    const bytes = await this.#list.run(true);
    const entries = Object.entries(this.#outputs).map(([name, t], i) => {
      const values = t.dtype === "u32" ? Float32Array.from(new Uint32Array(bytes[i]!)) : new Float32Array(bytes[i]!);
      return [name, reorder(values, t.shape, t.order, true)];
    });
    return Object.fromEntries(entries) as { [K in keyof Outputs]: Float32Array };
  }

  /** Like `run`, but nothing is read back: for runs whose outputs nobody looks at. */
  launch(inputs: InputValues = {}): void {
    this.#write(inputs);
    // Nothing to read: the promise is resolved already.
    void this.#list.run(false);
  }

  /** GPU time of every dispatch in one run with the inputs of the run before; the run has its effects. */
  profile(): Promise<Timing[]> {
    return this.#list.profile();
  }

  #write(inputs: InputValues): void {
    for (const [name, values] of Object.entries(inputs)) {
      const entry = this.#inputs.get(name);
      if (!entry) throw new UserError(`run: the program has no input "${name}" (it has ${this.inputs.join(", ") || "none"})`);
      const { tensor, memory } = entry;
      if (values.length !== tensor.size) throw new ShapeError(`run: ${values.length} values for input ${tensor.toString()}`);
      const kind = tensor.dtype === "f32" ? Float32Array : Uint32Array;
      memory.write(values instanceof kind ? values : kind.from(values));
    }
  }

  /** Frees the program's memory; variables stay. */
  destroy(): void {
    this.#list.destroy();
    for (const memory of this.#owned) memory.destroy();
  }
}
