/** First values of variables, drawn from a generator the caller gives, so that a network is a function of its seed. */
import type { Initializer } from "../tensor/variables.js";

/** A stream of random numbers. */
export interface RandomSource {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

/** First values of a network's variables, by their kind. */
export interface Initializers {
  readonly convolution: Initializer;
  readonly normScale: Initializer;
  /** Weight and bias of a linear layer with that many inputs. */
  readonly linear: (inputs: number) => Initializer;
}

/** N(mean, deviation²). */
export const normal =
  (random: RandomSource, mean: number, deviation: number): Initializer =>
  (values) => {
    for (let i = 0; i < values.length; i++) values[i] = mean + deviation * random.normal();
  };

const uniform =
  (random: RandomSource, bound: number): Initializer =>
  (values) => {
    for (let i = 0; i < values.length; i++) values[i] = bound * (2 * random.uniform() - 1);
  };

/**
 * As the original GAN code: convolutions N(0, .02), batch-norm scale N(1, .02); linear layers keep Torch7's default U(±1/√inputs).
 */
export const ganInitializers = (random: RandomSource): Initializers => ({
  convolution: normal(random, 0, 0.02),
  normScale: normal(random, 1, 0.02),
  linear: (inputs) => uniform(random, 1 / Math.sqrt(inputs)),
});

/** He et al. (2015), for networks of ReLUs without batch norm: U(±√(6 / fan-in)), biases zero is the caller's business. */
export const heUniform =
  (random: RandomSource, fanIn: number): Initializer =>
  (values) =>
    uniform(random, Math.sqrt(6 / fanIn))(values, []);

/** U(±bound), as the original text encoder (bound .08). */
export const boundedUniform = uniform;
