/**
 * Torch7's files (`torch.save`; File.lua and the `write` methods of tensors and storages in torch7), in the forms of torch7-source.ts. A
 * file is one object:
 *
 *   object   := type, body
 *   0 nil    := (nothing)          1 number := double          2 string := length, bytes          5 boolean := integer
 *   3 table  := index [size, size × (key object, value object)]
 *   4 torch  := index [version "V n", class name, contents]
 *   6, 7, 8 function := [index,] length, bytecode, object of its upvalues
 *
 * An object's contents follow only where its index occurs first; later it is named by the index alone. A storage's contents are its
 * length and its elements; a tensor's are dimensions, sizes, strides, offset from 1 and its storage object; all other classes (nn modules,
 * nodes of nngraph) hold one table of fields. Functions are passed over: nothing in a file is ever executed.
 */
import { FormatError } from "./byte-reader.js";
import { elements, type NumberArray, type NumberCode } from "./number-array.js";
import { AsciiTorch7, BinaryTorch7, looksAscii, type Torch7Source } from "./torch7-source.js";

/** A Lua table: entries in the file's order, keys of any type. */
export class LuaTable {
  readonly entries = new Map<LuaValue, LuaValue>();

  get(key: LuaValue): LuaValue {
    return this.entries.get(key);
  }

  /** The values at 1, 2, 3, ... */
  list(): LuaValue[] {
    const values: LuaValue[] = [];
    for (let i = 1; this.entries.has(i); i++) values.push(this.entries.get(i));
    return values;
  }
}

/** An object of a Torch class that holds a table of fields: an nn module, say. */
export class TorchObject {
  fields = new LuaTable();
  constructor(readonly className: string) {}
}

export class TorchStorage {
  constructor(readonly data: NumberArray) {}
}

/** A view of a storage. */
export class TorchTensor {
  storage: TorchStorage | undefined;
  constructor(
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    /** Of the first element, from 0. */
    readonly offset: number,
  ) {}
}

/** Stands where a function was. */
export class LuaFunction {}

export type LuaValue = undefined | number | string | boolean | LuaTable | TorchObject | TorchTensor | TorchStorage | LuaFunction;

const TYPE = { nil: 0, number: 1, string: 2, table: 3, torch: 4, boolean: 5, function: 6, oldRecursive: 7, recursive: 8 } as const;

/** Element types of the classes torch.XTensor and torch.XStorage. Those of cutorch are written like the CPU's. */
const ELEMENTS: Readonly<Record<string, NumberCode>> = {
  ...{ Float: "f4", Double: "f8", Long: "i8", Int: "i4", Short: "i2", Char: "i1", Byte: "u1" },
  ...{ Cuda: "f4", CudaDouble: "f8", CudaLong: "i8", CudaInt: "i4", CudaShort: "i2", CudaChar: "i1", CudaByte: "u1" },
};

/** Graphs of nngraph nest some thousand levels, since each node holds the next. */
const MAX_DEPTH = 20_000;
/** More than any model or data set needs: an empty table takes more memory than the 12 bytes that ask for one. */
const MAX_OBJECTS = 2_000_000;
/** Of all tables together: two values of 4 bytes make an entry of many times that. */
const MAX_ENTRIES = 8_000_000;
const MAX_DIMENSIONS = 16;
const MAX_NAME = 256;

/** A value whose parts are still to be read. */
interface Open {
  readonly value: LuaValue;
  /** Objects still to come. */
  wanted: number;
  accept(part: LuaValue): void;
}

/** Returned where a value has been opened: its parts come next. */
const OPENED = Symbol("opened");

/**
 * Reads a file. What is no sound file with sizes of 8 bytes may be one with sizes of 4, which nothing else tells.
 * @param name The file, for messages.
 * @throws FormatError when it is cut short, holds what the format does not allow, or anything follows its object
 */
export function readTorch7(bytes: Uint8Array, name = "the file"): LuaValue {
  if (looksAscii(bytes)) return new Torch7Reader(new AsciiTorch7(bytes, name)).read();
  try {
    return new Torch7Reader(new BinaryTorch7(bytes, name)).read();
  } catch (error) {
    try {
      return new Torch7Reader(new BinaryTorch7(bytes, name, 4)).read();
    } catch {
      throw error;
    }
  }
}

class Torch7Reader {
  readonly #objects = new Map<number, LuaValue>();
  #count = 0;
  #entries = 0;
  /** What is being read, outermost first. A list rather than the call stack, which deep files would overflow. */
  readonly #open: Open[] = [];

  constructor(readonly file: Torch7Source) {}

  read(): LuaValue {
    for (;;) {
      let value = this.#value();
      for (;;) {
        const top = this.#open.at(-1);
        if (value !== OPENED) {
          if (!top) return this.#end(value);
          top.wanted--;
          top.accept(value);
        }
        if (top!.wanted > 0) break;
        value = this.#open.pop()!.value;
      }
    }
  }

  #end(value: LuaValue): LuaValue {
    if (this.file.left > 0) this.file.fail(`${this.file.left} bytes follow its end`);
    return value;
  }

  /** Reads a value without its parts. */
  #value(): LuaValue | typeof OPENED {
    const { file } = this;
    const type = file.i32("an object's type");
    switch (type) {
      case TYPE.nil:
        return undefined;
      case TYPE.number:
        return file.f64("a number");
      case TYPE.string:
        return this.#string("a string");
      case TYPE.boolean: {
        const value = file.i32("a boolean");
        return value === 0 || value === 1 ? value === 1 : file.fail(`a boolean is ${value}`);
      }
      case TYPE.function:
        return this.#function(undefined);
      case TYPE.table:
      case TYPE.torch:
      case TYPE.oldRecursive:
      case TYPE.recursive: {
        const index = file.i32("an object's index");
        if (this.#objects.has(index)) return this.#objects.get(index);
        if (type === TYPE.table) return this.#table(index);
        return type === TYPE.torch ? this.#torch(index) : this.#function(index);
      }
      default:
        return file.fail(`${type} is no type of an object`);
    }
  }

  #string(what: string): string {
    return this.file.string(this.file.i32(`the length of ${what}`), what);
  }

  #begin(index: number | undefined, open: Open): typeof OPENED {
    if (index !== undefined) this.#objects.set(index, open.value);
    if (++this.#count > MAX_OBJECTS) this.file.fail(`it holds more than ${MAX_OBJECTS} objects`);
    if (this.#open.length >= MAX_DEPTH) this.file.fail(`its objects nest more than ${MAX_DEPTH} deep`);
    this.#open.push(open);
    return OPENED;
  }

  #table(index: number): typeof OPENED {
    const value = new LuaTable();
    // A key and a value of an integer at least.
    const size = this.file.length(this.file.i32("a table's size"), this.file.least("i4") * 2, "a table");
    if ((this.#entries += size) > MAX_ENTRIES) this.file.fail(`its tables hold more than ${MAX_ENTRIES} entries`);
    let key: LuaValue;
    let keyComes = true;
    const accept = (part: LuaValue): void => {
      if (!keyComes) value.entries.set(key, part);
      else if (part === undefined) this.file.fail("a table's key is nil");
      key = part;
      keyComes = !keyComes;
    };
    return this.#begin(index, { value, wanted: 2 * size, accept });
  }

  #function(index: number | undefined): typeof OPENED {
    this.file.skip(this.file.i32("the length of a function"), "a function");
    return this.#begin(index, { value: new LuaFunction(), wanted: 1, accept: () => {} });
  }

  #torch(index: number): LuaValue | typeof OPENED {
    const { file } = this;
    const short = (what: string): string => {
      const text = this.#string(what);
      return text.length <= MAX_NAME ? text : file.fail(`${what} has ${text.length} characters`);
    };
    const version = short("a version");
    // Files older than versions begin with the class.
    const className = /^V \d+$/.test(version) ? short("a class name") : version;
    const known = /^torch\.(\w+?)(Tensor|Storage)$/.exec(className);
    const code = known && Object.hasOwn(ELEMENTS, known[1]!) ? ELEMENTS[known[1]!] : undefined;
    if (code && known![2] === "Storage") {
      const value = this.#storage(code);
      this.#objects.set(index, value);
      return value;
    }
    if (code) return this.#tensor(index);
    if (className.startsWith("torch.") || !/^\w+(\.\w+)*$/.test(className))
      throw new FormatError(`${file.name}: petalgrad does not read objects of the class "${className.replace(/[^ -~]/g, "?")}"`);
    const value = new TorchObject(className);
    const accept = (part: LuaValue): void => {
      if (!(part instanceof LuaTable)) return file.fail(`an object of the class ${className} holds no table`);
      value.fields = part;
    };
    return this.#begin(index, { value, wanted: 1, accept });
  }

  #storage(code: NumberCode): TorchStorage {
    const { file } = this;
    // Each is an object of its own, however few its elements.
    if (++this.#count > MAX_OBJECTS) file.fail(`it holds more than ${MAX_OBJECTS} objects`);
    const size = file.length(file.long("a storage's length"), file.least(code), "a storage");
    return new TorchStorage(file.elements(size, code, "a storage"));
  }

  #tensor(index: number): typeof OPENED {
    const { file } = this;
    const dimensions = file.i32("a tensor's dimensions");
    if (dimensions < 0 || dimensions > MAX_DIMENSIONS) file.fail(`a tensor has ${dimensions} dimensions`);
    const integers = (what: string): number[] => Array.from({ length: dimensions }, () => file.long(what));
    const value = new TorchTensor(integers("a tensor's sizes"), integers("a tensor's strides"), file.long("a tensor's offset") - 1);
    const accept = (part: LuaValue): void => {
      if (part !== undefined && !(part instanceof TorchStorage)) return file.fail("a tensor's storage is something else");
      value.storage = part;
      const problem = problemOf(value);
      if (problem) file.fail(problem);
    };
    return this.#begin(index, { value, wanted: 1, accept });
  }
}

/** What keeps a tensor from being a view of its storage. */
function problemOf({ shape, strides, offset, storage }: TorchTensor): string | undefined {
  if (shape.length === 0) return undefined;
  const sound = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
  if (!shape.every(sound) || !strides.every(sound) || !sound(offset)) return "a tensor has a negative or enormous size, stride or offset";
  if (shape.includes(0)) return undefined;
  const last = shape.reduce((sum, size, d) => sum + (size - 1) * strides[d]!, offset);
  const length = storage?.data.length ?? 0;
  if (last >= length) return `a tensor of [${shape.join(", ")}] reaches beyond its storage of ${length} elements`;
  // Strides of 0 show one element many times: nothing here needs that, and it would let a small file ask for a large array.
  return elements(shape) <= length ? undefined : `a tensor of [${shape.join(", ")}] has more elements than its storage of ${length}`;
}

/** A tensor's elements in row-major order: a view where they lie so, else a copy. A tensor without dimensions has none. */
export function tensorValues({ shape, strides, offset, storage }: TorchTensor): NumberArray {
  const data = storage?.data ?? new Float32Array(0);
  const count = shape.length === 0 ? 0 : elements(shape);
  if (count === 0) return data.slice(0, 0);
  let inner = 1;
  const contiguous = [...shape.keys()].reverse().every((d) => {
    const fits = shape[d] === 1 || strides[d] === inner;
    inner *= shape[d]!;
    return fits;
  });
  if (contiguous) return data.subarray(offset, offset + count);
  const values = data.slice(0, count);
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    values[i] = data[from]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      from -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
  return values;
}
