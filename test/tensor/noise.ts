/** Reproducible test values: a linear congruential generator is enough here, and unlike the engine's Philox it shares nothing with it. */
export function noise(count: number, seed: string, [low, high]: readonly [number, number] = [-1, 1]): Float32Array {
  let state = 2166136261;
  for (const character of seed) state = Math.imul(state ^ character.charCodeAt(0), 16777619) >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  // The first numbers of similar seeds resemble each other.
  for (let i = 0; i < 8; i++) next();
  return Float32Array.from({ length: count }, () => low + (high - low) * next());
}
