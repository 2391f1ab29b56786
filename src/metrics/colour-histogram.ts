/**
 * A colour-histogram classifier: multinomial logistic regression from the histogram of an image's central pixels to the petal colour that its
 * captions name. Trained on real images, it knows how the data set's people use colour words, which the rule of colour-match.ts does not.
 */
import { requireFinite } from "./finite.js";
import type { Colour } from "./colour-match.js";

/** Levels a channel. */
const LEVELS = 6;
const BINS = LEVELS ** 3;

/**
 * Square roots of the shares of colours among the central pixels (the middle half of the side).
 * @param image [3, side, side] in [−1, 1]
 */
export function colourHistogram(image: Float32Array, side: number): Float64Array {
  requireFinite(image, "the pixels of an image");
  const [low, high] = [Math.floor(side / 4), Math.ceil((3 * side) / 4)];
  const shares = new Float64Array(BINS);
  const level = (value: number) => Math.min(LEVELS - 1, Math.max(0, Math.floor(((value + 1) / 2) * LEVELS)));
  for (let y = low; y < high; y++) {
    for (let x = low; x < high; x++) {
      const of = (c: number) => level(image[c * side * side + y * side + x]!);
      shares[(of(0) * LEVELS + of(1)) * LEVELS + of(2)]! += 1 / (high - low) ** 2;
    }
  }
  return shares.map(Math.sqrt);
}

export class ColourClassifier {
  /** [colours, BINS + 1], the bias last. */
  readonly #weights: Float64Array;

  private constructor(
    readonly colours: readonly Colour[],
    weights: Float64Array,
  ) {
    this.#weights = weights;
  }

  /**
   * Minimises the mean cross-entropy with a small L2 penalty by gradient descent with momentum; nothing in it is random.
   * @param histograms Of `colourHistogram`.
   * @param named The colour of each.
   */
  static train(histograms: readonly Float64Array[], named: readonly Colour[], iterations = 300): ColourClassifier {
    const colours = [...new Set(named)].sort();
    const [rate, momentum, penalty] = [2, 0.9, 1e-4];
    const width = BINS + 1;
    const weights = new Float64Array(colours.length * width);
    const speed = new Float64Array(weights.length);
    const classifier = new ColourClassifier(colours, weights);
    for (let iteration = 0; iteration < iterations; iteration++) {
      const gradient = weights.map((w) => penalty * w);
      histograms.forEach((histogram, i) => {
        const probabilities = classifier.probabilities(histogram);
        probabilities.forEach((p, c) => {
          const error = (p - (colours[c] === named[i] ? 1 : 0)) / histograms.length;
          for (let bin = 0; bin < BINS; bin++) if (histogram[bin]! > 0) gradient[c * width + bin]! += error * histogram[bin]!;
          gradient[c * width + BINS]! += error;
        });
      });
      weights.forEach((_, at) => (weights[at]! += speed[at] = momentum * speed[at]! - rate * gradient[at]!));
    }
    return classifier;
  }

  /** One for each of `colours`. */
  probabilities(histogram: Float64Array): number[] {
    const width = BINS + 1;
    const logits = this.colours.map((_, c) => {
      let sum = this.#weights[c * width + BINS]!;
      for (let bin = 0; bin < BINS; bin++) if (histogram[bin]! > 0) sum += this.#weights[c * width + bin]! * histogram[bin]!;
      return sum;
    });
    const top = Math.max(...logits);
    const exponentials = logits.map((value) => Math.exp(value - top));
    const total = exponentials.reduce((a, b) => a + b);
    return exponentials.map((value) => value / total);
  }

  colourOf(histogram: Float64Array): Colour {
    const probabilities = this.probabilities(histogram);
    return this.colours[probabilities.indexOf(Math.max(...probabilities))]!;
  }
}
