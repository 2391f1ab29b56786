/** Names that several parts of training share: files of a run, and its first grid. */

/** The finished model in a run's folder, rewritten with each checkpoint. */
export const MODEL_NAME = "model.safetensors";
/** The text encoder in a run's folder. */
export const TEXT_ENCODER_NAME = "text-encoder.safetensors";

/** Folder of the style encoder in a run's folder, and the finished encoder in it. */
export const STYLE_FOLDER = "style";
export const STYLE_ENCODER_NAME = "style-encoder.safetensors";

/** The kernels a run was computed with, in its folder; and the winners of all runs, in the cache folder. */
export const TUNING_NAME = "tuning.json";

/** The GAN step after which a first grid shows that all works. */
export const FIRST_SAMPLE = 10;
