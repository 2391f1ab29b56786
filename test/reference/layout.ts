/** Operations that move elements. */
import { at, build, flatten, type NdArray } from "./ndarray.js";

export const reshape = (x: NdArray, shape: readonly number[]): NdArray => ({ shape, data: x.data });

export function permute(x: NdArray, dimensions: readonly number[]): NdArray {
  return build(
    dimensions.map((d) => x.shape[d]!),
    (index) => {
      const from = new Array<number>(index.length);
      dimensions.forEach((d, i) => (from[d] = index[i]!));
      return at(x, ...from);
    },
  );
}

export function transpose(x: NdArray, a: number, b: number): NdArray {
  const dimensions = x.shape.map((_, d) => (d === a ? b : d === b ? a : d));
  return permute(x, dimensions);
}

export function broadcastTo(x: NdArray, shape: readonly number[]): NdArray {
  const missing = shape.length - x.shape.length;
  return build(shape, (index) => at(x, ...x.shape.map((n, d) => (n === 1 ? 0 : index[d + missing]!))));
}

export function concat(arrays: readonly NdArray[], dimension: number): NdArray {
  const total = arrays.reduce((n, x) => n + x.shape[dimension]!, 0);
  return build(
    arrays[0]!.shape.map((n, d) => (d === dimension ? total : n)),
    (index) => {
      let place = index[dimension]!;
      for (const x of arrays) {
        if (place < x.shape[dimension]!) return at(x, ...index.map((n, d) => (d === dimension ? place : n)));
        place -= x.shape[dimension]!;
      }
      throw new Error("concat: past the end");
    },
  );
}

export function slice(x: NdArray, dimension: number, start: number, end: number): NdArray {
  return build(
    x.shape.map((n, d) => (d === dimension ? end - start : n)),
    (index) => at(x, ...index.map((n, d) => (d === dimension ? n + start : n))),
  );
}

export function pad(x: NdArray, dimension: number, before: number, after: number): NdArray {
  return build(
    x.shape.map((n, d) => (d === dimension ? n + before + after : n)),
    (index) => {
      const place = index[dimension]! - before;
      return place < 0 || place >= x.shape[dimension]! ? 0 : at(x, ...index.map((n, d) => (d === dimension ? place : n)));
    },
  );
}

export function stack(arrays: readonly NdArray[], dimension: number): NdArray {
  const shape = [...arrays[0]!.shape];
  shape.splice(dimension, 0, arrays.length);
  return build(shape, (index) => {
    const x = arrays[index[dimension]!]!;
    return x.data[
      flatten(
        x.shape,
        index.filter((_, d) => d !== dimension),
      )
    ]!;
  });
}

/** Rows of a table; zeros where the index is outside of it. */
export function gather(table: NdArray, index: NdArray): NdArray {
  return build([index.shape[0]!, table.shape[1]!], ([n, d]) => {
    const row = at(index, n!);
    return row < table.shape[0]! ? at(table, row, d!) : 0;
  });
}
