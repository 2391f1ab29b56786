/**
 * Layers that double an image's side, each a transposed convolution 4×4 of stride 2 and padding 1:
 *
 *   transposed   the 4×4 kernel is the variable, as in DCGAN and in Reed et al. 2016. An image's even and odd pixels come from different
 *                weights, which nothing holds equal: a weave of period two (Odena et al. 2016, "Deconvolution and checkerboard artifacts")
 *   smooth       w₄ = ½ · w₃ ⊛ box(2×2): nearest-neighbour upsampling, then a convolution with half the 3×3 kernel w₃, the variable (turned
 *                by 180°, as transposed convolutions have their kernels); what Odena et al. advise
 *   bilinear     w₄ = ¼ · w₂ ⊛ box ⊛ box: the image's pixels with straight lines between them, then a convolution with the 2×2 kernel w₂
 *
 * So both cost what the transposed layer costs, and a few additions of weights: each 2×2 box is two sums of a kernel and itself one place
 * further. Even and odd pixels get the same sum of weights, since a box of two divides w₄: even surfaces stay even.
 *
 * The factors. A pixel of the transposed layer is a sum of 4 independent weights an input channel, of deviation σ: variance 4 σ² E[x²]. One of
 * the smooth layer is ½ times a sum of 9, 9/4 σ₃² E[x²]: alike where σ₃ = 4/3 σ. One of the bilinear layer is ¼ times a sum of 4 weights, each
 * times 4 x where its surroundings are even: 4 σ₂² E[x²], σ₂ = σ. ½ and ¼ also give Adam's steps the same reach: if all weights of a pixel go up
 * by r, it gains 4 r x, 4½ r x, and 4 r x.
 *
 * With activations stored in f16, w₄ and its gradient lie between kernels as halves, too; the variable and its own gradient do not.
 */
import { requireChoice } from "../arguments.js";
import { convolutionWeightOrder, convTranspose2d } from "../tensor/convolution.js";
import { add, mul } from "../tensor/elementwise.js";
import { pad } from "../tensor/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { Deconv, type Network } from "./layers.js";

/** How a generator doubles an image's side. */
export const UPSAMPLINGS = ["transposed", "smooth", "bilinear"] as const;
/** One of the forms of a layer that doubles an image's side. */
export type Upsampling = (typeof UPSAMPLINGS)[number];

/** Side of the variable and its deviation as a multiple of the transposed layer's. */
const FORMS = { smooth: { side: 3, deviation: 4 / 3 }, bilinear: { side: 2, deviation: 1 } } as const;

const SIDE = 4;
const GEOMETRY = { stride: 2, padding: 1 } as const;

/** The 4×4 kernel [I, O, 4, 4] of a smaller one: convolved with 2×2 boxes until it is as large, and halved with each. */
export function smoothKernel(w: Tensor): Tensor {
  if (w.shape[3]! >= SIDE) return w;
  const widened = [2, 3].reduce((kernel, d) => add(pad(kernel, d, 0, 1), pad(kernel, d, 1, 0)), w);
  return smoothKernel(mul(widened, 0.5));
}

/** Doubles the side of [N, I, H, W] by a kernel that has no period of two. */
class SmoothDeconv {
  readonly weight: Tensor;

  constructor(network: Network, name: string, inputs: number, outputs: number, form: keyof typeof FORMS) {
    const { side, deviation } = FORMS[form];
    const { convolution } = network.initial;
    this.weight = network.variable(
      `${name}.weight`,
      [inputs, outputs, side, side],
      (values, shape) => {
        convolution(values, shape);
        values.forEach((value, i) => (values[i] = deviation * value));
      },
      convolutionWeightOrder,
    );
  }

  call(x: Tensor): Tensor {
    return convTranspose2d(x, smoothKernel(this.weight), GEOMETRY);
  }
}

/** A layer [N, I, H, W] → [N, O, 2H, 2W]. */
export interface UpsamplingLayer {
  /** [I, O, K, K]: K is 4 for the transposed form, 3 for the smooth, 2 for the bilinear one. */
  readonly weight: Tensor;
  call(x: Tensor): Tensor;
}

/** The layer of that form. @throws UserError for one that there is not */
export function upsamplingLayer(form: Upsampling, network: Network, name: string, inputs: number, outputs: number): UpsamplingLayer {
  requireChoice(network.name, "upsampling", form, UPSAMPLINGS);
  if (form === "transposed") return new Deconv(network, name, inputs, outputs, SIDE, GEOMETRY);
  return new SmoothDeconv(network, name, inputs, outputs, form);
}
