/** Inception-style score of class probabilities (Salimans et al. 2016, section 4): exp of the mean of KL(p(y|x) ‖ p(y)). */
import { requireFinite } from "./finite.js";
import { meanAndDeviation, type Score } from "./score.js";

/**
 * 1 where all images get the same probabilities, the number of classes where each is sure and all classes come equally often.
 * @param probabilities [N, classes], rows adding up to 1
 * @throws NonFiniteError
 * @param splits Parts that are scored on their own and averaged (10 in the published protocol); never more than there are rows.
 */
export function inceptionScore(probabilities: Float32Array, classes: number, splits = 10): Score {
  requireFinite(probabilities, "the probabilities of classes");
  const rows = probabilities.length / classes;
  const parts = Math.min(splits, rows);
  const scores = Array.from({ length: parts }, (_, part) => {
    const [start, end] = [Math.floor((part * rows) / parts), Math.floor(((part + 1) * rows) / parts)];
    const marginal = new Float64Array(classes);
    for (let row = start; row < end; row++)
      for (let c = 0; c < classes; c++) marginal[c]! += probabilities[row * classes + c]! / (end - start);
    let divergence = 0;
    for (let row = start; row < end; row++) {
      for (let c = 0; c < classes; c++) {
        const p = probabilities[row * classes + c]!;
        if (p > 0) divergence += (p * Math.log(p / marginal[c]!)) / (end - start);
      }
    }
    return Math.exp(divergence);
  });
  return meanAndDeviation(scores);
}

/** Rows of logits as probabilities. @param logits [N, classes] @throws NonFiniteError */
export function softmaxRows(logits: Float32Array, classes: number): Float32Array {
  requireFinite(logits, "the logits of classes");
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const exponentials = Array.from(row, (value) => Math.exp(value - top));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    exponentials.forEach((value, c) => (result[start + c] = value / sum));
  }
  return result;
}
