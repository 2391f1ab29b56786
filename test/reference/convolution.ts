/** Convolutions, NCHW, from their definitions. */
import { at, build, flatten, type NdArray, zeros } from "./ndarray.js";

type Pair = readonly [number, number];

/** y[n, o, h, w] = bias[o] + Σ x[n, i, h·stride + kh − padding, w·stride + kw − padding] · weight[o, i, kh, kw] */
export function conv2d(x: NdArray, weight: NdArray, stride: Pair, padding: Pair, bias?: NdArray): NdArray {
  const [N, I, H, W] = x.shape as [number, number, number, number];
  const [O, , KH, KW] = weight.shape as [number, number, number, number];
  const OH = Math.floor((H + 2 * padding[0] - KH) / stride[0]) + 1;
  const OW = Math.floor((W + 2 * padding[1] - KW) / stride[1]) + 1;
  return build([N, O, OH, OW], ([n, o, h, w]) => {
    let total = bias ? at(bias, o!) : 0;
    for (let i = 0; i < I; i++) {
      for (let kh = 0; kh < KH; kh++) {
        for (let kw = 0; kw < KW; kw++) {
          const row = h! * stride[0] + kh - padding[0];
          const column = w! * stride[1] + kw - padding[1];
          if (row >= 0 && row < H && column >= 0 && column < W) total += at(x, n!, i, row, column) * at(weight, o!, i, kh, kw);
        }
      }
    }
    return total;
  });
}

/** Each x[n, i, h, w] adds itself times weight[i, o, kh, kw] to y[n, o, h·stride + kh − padding, w·stride + kw − padding]. */
export function convTranspose2d(x: NdArray, weight: NdArray, stride: Pair, padding: Pair, outputPadding: Pair, bias?: NdArray): NdArray {
  const [N, I, H, W] = x.shape as [number, number, number, number];
  const [, O, KH, KW] = weight.shape as [number, number, number, number];
  const OH = (H - 1) * stride[0] - 2 * padding[0] + KH + outputPadding[0];
  const OW = (W - 1) * stride[1] - 2 * padding[1] + KW + outputPadding[1];
  const y = bias ? build([N, O, OH, OW], ([, o]) => at(bias, o!)) : zeros([N, O, OH, OW]);
  for (let n = 0; n < N; n++) {
    for (let i = 0; i < I; i++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++) {
          for (let o = 0; o < O; o++) {
            for (let kh = 0; kh < KH; kh++) {
              for (let kw = 0; kw < KW; kw++) {
                const row = h * stride[0] + kh - padding[0];
                const column = w * stride[1] + kw - padding[1];
                if (row < 0 || row >= OH || column < 0 || column >= OW) continue;
                y.data[flatten(y.shape, [n, o, row, column])]! += at(x, n, i, h, w) * at(weight, i, o, kh, kw);
              }
            }
          }
        }
      }
    }
  }
  return y;
}

/** y[n, o, t] = bias[o] + Σ x[n, i, t·stride + k − padding] · weight[o, i, k] */
export function conv1d(x: NdArray, weight: NdArray, stride: number, padding: number, bias?: NdArray): NdArray {
  const [N, I, L] = x.shape as [number, number, number];
  const [O, , K] = weight.shape as [number, number, number];
  return build([N, O, Math.floor((L + 2 * padding - K) / stride) + 1], ([n, o, t]) => {
    let total = bias ? at(bias, o!) : 0;
    for (let i = 0; i < I; i++) {
      for (let k = 0; k < K; k++) {
        const place = t! * stride + k - padding;
        if (place >= 0 && place < L) total += at(x, n!, i, place) * at(weight, o!, i, k);
      }
    }
    return total;
  });
}

/** `conv1d` of characters: index 0 is no character, index v sets channel v − 1 of a one-hot column. */
export function oneHotConv1d(index: NdArray, weight: NdArray): NdArray {
  const [N, L] = index.shape as [number, number];
  const [D, V, K] = weight.shape as [number, number, number];
  const hot = zeros([N, V, L]);
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < L; t++) {
      const v = at(index, n, t);
      if (v >= 1 && v <= V) hot.data[flatten(hot.shape, [n, v - 1, t])] = 1;
    }
  }
  if (weight.shape[0] !== D || K > L) throw new Error("oneHotConv1d");
  return conv1d(hot, weight, 1, 0);
}

/** The largest of each window of `kernel` elements, windows `stride` apart. */
export function maxPool1d(x: NdArray, kernel: number, stride: number): NdArray {
  const [N, C, L] = x.shape as [number, number, number];
  return build([N, C, Math.floor((L - kernel) / stride) + 1], ([n, c, t]) => {
    let best = -Infinity;
    for (let k = 0; k < kernel; k++) best = Math.max(best, at(x, n!, c!, t! * stride + k));
    return best;
  });
}
