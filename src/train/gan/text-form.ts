/** The options of the text encoder that a run makes where it is given none; its form by default, and what has a meaning with which form. */
import { CELLS } from "../../models/recurrent.js";
import { TEXT_FORMS, type TextForm } from "../../models/text-encoder.js";
import { keysOf, type OptionsOf, type OptionTable } from "../../option-spec.js";
import { GROUPS } from "../run/options.js";
import { setByRecipes } from "./recipes.js";
import { FROM_PRESET, isPapersSize, PRESET_VALUES, type PresetName } from "./presets.js";
import { END_TO_END } from "./text-source.js";

/** What has no meaning for a form (cell, width, pairs of words) is not looked at. */
export const MADE_TEXT_OPTIONS = {
  textSteps: {
    type: "integer",
    min: 1,
    description: "training steps of the text encoder",
    defaultText: `${FROM_PRESET}; 300 on petals`,
    group: GROUPS.paper,
  },
  textForm: {
    type: "choice",
    choices: TEXT_FORMS,
    description: "form of the text encoder: the paper's char-cnn-rnn, or another of train-text's",
    defaultText: "char-cnn-rnn; for petals bag-of-words, save with preset paper, end-to-end, --text-cell or --text-width",
    ...setByRecipes("textForm"),
    group: GROUPS.ours,
  },
  /** Longest run of words that a bag of words counts as a word of its own. */
  textNgrams: {
    type: "integer",
    min: 1,
    max: 4,
    default: 2,
    description: "a bag of words counts runs of up to so many neighbouring words, too",
    group: GROUPS.ours,
  },
  textCell: {
    type: "choice",
    choices: CELLS,
    default: "rnn",
    description: "recurrent cell of the text encoder: ReLU RNN over 8 steps, GRU or LSTM over 18",
    group: GROUPS.paper,
  },
  /** Channels of the text encoder's last convolution and of its recurrent state ("cnn_dim"). */
  textWidth: {
    type: "integer",
    min: 4,
    max: 2048,
    description: "channels and state of the text encoder",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  /** Length of the text embedding. */
  textSize: {
    type: "integer",
    min: 4,
    max: 4096,
    description: "length of the text embedding",
    source: "section 5: 1,024",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
} as const satisfies OptionTable;

type MadeText = OptionsOf<typeof MADE_TEXT_OPTIONS>;

export const MADE_TEXT_KEYS = keysOf(MADE_TEXT_OPTIONS);

/** A bag of words learns petals' captions, which are from a grammar, in so many steps. */
const PETALS_TEXT_STEPS = 300;

/**
 * Form and steps, where they were not asked for. The paper's encoder reads characters; so do preset `paper`, captions that people wrote, and
 * who asks for its cell or width. It first has to learn what a word is: its loss stays where it began for a hundred steps or more, and
 * leaves that plateau sooner or later by the last digits. Petals' captions, from a grammar, have 149 words: a bag of them and of their pairs
 * learns from the first step.
 */
export function textDefaults(
  given: Partial<MadeText> & { readonly textEncoder?: string | null },
  preset: PresetName,
  dataset: string,
): Pick<MadeText, "textForm" | "textSteps"> {
  const { textForm, textEncoder, textCell, textWidth } = given;
  const characters = isPapersSize(preset) || textEncoder === END_TO_END || textCell !== undefined || textWidth !== undefined;
  const petals = dataset === "petals";
  const form = textForm ?? (petals && !characters ? "bag-of-words" : "char-cnn-rnn");
  const { textSteps } = PRESET_VALUES[preset];
  return { textForm: form, textSteps: petals ? Math.min(PETALS_TEXT_STEPS, textSteps) : textSteps };
}

/** [has a meaning, which options, beside what] for the options of a text encoder's form. */
export function textFormRules({ textForm: form }: { readonly textForm: TextForm }): [boolean, readonly (keyof MadeText)[], string][] {
  return [
    [form.endsWith("-rnn"), ["textCell"], `--text-form ${form}, which has no recurrent cell`],
    [form !== "bag-of-words", ["textWidth"], `--text-form ${form}, which has no hidden layer`],
    [form === "bag-of-words", ["textNgrams"], `--text-form ${form}, which counts no words`],
  ];
}
