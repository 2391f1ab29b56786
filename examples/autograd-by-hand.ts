/**
 * Reverse-mode differentiation, by hand and by petalgrad.
 *
 *   y = tanh(w·x + b),   L = mean (y − t)²
 *
 * The chain rule, from the loss backwards (n values):
 *
 *   dL/dy = 2·(y − t)/n      dL/da = dL/dy·(1 − y²)      dL/dw = Σ dL/da·x      dL/db = Σ dL/da
 *
 * `grad` makes the same expressions as nodes of the graph. Run: npx tsx examples/autograd-by-hand.ts
 */
import { add, grad, mean, mul, square, sub, sum, tanh, tensor } from "petalgrad";

const x = tensor([-1, -0.5, 0, 0.5, 1, 2]);
const t = tensor([-0.9, -0.6, 0.1, 0.5, 0.7, 1]);
const w = tensor([0.8], []);
const b = tensor([0.1], []);

const y = tanh(add(mul(w, x), b));
const loss = mean(square(sub(y, t)));

// By hand, in the same language.
const dy = mul(sub(y, t), 2 / x.size);
const da = mul(dy, sub(1, square(y)));
const byHand = { dw: sum(mul(da, x)), db: sum(da) };

// By petalgrad: from the loss to each variable.
const [dw, db] = grad(loss, [w, b]);

// The derivatives are tensors too, so they can be differentiated again: d²L/dw².
const [ddw] = grad(dw!, [w]);

const show = async (name: string, value: typeof loss) => console.log(name.padEnd(16), (await value.read())[0]!.toFixed(6));
await show("loss", loss);
await show("dL/dw by hand", byHand.dw);
await show("dL/dw by grad", dw!);
await show("dL/db by hand", byHand.db);
await show("dL/db by grad", db!);
await show("d2L/dw2", ddw!);
