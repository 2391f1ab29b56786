/**
 * The one list of random streams: what each number in a stream's name is for. Seeded runs depend on the numbers, so they stay as they are
 * for ever: a new use takes a number of its own, and the number of one that is gone is not used again. test/random/streams.test.ts holds
 * them apart, and holds the product to this list.
 */

/** What a `RandomStream` is for: the first word of its name, so that no two uses of one seed share numbers. */
export const StreamPurpose = {
  // Data.
  /** Batches of the GAN: images, their captions, and what mismatches them; by step. */
  pairBatch: 1,
  /** Batches of the joint embedding of images and text; by step. */
  jointBatch: 2,
  /** How a petals image looks beside what its class says; by class and image. */
  petalsStyle: 3,
  /** Sentences about a petals image; by class and image. */
  petalsCaptions: 4,
  /** The classes of petals, which are the same for every seed. */
  petalsClasses: 5,
  /** Blades of grass and unevenness in a petals image; by class and image. */
  petalsTexture: 6,
  /** Batches of pairs of captions, for a text encoder without images; by step. */
  captionPairs: 7,
  /** Classes and captions that the text encoder is not trained on, to choose the best step. */
  validation: 8,
  /** Sentences that stand for their class in the text encoder's measures; by number of sentences and draw. */
  sentences: 9,

  // Training and drawing.
  /** First values of the text stage's networks; and, by step, which view of an image's given features is seen. */
  textValues: 100,
  /** First values of the GAN's networks. */
  ganValues: 101,
  /** Noise of samples; by image. */
  sampleNoise: 102,
  /** Choice of the sample grid's captions. */
  sampleCaptions: 103,
  /** What truncated noise takes instead of values too far out; by image. */
  redrawnNoise: 104,
  /** First values of the style encoder. */
  styleValues: 105,
  /** Texts that the style encoder is trained on; by step. */
  styleTexts: 106,
  /** Captions on which the style encoder is measured. */
  recoveryCaptions: 107,

  // Evaluation.
  /** First values of a classifier. */
  classifierValues: 120,
  /** Batches of a classifier; by step. */
  classifierBatches: 121,
  /** Captions that are drawn for a measure; by split. */
  evaluatedPairs: 130,
  /** Captions of other classes that compete with the right one (R-precision). */
  otherCaptions: 131,
  /** Which real images are held against which. */
  realHalves: 132,
  /** Images of pure noise, the other end of the scale. */
  noiseImages: 133,
  /** Subsets of the kernel distance. */
  kernelSubsets: 134,
  /** Captions that are drawn several times over; by split. */
  variedCaptions: 135,
  /** Captions that name a colour. */
  namedColours: 136,
  /** Captions drawn of each class; by class. */
  drawnClasses: 137,
  /** Clusters and pairs of styles (1: and the folds they are scored in). */
  stylePairs: 138,
  /** Captions from which attributes are learnt. */
  textAttributes: 139,
  /** Petals of free combinations of attributes, which no class has; by image. */
  freePetals: 140,
  /** Batches of the linear probe; by step. */
  probeBatches: 141,
} as const;

/**
 * Streams of random tensors under the key (seed, step) of a compiled step: the numbers that `randomNormal`, `randomUniform` and `dropout`
 * take. A program has one key, so the numbers are apart within a kind of step.
 */
export const KeyStream = {
  /** The GAN's step. */
  gan: {
    /** z of the images that D judges. */
    noiseD: 1,
    /** z of the images that G is judged by. */
    noiseG: 2,
    /** Shares of mixtures of type 2. */
    alpha: 3,
    /** Noise that is laid over the colours in which the noise reader reads z. */
    haze: 4,
  },
  /** The joint embedding's step: dropout in the networks of text and image. */
  text: { text: 1, image: 2 },
  /** The style encoder's step: z, which is to be recovered. */
  style: { noise: 1 },
} as const;
