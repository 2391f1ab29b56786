/** The paper's losses, each with where it stands and its formula, as step.ts computes them. */
import type { Variant } from "../../src/train/gan/options.js";

export interface VariantText {
  readonly variant: Variant;
  readonly title: string;
  /** One sentence on what is different. */
  readonly about: string;
  readonly formulas: readonly string[];
  /** In Reed et al. 2016. */
  readonly source: string;
}

export const PAPER = {
  title: "Reed et al. 2016, “Generative Adversarial Text to Image Synthesis”",
  address: "https://arxiv.org/abs/1605.05396",
} as const;

/** What all formulas call things. */
export const LETTERS =
  "x: an image, h: the embedding of its sentence, z: noise, x̂ = G(z, h), x̃: an image of another class. D minimises −L_D, G minimises L_G.";

const PLAIN = "L_D = log D(x, h) + log(1 − D(x̂, h))";
const MATCHING = "L_D = log D(x, h) + ½ [log(1 − D(x̃, h)) + log(1 − D(x̂, h))]";
const DRAWN = "L_G = −log D(x̂, h)";
const BETWEEN = "L_G = −log D(x̂, h) − log D(G(z, h′), h′),  h′ = β h₁ + (1 − β) h₂";

export const VARIANT_TEXTS: readonly VariantText[] = [
  {
    variant: "gan",
    title: "GAN",
    about: "D tells real images of a sentence from drawn ones.",
    formulas: [PLAIN, DRAWN],
    source: "section 4.1",
  },
  {
    variant: "gan-cls",
    title: "GAN-CLS",
    about: "D also sees real images with the wrong sentence, so that it learns whether the two match.",
    formulas: [MATCHING, DRAWN],
    source: "section 4.2, algorithm 1",
  },
  {
    variant: "gan-int",
    title: "GAN-INT",
    about: "G also draws sentences between two sentences, of which there are no images.",
    formulas: [PLAIN, BETWEEN],
    source: "section 4.3, equation 5",
  },
  {
    variant: "gan-int-cls",
    title: "GAN-INT-CLS",
    about: "Both together: the paper's best.",
    formulas: [MATCHING, BETWEEN],
    source: "sections 4.2 and 4.3",
  },
];
