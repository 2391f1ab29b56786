/** Writes Torch7's files from the values that the reader gives, by the format's definition (File.lua, Tensor.c, Storage.c, DiskFile.c). */
import { LuaFunction, LuaTable, type LuaValue, TorchObject, TorchStorage, TorchTensor } from "../../src/formats/torch7.js";
import type { NumberArray } from "../../src/formats/number-array.js";

const KIND = new Map<unknown, string>([
  [Float32Array, "Float"],
  [Float64Array, "Double"],
  [BigInt64Array, "Long"],
  [Int32Array, "Int"],
  [Int16Array, "Short"],
  [Int8Array, "Char"],
  [Uint8Array, "Byte"],
]);

export const i32 = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)];
export const i64 = (value: number): number[] => [...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];
export const f64 = (value: number): number[] => [...new Uint8Array(Float64Array.of(value).buffer)];
export const text = (value: string): number[] => [...i32(value.length), ...Buffer.from(value, "latin1")];

/** A table of a list, or of an object's fields. */
export function lua(values: readonly LuaValue[] | Readonly<Record<string, LuaValue>>): LuaTable {
  const table = new LuaTable();
  const entries = Array.isArray(values) ? values.map((value: LuaValue, i) => [i + 1, value] as const) : Object.entries(values);
  for (const [key, value] of entries) table.entries.set(key, value);
  return table;
}

export function torchObject(className: string, fields: Readonly<Record<string, LuaValue>> = {}): TorchObject {
  const object = new TorchObject(className);
  object.fields = lua(fields);
  return object;
}

/** A tensor of its own storage, row by row, or a view of a given one. */
export function torchTensor(
  shape: readonly number[],
  data: NumberArray | TorchStorage,
  offset = 0,
  strides?: readonly number[],
): TorchTensor {
  const rowMajor = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const tensor = new TorchTensor(shape, strides ?? rowMajor, offset);
  tensor.storage = data instanceof TorchStorage ? data : new TorchStorage(data);
  return tensor;
}

const latin1 = (value: string): number[] => [...Buffer.from(value, "latin1")];
/** C's printf keeps the sign of a zero, JavaScript's String does not. */
const word = (value: number | bigint): string => (Object.is(value, -0) ? "-0" : String(value));
const contents = (data: NumberArray): number[] => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];

/** How numbers and texts stand in a file. */
const FORMS = {
  binary: { i32, long: i64, f64, text, elements: contents },
  /** Where C's long has 4 bytes. */
  windows: {
    ...{ i32, long: i32, f64, text },
    elements: (data: NumberArray) => contents(data instanceof BigInt64Array ? Int32Array.from(data, Number) : data),
  },
  ascii: {
    i32: (value: number) => latin1(`${value}\n`),
    long: (value: number) => latin1(`${value}\n`),
    f64: (value: number) => latin1(`${word(value)}\n`),
    text: (value: string) => latin1(`${value.length}\n${value === "" ? "" : `${value}\n`}`),
    elements: (data: NumberArray) => {
      if (data.length === 0) return [];
      const characters = data instanceof Int8Array || data instanceof Uint8Array;
      return [...(characters ? contents(data) : latin1(Array.from<number | bigint, string>(data, word).join(" "))), 0x0a];
    },
  },
} as const;

/** @param cuda Name the classes as cutorch does. */
export function writeTorch7(root: LuaValue, { cuda = false, form = "binary" as keyof typeof FORMS } = {}): Uint8Array {
  const { i32, long: i64, f64, text, elements } = FORMS[form];
  const out: number[][] = [];
  const put = (...bytes: number[][]) => out.push(...bytes);
  const indices = new Map<LuaValue, number>();
  const kind = (data: NumberArray) => (cuda ? `Cuda${KIND.get(data.constructor)!.replace("Float", "")}` : KIND.get(data.constructor)!);

  const write = (value: LuaValue): void => {
    if (value === undefined) return void put(i32(0));
    if (typeof value === "number") return void put(i32(1), f64(value));
    if (typeof value === "string") return void put(i32(2), text(value));
    if (typeof value === "boolean") return void put(i32(5), i32(value ? 1 : 0));
    put(i32(value instanceof LuaTable ? 3 : value instanceof LuaFunction ? 8 : 4));
    const known = indices.get(value);
    put(i32(known ?? indices.size + 1));
    if (known !== undefined) return;
    indices.set(value, indices.size + 1);
    if (value instanceof LuaFunction) {
      put(text("\x1bLua bytecode"));
      return write(lua([lua({ name: "self", value: 1 })]));
    }
    if (value instanceof LuaTable) {
      put(i32(value.entries.size));
      for (const [key, item] of value.entries) {
        write(key);
        write(item);
      }
      return;
    }
    put(text("V 1"));
    if (value instanceof TorchObject) {
      put(text(value.className));
      return write(value.fields);
    }
    if (value instanceof TorchStorage) {
      const { data } = value;
      put(text(`torch.${kind(data)}Storage`), i64(data.length), elements(data));
      return;
    }
    const { shape, strides, offset, storage } = value;
    put(
      text(`torch.${storage ? kind(storage.data) : "Float"}Tensor`),
      i32(shape.length),
      shape.flatMap(i64),
      strides.flatMap(i64),
      i64(offset + 1),
    );
    write(storage);
  };
  write(root);
  return Uint8Array.from(out.flat());
}
