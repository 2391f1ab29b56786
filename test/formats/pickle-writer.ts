/** Writes pickles of protocols 0 to 4 as Python 3 or Python 2 would, by the definitions in pickletools. */
import type { PickleValue } from "../../src/formats/pickle-objects.js";

/** An array's parts as NumPy hands them to a pickle. */
export class ArrayParts {
  constructor(
    readonly shape: readonly number[],
    /** "f4", "i8", ... */
    readonly code: string,
    readonly contents: Uint8Array,
    readonly order = "<",
    readonly fortran = false,
  ) {}
}

export type Written = PickleValue | ArrayParts | Written[] | Map<PickleValue, Written>;

export interface PickleOptions {
  readonly protocol: 0 | 1 | 2 | 3 | 4;
  /** Texts and bytes are its `str`: STRING, BINSTRING. */
  readonly python2?: boolean;
}

const le = (value: number, size: number): number[] => Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 255);

export function writePickle(root: Written, { protocol, python2 = false }: PickleOptions): Uint8Array {
  const out: (number[] | Uint8Array)[] = protocol >= 2 ? [[0x80, protocol]] : [];
  const put = (...parts: (string | number[] | Uint8Array)[]): void => {
    out.push(...parts.map((part) => (typeof part === "string" ? [...Buffer.from(part, "latin1")] : part)));
  };
  let memo = 0;
  const memoize = (): void => {
    if (protocol === 0) put(`p${memo}\n`);
    else if (protocol === 4) put([0x94]);
    else if (memo < 256) put("q", [memo]);
    else put("r", le(memo, 4));
    memo++;
  };

  const text = (value: string): void => {
    if (python2) return string(Uint8Array.from(Buffer.from(value, "latin1")));
    const utf8 = Buffer.from(value, "utf8");
    const escaped = value.replace(/[\\\n]|[^\0-\xff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
    if (protocol === 0) put(`V${escaped}\n`);
    else if (protocol === 4 && utf8.length < 256) put([0x8c, utf8.length], utf8);
    else put("X", le(utf8.length, 4), utf8);
    memoize();
  };
  const string = (value: Uint8Array): void => {
    const shown = [...value].map((b) =>
      b === 0x27 || b === 0x5c || b < 32 || b > 126 ? `\\x${b.toString(16).padStart(2, "0")}` : String.fromCharCode(b),
    );
    if (protocol === 0) put(`S'${shown.join("")}'\n`);
    else if (value.length < 256) put("U", [value.length], value);
    else put("T", le(value.length, 4), value);
    memoize();
  };
  const bytes = (value: Uint8Array): void => {
    if (python2) return string(value);
    if (protocol >= 3) {
      if (value.length < 256) put("C", [value.length], value);
      else put("B", le(value.length, 4), value);
      return memoize();
    }
    global("_codecs", "encode");
    tuple([Buffer.from(value).toString("latin1"), "latin1"]);
    put("R");
    memoize();
  };
  const global = (module: string, name: string): void => {
    if (protocol < 4) put(`c${module}\n${name}\n`);
    else {
      text(module);
      text(name);
      put([0x93]);
    }
    memoize();
  };
  const number = (value: number): void => {
    if (!Number.isInteger(value) || Object.is(value, -0)) {
      if (protocol === 0)
        return put(
          `F${Number.isFinite(value) ? (Object.is(value, -0) ? "-0.0" : value) : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf"}\n`,
        );
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value);
      return put("G", new Uint8Array(view.buffer));
    }
    if (protocol === 0) return put(python2 || Math.abs(value) < 2 ** 31 ? `I${value}\n` : `L${value}L\n`);
    if (value >= 0 && value < 256) return put("K", [value]);
    if (value >= 0 && value < 65536) return put("M", le(value, 2));
    if (Math.abs(value) < 2 ** 31) return put("J", [...new Uint8Array(Int32Array.of(value).buffer)]);
    if (protocol === 1) return put(`L${value}L\n`);
    put([0x8a, 8], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
  };
  const tuple = (items: readonly Written[]): void => {
    if (items.length === 0 && protocol > 0) return put(")");
    const short = protocol >= 2 && items.length <= 3 && items.length > 0;
    if (!short) put("(");
    items.forEach(write);
    put(short ? [0x84 + items.length] : "t");
    memoize();
  };
  const array = ({ shape, code, contents, order, fortran }: ArrayParts): void => {
    const core = python2 ? "numpy.core.multiarray" : "numpy._core.multiarray";
    global(core, "_reconstruct");
    put("(");
    global("numpy", "ndarray");
    tuple([0]);
    bytes(Uint8Array.from(Buffer.from("b")));
    put("tR");
    memoize();
    put("(");
    write(1);
    tuple([...shape]);
    global("numpy", "dtype");
    tuple([code, false, true]);
    put("R");
    memoize();
    tuple([3, order, null, null, null, -1, -1, 0]);
    put("b");
    write(fortran);
    bytes(contents);
    put("tb");
  };
  const write = (value: Written): void => {
    if (value === null) return put("N");
    if (typeof value === "boolean") return protocol >= 2 ? put([value ? 0x88 : 0x89]) : put(value ? "I01\n" : "I00\n");
    if (typeof value === "number") return number(value);
    if (typeof value === "string") return text(value);
    if (value instanceof Uint8Array) return bytes(value);
    if (value instanceof ArrayParts) return array(value);
    if (Array.isArray(value)) {
      put(protocol === 0 ? "(l" : "]");
      memoize();
      if (protocol === 0) {
        for (const item of value as Written[]) {
          write(item);
          put("a");
        }
        return;
      }
      put("(");
      (value as Written[]).forEach(write);
      return put("e");
    }
    if (value instanceof Map) {
      put(protocol === 0 ? "(d" : "}");
      memoize();
      if (protocol > 0) put("(");
      for (const [key, item] of value as Map<PickleValue, Written>) {
        write(key);
        write(item);
        if (protocol === 0) put("s");
      }
      return protocol > 0 ? put("u") : undefined;
    }
    throw new Error("not written here");
  };
  write(root);
  put(".");
  return Uint8Array.from(out.flatMap((part) => [...part]));
}
