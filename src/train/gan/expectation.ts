/** How long a run will take, said before it begins: the arithmetic of its steps over the speed of a product of matrices on this adapter. */
import type { Device } from "../../gpu/device.js";
import { compile } from "../../tensor/compile.js";
import { matmul } from "../../tensor/matmul.js";
import { input } from "../../tensor/tensor.js";
import type { TrainOptions } from "./options.js";
import type { TrainHooks } from "../run/events.js";
import { FIRST_SAMPLE } from "../run/names.js";
import { duration } from "../run/clock.js";
import type { JointTraining } from "../text/joint-training.js";
import { jointTraining } from "./text-stage.js";

/** Side of the matrices that are multiplied to see how fast the adapter is, and how many products a run makes. */
const SIDE = 512;
const PRODUCTS = 4;
/** Products are timed for so long, in milliseconds. */
const TIMED = 150;

/** What the training steps reach of that speed: beside large products they make small ones and work on single elements. Measured on lavapipe. */
const SHARE = { gan: 0.6, text: 0.5 };
/** Translating all kernels of a run takes so many times as long as translating that product's. Measured on lavapipe. */
const KERNELS = 40;

export interface AdapterSpeed {
  /** Floating-point operations a second. */
  readonly rate: number;
  /** Seconds for translating all kernels of a run; nearly none where the driver has kept them from an earlier run. */
  readonly translation: number;
}

/** Times products of matrices, for a quarter of a second or so. */
export async function measureSpeed(device: Device): Promise<AdapterSpeed> {
  const program = await compile(device, () => {
    let x = input("x", [SIDE, SIDE]);
    for (let i = 0; i < PRODUCTS; i++) x = matmul(x, x);
    return { x };
  });
  const zeros = program.zeros();
  const time = async (runs: number): Promise<number> => {
    const start = performance.now();
    for (let i = 1; i < runs; i++) program.launch(zeros);
    await program.run(zeros);
    return performance.now() - start;
  };
  const first = await time(1);
  let [runs, ms] = [1, await time(1)];
  const second = ms;
  while (ms < TIMED) {
    runs = Math.ceil(Math.min(8, (1.2 * TIMED) / ms) * runs);
    ms = await time(runs);
  }
  program.destroy();
  return {
    rate: (runs * PRODUCTS * 2 * SIDE ** 3) / (ms / 1000),
    translation: (KERNELS * Math.max(0, first - second)) / 1000,
  };
}

/** What is to be done. */
export interface Work {
  /** Of one GAN step. */
  readonly operations: number;
  /** GAN steps done already. */
  readonly done: number;
  /** The text encoder must be trained, too. */
  readonly text: boolean;
}

/** Seconds that the parts of a run are expected to take: all before the GAN's first step, and one step of it. */
export function expectedSeconds(
  options: TrainOptions,
  { operations, text }: Omit<Work, "done">,
  { rate, translation }: AdapterSpeed,
): { before: number; step: number } {
  const joint = options.textSteps * textOperations(jointTraining(options), options.imageSize);
  return { before: translation + (text ? joint / (SHARE.text * rate) : 0), step: operations / (SHARE.gan * rate) };
}

/** One line for the user. */
function expectation(options: TrainOptions, work: Work, speed: AdapterSpeed): string {
  const steps = Math.max(0, options.steps - work.done);
  const { before, step } = expectedSeconds(options, work, speed);
  const parts = [
    ...(work.text ? [`${duration(before)} for the text encoder`] : []),
    `${duration(steps * step)} for ${steps} steps of the GAN`,
    ...(work.done === 0 ? [`first samples after ${duration(before + Math.min(FIRST_SAMPLE, steps) * step)}`] : []),
  ];
  return `expected on this adapter: about ${duration(before + steps * step)} (${parts.join(", ")})`;
}

/**
 * Measures the adapter. What it returns tells once how long the run is expected to take, as soon as one knows whether a text encoder is to be
 * trained.
 */
export async function expecting(
  device: Device,
  options: TrainOptions,
  work: Omit<Work, "text">,
  { onEvent }: TrainHooks,
): Promise<(text: boolean) => void> {
  const speed = await measureSpeed(device);
  let told = false;
  return (text) => {
    if (!told) onEvent({ kind: "message", text: expectation(options, { ...work, text }, speed) });
    told = true;
  };
}

/** Operations of one step of the text encoder's training, of captions of common length: its two large convolutions, if any, and the image network's. */
export function textOperations({ batch, text, imageWidth }: JointTraining, imageSize: number): number {
  const [kernel, positions] = [4, 24];
  const [first, second] = [Math.min(384, 1.5 * text.width), Math.min(512, 2 * text.width)];
  let products = kernel * (positions * first * second + (positions / 3) * second * text.width);
  // A bag of words looks up.
  if (text.form === "bag-of-words") products = 0;
  for (let [side, inputs, outputs] = [imageSize / 2, 3, imageWidth]; side >= 4; [side, inputs, outputs] = [side / 2, outputs, 2 * outputs])
    products += side ** 2 * kernel ** 2 * inputs * outputs;
  // Forward, and the two gradients.
  return 2 * 3 * batch * products;
}
