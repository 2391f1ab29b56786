/**
 * The part of Python's pickles (protocols 0 to 5; pickletools) that holds data: None, booleans, numbers, texts, bytes, lists, tuples,
 * dictionaries and NumPy's arrays and scalars, as the embeddings of StackGAN are kept. A pickle is a program for a small stack machine that
 * may call any function; here it may name six, which are imitated (pickle-objects.ts). Any other is refused by its name. Nothing is executed or
 * imported. This file is the machine.
 */
import { ByteReader, latin1 } from "./byte-reader.js";
import { parseEscaped, parseFloating, parseInteger, parseQuoted } from "./pickle-literals.js";
import { ByteString, type Item, MAX_TEXT, PickleObjects, type PickleValue } from "./pickle-objects.js";

/** More than any list of embeddings needs: an empty list takes more memory than the byte that asks for one. */
const MAX_OBJECTS = 2_000_000;
/** An instruction of one byte may put something on the stack. */
const MAX_STEPS = 8_000_000;
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
  readonly #objects: PickleObjects;
  #made = 0;

  constructor(readonly file: ByteReader) {
    this.#objects = new PickleObjects(file);
  }

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
    return this.#objects.reveal(result);
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
        return this.#objects.refuse("a buffer beside the file (buffer_callback); write the pickle without one");
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
        return this.#push(this.#objects.global(latin1(file.line("GLOBAL")), latin1(file.line("GLOBAL"))));
      case "\x93": {
        const [module, name] = this.#take(2).map((item) => this.#objects.text(item));
        return this.#push(this.#objects.global(module!, name!));
      }
      case "R": // REDUCE
        return this.#call(...(this.#take(2) as [Item, Item]));
      case "b": // BUILD
        return this.#build(this.#pop());
      default:
        return this.#objects.refuse(`the instruction ${JSON.stringify(opcode)} (objects, sets and references outside the file)`);
    }
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

  #call(callable: Item, args: Item): void {
    const made = this.#objects.call(callable, args);
    if (typeof made === "object") this.#make(made);
    else this.#push(made);
  }

  #build(state: Item): void {
    this.#objects.build(this.#top(), state);
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
    return this.#objects.integer(this.#literal(what, parseInteger));
  }

  #int(): number | boolean {
    const value = this.#literal("INT", (text) => (text === "01" ? true : text === "00" ? false : parseInteger(text)));
    return typeof value === "bigint" ? this.#objects.integer(value) : value;
  }

  /** Two's complement, little endian. */
  #long(length: number): number {
    const bytes = this.file.take(length, "an integer");
    if (length > 16) this.file.fail(`an integer of ${length} bytes`);
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return this.#objects.integer(BigInt.asIntN(8 * length, value));
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
}
