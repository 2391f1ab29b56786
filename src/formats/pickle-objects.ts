/**
 * What a pickle is made of, and the six functions by which NumPy takes its arrays and scalars to pieces (and Python 3 its bytes for Python 2):
 * imitated, never called. Arrays: _reconstruct(ndarray, (0,), b"b") makes an empty one, and BUILD gives it (1, shape, dtype, Fortran order,
 * bytes); or _frombuffer(bytes, dtype, shape, "C" or "F") makes one. Scalars: scalar(dtype, bytes).
 */
import { type ByteReader, FormatError, fromLatin1, latin1 } from "./byte-reader.js";
import { elements } from "./number-array.js";
import { type ElementType, elementType, numpyArray, type NumpyArray, shapeProblem } from "./numpy-array.js";

/**
 * Tuples are arrays; dictionaries Maps; Python 2's strings are read as Latin-1. NumPy's scalars are numbers and texts; its arrays of objects
 * are arrays where the objects are all texts or all numbers, else lists.
 */
export type PickleValue = null | boolean | number | string | Uint8Array | PickledArray | PickleValue[] | Map<PickleValue, PickleValue>;

/** A NumPy array; `array` is set once the pickle has built it. */
export class PickledArray {
  array: NumpyArray | undefined;
}

/** A string of Python 2: bytes, a text, or the elements of an array. */
export class ByteString {
  constructor(readonly bytes: Uint8Array) {}
}

/** A name of a module's, by which a pickle calls what it needs. */
class Global {
  constructor(readonly name: "_reconstruct" | "_frombuffer" | "scalar" | "ndarray" | "dtype" | "encode") {}
}

class Dtype {
  order = "|";
  constructor(readonly code: string) {}
}

/** What lies on the stack of the pickle's machine. */
export type Item = null | boolean | number | string | Uint8Array | PickledArray | ByteString | Global | Dtype | Item[] | Map<Item, Item>;

const GLOBALS: Readonly<Record<string, Global>> = {
  "numpy.core.multiarray _reconstruct": new Global("_reconstruct"),
  "numpy._core.multiarray _reconstruct": new Global("_reconstruct"),
  // Arrays of protocol 5.
  "numpy.core.numeric _frombuffer": new Global("_frombuffer"),
  "numpy._core.numeric _frombuffer": new Global("_frombuffer"),
  "numpy.core.multiarray scalar": new Global("scalar"),
  "numpy._core.multiarray scalar": new Global("scalar"),
  "numpy ndarray": new Global("ndarray"),
  "numpy dtype": new Global("dtype"),
  "_codecs encode": new Global("encode"),
};

const MAX_DEPTH = 64;
/** Beyond 2^29 JavaScript has no strings; the contents of an array may be written as one. */
export const MAX_TEXT = 2 ** 28;

/** The objects of one pickle. */
export class PickleObjects {
  /** Shape and elements of the arrays of Python's objects. */
  readonly #objects = new Map<PickledArray, { readonly shape: readonly number[]; readonly items: readonly Item[] }>();
  #copied = 0;

  constructor(readonly file: ByteReader) {}

  refuse(what: string): never {
    throw new FormatError(`${this.file.name} asks for ${what}: petalgrad takes nothing but data and NumPy arrays from a pickle`);
  }

  /** An integer that JavaScript's numbers hold. */
  integer(value: bigint): number {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : this.file.fail(`the integer ${value} is too large`);
  }

  text(item: Item | undefined): string {
    if (item instanceof ByteString) return this.#latin1(item);
    return typeof item === "string" ? item : this.file.fail("a name is no text");
  }

  #latin1({ bytes }: ByteString): string {
    return bytes.length <= MAX_TEXT ? latin1(bytes) : this.file.fail(`a text of ${bytes.length} bytes`);
  }

  /** The function or type of that name. */
  global(module: string, name: string): Item {
    const key = `${module} ${name}`;
    if (!Object.hasOwn(GLOBALS, key)) this.refuse(JSON.stringify(`${module}.${name}`.slice(0, 200)));
    return GLOBALS[key]!;
  }

  /** What a function would return. */
  call(callable: Item, args: Item): Item {
    if (!(callable instanceof Global) || !Array.isArray(args)) return this.file.fail("it calls what is no function");
    switch (callable.name) {
      case "_reconstruct": {
        const [type] = args;
        if (!(type instanceof Global) || type.name !== "ndarray") this.file.fail("it reconstructs something else than an array");
        return new PickledArray();
      }
      case "dtype":
        return new Dtype(this.text(args[0]));
      case "encode": {
        const [text, encoding] = args;
        if (typeof text !== "string" || !/^latin-?1$/.test(this.text(encoding)))
          return this.file.fail("it encodes a text otherwise than as Latin-1");
        this.#count(text.length);
        return fromLatin1(text);
      }
      case "_frombuffer": {
        const [contents, dtype, shape, order] = args;
        const made = new PickledArray();
        made.array = this.#array(shape, dtype, order === "F", contents);
        return made;
      }
      case "scalar": {
        const [dtype, contents] = args;
        const [value] = this.#array([], dtype, false, contents).data;
        return typeof value === "bigint" ? this.integer(value) : value!;
      }
      case "ndarray":
        return this.refuse(`a call of "numpy.ndarray"`);
    }
  }

  /** Gives an object that was made empty what it consists of. */
  build(object: Item, state: Item): void {
    const { file } = this;
    if (!Array.isArray(state)) return file.fail("it builds an object from what is no tuple");
    if (object instanceof Dtype) {
      const order = this.text(state[1]);
      if (!/^[<>|=]$/.test(order)) file.fail("an array's byte order is none");
      object.order = order;
    } else if (object instanceof PickledArray) {
      if (object.array || this.#objects.has(object)) file.fail("it builds an array twice");
      const [, shape, dtype, fortran, contents] = state;
      if (dtype instanceof Dtype && dtype.code.startsWith("O")) return this.#buildObjects(object, shape, contents);
      object.array = this.#array(shape, dtype, fortran, contents);
    } else file.fail("it builds what is no array");
  }

  #array(shape: Item | undefined, dtype: Item | undefined, fortran: Item | undefined, contents: Item | undefined): NumpyArray {
    const { file } = this;
    if (!Array.isArray(shape) || !(dtype instanceof Dtype) || typeof fortran !== "boolean")
      return file.fail("an array's parts are not as they should be");
    const type: ElementType | undefined = elementType(dtype.order === "|" ? dtype.code : dtype.order + dtype.code);
    const bytes = contents instanceof ByteString ? contents.bytes : contents;
    if (!type || !(bytes instanceof Uint8Array)) return this.refuse(`an array of the type ${JSON.stringify(dtype.code.slice(0, 20))}`);
    const problem = shapeProblem(shape, type, bytes.length);
    if (problem) file.fail(problem);
    this.#count(bytes.length);
    return numpyArray(bytes, type, shape as number[], fortran);
  }

  /** The list of an array's objects is in row-major order, whatever the array's own. */
  #buildObjects(array: PickledArray, shape: Item | undefined, items: Item | undefined): void {
    const sound = Array.isArray(shape) && shape.length <= MAX_DEPTH && shape.every((size) => typeof size === "number" && size >= 0);
    if (!sound || !Array.isArray(items) || elements(shape as number[]) !== items.length)
      return this.file.fail("an array has another number of objects than its shape says");
    this.#objects.set(array, { shape: shape as number[], items });
  }

  /** Bytes that are copied: none of the file's more than twice, however often the pickle refers to them. */
  #count(bytes: number): void {
    if ((this.#copied += bytes) > 2 * this.file.bytes.length) this.file.fail("its arrays would be larger than itself");
  }

  /** What the pickle was made of: strings of Python 2 as texts, nothing of the machine's own. */
  reveal(item: Item, depth = 0, known = new Map<Item, PickleValue>()): PickleValue {
    if (depth > MAX_DEPTH) return this.file.fail(`its lists nest more than ${MAX_DEPTH} deep`);
    if (item instanceof Global || item instanceof Dtype) return this.refuse("a function or a type as a value");
    if (item instanceof PickledArray) return this.#revealArray(item, depth, known);
    if (!Array.isArray(item) && !(item instanceof Map) && !(item instanceof ByteString)) return item;
    const before = known.get(item);
    if (before !== undefined) return before;
    if (item instanceof ByteString) {
      known.set(item, this.#latin1(item));
      return known.get(item)!;
    }
    if (Array.isArray(item)) {
      const list: PickleValue[] = [];
      known.set(item, list);
      for (const part of item) list.push(this.reveal(part, depth + 1, known));
      return list;
    }
    const map = new Map<PickleValue, PickleValue>();
    known.set(item, map);
    for (const [key, value] of item) map.set(this.reveal(key, depth + 1, known), this.reveal(value, depth + 1, known));
    return map;
  }

  #revealArray(array: PickledArray, depth: number, known: Map<Item, PickleValue>): PickleValue {
    const objects = this.#objects.get(array);
    if (array.array || !objects) return array.array ? array : this.file.fail("an array has no contents");
    const before = known.get(array);
    if (before !== undefined) return before;
    const { shape, items } = objects;
    const list: PickleValue[] = [];
    known.set(array, list);
    for (const item of items) list.push(this.reveal(item, depth + 1, known));
    const texts = list.every((item) => typeof item === "string");
    const numbers = !texts && list.every((item) => typeof item === "number");
    if (texts || numbers) {
      array.array = { shape, data: texts ? list : Float64Array.from(list as number[]) };
      known.set(array, array);
      return array;
    }
    return shape.length === 1 ? list : this.refuse("an array of several dimensions of objects that are neither texts nor numbers");
  }
}
