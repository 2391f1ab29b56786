/** Batch norm, losses and recurrent cells, from their definitions; optimizers' updates of one number. */
import { at, build, type NdArray, ndarray } from "./ndarray.js";

/** The channel's values of [N, C] or [N, C, H, W]. */
function channel(x: NdArray, c: number): number[] {
  const inner = x.data.length / (x.shape[0]! * x.shape[1]!);
  const values: number[] = [];
  for (let n = 0; n < x.shape[0]!; n++) for (let i = 0; i < inner; i++) values.push(x.data[(n * x.shape[1]! + c) * inner + i]!);
  return values;
}

const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

export const batchMean = (x: NdArray): NdArray => build([x.shape[1]!], ([c]) => average(channel(x, c!)));

/** Divided by the count, or by the count less one. */
export const batchVariance = (x: NdArray, unbiased: boolean): NdArray =>
  build([x.shape[1]!], ([c]) => {
    const values = channel(x, c!);
    const mean = average(values);
    return values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - (unbiased ? 1 : 0));
  });

export function normalize(x: NdArray, weight: NdArray, bias: NdArray, mean: NdArray, variance: NdArray, epsilon: number): NdArray {
  return build(x.shape, (index) => {
    const c = index[1]!;
    return ((at(x, ...index) - at(mean, c)) / Math.sqrt(at(variance, c) + epsilon)) * at(weight, c) + at(bias, c);
  });
}

export const batchNorm = (x: NdArray, weight: NdArray, bias: NdArray, epsilon: number): NdArray =>
  normalize(x, weight, bias, batchMean(x), batchVariance(x, false), epsilon);

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

export function bceWithLogits(logits: NdArray, target: NdArray, weights?: NdArray): NdArray {
  let total = 0;
  logits.data.forEach((x, i) => {
    const t = target.data[target.data.length === 1 ? 0 : i]!;
    const p = logistic(x);
    total -= (weights?.data[i] ?? 1) * (t * Math.log(p) + (1 - t) * Math.log(1 - p));
  });
  return ndarray([], [total / logits.data.length]);
}

export function mse(a: NdArray, b: NdArray): NdArray {
  let total = 0;
  a.data.forEach((v, i) => (total += (v - b.data[i]!) ** 2));
  return ndarray([], [total / a.data.length]);
}

const dot = (a: NdArray, i: number, b: NdArray, j: number): number => {
  let total = 0;
  for (let e = 0; e < a.shape[1]!; e++) total += at(a, i, e) * at(b, j, e);
  return total;
};

/** 1/B Σ_i max_{j≠i} max(0, margin + <image_i, text_j> − <image_i, text_i>), and the same for the texts. */
export function worstHinge(images: NdArray, texts: NdArray, symmetric: boolean, margin: number): NdArray {
  const rows = [...Array(images.shape[0]!).keys()];
  const worst = (i: number, a: NdArray, b: NdArray) =>
    Math.max(0, ...rows.filter((j) => j !== i).map((j) => margin + dot(a, i, b, j) - dot(a, i, b, i)));
  const each = rows.map((i) => worst(i, images, texts) + (symmetric ? worst(i, texts, images) : 0));
  return ndarray([], [average(each)]);
}

/** 1/B² Σ_i Σ_{j≠i} max(0, margin + <image_i, text_j> − <image_i, text_i>), and the same for the texts. */
export function jointEmbeddingHinge(images: NdArray, texts: NdArray, symmetric: boolean, margin: number): NdArray {
  const B = images.shape[0]!;
  let total = 0;
  for (let i = 0; i < B; i++) {
    for (let j = 0; j < B; j++) {
      if (i === j) continue;
      total += Math.max(0, margin + dot(images, i, texts, j) - dot(images, i, texts, i));
      if (symmetric) total += Math.max(0, margin + dot(images, j, texts, i) - dot(images, i, texts, i));
    }
  }
  return ndarray([], [total / B ** 2]);
}

/** Half the sum of the mean cross-entropies of the rows and of the columns of scale·cosines, the diagonal being right. */
export function infoNce(images: NdArray, texts: NdArray, scale: NdArray): NdArray {
  const B = images.shape[0]!;
  const score = (i: number, j: number) =>
    (scale.data[0]! * dot(images, i, texts, j)) / Math.sqrt(dot(images, i, images, i) * dot(texts, j, texts, j));
  let total = 0;
  for (let i = 0; i < B; i++) {
    let [row, column] = [0, 0];
    for (let j = 0; j < B; j++) {
      row += Math.exp(score(i, j));
      column += Math.exp(score(j, i));
    }
    total += Math.log(row) + Math.log(column) - 2 * score(i, i);
  }
  return ndarray([], [total / B / 2]);
}

/** weight·h + bias, for row n and unit i. */
const project = (h: NdArray, weight: NdArray, bias: NdArray, n: number, i: number): number => {
  let total = at(bias, i);
  for (let j = 0; j < h.shape[1]!; j++) total += at(weight, i, j) * at(h, n, j);
  return total;
};

export const rnnCell = (a: NdArray, h: NdArray, weight: NdArray, bias: NdArray): NdArray =>
  build(h.shape, ([n, i]) => Math.max(0, at(a, n!, i!) + project(h, weight, bias, n!, i!)));

/** Projected inputs of update, reset and candidate, the state, and the three weights and biases. */
export function gruCell(...inputs: NdArray[]): NdArray {
  const [update, reset, candidate, h, wu, bu, wr, br, wc, bc] = inputs as [
    NdArray,
    NdArray,
    NdArray,
    NdArray,
    NdArray,
    NdArray,
    NdArray,
    NdArray,
    NdArray,
    NdArray,
  ];
  const u = build(h.shape, ([n, i]) => logistic(at(update, n!, i!) + project(h, wu, bu, n!, i!)));
  const gated = build(h.shape, ([n, i]) => logistic(at(reset, n!, i!) + project(h, wr, br, n!, i!)) * at(h, n!, i!));
  return build(h.shape, ([n, i]) => {
    const c = Math.tanh(at(candidate, n!, i!) + project(gated, wc, bc, n!, i!));
    return at(u, n!, i!) * c + (1 - at(u, n!, i!)) * at(h, n!, i!);
  });
}

/** The input's projection [N, 4H], state and cell [N, H], weight [4H, H] and bias: what the state becomes, then the cell, side by side. */
export function lstmCell(a: NdArray, h: NdArray, c: NdArray, weight: NdArray, bias: NdArray): NdArray {
  const H = h.shape[1]!;
  const gate = (n: number, k: number, i: number) => at(a, n, k * H + i) + project(h, weight, bias, n, k * H + i);
  return build([h.shape[0]!, 2 * H], ([n, j]) => {
    const i = j! % H;
    const cell = logistic(gate(n!, 1, i)) * at(c, n!, i) + logistic(gate(n!, 0, i)) * Math.tanh(gate(n!, 2, i));
    return j! < H ? logistic(gate(n!, 3, i)) * Math.tanh(cell) : cell;
  });
}

export interface Moments {
  p: number;
  m: number;
  v: number;
}

/** Adam (Kingma and Ba 2015, algorithm 1); `torch7` adds epsilon before the correction of v, as the end of their section 2 says. */
export function adam(
  { p, m, v }: Moments,
  g: number,
  t: number,
  o: { rate: number; beta1: number; beta2: number; epsilon: number; torch7: boolean },
): Moments {
  const first = o.beta1 * m + (1 - o.beta1) * g;
  const second = o.beta2 * v + (1 - o.beta2) * g * g;
  const [c1, c2] = [1 - o.beta1 ** t, 1 - o.beta2 ** t];
  const step = o.torch7
    ? ((o.rate * Math.sqrt(c2)) / c1) * (first / (Math.sqrt(second) + o.epsilon))
    : (o.rate * (first / c1)) / (Math.sqrt(second / c2) + o.epsilon);
  return { p: p - step, m: first, v: second };
}

export function rmsprop({ p, m, v }: Moments, g: number, o: { rate: number; alpha: number; epsilon: number }): Moments {
  const second = o.alpha * v + (1 - o.alpha) * g * g;
  return { p: p - (o.rate * g) / (Math.sqrt(second) + o.epsilon), m, v: second };
}
