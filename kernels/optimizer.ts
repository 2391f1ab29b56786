/**
 * Optimizer steps over a whole store of variables at once: one dispatch, whatever the number of parameters.
 *
 * Adam (Kingma and Ba 2015, with Torch7's placement of epsilon):
 *   m ← β₁m + (1−β₁)g      v ← β₂v + (1−β₂)g²      p ← p − α·m / (√v + ε),    α = lr·√(1−β₂ᵗ)/(1−β₁ᵗ) given by the host
 * Adam in PyTorch's form divides √v by √(1−β₂ᵗ) before adding ε: then the host gives α = lr/(1−β₁ᵗ) and r = 1/√(1−β₂ᵗ).
 * RMSprop:   v ← ρv + (1−ρ)g²     p ← p − α·g / (√v + ε)
 *
 * Bindings: 0 gradient, 1 rate f32 [2] = (α, r), 2 parameters, 3 (m,) last v: each a store's flat buffer, vec4 at a time.
 */
import type { Lowering } from "./kernel.js";
import { input, output } from "./kernel.js";
import { binding, entry, flatIndex, workgroupsFor } from "./loops.js";

export interface AdamCoefficients {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** What the gradients were multiplied by. */
  readonly lossScale: number;
}

/** Inputs: gradient, rate. Outputs (in place): parameters, m, v. */
export function adam(length: number, { beta1, beta2, epsilon, lossScale }: AdamCoefficients): Lowering {
  const code = `// adam
${binding(0, "gradient", "vec4f")}
${binding(1, "rate", "f32")}
${binding(2, "parameters", "vec4f")}
${binding(3, "first", "vec4f")}
${binding(4, "second", "vec4f")}

${entry()} {
  let i = ${flatIndex()};
  if (i >= arrayLength(&parameters)) { return; }
  let g = gradient[i]${lossScale === 1 ? "" : ` * ${1 / lossScale}`};
  let m = ${beta1} * first[i] + ${1 - beta1} * g;
  let v = ${beta2} * second[i] + ${1 - beta2} * g * g;
  first[i] = m;
  second[i] = v;
  parameters[i] -= rate[0] * m / (sqrt(v) * rate[1] + ${epsilon});
}
`;
  const kernel = { name: "adam", code, workgroups: workgroupsFor(Math.ceil(length / 4)) };
  return { launches: [{ kernel, slots: [input(0), input(1), output(0), output(1), output(2)] }], scratch: [] };
}

/** Inputs: gradient, rate. Outputs (in place): parameters, v. */
export function rmsprop(length: number, { alpha, epsilon }: { readonly alpha: number; readonly epsilon: number }): Lowering {
  const code = `// rmsprop
${binding(0, "gradient", "vec4f")}
${binding(1, "rate", "f32")}
${binding(2, "parameters", "vec4f")}
${binding(3, "second", "vec4f")}

${entry()} {
  let i = ${flatIndex()};
  if (i >= arrayLength(&parameters)) { return; }
  let g = gradient[i];
  let v = ${alpha} * second[i] + ${1 - alpha} * g * g;
  second[i] = v;
  parameters[i] -= rate[0] * g / (sqrt(v) + ${epsilon});
}
`;
  const kernel = { name: "rmsprop", code, workgroups: workgroupsFor(Math.ceil(length / 4)) };
  return { launches: [{ kernel, slots: [input(0), input(1), output(0), output(1)] }], scratch: [] };
}
