/**
 * Singular values of a square matrix without singular vectors: Householder reflections to a bidiagonal matrix (Golub and Van Loan, "Matrix
 * Computations", section 5.4.8), then bisection on the symmetric tridiagonal matrix that has ± the singular values for eigenvalues (Golub and
 * Kahan 1965), by Sturm counts (Barth, Martin and Wilkinson 1967). Bisection has no iteration that could fail to converge, whatever the
 * values span. All inner loops run along rows, so that 2048 × 2048 takes a minute or two.
 */

/**
 * @param matrix [size, size], row-major; not changed
 * @returns in no particular order, each within some units of the last place of the largest
 * @throws RangeError where the matrix holds values that are not finite
 */
export function singularValues(matrix: Float64Array, size: number): Float64Array {
  // By the largest value, so that no square overflows and the larger ones do not vanish.
  const largest = matrix.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!Number.isFinite(largest)) throw new RangeError("a matrix with values that are not finite has no singular values");
  if (largest === 0) return new Float64Array(size);
  const values = bisect(
    bidiagonal(
      matrix.map((value) => value / largest),
      size,
    ),
  );
  return values.map((value) => value * largest);
}

/**
 * Makes the matrix upper bidiagonal, in place.
 * @returns its diagonal and what stands beside it in turns: d₀, e₀, d₁, e₁, ... [2n − 1]
 */
function bidiagonal(a: Float64Array, n: number): Float64Array {
  const band = new Float64Array(2 * n - 1);
  // A reflection from the left is along v, one from the right along u; w = βAᵀv.
  const [v, u, w] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n; k++) {
    for (let i = k; i < n; i++) v[i] = a[i * n + k]!;
    const left = reflect(v, k);
    band[2 * k] = left.onto;
    if (k + 1 === n) break;
    w.fill(0, k + 1);
    for (let i = k; i < n; i++) {
      const factor = left.beta * v[i]!;
      if (factor !== 0) for (let j = k + 1, at = i * n + k + 1; j < n; j++, at++) w[j]! += factor * a[at]!;
    }
    // The first row, which the reflection from the right sends onto its first place.
    for (let j = k + 1; j < n; j++) u[j] = a[k * n + j]! - v[k]! * w[j]!;
    const right = reflect(u, k + 1);
    band[2 * k + 1] = right.onto;
    for (let i = k + 1; i < n; i++) {
      const [factor, start] = [v[i]!, i * n];
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += (a[start + j]! -= factor * w[j]!) * u[j]!;
      sum *= right.beta;
      if (sum !== 0) for (let j = k + 1; j < n; j++) a[start + j]! -= sum * u[j]!;
    }
  }
  return band;
}

/**
 * Householder's reflection of x[from ...] onto its first place: I − βvvᵀ, with v left in x.
 * @returns β, and what stands in the first place then
 */
function reflect(x: Float64Array, from: number): { beta: number; onto: number } {
  const first = x[from]!;
  let beyond = 0;
  for (let i = from + 1; i < x.length; i++) beyond += x[i]! * x[i]!;
  // What is so far below the largest value, 1, is nothing; its square's inverse would overflow.
  if (beyond < 1e-200) return { beta: 0, onto: first };
  const squares = beyond + first * first;
  const onto = first > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  x[from]! -= onto;
  return { beta: 1 / (squares - first * onto), onto };
}

/** Singular values of a bidiagonal matrix: the positive eigenvalues of the symmetric matrix with zeros on the diagonal and the band beside it. */
function bisect(band: Float64Array): Float64Array {
  const n = (band.length + 1) / 2;
  const squares = band.map((value) => value * value);
  // Gershgorin's bound.
  const bound = band.reduce((most, value, i) => Math.max(most, Math.abs(value) + Math.abs(band[i + 1] ?? 0)), 0);
  const tolerance = Number.EPSILON * bound;
  const values: number[] = [];
  const intervals = [{ low: 0, high: bound + tolerance, before: 0, below: n }];
  for (let interval = intervals.pop(); interval; interval = intervals.pop()) {
    const { low, high, before, below } = interval;
    const middle = (low + high) / 2;
    if (high - low <= tolerance) {
      for (let i = before; i < below; i++) values.push(middle);
      continue;
    }
    const count = Math.min(below, Math.max(before, countBelow(squares, middle)));
    if (count > before) intervals.push({ low, high: middle, before, below: count });
    if (count < below) intervals.push({ low: middle, high, before: count, below });
  }
  return Float64Array.from(values);
}

/** How many singular values are less than x > 0. @param squares Of the band. */
function countBelow(squares: Float64Array, x: number): number {
  // Signs of the pivots of T − xI are those of its eigenvalues; half of T's are the negatives of the singular values, all below x.
  let count = 1;
  let pivot = -x;
  for (let i = 0; i < squares.length; i++) {
    pivot = -x - squares[i]! / pivot;
    // A pivot of 0 belongs to the one side or the other: any small one does.
    if (Math.abs(pivot) < 1e-290) pivot = -1e-290;
    if (pivot < 0) count++;
  }
  return count - (squares.length + 1) / 2;
}
