/**
 * A Tensor is a node of a lazy graph: a shape and the operation that makes it. Building an expression runs nothing; `compile` turns
 * graphs into programs, `grad` adds nodes, and `await tensor.read()` is for exploring.
 */
import type { Epilogue } from "../../kernels/gemm-problem.js";
import type { AdapterTraits, Lowering } from "../../kernels/kernel.js";
import { called } from "../arguments.js";
import { ShapeError, UserError } from "../errors.js";
import { nameInput } from "./named-inputs.js";
import { format, type Order, rowMajor, type Shape, size } from "./shape.js";
import { type DType, requireNumbers, toArray, type Values } from "./values.js";

export type { DType };

/** The vector-Jacobian product: from the gradient at the output to one for each source (undefined: no gradient flows there). */
export type Vjp = (gradient: Tensor) => readonly (Tensor | undefined)[];

/**
 * How a node comes to be, as the compiler sees it:
 * - leaf: an input of the program, constant data, or (part of) a variable;
 * - view: the memory of its input under another shape or order;
 * - map: an elementwise expression, which may be fused into its reader;
 * - reduce: a sum or maximum over dimensions, which may absorb the map it reads;
 * - kernel: launches of its own; it may make several tensors of its shape, itself and
 * - result: one of the others, whose input is the kernel;
 * - pack: tensors laid side by side as a store of variables lays its own, so that one dispatch can work on all of them;
 * - effect: a kernel that changes variables in place, in program order.
 */
export type Operation =
  | { readonly kind: "leaf"; readonly source: Leaf }
  | { readonly kind: "view" }
  | {
      readonly kind: "map";
      readonly expression: Expression;
      /** Costs less than a memory access: may be computed again by each of its readers. */
      readonly cheap?: boolean;
      /** Its derivative reads what it is computed from: in the backward pass it is computed again at no cost, and need not be kept. */
      readonly rereadBackward?: boolean;
      /** The values of its input as they are, in another memory order: what a user does not know of. */
      readonly copy?: boolean;
      /** The variable that the result is written to, instead of a place of its own. */
      readonly target?: Tensor;
    }
  | { readonly kind: "reduce"; readonly combine: "sum" | "max"; readonly dimensions: readonly number[]; readonly scale: number }
  | {
      readonly kind: "kernel";
      /** By rule, or by the name of one of the candidates that the rule's lowering lists; an epilogue only where there are `columns`. */
      readonly lower: (traits: AdapterTraits, candidate?: string, epilogue?: Epilogue) => Lowering;
      /** The dimension, fastest in memory, along which an epilogue's vectors lie; absent for kernels that take none. */
      readonly columns?: number;
      /** How many tensors it makes, itself included; default 1. */
      readonly results?: number;
      /** The inputs that it takes as whole numbers (u32): all, or these; it would read those of others as the bits of floats. */
      readonly whole?: "all" | readonly number[];
      /** As of a map. */
      readonly copy?: boolean;
      /** Floating-point operations of matrix products and convolutions, each multiply-add as two; the rest is small beside them. */
      readonly arithmetic?: number;
    }
  | { readonly kind: "result"; readonly index: number }
  | { readonly kind: "pack"; readonly offsets: readonly number[] }
  | {
      readonly kind: "effect";
      readonly lower: (traits: AdapterTraits) => Lowering;
      readonly targets: readonly Tensor[];
      /** Launches nothing: a place where the program may stop (pause.ts). */
      readonly pause?: string;
    };

/** What a variable's leaf knows of the store it lies in (`Store` in variables.ts). */
export interface VariableStore {
  readonly name: string;
  /** Elements. */
  readonly length: number;
  /** Values before any run. */
  readonly initial: Float32Array;
  /** Set by the first program that uses the store. */
  memory: StoreMemory | undefined;
  /** @throws DestroyedError once the store is destroyed */
  requireAlive(): void;
}

/** What holds a store's values on a device once there is one. */
export interface StoreMemory {
  read(): Promise<Float32Array>;
  write(values: Float32Array): void;
  destroy(): void;
}

export type Leaf =
  | { readonly from: "input"; readonly name: string }
  | { readonly from: "data"; readonly values: Float32Array | Uint32Array }
  | { readonly from: "fill"; readonly value: number }
  | { readonly from: "store"; readonly store: VariableStore; readonly offset: number };

/** WGSL of an elementwise expression over its arguments, valid for `T` = f32 and `T` = vec4f alike. */
export type Expression = (...args: string[]) => string;

/** True where an input may hold whole numbers: elsewhere their bits would be read as those of floats. */
function takesWhole(operation: Operation, index: number): boolean {
  if (operation.kind === "kernel") return operation.whole === "all" || (operation.whole?.includes(index) ?? false);
  return operation.kind === "view" || operation.kind === "result";
}

const isCopy = ({ operation }: Tensor): boolean => (operation.kind === "map" || operation.kind === "kernel") && operation.copy === true;

/** The tensor that a view or a copy in another order shows: what a user knows it by. */
function shownBy(t: Tensor): Tensor {
  let shown = t;
  while (shown.operation.kind === "view" || isCopy(shown)) shown = shown.inputs[0]!;
  return shown;
}

let created = 0;

/** How many tensors there are: the `id` of the next one. */
export const nextId = (): number => created;

type Reader = (t: Tensor) => Promise<Float32Array | Uint32Array>;

/** State of the module, since `read()` is a method of what the compiler is made of: the index hands the compiler in (read.ts). */
let reader: Reader | undefined;

/** Tells `Tensor.read` how to compile and run; a graph node cannot import the compiler that imports it. */
export function setReader(read: Reader): void {
  reader = read;
}

/** @typeParam D What its values are, where that is known: it decides what a program's `run` and `read` give back. */
export class Tensor<D extends DType = DType> {
  /** Creation order, which is program order. */
  readonly id = created++;
  readonly dtype: D;
  readonly order: Order;

  constructor(
    /** Name of the operation, for errors and profiles. */
    readonly name: string,
    readonly shape: Shape,
    readonly operation: Operation,
    readonly inputs: readonly Tensor[] = [],
    options: {
      readonly dtype?: D;
      readonly order?: Order;
      readonly vjp?: Vjp;
      /** The tensors `vjp` answers for, where they are not the inputs (composite operations with a derivative of their own). */
      readonly sources?: readonly Tensor[];
    } = {},
  ) {
    if (shape.some((n) => !Number.isInteger(n) || n < 1)) throw new ShapeError(`${called(name)}: impossible shape ${format(shape)}`);
    const whole = inputs.find((t, i) => t.dtype === "u32" && !takesWhole(operation, i));
    if (whole)
      throw new UserError(
        `${called(name)}: ${shownBy(whole).toString()} holds whole numbers (u32), which only look-ups and random numbers take`,
      );
    for (const t of [this, ...inputs]) {
      if (t.operation.kind === "leaf" && t.operation.source.from === "input") nameInput(t.operation.source.name);
    }
    this.dtype = options.dtype ?? ("f32" as D);
    this.order = options.order ?? rowMajor(shape.length);
    this.vjp = options.vjp;
    this.sources = options.sources ?? inputs;
  }

  readonly vjp: Vjp | undefined;
  readonly sources: readonly Tensor[];

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return size(this.shape);
  }

  /**
   * The values, row-major, computed on the last device opened (one is opened if there is none). Compiles anew at each call.
   * @throws UserError when the tensor depends on an `input`, whose values only a program's `run` can give.
   */
  read<T extends Tensor>(this: T): Promise<Values<T["dtype"]>> {
    if (!reader) throw new Error("Tensor.read needs the compiler: import from petalgrad's index");
    return reader(this) as Promise<Values<T["dtype"]>>;
  }

  toString(): string {
    return `${this.name}${format(this.shape)}${this.dtype === "u32" ? " u32" : ""}`;
  }
}

/** A named input of a program, to be given at each run as `{ [name]: values }` in row-major order. */
export function input(name: string, shape: Shape, dtype: "u32"): Tensor<"u32">;
export function input(name: string, shape: Shape, dtype?: DType): Tensor;
export function input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
  return new Tensor(name, shape, { kind: "leaf", source: { from: "input", name } }, [], { dtype });
}

/**
 * Constant data in row-major order, e.g. `tensor([1, 2, 3, 4], [2, 2])`; the shape is [number of values] unless given.
 * @throws ShapeError when the number of values is not the shape's; UserError for what is no number, or for u32 no whole number.
 */
export function tensor(values: ArrayLike<number>, shape: Shape | undefined, dtype: "u32"): Tensor<"u32">;
export function tensor(values: ArrayLike<number>, shape?: Shape, dtype?: DType): Tensor;
export function tensor(values: ArrayLike<number>, shape?: Shape, dtype: DType = "f32"): Tensor {
  const { length } = requireNumbers("tensor:", values);
  const whole = shape ?? [length];
  if (length !== size(whole)) throw new ShapeError(`tensor: ${length} values for shape ${format(whole)}`);
  // A copy, which the caller cannot change.
  const array = toArray("tensor:", values, dtype).slice();
  return new Tensor("tensor", whole, { kind: "leaf", source: { from: "data", values: array } }, [], { dtype });
}

/**
 * A tensor of one value everywhere; costs no memory inside elementwise expressions.
 * @throws UserError for a value that is no finite float32: WGSL cannot write it.
 */
export function full(shape: Shape, value: number): Tensor {
  if (!Number.isFinite(Math.fround(value))) throw new UserError(`full: ${value} is no finite float32 number`);
  return new Tensor("full", shape, { kind: "leaf", source: { from: "fill", value } });
}

/** The value of a constant `full` tensor, or undefined for any other. */
export function constantValue(t: Tensor): number | undefined {
  return t.operation.kind === "leaf" && t.operation.source.from === "fill" ? t.operation.source.value : undefined;
}
