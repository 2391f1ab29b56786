/** Programs as their users see them: named inputs and outputs in row-major order around a list of dispatches. */
import { describe } from "../arguments.js";
import { ShapeError, UserError } from "../errors.js";
import type { Memory } from "../gpu/memory.js";
import type { DispatchList, Timing } from "../gpu/dispatch-list.js";
import { reorder } from "./shape.js";
import type { Tensor } from "./tensor.js";
import { requireNumbers, toArray, type Values } from "./values.js";

export interface ProgramInput {
  readonly tensor: Tensor;
  readonly memory: Memory;
}

/** Values of inputs by name, row-major. */
export type InputValues = Readonly<Record<string, ArrayLike<number>>>;

/** Values of outputs by name: a Float32Array each, or a Uint32Array where the tensor holds whole numbers. */
export type OutputValues<Outputs extends Record<string, Tensor>> = { [K in keyof Outputs]: Values<Outputs[K]["dtype"]> };

export interface ProgramInputs {
  readonly read: ReadonlyMap<string, ProgramInput>;
  /** Names that the program has and its outputs do not need: values for them are let pass. */
  readonly unread: ReadonlySet<string>;
}

/** A compiled function of tensors. */
export class Program<Outputs extends Record<string, Tensor> = Record<string, Tensor>> {
  readonly #list: DispatchList;
  readonly #inputs: ProgramInputs;
  readonly #outputs: Outputs;
  readonly #owned: readonly Memory[];
  /** Inputs that never had values. */
  readonly #missing: Set<string>;

  constructor(
    list: DispatchList,
    inputs: ProgramInputs,
    outputs: Outputs,
    owned: readonly Memory[],
    /** Bytes of the arena, and the least any plan could need. */
    readonly memory: { readonly arena: number; readonly lowerBound: number },
    /** Places before a dispatch where `runInParts` stops. */
    readonly pauses: readonly { readonly name: string; readonly at: number }[] = [],
  ) {
    this.#list = list;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#owned = owned;
    this.#missing = new Set(inputs.read.keys());
  }

  /** Names of the inputs that the outputs depend on. */
  get inputs(): readonly string[] {
    return [...this.#inputs.read.keys()];
  }

  /** Number of dispatches a run encodes. */
  get dispatches(): number {
    return this.#list.dispatches.length;
  }

  /**
   * Writes the inputs, runs, and resolves to the outputs. The work is submitted before `run` returns, so several runs can be under way;
   * an input not given keeps its values of the run before. Where it throws, nothing was written and nothing ran.
   * @throws UserError for an unknown input, one that never had values, or values that are no numbers; ShapeError for a wrong number of
   *   values; DestroyedError after `destroy()`, also of a run that is under way then; DeviceLostError.
   */
  async run(inputs: InputValues = {}): Promise<OutputValues<Outputs>> {
    this.#write(inputs);
    const bytes = await this.#list.run(true);
    const entries = Object.entries(this.#outputs).map(([name, t], i) => {
      const values = t.dtype === "u32" ? new Uint32Array(bytes[i]!) : new Float32Array(bytes[i]!);
      return [name, reorder(values, t.shape, t.order, true)];
    });
    return Object.fromEntries(entries) as OutputValues<Outputs>;
  }

  /** Like `run`, but nothing is read back: for runs whose outputs nobody looks at. */
  launch(inputs: InputValues = {}): void {
    this.#write(inputs);
    // Nothing to read: the promise is resolved already.
    void this.#list.run(false);
  }

  /**
   * Like `launch`, but stops at each pause of the program (pause.ts): what was built before it is submitted, and the rest when the promise
   * that `at` gives is kept. The parts have the bits of the whole. One such run at a time: the next one's parts would come between.
   * @throws as `run`
   */
  async runInParts(inputs: InputValues, at: (pause: string) => Promise<void> | void): Promise<void> {
    this.#write(inputs);
    let begin = 0;
    for (const pause of this.pauses) {
      if (pause.at > begin) void this.#list.run(false, begin, pause.at);
      begin = pause.at;
      await at(pause.name);
    }
    await this.#list.run(false, begin);
  }

  /** GPU time of every dispatch in one run with the inputs of the run before, or zeros; the run has its effects. */
  profile(): Promise<Timing[]> {
    return this.#list.profile();
  }

  /** Zeros for all inputs: for a run that is only to make the driver translate the kernels. */
  zeros(): InputValues {
    return Object.fromEntries([...this.#inputs.read].map(([name, { tensor }]) => [name, new Float32Array(tensor.size)]));
  }

  /** All is looked at before anything is written. */
  #write(inputs: InputValues): void {
    this.#list.check();
    if (typeof inputs !== "object" || (inputs as unknown) === null || Array.isArray(inputs) || ArrayBuffer.isView(inputs))
      throw new UserError(`run: wants the inputs' values by name, { x: [1, 2] }, not ${describe(inputs)}`);
    const { read, unread } = this.#inputs;
    const writes = Object.entries(inputs).flatMap(([name, given]) => {
      const entry = read.get(name);
      if (!entry && unread.has(name)) return [];
      if (!entry) throw new UserError(`run: the program has no input "${name}" (it has ${this.inputs.join(", ") || "none"})`);
      const { tensor, memory } = entry;
      const what = `run: input ${tensor.toString()}`;
      const values = requireNumbers(what, given);
      if (values.length !== tensor.size) throw new ShapeError(`run: ${values.length} values for input ${tensor.toString()}`);
      return [{ name, memory, values: toArray(what, values, tensor.dtype) }];
    });
    const given = new Set(writes.map(({ name }) => name));
    const missing = [...this.#missing].find((name) => !given.has(name));
    if (missing !== undefined)
      throw new UserError(`run: the input "${missing}" was never given (the program wants ${this.inputs.join(", ")})`);
    for (const { memory, values } of writes) memory.write(values);
    this.#missing.clear();
  }

  /** Frees the program's memory; variables stay. A run under way fails with a DestroyedError; a second time it does nothing. */
  destroy(): void {
    this.#list.destroy();
    for (const memory of this.#owned) memory.destroy();
  }
}
