/** Whole steps: time, dispatches, the JavaScript a step costs, and memory against what liveness allows. */
import { Alphabet } from "../src/data/alphabet.js";
import type { Dataset } from "../src/data/dataset.js";
import { RandomStream } from "../src/random/philox.js";
import type { Device } from "../src/gpu/device.js";
import { Generator } from "../src/models/generator.js";
import { ganInitializers, type RandomSource } from "../src/models/initializers.js";
import { windowsOf } from "../src/models/char-cnn.js";
import { DOCUMENT_LENGTHS } from "../src/models/text-encoder.js";
import { compile } from "../src/tensor/compile.js";
import { pixelWords } from "../src/tensor/pixels.js";
import type { InputValues, Program } from "../src/tensor/program.js";
import { randomKey } from "../src/tensor/random.js";
import type { Storage } from "../src/tensor/storage.js";
import { input } from "../src/tensor/tensor.js";
import { arithmetic } from "../src/tensor/work.js";
import { Gan, type GanOptions } from "../src/train/gan/gan.js";
import type { GivenOptions } from "../src/train/gan/options.js";
import { resolveOptions } from "../src/train/gan/resolve-options.js";
import type { PresetName } from "../src/train/gan/presets.js";
import { JointEmbedding } from "../src/train/text/joint-embedding.js";
import type { TextData } from "../src/train/text/joint-training.js";
import { jointTraining } from "../src/train/gan/text-stage.js";
import { type Row, row } from "./report.js";
import { inTurns, lasting, type Session } from "./session.js";
import { drained, freeStores, inputValues, median, Stopwatch } from "./timing.js";

/** A program that does one step, and how to feed it. */
export interface StepCase {
  readonly name: string;
  readonly shape: string;
  /** How it is stored, where that is not f32. */
  readonly storage?: Storage;
  /** Images (or captions) a step. */
  readonly images: number;
  /** Of one step; undefined where it is not counted. */
  readonly flops?: number;
  compile(device: Device): Promise<{ readonly program: Program; readonly inputs: InputValues; readonly free: () => void }>;
}

export type StepFigures = Omit<Row, "adapter" | "suite" | "name" | "shape" | "variant">;

const MIB = 2 ** 20;

/** Compiles, runs, times (in turns with the adapter's limit) and frees a step. @throws Error when an output is not finite */
export async function timeStep({ device, limits }: Session, c: StepCase, duration: number): Promise<StepFigures> {
  const before = device.allocatedBytes;
  const { program, inputs, free } = await c.compile(device);
  try {
    // The one read-back, before anything is timed: makes the staging buffer, and shows that numbers come out.
    const outputs = Object.entries(await program.run(inputs));
    const memory = device.allocatedBytes - before;
    for (const [name, values] of outputs) {
      if (!values.every(Number.isFinite)) throw new Error(`${c.name}: the output "${name}" is not finite`);
    }
    const submit = (times: number) => {
      for (let i = 0; i < times; i++) program.launch(inputs);
    };
    const watch = await Stopwatch.create(device, submit, duration);
    const limit = lasting(limits.arithmetic, watch.expected / 8);
    const turns = await inTurns({ ours: watch, limit }, watch.expected);
    const ms = turns.median("ours");
    return {
      ms,
      ...{ gflops: c.flops === undefined ? null : c.flops / ms / 1e6, gbps: null, peer: null, ratio: null },
      more: {
        imagesPerSecond: (1000 * c.images) / ms,
        dispatches: program.dispatches,
        scriptMicroseconds: await scriptTime(device, program, inputs, watch.expected),
        memoryMiB: memory / MIB,
        arenaMiB: program.memory.arena / MIB,
        boundMiB: program.memory.lowerBound / MIB,
        ...(c.flops !== undefined && { gflop: c.flops / 1e9, share: (c.flops / limits.flops) * turns.ratio("limit", "ours") }),
      },
    };
  } finally {
    program.destroy();
    free();
  }
}

/** Microseconds from the call of a step to its return, nothing else being under way. */
async function scriptTime(device: Device, program: Program, inputs: InputValues, expected: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < (expected > 1000 ? 5 : 9); i++) {
    await drained(device);
    const start = performance.now();
    program.launch(inputs);
    times.push(1000 * (performance.now() - start));
  }
  await drained(device);
  return median(times);
}

/** All that a step may be fed with. @param rank Whose noise it is; none where nobody shares the batch. */
export function ganInputs(gan: Gan, rows: number, rank?: number): Record<string, ArrayLike<number>> {
  const { imageSize, textSize } = gan.options;
  const images = Uint32Array.from({ length: pixelWords([rows, 3, imageSize, imageSize]) }, (_, i) => Math.imul(i, 2654435761) >>> 0);
  return {
    ...{ real: images, wrong: images.slice().reverse(), text: inputValues(rows * textSize) },
    ...{ rateD: gan.adamD.rate(2e-4, 1), rateG: gan.adamG.rate(2e-4, 1), decay: [0.9], key: randomKey(1, 2, rank) },
  };
}

/** Frees a GAN's memory on the device. */
export function freeGan(gan: Gan): void {
  const players = [gan.generator, gan.discriminator, gan.average, ...(gan.reader ? [gan.reader] : [])];
  const optimizers = [gan.adamG, gan.adamD, ...(gan.adamR ? [gan.adamR] : [])];
  freeStores([
    ...players.flatMap((network) => [network.parameters, network.statistics]),
    ...optimizers.flatMap((adam) => [adam.first, adam.second]),
  ]);
}

/** GAN-INT-CLS, or another variant, with the preset's sizes unless others are given. */
export function ganStep(preset: PresetName, given: GivenOptions = {}): StepCase {
  const options: GanOptions & { readonly storage: Storage } = resolveOptions({ ...given, preset }, { software: true });
  const { variant, generatorWidth: g, discriminatorWidth: d, batch, imageSize, storage } = options;
  return {
    name: `${variant.toUpperCase()} step`,
    shape: `width ${g}/${d}, batch ${batch}, ${imageSize}x${imageSize}`,
    ...(storage !== "f32" && { storage }),
    images: batch,
    flops: new Gan(options, ZEROS).arithmetic(),
    compile: async (device) => {
      const gan = new Gan(options, new RandomStream(1, 1));
      const program = await gan.compile(device, { storage });
      const given = ganInputs(gan, batch);
      const inputs = Object.fromEntries(program.inputs.map((name) => [name, given[name]!]));
      return { program, inputs, free: () => freeGan(gan) };
    },
  };
}

/** The text encoder and its image network, on captions of the middle window. */
export function textStep(preset: PresetName): StepCase {
  const options = resolveOptions({ preset, dataset: "flowers", textForm: "char-cnn-rnn" }, { software: true });
  const training = jointTraining(options);
  const { batch, text } = training;
  const { characters, columns } = windowsOf(DOCUMENT_LENGTHS["char-cnn-rnn"])[1]!;
  return {
    name: "text-encoder step",
    shape: `width ${text.width}, batch ${batch}, ${characters} characters`,
    images: batch,
    compile: async (device) => {
      const embedding = new JointEmbedding(device, dataOf(classesOnly(batch, options.imageSize)), training);
      const program = await embedding.compile(columns);
      const index = Uint32Array.from({ length: batch * columns }, (_, i) => (i % columns < characters ? (i * 31) % 71 : 0));
      const images = inputValues(batch * 3 * options.imageSize ** 2);
      return { program, inputs: { images, index, rate: [1e-5, 1] }, free: () => freeStores(embedding.model.stores) };
    },
  };
}

const dataOf = (dataset: Dataset): TextData => ({ dataset, symbols: dataset.alphabet, classes: dataset.split.train });

/** As much of a data set as the joint embedding looks at before it trains: an image of each class, a caption of each image. */
function classesOnly(classes: number, size: number): Dataset {
  const train = Array.from({ length: classes }, (_, i) => i);
  const own = (i: number) => i;
  const known: Partial<Dataset> = {
    ...{ size, captions: classes, alphabet: Alphabet.original(), split: { train, test: [] } },
    ...{ imagesOfClass: (c) => [c], captionsOf: () => [""], firstCaption: own, imageOfCaption: own, caption: () => "" },
  };
  return known as Dataset;
}

/** Drawing with the generator of a preset, or of another width. */
export function inference(batch: number, preset: PresetName, given: GivenOptions = {}): StepCase {
  const options = resolveOptions({ ...given, preset }, { software: true });
  const { generatorWidth: width, imageSize, noiseSize, textSize } = options;
  const images = (generator: Generator) => ({
    images: generator.call(input("noise", [batch, noiseSize]), input("text", [batch, textSize]), "evaluate"),
  });
  const create = (random: RandomSource) => new Generator({ ...options, width }, ganInitializers(random));
  return {
    name: "generator inference",
    shape: `width ${width}, batch ${batch}, ${imageSize}x${imageSize}`,
    images: batch,
    flops: arithmetic(() => images(create(ZEROS))),
    compile: async (device) => {
      const generator = create(new RandomStream(1, 1));
      const program = await compile(device, () => images(generator));
      const inputs = { noise: inputValues(batch * noiseSize), text: inputValues(batch * textSize) };
      return { program, inputs, free: () => freeStores([generator.parameters, generator.statistics]) };
    },
  };
}

/** Quick to draw from, for networks that are only counted. */
const ZEROS: RandomSource = { uniform: () => 0, normal: () => 0 };

/** The steps of the presets, small ones first. */
export function stepCases(): StepCase[] {
  const presets = ["small", "medium", "paper"] as const;
  return [
    ganStep("small"),
    ganStep("small", { storage: "f16" }),
    textStep("small"),
    ...[1, 16, 64].map((batch) => inference(batch, "small")),
    ganStep("small", { generatorWidth: 64, discriminatorWidth: 64 }),
    ganStep("small", { generatorWidth: 64, discriminatorWidth: 64, storage: "f16" }),
    ...presets
      .slice(1)
      .flatMap((preset) => [
        ...[1, 16, 64].map((batch) => inference(batch, preset)),
        textStep(preset),
        ganStep(preset),
        ganStep(preset, { storage: "f16" }),
      ]),
  ];
}

export async function* benchSteps(session: Session, cases = stepCases()): AsyncGenerator<Row> {
  for (const c of cases) {
    if (!session.wants("steps", c.name, c.shape)) continue;
    if (c.storage === "f16" && !session.device.gpu.features.has("shader-f16")) continue;
    if (!(await session.allows("steps", `${c.name}, ${c.shape}`, c.flops))) continue;
    yield row(session.device, {
      suite: "steps",
      name: c.name,
      shape: c.shape,
      variant: c.storage ? `activations in ${c.storage}` : "",
      ...(await timeStep(session, c, session.duration)),
    });
  }
}
