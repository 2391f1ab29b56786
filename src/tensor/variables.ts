/**
 * Variables: tensors that outlive a run. A Store keeps the variables of one network side by side in one buffer, so that an
 * optimizer updates, and an average follows, all of them in a single dispatch.
 */
import { copyRegions } from "../../kernels/copy.js";
import { called } from "../arguments.js";
import { DestroyedError, ShapeError, UserError } from "../errors.js";
import { recordEffect } from "./record.js";
import { format, type Order, reorder, rowMajor, type Shape, size, strides } from "./shape.js";
import { type DType, type StoreMemory, Tensor, type VariableStore } from "./tensor.js";

/** Fills a variable's values in row-major order, before the first run. */
export type Initializer = (values: Float32Array, shape: Shape) => void;

export interface VariableEntry {
  readonly name: string;
  readonly tensor: Tensor;
  /** First element in the store's buffer; a multiple of 64 (WebGPU binds at multiples of 256 bytes). */
  readonly offset: number;
}

const ALIGNMENT = 64;

type VariableCheck = (name: string, shape: Shape) => void;
let checkVariable: VariableCheck | undefined;

/**
 * Builds something that has variables, each of which `check` may refuse before memory is taken for it: the sizes in a stranger's file may be
 * any.
 * @throws what `check` throws
 */
export function withVariableCheck<T>(check: VariableCheck, build: () => T): T {
  const outer = checkVariable;
  checkVariable = check;
  try {
    return build();
  } finally {
    checkVariable = outer;
  }
}

/** The variables of one network or optimizer, side by side in one buffer, so that one dispatch updates them all. */
export class Store implements VariableStore {
  readonly entries: VariableEntry[] = [];
  /** Set by the first program that uses the store; until then values live in `initial`. */
  memory: StoreMemory | undefined;
  #length = 0;
  /** With room for more. */
  #initial = new Float32Array(0);
  #flat: Tensor | undefined;
  #destroyed = false;

  /** @param name Shown in errors and labels, e.g. "generator". */
  constructor(readonly name: string) {}

  /** Elements in the buffer, padding between the variables included. */
  get length(): number {
    return this.#length;
  }

  /** Adds a variable. `order` is how it lies in memory; its shape, and all values read or written, stay row-major. */
  variable(
    name: string,
    shape: Shape,
    initializer: Initializer = (values) => values.fill(0),
    order: Order = rowMajor(shape.length),
  ): Tensor {
    this.requireAlive();
    if (this.#flat || this.memory) throw new UserError(`${this.name}.${name}: variables cannot be added to a store already in use`);
    requireOrder(`${this.name}.${name}`, shape, order);
    if (this.entries.some((e) => e.name === name)) throw new UserError(`${this.name}: a variable named ${name} exists already`);
    checkVariable?.(name, shape);
    const offset = this.#length;
    const tensor = new Tensor(`${this.name}.${name}`, shape, { kind: "leaf", source: { from: "store", store: this, offset } }, [], {
      order,
    });
    this.entries.push({ name, tensor, offset });
    this.#length += Math.ceil(size(shape) / ALIGNMENT) * ALIGNMENT;
    if (this.#initial.length < this.#length) {
      // More than is asked for, so that a large network is not copied once a variable.
      const grown = new Float32Array(Math.max(this.#length, 2 * this.#initial.length));
      grown.set(this.#initial);
      this.#initial = grown;
    }
    const values = new Float32Array(size(shape));
    initializer(values, shape);
    this.#initial.set(reorder(values, shape, order), offset);
    return tensor;
  }

  /** All variables as one vector [length]. */
  get flat(): Tensor {
    this.#flat ??= new Tensor(`${this.name}.flat`, [this.#length], { kind: "leaf", source: { from: "store", store: this, offset: 0 } });
    return this.#flat;
  }

  /** A store with the same variables, names and places, all zero: an optimizer's moments. */
  like(name: string): Store {
    this.requireAlive();
    const other = new Store(name);
    for (const { name: variable, tensor } of this.entries) other.variable(variable, tensor.shape, undefined, tensor.order);
    return other;
  }

  /**
   * Takes over the first values of a store with the same variables, before either has run.
   * @throws UserError when a program uses one of them already.
   */
  copyFrom(other: Store): void {
    this.requireAlive();
    other.requireAlive();
    if (this.memory || other.memory || other.length !== this.#length) throw new UserError(`${this.name}: cannot copy ${other.name}`);
    this.#initial = other.initial.slice();
  }

  /** The variables' values before any run: what a program uploads. */
  get initial(): Float32Array {
    this.requireAlive();
    return this.#initial.subarray(0, this.#length);
  }

  /** Values of all variables by name, row-major. */
  async read(): Promise<Map<string, Float32Array>> {
    this.requireAlive();
    const all = this.memory ? await this.memory.read() : this.initial;
    return new Map(
      this.entries.map(({ name, tensor, offset }) => [
        name,
        reorder(all.slice(offset, offset + tensor.size), tensor.shape, tensor.order, true),
      ]),
    );
  }

  /**
   * Sets all variables, row-major values by name.
   * @throws UserError / ShapeError when one is missing, unknown or of another size: nothing is written then.
   */
  write(values: ReadonlyMap<string, Float32Array>): void {
    this.requireAlive();
    const all = new Float32Array(this.#length);
    for (const { name, tensor, offset } of this.entries) {
      const value = values.get(name);
      if (!value) throw new UserError(`${this.name}: no values for ${name}`);
      if (value.length !== tensor.size)
        throw new ShapeError(`${this.name}.${name}: ${value.length} values for shape ${format(tensor.shape)}`);
      all.set(reorder(value, tensor.shape, tensor.order), offset);
    }
    for (const name of values.keys()) {
      if (!this.entries.some((e) => e.name === name)) throw new UserError(`${this.name}: values for ${name}, which it does not have`);
    }
    this.#initial = all;
    this.memory?.write(all);
  }

  /**
   * Frees the variables, here and on the device; a program that uses them is refused from then on, and so is everything asked of the
   * store. A second time it does nothing.
   */
  destroy(): void {
    this.#destroyed = true;
    this.memory?.destroy();
    this.#initial = new Float32Array(0);
  }

  /** @throws DestroyedError after `destroy()`. */
  requireAlive(): void {
    if (this.#destroyed) throw new DestroyedError(`${this.name}: the store was destroyed`);
  }
}

/** The variable's place in its store. */
export function storeOf(t: Tensor): { store: VariableStore; offset: number } | undefined {
  return t.operation.kind === "leaf" && t.operation.source.from === "store" ? t.operation.source : undefined;
}

/** True for a variable, or a view of one: its memory may change while the program runs. */
export function isVariable(t: Tensor): boolean {
  let memory = t;
  while (memory.operation.kind === "view") memory = memory.inputs[0]!;
  return storeOf(memory) !== undefined;
}

/**
 * What an operation gives back that has nothing to do, such as a sum over no dimension: x itself, but of a variable a view, since the
 * result keeps its value when the variable changes (snapshots.ts).
 */
export function unchanged<D extends DType>(name: string, x: Tensor<D>): Tensor<D> {
  if (!storeOf(x)) return x;
  return new Tensor(name, x.shape, { kind: "view" }, [x], { order: x.order, dtype: x.dtype, vjp: (g) => [g] });
}

/** The same operation at another place in the program, or of other inputs, for passes of the compiler. */
export function replaced(t: Tensor, changes: { readonly id?: number; readonly inputs?: readonly Tensor[] }): Tensor {
  return Object.assign(Object.create(Tensor.prototype) as Tensor, t, changes);
}

/** True when two tensors with memory of their own share some of it: one tensor, or a store's `flat` and a variable of that store. */
export function overlap(a: Tensor, b: Tensor): boolean {
  const [p, q] = [storeOf(a), storeOf(b)];
  return a === b || (p !== undefined && p.store === q?.store && p.offset < q.offset + b.size && q.offset < p.offset + a.size);
}

/**
 * Gradients, or other tensors shaped like the variables of a store, laid side by side as the store lays its own: [store.length].
 * Where a tensor is computed by the program, it is computed right into its place.
 */
export function pack(store: Store, values: readonly Tensor[]): Tensor {
  if (values.length !== store.entries.length) {
    throw new ShapeError(`${called("pack")}: ${values.length} tensors for the ${store.entries.length} variables of ${store.name}`);
  }
  const placed = values.map((value, i) => {
    const { tensor, name } = store.entries[i]!;
    if (format(value.shape) !== format(tensor.shape)) {
      throw new ShapeError(`${called("pack")}: ${format(value.shape)} for ${store.name}.${name} of shape ${format(tensor.shape)}`);
    }
    const same = strides(value.shape, value.order).join() === strides(tensor.shape, tensor.order).join();
    return same ? value : toOrder(value, tensor.order);
  });
  return new Tensor("pack", [store.length], { kind: "pack", offsets: store.entries.map((e) => e.offset) }, placed);
}

/** @throws ShapeError for an order that is no permutation of the shape's dimensions. */
function requireOrder(operation: string, shape: Shape, order: Order): void {
  if (order.length !== shape.length || shape.some((_, d) => !order.includes(d)))
    throw new ShapeError(`${called(operation)}: [${order.join(", ")}] is no order of the dimensions of ${format(shape)}`);
}

/** The same values in another memory order (a copy). */
export function toOrder<D extends DType>(x: Tensor<D>, order: Order): Tensor<D> {
  requireOrder("toOrder", x.shape, order);
  const options = { order, dtype: x.dtype, vjp: (g: Tensor) => [g] };
  if (x.dtype === "f32") return new Tensor("reorder", x.shape, { kind: "map", expression: (a) => a!, copy: true }, [x], options);
  const region = { shape: x.shape, from: strides(x.shape, x.order), to: strides(x.shape, order) };
  return new Tensor(
    "reorder",
    x.shape,
    { kind: "kernel", lower: () => copyRegions("reorder", [region], order), whole: "all", copy: true },
    [x],
    options,
  );
}

/** Records `variable ← value`, executed in program order: expressions built later read the new value. */
export function assign(variable: Tensor, value: Tensor): void {
  if (!storeOf(variable)) throw new UserError(`assign: ${variable.toString()} is not a variable`);
  if (format(variable.shape) !== format(value.shape)) {
    throw new ShapeError(`assign: a value of shape ${format(value.shape)} to ${variable.toString()}`);
  }
  recordEffect(
    new Tensor("assign", variable.shape, { kind: "map", expression: (a) => a!, target: variable }, [value], { order: variable.order }),
  );
}
