/** The work that peers do too: what they are told of it, our own way to do it, and whether both came to the same. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grad } from "../src/autograd/grad.js";
import { RandomStream } from "../src/random/philox.js";
import type { Device } from "../src/gpu/device.js";
import { Generator } from "../src/models/generator.js";
import { ganInitializers } from "../src/models/initializers.js";
import { batchNorm } from "../src/tensor/batch-norm.js";
import { compile } from "../src/tensor/compile.js";
import { channelsLast, reorder } from "../src/tensor/shape.js";
import { input } from "../src/tensor/tensor.js";
import { Store } from "../src/tensor/variables.js";
import { arithmetic } from "../src/tensor/work.js";
import { Gan } from "../src/train/gan/gan.js";
import { type NamedTensor, networkTensors } from "../src/train/run/network-file.js";
import type { GivenOptions } from "../src/train/gan/options.js";
import { resolveOptions } from "../src/train/gan/resolve-options.js";
import type { SafeTensor } from "../src/formats/safetensors.js";
import { type Case, lowered, matmulCase, type Problem, stridedCases, variantOf } from "./gemm-cases.js";
import { freeStores, inputValue, inputValues, Stopwatch, Timer } from "./timing.js";

/** As peers are told: images channels-last in memory, [N, H, W, C]; tensors of networks in a folder, PyTorch's names and orders. */
export type PeerProblem =
  | Problem
  /** Training: y, and dx, dγ, dβ of a dy. */
  | { readonly op: "batchNorm"; readonly shape: readonly [n: number, h: number, w: number, c: number] }
  | { readonly op: "generator"; readonly folder: string; readonly batch: number }
  /** An execution is one step of GAN-CLS, or of GAN-INT-CLS with the means of pairs of texts; the noise is given. */
  | { readonly op: "ganStep"; readonly folder: string; readonly interpolate: boolean };

/** Samples of results by name, of any number of values; see `sample`. */
export type Results = Readonly<Record<string, readonly number[]>>;

/** Ours, ready to be timed. */
export interface Ours {
  readonly watch: Stopwatch;
  readonly results: Results;
  readonly variant: string;
  readonly free: () => void;
}

export interface PeerCase {
  readonly suite: string;
  readonly name: string;
  readonly shape: string;
  readonly flops?: number;
  /** What a result may be off, as a share of the largest of its kind. */
  readonly tolerance: number;
  readonly problem: PeerProblem;
  prepare(device: Device): Promise<Ours>;
}

const WIDTH = 64;
const BATCH = 16;

/** Without moving average, which peers are not asked for. */
const gan = (given: GivenOptions) => ({
  ...resolveOptions({ preset: "paper", ...PEERS_FORM, ...given }, { software: true }),
  ema: 0,
});

/** What peers compute: the authors' networks and batches, without our own options. */
const PEERS_FORM = { upsampling: "transposed", discriminatorBatches: "separate", minibatchDeviation: false, infoWeight: 0 } as const;
type Options = ReturnType<typeof gan>;

/** What is compared: "small", for any adapter; "paper", for GPUs. */
export const WORKS = ["small", "paper"] as const;

/** Everything that is compared. The networks' values go into a folder under the system's temporary one, until this process ends. */
export async function peerCases(work: (typeof WORKS)[number]): Promise<PeerCase[]> {
  if (work === "paper") {
    const step = await Networks.create(gan({ variant: "gan-int-cls" }));
    // What counts most comes first.
    return [gemmCase(matmulCase(4096)), step.stepCase(), step.generatorCase(64), ...stridedCases(128, 64).map(gemmCase)];
  }
  const step = await Networks.create(gan({ variant: "gan-cls", batch: BATCH, generatorWidth: WIDTH, discriminatorWidth: WIDTH }));
  return [
    ...[512, 1024].map(matmulCase).map(gemmCase),
    ...stridedCases(WIDTH, BATCH).map(gemmCase),
    batchNormCase(),
    ...[1, BATCH].map((n) => step.generatorCase(n)),
    step.stepCase(),
  ];
}

function gemmCase(c: Case): PeerCase {
  return {
    ...{ suite: c.suite === "matmul" ? "matmul" : "convolutions", name: c.name, shape: c.shape, flops: c.flops, problem: c.problem },
    tolerance: 1e-3,
    prepare: async (device) => {
      const lowering = await lowered(device, c);
      const timer = await Timer.create(device, lowering, c.inputs, c.output);
      const results = { c: sample(await timer.read(c.output)) };
      return { watch: timer.watch, free: timer.destroy, variant: variantOf(lowering), results };
    },
  };
}

/** The generator's fourth: the largest. */
function batchNormCase(): PeerCase {
  const [n, c, h, w] = [BATCH, WIDTH, 32, 32] as const;
  return {
    ...{ suite: "batch norm", name: "batch norm forward and backward", shape: `${n}x${c}x${h}x${w}`, tolerance: 1e-3 },
    problem: { op: "batchNorm", shape: [n, h, w, c] },
    prepare: async (device) => {
      const store = new Store("batch norm");
      const nchw = [n, c, h, w];
      const order = channelsLast(4);
      const last = (make: (i: number) => number) => (values: Float32Array) => {
        values.set(
          reorder(
            Float32Array.from(values, (_, i) => make(i)),
            nchw,
            order,
            true,
          ),
        );
      };
      const [x, dy] = [inputValue, otherValue].map((make, i) => store.variable(`x${i}`, nchw, last(make), order));
      const [scale, bias] = ["scale", "bias"].map((name) => store.variable(name, [c], (values) => values.set(inputValues(c))));
      const program = await compile(device, () => {
        const { y } = batchNorm(x!, scale!, bias!);
        const [dx, dScale, dBias] = grad(y, [x!, scale!, bias!], dy);
        return { y, dx: dx!, dScale: dScale!, dBias: dBias! };
      });
      const results = await program.run();
      const toLast = (values: Float32Array) => reorder(values, nchw, order);
      const watch = await Stopwatch.create(device, (times) => repeat(times, () => program.launch()));
      const free = () => {
        program.destroy();
        freeStores([store]);
      };
      const { y, dx, dScale, dBias } = results;
      return { watch, free, variant: "", results: sampled({ y: toLast(y), dx: toLast(dx), dScale, dBias }) };
    },
  };
}

/** Two networks, their first values and a batch, in a folder where peers find them. */
class Networks {
  private constructor(
    readonly options: Options,
    readonly folder: string,
    /** The batch: images row-major, [-1, 1]. */
    readonly batch: Readonly<Record<string, Float32Array>>,
  ) {}

  static async create(options: Options): Promise<Networks> {
    const folder = mkdtempSync(join(tmpdir(), "petalgrad-peers-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const { generator, discriminator } = new Gan(options, values());
    const { batch, imageSize, textSize, noiseSize, variant } = options;
    const rows = variant === "gan-int-cls" ? batch + batch / 2 : batch;
    const random = new RandomStream(2, 2);
    const normal = (shape: readonly number[], map = (v: number) => v): SafeTensor => {
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => map(random.normal()));
      return { dtype: "F32", shape, data };
    };
    const images = [batch, 3, imageSize, imageSize];
    const data: NamedTensor[] = [
      ["real", normal(images, Math.tanh)],
      ["wrong", normal(images, Math.tanh)],
      ["text", normal([batch, textSize])],
      ["noiseD", normal([batch, noiseSize])],
      ["noiseG", normal([rows, noiseSize])],
    ];
    const networks = [await networkTensors("generator", generator), await networkTensors("discriminator", discriminator)].flat();
    writeTensors(folder, [...networks, ...data]);
    return new Networks(options, folder, Object.fromEntries(data.map(([name, t]) => [name, t.data as Float32Array])));
  }

  /** Drawing of the batch's first rows. */
  generatorCase(batch: number): PeerCase {
    const { noiseSize, textSize, generatorWidth: width, imageSize } = this.options;
    const call = (generator: Generator) => ({
      images: generator.call(input("noise", [batch, noiseSize]), input("text", [batch, textSize]), "evaluate"),
    });
    const create = () => new Generator({ ...this.options, width }, ganInitializers(values()));
    return {
      ...{ suite: "generator", name: "generator inference", shape: `width ${width}, batch ${batch}`, tolerance: 2e-3 },
      flops: arithmetic(() => call(create())),
      problem: { op: "generator", folder: this.folder, batch },
      prepare: async (device) => {
        // The same values as those of the step's generator, which is drawn first.
        const generator = create();
        const program = await compile(device, () => call(generator));
        const given = { noise: this.batch.noiseD!.subarray(0, batch * noiseSize), text: this.batch.text!.subarray(0, batch * textSize) };
        const { images } = await program.run(given);
        const watch = await Stopwatch.create(device, (times) => repeat(times, () => program.launch()));
        const free = () => {
          program.destroy();
          freeStores([generator.parameters, generator.statistics]);
        };
        const results = { images: sample(reorder(images, [batch, 3, imageSize, imageSize], channelsLast(4))) };
        return { watch, free, variant: "", results };
      },
    };
  }

  /** The losses of two steps are compared: the second's depend on all gradients of the first. */
  stepCase(): PeerCase {
    const { options, folder } = this;
    const { variant, generatorWidth: g, discriminatorWidth: d, batch, imageSize } = options;
    return {
      ...{ suite: "step", name: `${variant.toUpperCase()} step`, shape: `width ${g}/${d}, batch ${batch}, ${imageSize}x${imageSize}` },
      ...{ flops: new Gan(options, values()).arithmetic(), tolerance: 1e-2 },
      problem: { op: "ganStep", folder, interpolate: variant === "gan-int-cls" },
      prepare: async (device) => {
        const gan = new Gan(options, values());
        const program = await gan.compile(device, { given: true });
        const inputs = (step: number) => {
          const all: Record<string, Float32Array> = { ...this.batch };
          Object.assign(all, { rateD: gan.adamD.rate(2e-4, step), rateG: gan.adamG.rate(2e-4, step) });
          return Object.fromEntries(program.inputs.map((name) => [name, all[name]!]));
        };
        const [first, second] = [await program.run(inputs(1)), await program.run(inputs(2))];
        const losses = [first, second].flatMap(({ lossD, lossG }) => [lossD[0]!, lossG[0]!]);
        // Inputs stay on the device, as the peers' do.
        const watch = await Stopwatch.create(device, (times) => repeat(times, () => program.launch()));
        const networks = [gan.generator, gan.discriminator].flatMap((network) => [network.parameters, network.statistics]);
        const moments = [gan.adamG, gan.adamD].flatMap((adam) => [adam.first, adam.second]);
        const free = () => {
          program.destroy();
          freeStores([...networks, ...moments]);
        };
        return { watch, free, variant: "", results: { losses } };
      },
    };
  }
}

/** First values of the networks. */
const values = () => new RandomStream(1, 1);

const repeat = (times: number, run: () => void): void => {
  for (let i = 0; i < times; i++) run();
};

/** As bench/peers/serve.mjs and torch_peer.py have it. */
const otherValue = (i: number): number => inputValue(3 * i + 1);

/** 256 values evenly out of many. */
export function sample(values: ArrayLike<number>): number[] {
  const count = Math.min(256, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
}

const sampled = (results: Readonly<Record<string, Float32Array>>): Results =>
  Object.fromEntries(Object.entries(results).map(([name, values]) => [name, sample(values)]));

/** Says in one line where a peer's results are not ours; undefined where they are. */
export function difference(ours: Results, theirs: Results, tolerance: number): string | undefined {
  for (const [name, mine] of Object.entries(ours)) {
    const other = theirs[name];
    if (other?.length !== mine.length) return `${name}: ${other?.length ?? "no"} values for our ${mine.length}`;
    const largest = mine.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const off = mine.findIndex((v, i) => !(Math.abs(v - other[i]!) <= tolerance * largest));
    if (off >= 0) return `${name}: ${other[off]} for our ${mine[off]} (the largest is ${largest})`;
  }
  return undefined;
}

/** tensors.bin: all values, one after the other; tensors.json: names, shapes, and where each begins. */
function writeTensors(folder: string, tensors: readonly NamedTensor[]): void {
  let offset = 0;
  const list = tensors.map(([name, { shape, data }]) => {
    const entry = { name, shape, offset };
    offset += data.length;
    return entry;
  });
  const all = new Float32Array(offset);
  tensors.forEach(([, { data }], i) => all.set(data as Float32Array, list[i]!.offset));
  writeFileSync(join(folder, "tensors.json"), JSON.stringify(list));
  writeFileSync(join(folder, "tensors.bin"), all);
}
