/**
 * Eigenvalues of a symmetric matrix without eigenvectors: Householder reflections to a tridiagonal matrix, then implicit QL (Golub and Van Loan,
 * "Matrix Computations", sections 8.3.1 and 8.3.3). All inner loops run along rows, so that 2048 × 2048 takes seconds.
 */

/**
 * @param symmetric [size, size], row-major; not changed
 * @returns in no particular order
 */
export function symmetricEigenvalues(symmetric: Float64Array, size: number): Float64Array {
  const { diagonal, beside } = tridiagonal(symmetric.slice(), size);
  return implicitQl(diagonal, beside);
}

/** Makes the matrix tridiagonal, in place. @returns its diagonal [n] and what stands beside it [n], the last being 0 */
function tridiagonal(a: Float64Array, n: number): { diagonal: Float64Array; beside: Float64Array } {
  const [diagonal, beside] = [new Float64Array(n), new Float64Array(n)];
  const [v, w] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n; k++) {
    diagonal[k] = a[k * n + k];
    if (k + 1 === n) break;
    // v reflects the row beyond the diagonal onto its first place.
    let squares = 0;
    for (let j = k + 1; j < n; j++) squares += (v[j] = a[k * n + j]) ** 2;
    const first = v[k + 1];
    if (squares === first * first) {
      beside[k] = first;
      continue;
    }
    const onto = first > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
    beside[k] = onto;
    v[k + 1] -= onto;
    const beta = 1 / (squares - first * onto);
    // w = βAv − ½β²(vᵀAv)v;  A ← A − vwᵀ − wvᵀ
    let product = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1, at = i * n + k + 1; j < n; j++, at++) sum += a[at] * v[j];
      w[i] = beta * sum;
      product += w[i] * v[i];
    }
    for (let i = k + 1; i < n; i++) w[i] -= 0.5 * beta * product * v[i];
    for (let i = k + 1; i < n; i++) {
      const [vi, wi] = [v[i], w[i]];
      for (let j = k + 1, at = i * n + k + 1; j < n; j++, at++) a[at] -= vi * w[j] + wi * v[j];
    }
  }
  return { diagonal, beside };
}

/** Rounds of one eigenvalue; two or three are usual. */
const ROUNDS = 60;

function implicitQl(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  for (let low = 0; low < n; low++) {
    for (let round = 0; ; round++) {
      // Written so that what is not finite never counts as small.
      let m = low;
      while (m < n - 1 && !(Math.abs(e[m]) <= Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1])))) m++;
      if (m === low) break;
      if (round === ROUNDS) throw new Error("eigenvalues do not converge: the matrix holds values that are not finite");
      // Wilkinson's shift.
      const half = (d[low + 1] - d[low]) / (2 * e[low]);
      let g = d[m] - d[low] + e[low] / (half + (half >= 0 ? 1 : -1) * Math.hypot(half, 1));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= low; i--) {
        const [f, b] = [s * e[i], c * e[i]];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        [s, c] = [f / r, g / r];
        g = d[i + 1] - p;
        const t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
      }
      if (i >= low) continue;
      d[low] -= p;
      e[low] = g;
      e[m] = 0;
    }
  }
  return d;
}
