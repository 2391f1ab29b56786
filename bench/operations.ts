/** The operations beside matmul and convolution, at the shapes of networks of one width and batch, as programs to be timed. */
import { grad } from "../src/autograd/grad.js";
import type { Device } from "../src/gpu/device.js";
import { batchNorm } from "../src/tensor/batch-norm.js";
import { broadcastTo, sum } from "../src/tensor/broadcast.js";
import { compile } from "../src/tensor/compile.js";
import { conv1d, convolutionWeightOrder } from "../src/tensor/convolution.js";
import { add, exp, leakyRelu, mul, relu, sub, tanh } from "../src/tensor/elementwise.js";
import { oneHotConv1d, oneHotWeightOrder } from "../src/tensor/gather.js";
import { concat, reshape } from "../src/tensor/layout.js";
import { bceWithLogits, infoNce } from "../src/tensor/losses.js";
import { linear } from "../src/tensor/matmul.js";
import { Adam } from "../src/tensor/optimizers.js";
import { maxPool1d } from "../src/tensor/pool.js";
import type { Program } from "../src/tensor/program.js";
import { keyInput, randomNormal } from "../src/tensor/random.js";
import { rnnCell } from "../src/tensor/recurrent.js";
import { channelsLast, type Order, type Shape } from "../src/tensor/shape.js";
import { input, type Tensor } from "../src/tensor/tensor.js";
import { assign, Store, toOrder } from "../src/tensor/variables.js";
import { freeStores, inputValue } from "./timing.js";

/** Makes a tensor that lies in memory before the program runs. */
export type Make = (shape: Shape, order?: Order) => Tensor;

export interface Operation {
  readonly name: string;
  readonly shape: string;
  /** Given where arithmetic is what it is made of. */
  readonly flops?: number;
  /** Values read and written at least, every operand once a pass that the mathematics needs. */
  readonly values: number;
  build(make: Make): readonly Tensor[];
}

/** Compiled, with its inputs set. `free` frees all. */
export async function compileOperation(
  device: Device,
  operation: Pick<Operation, "name" | "build">,
): Promise<{ readonly program: Program; readonly free: () => void }> {
  const store = new Store(operation.name);
  const make: Make = (shape, order) =>
    store.variable(`v${store.entries.length}`, shape, (values) => values.forEach((_, i) => (values[i] = inputValue(i))), order);
  const program = await compile(device, () => Object.fromEntries(operation.build(make).map((t, i) => [`y${i}`, t])));
  const index = Uint32Array.from({ length: INDEX_LENGTH }, (_, i) => (i * 31) % ALPHABET);
  const values = program.inputs.map((name) => {
    if (name === "key") return [name, Uint32Array.of(1, 2, 3)] as const;
    if (name === "rate") return [name, Float32Array.of(2e-4, 1)] as const;
    return [name, index.subarray(0, Number(name.slice("index".length)))] as const;
  });
  program.launch(Object.fromEntries(values));
  const free = () => {
    program.destroy();
    freeStores([store]);
  };
  return { program, free };
}

const ALPHABET = 70;
/** More characters than any batch has. */
const INDEX_LENGTH = 128 * 201;
const TEXT = 1024;
const PROJECTION = 128;

/** @param n Width of both networks; the text encoder's is 4n. */
export function operations(n: number, batch: number): Operation[] {
  return [...normalisations(n, batch), ...elementwise(n, batch), ...updates(n), ...texts(4 * n, batch)];
}

const product = (shape: Shape) => shape.reduce((a, b) => a * b, 1);
const words = (shape: Shape) => shape.join("x");

/** What a layer's backward pass does when g comes from behind. */
const backward = (y: Tensor, g: Tensor, of: readonly Tensor[]) => grad(y, of, g);

function normalisations(n: number, batch: number): Operation[] {
  const layers: readonly (readonly [name: string, shape: Shape, activation: (x: Tensor) => Tensor])[] = [
    ["D norm2, LeakyReLU", [batch, 2 * n, 16, 16], (x) => leakyRelu(x)],
    ["D norm4, LeakyReLU", [batch, 8 * n, 4, 4], (x) => leakyRelu(x)],
    ["G norm4, ReLU", [batch, n, 32, 32], relu],
  ];
  return layers.flatMap(([name, shape, activation]): Operation[] => {
    const make = (of: Make) => {
      const [x, weight, bias] = [of(shape, channelsLast(4)), of([shape[1]!]), of([shape[1]!])];
      return { x, weight, bias, y: activation(batchNorm(x, weight, bias).y) };
    };
    return [
      // x for the statistics, x again, y.
      { name: `${name} forward`, shape: words(shape), values: 3 * product(shape), build: (of) => [make(of).y] },
      // x for the statistics; x and g for the sums; x, g and dx.
      {
        ...{ name: `${name} backward`, shape: words(shape), values: 6 * product(shape) },
        build: (of) => {
          const { x, weight, bias, y } = make(of);
          return backward(y, of(shape, channelsLast(4)), [x, weight, bias]);
        },
      },
    ];
  });
}

function elementwise(n: number, batch: number): Operation[] {
  const images: Shape = [batch, 3, 64, 64];
  const deep: Shape = [batch, 8 * n, 4, 4];
  const tiled: Shape = [batch, PROJECTION, 4, 4];
  const nhwc = channelsLast(4);
  return [
    {
      name: "residual sum, ReLU",
      shape: words(deep),
      values: 3 * product(deep),
      build: (of) => [relu(add(of(deep, nhwc), of(deep, nhwc)))],
    },
    { name: "tanh forward", shape: words(images), values: 2 * product(images), build: (of) => [tanh(of(images, nhwc))] },
    {
      ...{ name: "tanh backward", shape: words(images), values: 3 * product(images) },
      build: (of) => {
        const x = of(images, nhwc);
        return backward(tanh(x), of(images, nhwc), [x]);
      },
    },
    { name: "images to channels-last", shape: words(images), values: 2 * product(images), build: (of) => [toOrder(of(images), nhwc)] },
    {
      ...{ name: "join image and text", shape: words(deep), values: 2 * product(deep) + product(tiled) + batch * PROJECTION },
      build: (of) => [concat([of(deep, nhwc), broadcastTo(reshape(of([batch, PROJECTION]), [batch, PROJECTION, 1, 1]), tiled)], 1)],
    },
    { name: "loss forward and backward", shape: words([batch]), values: 3 * batch, build: lossOf(batch) },
    { name: "normal noise", shape: words([batch, 100]), values: batch * 100, build: () => [randomNormal([batch, 100], keyInput(), 1)] },
  ];
}

const lossOf =
  (batch: number) =>
  (of: Make): readonly Tensor[] => {
    const logits = of([batch]);
    const loss = bceWithLogits(logits, 1);
    return [loss, ...grad(loss, [logits])];
  };

/** Over all the generator's weights: five layers and two residual blocks, to a percent. */
function updates(n: number): Operation[] {
  const count = 4 * Math.round((16 * (228 * 8 * n + 32 * n * n + 8 * n * n + 2 * n * n + 3 * n) + 44 * n * n) / 4);
  return [
    {
      // The gradient is copied (2); weights and both moments are read and written, the gradient read.
      ...{ name: "Adam", shape: `${count} weights`, values: 9 * count },
      build: (of) => {
        const store = new Store("weights");
        store.variable("w", [count]);
        new Adam(store).step([mul(of([count]), 0.5)], input("rate", [2]));
        return [];
      },
    },
    {
      ...{ name: "moving average", shape: `${count} weights`, values: 3 * count },
      build: (of) => {
        const [average, weights] = [of([count]), of([count])];
        assign(average, add(average, mul(sub(weights, average), 0.01)));
        return [];
      },
    },
  ];
}

function texts(width: number, batch: number): Operation[] {
  const [first, second] = [Math.min(384, 1.5 * width), Math.min(512, 2 * width)];
  const columns = 66;
  const index = () => input(`index${batch * columns}`, [batch, columns], "u32");
  const long: Shape = [batch, first, columns - 3];
  const table: Shape = [first, ALPHABET, 4];
  const line = channelsLast(3);
  const conv = { from: [batch, first, 24] as Shape, weight: [second, first, 4] as Shape };
  const order = convolutionWeightOrder.slice(1).map((d) => (d > 1 ? d - 1 : d));
  return [
    {
      name: "text linear",
      shape: `${batch}x${TEXT}->${PROJECTION}`,
      flops: 2 * batch * TEXT * PROJECTION,
      values: 0,
      build: (of) => [linear(of([batch, TEXT]), of([PROJECTION, TEXT], [1, 0]))],
    },
    {
      ...{ name: "text linear weightGrad", shape: `${batch}x${TEXT}->${PROJECTION}`, flops: 2 * batch * TEXT * PROJECTION, values: 0 },
      build: (of) => {
        const w = of([PROJECTION, TEXT], [1, 0]);
        return backward(linear(of([batch, TEXT]), w), of([batch, PROJECTION]), [w]);
      },
    },
    {
      name: "characters conv1",
      shape: `${batch}x${columns}, ${words(table)}`,
      values: product(long) + product(table),
      build: (of) => [oneHotConv1d(index(), of(table, oneHotWeightOrder))],
    },
    {
      ...{ name: "characters conv1 weightGrad", shape: `${batch}x${columns}, ${words(table)}`, values: product(long) + product(table) },
      build: (of) => {
        const w = of(table, oneHotWeightOrder);
        return backward(oneHotConv1d(index(), w), of(long, line), [w]);
      },
    },
    { name: "max pool 3 forward", shape: words(long), values: (4 / 3) * product(long), build: (of) => [maxPool1d(of(long, line), 3)] },
    {
      ...{ name: "max pool 3 backward", shape: words(long), values: (7 / 3) * product(long) },
      build: (of) => {
        const x = of(long, line);
        const y = maxPool1d(x, 3);
        return backward(y, of(y.shape, line), [x]);
      },
    },
    {
      ...{
        name: "text conv2",
        shape: `${words(conv.from)}, ${words(conv.weight)}`,
        flops: 2 * batch * 21 * product(conv.weight),
        values: 0,
      },
      build: (of) => [conv1d(of(conv.from, line), of(conv.weight, order))],
    },
    {
      ...{
        name: "text conv2 weightGrad",
        shape: `${words(conv.from)}, ${words(conv.weight)}`,
        flops: 2 * batch * 21 * product(conv.weight),
        values: 0,
      },
      build: (of) => {
        const w = of(conv.weight, order);
        return backward(conv1d(of(conv.from, line), w), of([batch, second, 21], line), [w]);
      },
    },
    {
      ...{ name: "recurrent cell", shape: words([batch, width]), flops: 2 * batch * width * width, values: 0 },
      build: (of) => [rnnCell(of([batch, width]), of([batch, width]), { weight: of([width, width], [1, 0]), bias: of([width]) })],
    },
    { name: "bias gradient", shape: words(long), values: product(long), build: (of) => [sum(of(long, line), [0, 2])] },
    {
      ...{ name: "InfoNCE and derivative", shape: words([batch, 2 * width]), values: 8 * batch * width },
      build: (of) => {
        const [a, b] = [of([batch, 2 * width]), of([batch, 2 * width])];
        const loss = infoNce(a, b, exp(of([1])));
        return [loss, ...grad(loss, [a, b])];
      },
    },
  ];
}
