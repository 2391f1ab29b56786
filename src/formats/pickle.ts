/**
 * The part of Python's pickles (protocols 0 to 5; pickletools) that holds data: None, booleans, numbers, texts, bytes, lists, tuples,
 * dictionaries and NumPy's arrays and scalars, as the embeddings of StackGAN are kept. A pickle is a program for a small stack machine that
 * may call any function; here it may name six (those by which NumPy takes its arrays and scalars to pieces, and Python 3 its bytes for
 * Python 2), which are imitated. Any other is refused by its name. Nothing is executed or imported.
 */
import { ByteReader, FormatError, fromLatin1, latin1 } from "./byte-reader.js";
import { elements } from "./number-array.js";
import { parseEscaped, parseFloating, parseInteger, parseQuoted } from "./pickle-literals.js";
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
class ByteString {
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

type Item = null | boolean | number | string | Uint8Array | PickledArray | ByteString | Global | Dtype | Item[] | Map<Item, Item>;

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

/** More than any list of embeddings needs: an empty list takes more memory than the byte that asks for one. */
const MAX_OBJECTS = 2_000_000;
/** An instruction of one byte may put something on the stack. */
const MAX_STEPS = 8_000_000;
const MAX_DEPTH = 64;
/** Beyond 2^29 JavaScript has no strings; the contents of an array may be written as one. */
const MAX_TEXT = 2 ** 28;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a pickle.
 * @param name The file, for messages.
 * @throws FormatError when it is cut short, not as the protocol says, or asks for anything but data
 */
export function readPickle(bytes: Uint8Array, name = "the file"): PickleValue {
  return new Unpickler(new ByteReader(bytes, name, "pickle")).run();
}

class Unpickler {
  readonly #stack: Item[] = [];
  /** Places of the stack's open marks. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Item>();
  /** Shape and elements of the arrays of Python's objects. */
  readonly #objects = new Map<PickledArray, { readonly shape: readonly number[]; readonly items: readonly Item[] }>();
  #made = 0;
  #copied = 0;

  constructor(readonly file: ByteReader) {}

  run(): PickleValue {
    const { file } = this;
    for (let steps = 0; ; steps++) {
      if (steps > MAX_STEPS) file.fail(`it has more than ${MAX_STEPS} instructions`);
      const opcode = String.fromCharCode(file.u8("its program"));
      if (opcode === ".") break;
      this.#step(opcode);
    }
    if (file.left > 0) file.fail(`${file.left} bytes follow its end`);
    const result = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) file.fail("it leaves something on its stack");
    return this.#reveal(result, 0, new Map());
  }

  /** One instruction: each is named as in Python's pickle module. */
  #step(opcode: string): void {
    const { file } = this;
    switch (opcode) {
      case "\x80": {
        const protocol = file.u8("PROTO");
        return protocol <= 5 ? undefined : file.fail(`its protocol is ${protocol}; write it with protocol 5 or less`);
      }
      case "\x95": // FRAME
        return void file.length(file.i64("FRAME"), 1, "a frame");
      case "(": // MARK
        return void this.#marks.push(this.#stack.length);
      case "0": // POP
        return void (this.#marks.at(-1) === this.#stack.length ? this.#marks.pop() : this.#pop());
      case "1": // POP_MARK
        return void this.#toMark();
      case "2": // DUP
        return this.#push(this.#top());

      case "N": // NONE
        return this.#push(null);
      case "\x88": // NEWTRUE
      case "\x89": // NEWFALSE
        return this.#push(opcode === "\x88");
      case "I": // INT
        return this.#push(this.#int());
      case "L": // LONG
        return this.#push(this.#index("LONG"));
      case "J": // BININT
        return this.#push(file.i32("BININT"));
      case "K": // BININT1
        return this.#push(file.u8("BININT1"));
      case "M": // BININT2
        return this.#push(file.u16("BININT2"));
      case "\x8a": // LONG1
        return this.#push(this.#long(file.u8("LONG1")));
      case "\x8b": // LONG4
        return this.#push(this.#long(file.i32("LONG4")));
      case "F": // FLOAT
        return this.#push(this.#literal("FLOAT", parseFloating));
      case "G": // BINFLOAT
        return this.#push(file.f64("BINFLOAT", false));

      case "S": // STRING
        return this.#make(new ByteString(this.#literal("STRING", parseQuoted)));
      case "T": // BINSTRING
        return this.#make(new ByteString(file.take(file.i32("BINSTRING"), "a string")));
      case "U": // SHORT_BINSTRING
        return this.#make(new ByteString(file.take(file.u8("SHORT_BINSTRING"), "a string")));
      case "C": // SHORT_BINBYTES
        return this.#make(file.take(file.u8("SHORT_BINBYTES"), "bytes"));
      case "B": // BINBYTES
        return this.#make(file.take(file.u32("BINBYTES"), "bytes"));
      case "\x8e": // BINBYTES8
      case "\x96": // BYTEARRAY8
        return this.#make(file.take(file.i64("BINBYTES8"), "bytes"));
      case "\x97": // NEXT_BUFFER
      case "\x98": // READONLY_BUFFER
        return this.#refuse("a buffer beside the file (buffer_callback); write the pickle without one");
      case "V": // UNICODE
        return this.#push(this.#literal("UNICODE", parseEscaped));
      case "\x8c": // SHORT_BINUNICODE
        return this.#push(this.#utf8(file.u8("SHORT_BINUNICODE")));
      case "X": // BINUNICODE
        return this.#push(this.#utf8(file.u32("BINUNICODE")));
      case "\x8d": // BINUNICODE8
        return this.#push(this.#utf8(file.i64("BINUNICODE8")));

      case ")": // EMPTY_TUPLE
      case "]": // EMPTY_LIST
        return this.#make([]);
      case "\x85": // TUPLE1
      case "\x86": // TUPLE2
      case "\x87": // TUPLE3
        return this.#make(this.#take(opcode.charCodeAt(0) - 0x84));
      case "t": // TUPLE
      case "l": // LIST
        return this.#make(this.#toMark());
      case "}": // EMPTY_DICT
        return this.#make(new Map());
      case "d": {
        const items = this.#toMark();
        this.#make(new Map());
        return this.#setItems(items);
      }
      case "a": // APPEND
        return this.#append(this.#take(1));
      case "e": // APPENDS
        return this.#append(this.#toMark());
      case "s": // SETITEM
        return this.#setItems(this.#take(2));
      case "u": // SETITEMS
        return this.#setItems(this.#toMark());

      case "p": // PUT
        return this.#memoize(this.#index("PUT"));
      case "q": // BINPUT
        return this.#memoize(file.u8("BINPUT"));
      case "r": // LONG_BINPUT
        return this.#memoize(file.u32("LONG_BINPUT"));
      case "\x94": // MEMOIZE
        return this.#memoize(this.#memo.size);
      case "g": // GET
        return this.#remember(this.#index("GET"));
      case "h": // BINGET
        return this.#remember(file.u8("BINGET"));
      case "j": // LONG_BINGET
        return this.#remember(file.u32("LONG_BINGET"));

      case "c": // GLOBAL
        return this.#global(latin1(file.line("GLOBAL")), latin1(file.line("GLOBAL")));
      case "\x93": {
        const [module, name] = this.#take(2).map((item) => this.#text(item));
        return this.#global(module!, name!);
      }
      case "R": // REDUCE
        return this.#reduce(...(this.#take(2) as [Item, Item]));
      case "b": // BUILD
        return this.#build(this.#pop());
      default:
        return this.#refuse(`the instruction ${JSON.stringify(opcode)} (objects, sets and references outside the file)`);
    }
  }

  #refuse(what: string): never {
    throw new FormatError(`${this.file.name} asks for ${what}: petalgrad takes nothing but data and NumPy arrays from a pickle`);
  }

  // The stack.

  #push(item: Item): void {
    this.#stack.push(item);
  }

  #make(item: Item): void {
    if (++this.#made > MAX_OBJECTS) this.file.fail(`it makes more than ${MAX_OBJECTS} objects`);
    this.#stack.push(item);
  }

  #top(): Item {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.file.fail("it takes from an empty stack");
    return this.#stack.at(-1)!;
  }

  #pop(): Item {
    const item = this.#top();
    this.#stack.pop();
    return item;
  }

  #take(count: number): Item[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) this.file.fail("it takes from an empty stack");
    return this.#stack.splice(this.#stack.length - count);
  }

  #toMark(): Item[] {
    const mark = this.#marks.pop() ?? this.file.fail("a mark is missing");
    return this.#stack.splice(mark);
  }

  #memoize(index: number): void {
    this.#memo.set(index, this.#top());
    if (this.#memo.size > MAX_OBJECTS) this.file.fail(`it remembers more than ${MAX_OBJECTS} objects`);
  }

  #remember(index: number): void {
    if (!this.#memo.has(index)) this.file.fail(`nothing was stored at ${index}`);
    this.#push(this.#memo.get(index)!);
  }

  #append(items: readonly Item[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) return this.file.fail("it appends to what is no list");
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly Item[]): void {
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0) return this.file.fail("it sets items of what is no dictionary");
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  }

  // Numbers and texts.

  /** A literal of the older protocols, up to the end of its line. */
  #literal<T>(what: string, parse: (text: string) => T | undefined): T {
    const value = parse(latin1(this.file.line(what)));
    return value === undefined ? this.file.fail(`${what} is followed by something else`) : value;
  }

  #index(what: string): number {
    return this.#integer(this.#literal(what, parseInteger));
  }

  #int(): number | boolean {
    const value = this.#literal("INT", (text) => (text === "01" ? true : text === "00" ? false : parseInteger(text)));
    return typeof value === "bigint" ? this.#integer(value) : value;
  }

  /** Two's complement, little endian. */
  #long(length: number): number {
    const bytes = this.file.take(length, "an integer");
    if (length > 16) this.file.fail(`an integer of ${length} bytes`);
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return this.#integer(BigInt.asIntN(8 * length, value));
  }

  #integer(value: bigint): number {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : this.file.fail(`the integer ${value} is too large`);
  }

  #utf8(length: number): string {
    const bytes = this.file.take(length, "a text");
    if (length > MAX_TEXT) this.file.fail(`a text of ${length} bytes`);
    try {
      return UTF8.decode(bytes);
    } catch {
      return this.file.fail("a text is no UTF-8");
    }
  }

  #text(item: Item | undefined): string {
    if (item instanceof ByteString) return this.#latin1(item);
    return typeof item === "string" ? item : this.file.fail("a name is no text");
  }

  #latin1({ bytes }: ByteString): string {
    return bytes.length <= MAX_TEXT ? latin1(bytes) : this.file.fail(`a text of ${bytes.length} bytes`);
  }

  // NumPy's arrays: _reconstruct(ndarray, (0,), b"b") makes an empty one, and BUILD gives it (1, shape, dtype, Fortran order, bytes); or
  // _frombuffer(bytes, dtype, shape, "C" or "F") makes one. Its scalars: scalar(dtype, bytes).

  #global(module: string, name: string): void {
    const key = `${module} ${name}`;
    if (!Object.hasOwn(GLOBALS, key)) this.#refuse(JSON.stringify(`${module}.${name}`.slice(0, 200)));
    this.#push(GLOBALS[key]!);
  }

  #reduce(callable: Item, args: Item): void {
    if (!(callable instanceof Global) || !Array.isArray(args)) return this.file.fail("it calls what is no function");
    switch (callable.name) {
      case "_reconstruct": {
        const [type] = args;
        if (!(type instanceof Global) || type.name !== "ndarray") this.file.fail("it reconstructs something else than an array");
        return this.#make(new PickledArray());
      }
      case "dtype":
        return this.#make(new Dtype(this.#text(args[0])));
      case "encode": {
        const [text, encoding] = args;
        if (typeof text !== "string" || !/^latin-?1$/.test(this.#text(encoding)))
          return this.file.fail("it encodes a text otherwise than as Latin-1");
        this.#count(text.length);
        return this.#make(fromLatin1(text));
      }
      case "_frombuffer": {
        const [contents, dtype, shape, order] = args;
        const made = new PickledArray();
        made.array = this.#array(shape, dtype, order === "F", contents);
        return this.#make(made);
      }
      case "scalar": {
        const [dtype, contents] = args;
        const [value] = this.#array([], dtype, false, contents).data;
        return this.#push(typeof value === "bigint" ? this.#integer(value) : value!);
      }
      case "ndarray":
        return this.#refuse(`a call of "numpy.ndarray"`);
    }
  }

  #build(state: Item): void {
    const { file } = this;
    const object = this.#top();
    if (!Array.isArray(state)) return file.fail("it builds an object from what is no tuple");
    if (object instanceof Dtype) {
      const order = this.#text(state[1]);
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
    if (!type || !(bytes instanceof Uint8Array)) return this.#refuse(`an array of the type ${JSON.stringify(dtype.code.slice(0, 20))}`);
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
  #reveal(item: Item, depth: number, known: Map<Item, PickleValue>): PickleValue {
    if (depth > MAX_DEPTH) return this.file.fail(`its lists nest more than ${MAX_DEPTH} deep`);
    if (item instanceof Global || item instanceof Dtype) return this.#refuse("a function or a type as a value");
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
      for (const part of item) list.push(this.#reveal(part, depth + 1, known));
      return list;
    }
    const map = new Map<PickleValue, PickleValue>();
    known.set(item, map);
    for (const [key, value] of item) map.set(this.#reveal(key, depth + 1, known), this.#reveal(value, depth + 1, known));
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
    for (const item of items) list.push(this.#reveal(item, depth + 1, known));
    const texts = list.every((item) => typeof item === "string");
    const numbers = !texts && list.every((item) => typeof item === "number");
    if (texts || numbers) {
      array.array = { shape, data: texts ? list : Float64Array.from(list as number[]) };
      known.set(array, array);
      return array;
    }
    return shape.length === 1 ? list : this.#refuse("an array of several dimensions of objects that are neither texts nor numbers");
  }
}
