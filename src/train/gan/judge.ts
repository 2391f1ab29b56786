/**
 * How D judges several kinds of pairs (x, φ(t)) in one step: real ones, mismatching ones, drawn ones.
 *
 *   separate   each kind is a batch of its own for batch norm, as three calls of D would be (Reed et al. 2016, algorithm 1, in the form of
 *              the authors' code)
 *   joint      all kinds are one batch with common statistics; in G's step the given pairs stand beside the drawn ones. Batch norm of each
 *              kind apart takes out of D's sight what is alike in all drawn images and in no real one.
 *
 * Letters: P kinds of pairs, B rows of each, B′ rows of the generator's step.
 */
import type { Discriminator } from "../../models/discriminator.js";
import { concat, reshape, slice, stack } from "../../tensor/layout.js";
import type { Tensor } from "../../tensor/tensor.js";

/** Images [B, 3, S, S] and texts [B, T] that D judges together. */
export interface Pair {
  readonly image: Tensor;
  readonly text: Tensor;
}

export interface Judge {
  /** D's step. @returns Logits [P, B] of P kinds of B pairs. */
  all(pairs: readonly Pair[]): Tensor;
  /**
   * G's step, after D's.
   * @param drawn B′ pairs.
   * @param shown The given pairs of D's step, which may stand beside.
   * @returns Logits [B′] of the drawn ones.
   */
  drawn(drawn: Pair, shown: readonly Pair[]): Tensor;
}

/**
 * A batch for each kind of pair, computed at once: every convolution runs over all rows, and batch norm by the statistics of each kind.
 * What two kinds share, an image or a text, is looked at once.
 */
export function separateBatches(discriminator: Discriminator): Judge {
  return {
    all(pairs) {
      const images = [...new Set(pairs.map(({ image }) => image))];
      const texts = [...new Set(pairs.map(({ text }) => text))];
      // Which image and which text each pass judges.
      const imageOf = pairs.map(({ image }) => images.indexOf(image));
      const textOf = pairs.map(({ text }) => texts.indexOf(text));
      const seen = discriminator.passes(imageOf, () => discriminator.look(stack(images), "train"));
      const read = discriminator.passes(textOf, () => discriminator.read(texts.length > 1 ? stack(texts) : texts[0]!, "train"));
      const order = pairs.map((_, i) => i);
      return discriminator.passes(order, () =>
        discriminator.judge(
          images.length < pairs.length ? picked(seen, imageOf) : seen,
          // A single text serves all images as it is.
          texts.length > 1 ? picked(read, textOf) : read,
          "train",
        ),
      );
    },
    drawn: ({ image, text }) => discriminator.call(image, text, "train"),
  };
}

/** One batch of all kinds of pairs. */
export function jointBatches(discriminator: Discriminator): Judge {
  const together = (pairs: readonly Pair[]): Tensor => {
    const kinds = pairs.map(({ image }) => image.shape[0]!);
    const image = joined(pairs.map((pair) => pair.image));
    const text = joined(pairs.map((pair) => pair.text));
    return discriminator.call(image, text, "train", kinds);
  };
  return {
    all: (pairs) => reshape(together(pairs), [pairs.length, -1]),
    drawn: (drawn, shown) => slice(together([drawn, ...shown]), 0, 0, drawn.image.shape[0]!),
  };
}

const joined = (parts: readonly Tensor[]): Tensor => concat(parts, 0);

/** The passes `order[0]`, `order[1]`, ... of x [Q, ...]. */
const picked = (x: Tensor, order: readonly number[]): Tensor => joined(order.map((i) => slice(x, 0, i, i + 1)));
