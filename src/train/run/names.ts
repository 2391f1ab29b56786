/** Names that several parts of training share: files of a run, its first grid, and first words of random streams beside the data's (which are below 100). */

/** The finished model in a run's folder, rewritten with each checkpoint. */
export const MODEL_NAME = "model.safetensors";
/** The text encoder in a run's folder. */
export const TEXT_ENCODER_NAME = "text-encoder.safetensors";

/** Folder of the style encoder in a run's folder, and the finished encoder in it. */
export const STYLE_FOLDER = "style";
export const STYLE_ENCODER_NAME = "style-encoder.safetensors";

/** The kernels a run was computed with, in its folder; and the winners of all runs, in the cache folder. */
export const TUNING_NAME = "tuning.json";

/** First values of the text stage's networks. */
export const TEXT_VALUES = 100;
/** First values of the GAN's networks. */
export const GAN_VALUES = 101;
/** Noise of samples. */
export const SAMPLE_NOISE = 102;
/** Choice of the sample grid's captions. */
export const SAMPLE_CAPTIONS = 103;
/** What truncated noise takes instead of values too far out. */
export const REDRAWN_NOISE = 104;

/** First values of the style encoder. */
export const STYLE_VALUES = 105;
/** Texts that the style encoder is trained on. */
export const STYLE_TEXTS = 106;
/** Captions on which the style encoder is measured. */
export const RECOVERY_CAPTIONS = 107;

/** The GAN step after which a first grid shows that all works. */
export const FIRST_SAMPLE = 10;
