/** Ways from one vector to another, for walks between texts and between styles (Reed et al. 2016, section 5.4; which way is not said there). */

/**
 * "linear": the straight line. "spherical": the arc around the origin (Shoemake 1985), along which Gaussian noise stays as long as the
 * generator knows it (White 2016, section 2.1).
 */
export const PATHS = ["linear", "spherical"] as const;
/** A straight line, or an arc around the origin. */
export type Path = (typeof PATHS)[number];

/** Below this sine of the angle there is no arc to speak of, or no one arc: the line is taken. */
const LEAST_SINE = 1e-4;

/** `steps` vectors from a to b, both included, at equal shares of the way: [steps, a.length]. */
export function walk(a: Float32Array, b: Float32Array, steps: number, path: Path): Float32Array {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, d) => sum + v * y[d]!, 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
  const straight = path === "linear" || !(Math.sin(angle) > LEAST_SINE);
  const points = new Float32Array(steps * a.length);
  for (let i = 0; i < steps; i++) {
    const t = i / (steps - 1);
    const [p, q] = straight ? [1 - t, t] : [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
    for (let d = 0; d < a.length; d++) points[i * a.length + d] = p * a[d]! + q * b[d]!;
  }
  return points;
}
