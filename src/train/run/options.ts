/** What the options of all trainings have in common: the headings of their help, the data set, what becomes of kernels. */
import { LAYOUT_NAMES } from "../../data/layout-names.js";
import type { OptionTable } from "../../option-spec.js";

/** Headings of help. */
export const GROUPS = {
  run: "The run",
  paper: "The paper's (Reed et al. 2016) and its authors' code's",
  ours: "Ours",
  engine: "The engine's",
  ranks: "Several ranks (started by mpirun or srun)",
} as const;

/** How kernels are chosen where there are several: by rule; by the cache and, for the rest, short races; by races alone. */
export const TUNE_MODES = ["off", "cached", "full"] as const;
/** "off", "cached" or "full": by rule, by what is known and short races, by races alone. */
export type TuneMode = (typeof TUNE_MODES)[number];

/** On a software adapter the rule is as good as a race, and compiling the candidates costs more than they could gain. */
export const tuneModeFor = (adapter: { readonly software: boolean }): TuneMode => (adapter.software ? "off" : "cached");

/** Which data set. */
export const DATA_OPTIONS = {
  /** "petals", "flowers", "birds", or a folder of the same layout. */
  dataset: {
    type: "text",
    placeholder: "petals|flowers|birds|coco|DIR",
    default: "petals",
    description: "what to train on; petals is made by petalgrad itself",
    group: GROUPS.run,
  },
  /** Where the data set lies; null: where it is looked for. */
  dataDir: {
    type: "text",
    placeholder: "DIR",
    nullable: "always",
    description: "folder of the data set's archives or files",
    defaultText: "$PETALGRAD_DATA or ./data/NAME",
    group: GROUPS.run,
  },
  /** Which captions of several side by side; null: English, or the only ones. */
  captions: {
    type: "text",
    placeholder: "en|fa|FILE",
    nullable: "always",
    description: "which captions, where there are several",
    defaultText: "en, or the only ones",
    group: GROUPS.run,
  },
  /** How a folder's images and captions lie in it; null: as they look. */
  layout: {
    type: "choice",
    choices: LAYOUT_NAMES,
    nullable: "always",
    writtenIfSet: true,
    description: "how a folder of your own keeps its captions, where it is taken for another layout",
    defaultText: "as it looks",
    group: GROUPS.run,
  },
  /** Share of the images without classes that is held out; null: the data set's own split, or a tenth. */
  heldOut: {
    type: "number",
    min: 0,
    max: 0.9,
    nullable: "always",
    writtenIfSet: true,
    description: "share of the images that is held out, by a hash of their names, where there are no classes",
    defaultText: "the folder's own split, or 0.1",
    group: GROUPS.run,
  },
  /** What images in class folders are captioned with; null: "a photo of a {class}". */
  captionTemplate: {
    type: "text",
    placeholder: "TEXT",
    nullable: "always",
    writtenIfSet: true,
    description: "the caption of images that have a class folder and no captions",
    defaultText: "a photo of a {class}",
    group: GROUPS.run,
  },
} as const satisfies OptionTable;

export const SEED_OPTION = {
  type: "integer",
  min: 0,
  max: 2 ** 32 - 1,
  default: 0,
  description: "same seed, same adapter: same run, bit for bit",
  group: GROUPS.run,
} as const;

export const TUNE_OPTION = {
  type: "choice",
  choices: TUNE_MODES,
  description:
    "choose kernels by rule (off); by earlier races on this adapter, and new ones of at most 4 s a program (cached); by new races alone (full)",
  defaultText: "off on a software adapter, cached on a GPU",
  group: GROUPS.engine,
} as const;
