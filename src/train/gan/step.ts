/**
 * One iteration of GAN, GAN-CLS, GAN-INT or GAN-INT-CLS: algorithm 1 of Reed et al. 2016 with section 4.3, in the order of the authors' code.
 *
 *   D's step   x̂ = G(z, h)                                                      h = φ(t)
 *              L_D = BCE(D(x, h), 1) + w·BCE(D(x̃, h), 0) + (1 − w)·BCE(D(x̂, h), 0)
 *              Adam on D
 *   G's step   new z;  x̂′ = G(z, h′)          h′ = h and, for the INT variants, mixtures of pairs of rows of h
 *              L_G = BCE(D(x̂′, h′), 1), the mixtures' rows with their weight
 *              Adam on G
 *
 * x̃ is an image of another class; with `mismatch: "text"` the pair is (x, h̃) instead, as in the paper. The variants without mismatching
 * pair have w = 0, and so have the steps before `matchFrom`. Where the INT term is off, its half batch of rows is left out; the authors'
 * code keeps them with weight 0. BCE is the mean over rows; D gives logits s, so BCE(s, y) = softplus(s) − y·s.
 *
 * Letters: B rows of a batch, B′ = B or B + B/2 of G's step, P kinds of pairs, Z length of the noise, T of a text's embedding, S side.
 */
import { sum } from "../../tensor/broadcast.js";
import { add, crossEntropy, mul, sigmoid, stopGradient, sub } from "../../tensor/elementwise.js";
import { concat, reshape, slice } from "../../tensor/layout.js";
import { bceWithLogits } from "../../tensor/losses.js";
import type { Adam } from "../../tensor/optimizers.js";
import { mean } from "../../tensor/reduce.js";
import { full, input, tensor, type Tensor } from "../../tensor/tensor.js";
import type { Discriminator } from "../../models/discriminator.js";
import type { Generator } from "../../models/generator.js";
import type { Learning } from "../run/learning.js";
import type { Drawn, GeneratorTerm } from "./generator-term.js";
import type { StepInputs } from "./inputs.js";
import type { Judge, Pair } from "./judge.js";
import type { TrainOptions } from "./options.js";
import type { TrainedText } from "./trained-text.js";

/** What learns, and by what. */
export interface Players {
  readonly options: Pick<
    TrainOptions,
    "batch" | "imageSize" | "noiseSize" | "textSize" | "mismatch" | "interpWeight" | "interpType" | "interpBeta"
  >;
  readonly generator: Generator;
  readonly discriminator: Discriminator;
  readonly adamG: Adam;
  readonly adamD: Adam;
  readonly judge: Judge;
  /** w of L_D; 0 for the variants without mismatching pair. */
  readonly mismatchWeight: number;
  /** Whether w is the program's input `match` [1]: the mismatching pair is judged in every step, and counts where w is not 0. */
  readonly matchesLater: boolean;
  /** True for the variants whose G is also trained on mixtures of texts. */
  readonly interpolates: boolean;
  /** What is added to L_G. */
  readonly terms: readonly GeneratorTerm[];
  /** How gradients become steps: at once, or when they have met those of other ranks. */
  readonly learning: Learning;
  /** The text encoder that learns with D; without one, embeddings are given. */
  readonly text: Pick<TrainedText, "embed" | "adam"> | undefined;
}

/** The batch's texts. */
interface Texts {
  /** h [B, T] as D judges it: its gradient trains a text encoder that learns with the GAN (the paper's supplement, GAN-E2E). */
  readonly judged: Tensor;
  /** h [B, T] as G takes it: its loss would be served best by texts that say nothing, so none of it goes into them. */
  readonly given: Tensor;
}

/** The scalars of one iteration, by name. */
export interface GanMetrics {
  readonly lossD: number;
  readonly lossReal: number;
  /** 0 for the variants without mismatching pair. */
  readonly lossWrong: number;
  readonly lossFake: number;
  readonly lossG: number;
  /** Of the terms that are added to L_G (generator-term.ts), absent where they are. */
  readonly noiseRead?: number;
  readonly diversity?: number;
  /** Mean probability that D gives to real, mismatching and generated pairs. */
  readonly real: number;
  readonly wrong: number;
  readonly fake: number;
}

/** The same while a program is built: scalars to read after each run. */
export type StepOutputs = { [K in keyof GanMetrics]: Tensor };

/** The scalars of D's half, and those of G's. */
export type DiscriminatorOutputs = Pick<StepOutputs, "lossD" | "lossReal" | "lossWrong" | "lossFake" | "real" | "wrong" | "fake">;
export type GeneratorOutputs = Omit<StepOutputs, keyof DiscriminatorOutputs>;

/** Records the iteration. @param lossScale Factor on the losses before the derivative, which Adam divides out again. */
export function iteration(players: Players, inputs: StepInputs, lossScale: number): StepOutputs {
  const judged = embedded(players, "text");
  const texts = { judged, given: players.text ? stopGradient(judged) : judged };
  const { shown, metrics, learn } = discriminatorStep(players, texts, inputs, lossScale);
  const generated = generatorStep(players, texts, shown, inputs, lossScale, learn);
  const { real, wrong, fake, ...losses } = metrics;
  return { ...losses, ...generated, real, wrong, fake };
}

/** Records D's step alone, for programs of half an iteration; run before G's of the same inputs, they have the iteration's bits. */
export function discriminatorHalf(players: Players, inputs: StepInputs, lossScale: number): DiscriminatorOutputs {
  const text = embedded(players, "text");
  return discriminatorStep(players, { judged: text, given: text }, inputs, lossScale).metrics;
}

/** Records G's step alone. Embeddings must be given: a text encoder that learns has changed by D's half. */
export function generatorHalf(players: Players, inputs: StepInputs, lossScale: number): GeneratorOutputs {
  const text = embedded(players, "text");
  return generatorStep(players, { judged: text, given: text }, givenPairs(players, text, inputs), inputs, lossScale, () => undefined);
}

function discriminatorStep(players: Players, { judged, given }: Texts, inputs: StepInputs, lossScale: number) {
  const { generator, discriminator, mismatchWeight: w } = players;
  const { batch, noiseSize } = players.options;
  // x̂ = G(z, h)
  const drawn = stopGradient(generator.call(inputs.normal("noiseD", [batch, noiseSize]), given, "train"));
  generator.updateStatistics();
  // s [P, B] = D(x, h), D(x̃, h), D(x̂, h)
  const shown = givenPairs(players, judged, inputs);
  const s = players.judge.all([...shown, { image: drawn, text: judged }]);
  discriminator.updateStatistics();
  // L_D: of the kinds (real, mismatching, drawn), the middle one missing where w = 0.
  const ofKinds = (real: number, wrong: number, fake: number) => tensor(w > 0 ? [real, wrong, fake] : [real, fake]);
  const bce = mean(crossEntropy(s, reshape(ofKinds(1, 0, 0), [-1, 1])), [1]);
  // 1, w, 1 − w
  const weights = players.matchesLater ? add(tensor([1, 0, 1]), mul(input("match", [1]), tensor([0, 1, -1]))) : ofKinds(1, w, 1 - w);
  const lossD = sum(mul(bce, weights));
  const numbers = (): DiscriminatorOutputs => {
    const [lossReal, lossWrong, lossFake] = byKind(bce, w);
    const [real, wrong, fake] = byKind(mean(sigmoid(s), [1]), w);
    return { lossD, lossReal, lossWrong, lossFake, real, wrong, fake };
  };
  const optimizers = [players.adamD, ...(players.text ? [players.text.adam] : [])];
  const rate = input("rateD", [2]);
  const learn = players.learning.learn({ what: "the discriminator's gradients", optimizers, loss: lossD, rate, lossScale, numbers });
  return { shown, metrics: numbers(), learn };
}

/** @param learn Takes D's step, where it was not taken yet: drawing needs no D, and goes before. */
function generatorStep(
  players: Players,
  { given }: Texts,
  shown: readonly Pair[],
  inputs: StepInputs,
  lossScale: number,
  learn: () => void,
): GeneratorOutputs {
  const { generator, discriminator } = players;
  const { batch, noiseSize, interpWeight } = players.options;
  const { plain, twins, apart } = plainTexts(players, given);
  // h′ [B′, T]
  const texts = players.interpolates ? concat([plain, mixtures(players, given, inputs)], 0) : plain;
  const rows = texts.shape[0]!;
  // x̂′ = G(z, h′)
  const z = inputs.normal("noiseG", [rows, noiseSize]);
  const drawn = generator.call(z, texts, "train");
  generator.updateStatistics();
  learn();
  // L_G
  const weights = players.interpolates ? tensor(Array.from({ length: rows }, (_, i) => (i < batch ? 1 : interpWeight))) : undefined;
  const lossG = bceWithLogits(players.judge.drawn({ image: drawn, text: texts }, shown), 1, weights);
  discriminator.updateStatistics();
  const terms = players.terms.map((term) => ({ ...term, ...term.build({ z, images: drawn, twins, apart }, inputs) }));
  const loss = terms.reduce((total, term) => add(total, mul(term.loss, term.weight)), lossG);
  const optimizers = [players.adamG, ...terms.flatMap(({ adam }) => adam ?? [])];
  const numbers = (): GeneratorOutputs => Object.assign({ lossG }, ...terms.map(({ metrics }) => metrics));
  const rate = input("rateG", [2]);
  players.learning.learn({ what: "the generator's gradients", optimizers, loss, rate, lossScale, numbers })();
  return numbers();
}

/** The texts of the program's input `name`, [B, T]. */
function embedded({ options: { batch, textSize }, text }: Players, name: "text" | "wrongText"): Tensor {
  return text?.embed(name, batch) ?? input(name, [batch, textSize]);
}

/** (x, h) and, where w > 0, the mismatching pair. */
function givenPairs(players: Players, text: Tensor, inputs: StepInputs): Pair[] {
  const { batch, imageSize, mismatch } = players.options;
  const images = (name: "real" | "wrong") => inputs.images(name, [batch, 3, imageSize, imageSize]);
  const image = images("real");
  if (players.mismatchWeight === 0) return [{ image, text }];
  const wrong = mismatch === "text" ? { image, text: embedded(players, "wrongText") } : { image: images("wrong"), text };
  return [{ image, text }, wrong];
}

/** The texts of G's step that are no mixtures: the batch's [B, T]; where a term asks for twins, half of them twice, in the place of the rest. */
function plainTexts({ options: { batch }, terms }: Players, given: Tensor): { plain: Tensor } & Pick<Drawn, "twins" | "apart"> {
  const twins = terms.some(({ wantsTwins }) => wantsTwins) ? Math.floor(batch / 2) : 0;
  const apart = batch - twins;
  return { plain: twins > 0 ? concat([slice(given, 0, 0, apart), slice(given, 0, 0, twins)], 0) : given, twins, apart };
}

/** Texts between (type 1) or also beyond (type 2) the two halves of the batch (section 4.3; two forms in the authors' code): [B/2, T]. */
function mixtures(players: Players, text: Tensor, inputs: StepInputs): Tensor {
  const { batch, interpType, interpBeta } = players.options;
  const half = Math.floor(batch / 2);
  const [a, b] = [slice(text, 0, 0, half), slice(text, 0, half, 2 * half)];
  if (interpType === "1") return add(mul(a, interpBeta), mul(b, 1 - interpBeta));
  return add(mul(add(a, b), 0.5), mul(sub(b, a), inputs.shares("alpha", [half, 1])));
}

/** Values [P] of the kinds (real, mismatching, drawn) as scalars; 0 for the mismatching one where w = 0. */
function byKind(values: Tensor, w: number): [real: Tensor, wrong: Tensor, fake: Tensor] {
  const kind = (i: number) => reshape(slice(values, 0, i, i + 1), []);
  return [kind(0), w > 0 ? kind(1) : full([], 0), kind(w > 0 ? 2 : 1)];
}
