/** How long an ablation will take, said before it begins. */
import { RandomStream } from "../../random/philox.js";
import { openDevice } from "../../gpu/device.js";
import { ganInitializers } from "../../models/initializers.js";
import { StyleEncoder } from "../../models/style-encoder.js";
import { input } from "../../tensor/tensor.js";
import { arithmetic } from "../../tensor/work.js";
import { expectedSeconds, measureSpeed } from "../../train/gan/expectation.js";
import { duration } from "../../train/run/clock.js";
import { Gan } from "../../train/gan/gan.js";
import type { TrainHooks } from "../../train/run/events.js";
import type { TrainOptions } from "../../train/gan/options.js";
import { resolveOptions } from "../../train/gan/resolve-options.js";
import { classifierOperations, newClassifier } from "../../evaluate/classifier.js";
import { VARIETY } from "../../evaluate/trial.js";
import { DRAWN_CLASSES } from "../../evaluate/drawn-classes.js";
import { type AblationRequest, type AblationRun, hasStyle, stepsDone } from "./ablation-plan.js";

/** About as many classes are unseen on petals and on flowers. */
const UNSEEN = 25;

/** What training and drawing reach of the speed of large products; measured on lavapipe. */
const SHARE = 0.4;

/** Tells what is to be done and how long it should take on this adapter. */
export async function tellExpectation(request: AblationRequest, runs: readonly AblationRun[], { onEvent }: TrainHooks): Promise<void> {
  const device = await openDevice();
  try {
    const speed = await measureSpeed(device);
    let [training, styles, measuring, missing] = [0, 0, 0, 0];
    for (const [i, run] of runs.entries()) {
      const options = resolveOptions(run.given, device.traits);
      const done = await stepsDone(run.path);
      if (done < options.steps) {
        missing++;
        // The variants of a seed share their text encoder.
        const text = done === 0 && runs.findIndex(({ seed }) => seed === run.seed) === i;
        const gan = new Gan(options, new RandomStream(0));
        const { before, step } = expectedSeconds(options, { operations: gan.arithmetic(), text }, speed);
        training += before + (options.steps - done) * step;
      }
      if (done < options.steps || !(await hasStyle(run.path)))
        styles += (request.styleSteps * styleOperations(options)) / (SHARE * speed.rate);
      // Whether a seed's report is there already is found out later: this is the most it can take.
      measuring += measuringOperations(options, request) / (SHARE * speed.rate);
    }
    const parts = [
      `${missing} of ${runs.length} runs to train: ${duration(training)}`,
      `style encoders: ${duration(styles)}`,
      `measuring: at most ${duration(measuring)}`,
    ];
    onEvent({ kind: "message", text: `expected on this adapter: about ${duration(training + styles + measuring)} (${parts.join("; ")})` });
    onEvent({
      kind: "message",
      text: `it can be stopped at any time (Ctrl-C), and goes on where it was; all is kept in ${request.folder}`,
    });
  } finally {
    device.destroy();
  }
}

/** Floating-point operations of one step of a style encoder's training: the generator forwards, the encoder forwards and its two gradients. */
function styleOperations(options: TrainOptions): number {
  const { batch, imageSize, noiseSize, textSize, discriminatorWidth, residual, missingLeakyRelu } = options;
  const { generator } = new Gan(options, new RandomStream(0));
  const style = new StyleEncoder(
    { imageSize, noiseSize, width: discriminatorWidth, residual, missingLeakyRelu },
    ganInitializers(new RandomStream(0)),
  );
  const drawing = arithmetic(() => ({
    images: generator.call(input("noise", [batch, noiseSize]), input("text", [batch, textSize]), "evaluate"),
  }));
  return drawing + 3 * arithmetic(() => ({ style: style.call(input("images", [batch, 3, imageSize, imageSize]), "evaluate") }));
}

/** Floating-point operations of measuring a run: drawing and looking at images, and the classifier of unseen classes, for each of its generators. */
function measuringOperations(options: TrainOptions, { samples, zeroShot }: AblationRequest): number {
  const { imageSize, noiseSize, textSize } = options;
  const { generator } = new Gan(options, new RandomStream(0));
  const form = { dataset: { size: imageSize }, heads: [UNSEEN] };
  const { training, perClass } = DRAWN_CLASSES;
  const drawing = arithmetic(() => ({ images: generator.call(input("noise", [1, noiseSize]), input("text", [1, textSize]), "evaluate") }));
  const network = newClassifier(form, training);
  const looking = arithmetic(() => ({ seen: network.call(input("images", [1, 3, imageSize, imageSize]), "evaluate") }));
  const images = 2 * (samples + VARIETY.captions * VARIETY.each);
  const learning = zeroShot ? UNSEEN * perClass * drawing + classifierOperations(form, training) : 0;
  return (options.ema > 0 ? 2 : 1) * (images * (drawing + 3 * looking) + learning);
}
