/** Recipes: how a GAN is trained, in one word. Sizes are the preset's business, data and seed the user's. */
import { valueWord } from "../../option-spec.js";

/** The names of the recipes. */
export const RECIPES = ["petalgrad", "photographs", "paper", "authors"] as const;
/** "petalgrad": what draws best here; "photographs": what does on photographs; "paper": what Reed et al. 2016 say; "authors": what their released program does. */
export type RecipeName = (typeof RECIPES)[number];

/**
 * On photographs the noise is not read: it would be told by frames that no photograph has. And the learning rate stays, since little variety
 * is left where it falls (docs/notebook/2026-11-30-flowers.md).
 */
const PLAIN = { discriminatorBatches: "separate", minibatchDeviation: false, infoWeight: 0, lrFall: 0 } as const;
/** What neither the paper nor its authors have. */
const NOT_YET = { ...PLAIN, upsampling: "transposed", ema: 0 } as const;
/** Where these two agree; what else they agree on no recipe changes, and has its default (learning rate, weights of the losses, β). */
const BOTH = { ...NOT_YET, textForm: "char-cnn-rnn", interpType: "1" } as const;

/**
 * The options that a recipe sets, where they are not given themselves. `petalgrad` sets none: it is the options' own defaults. The paper and
 * its authors' code differ in the rest (their sections 4 and 5 against the networks and the loop of main_cls_int.lua).
 */
export const RECIPE_VALUES = {
  petalgrad: {},
  photographs: { ...PLAIN, diversityWeight: 10 },
  paper: {
    ...BOTH,
    residual: false,
    missingLeakyRelu: "restore",
    textBatchNorm: false,
    numCaptions: 1,
    mismatch: "text",
    lrDecay: 1,
  },
  authors: {
    ...BOTH,
    residual: true,
    missingLeakyRelu: "keep",
    textBatchNorm: true,
    numCaptions: 4,
    mismatch: "image",
    lrDecay: 0.5,
  },
} as const;

/** What an option's help says of the recipes that set it: "recipe paper: 1; recipe authors: 4", "recipes paper, authors: 0". */
export function setByRecipes(key: string): { readonly elsewhere?: string } {
  const names = new Map<unknown, RecipeName[]>();
  for (const name of RECIPES) {
    const values = new Map<string, unknown>(Object.entries(RECIPE_VALUES[name]));
    if (values.has(key)) names.set(values.get(key), [...(names.get(values.get(key)) ?? []), name]);
  }
  const parts = [...names].map(([value, set]) => `recipe${set.length > 1 ? "s" : ""} ${set.join(", ")}: ${valueWord(value)}`);
  return parts.length > 0 ? { elsewhere: parts.join("; ") } : {};
}
