/** The commands of `petalgrad`, in the order of its help. */
import type { Command } from "./command.js";

/** Loaded when asked for: `--help` and `doctor` must work where the packages of the others do not. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  train: async () => (await import("./train.js")).train as Command,
  "train-text": async () => (await import("./train-text.js")).trainText as Command,
  "text-encoder": async () => (await import("./text-encoder.js")).textEncoder as Command,
  embeddings: async () => (await import("./embeddings.js")).embeddings as Command,
  sample: async () => (await import("./sample.js")).sample as Command,
  "train-style": async () => (await import("./train-style.js")).trainStyle as Command,
  evaluate: async () => (await import("./evaluate.js")).evaluate as Command,
  restyle: async () => (await import("./restyle.js")).restyle as Command,
  interpolate: async () => (await import("./interpolate.js")).interpolate as Command,
  export: async () => (await import("./export.js")).exportModel as Command,
  reproduce: async () => (await import("./reproduce.js")).reproduce as Command,
  prepare: async () => (await import("./prepare.js")).prepare as Command,
  studio: async () => (await import("./studio.js")).studio as Command,
  doctor: async () => (await import("./doctor.js")).doctor as Command,
};
