/**
 * A classifier of handwritten-like digits, from nothing: the digits are painted here, shifted, thickened by chance and covered with noise.
 *
 *   conv 3×3 → 16, ReLU     16×16        conv 3×3 stride 2 → 32, ReLU     8×8        linear → 10
 *   L = mean over rows of logSumExp(s) − s[label]           (cross-entropy of logits s)
 *
 * Run: npx tsx examples/digits.ts
 */
import {
  add,
  Adam,
  compile,
  conv2d,
  grad,
  input,
  linear,
  logSumExp,
  mean,
  mul,
  openDevice,
  RandomStream,
  relu,
  reshape,
  Store,
  sub,
  sum,
} from "petalgrad";

const SIDE = 16;
const BATCH = 32;
const STEPS = 150;

/** Seven segments: top, upper left, upper right, middle, lower left, lower right, bottom. */
const SEGMENTS = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"];

/** The digit as [SIDE, SIDE] values near 0 and 1. */
function paint(digit: number, random: RandomStream): Float32Array {
  const image = Float32Array.from({ length: SIDE * SIDE }, () => 0.15 * random.normal());
  const [left, top, width, height] = [3 + random.below(4), 2 + random.below(3), 5 + random.below(3), 4 + random.below(2)];
  const bar = (x: number, y: number, w: number, h: number) => {
    for (let i = y; i <= y + h; i++) for (let j = x; j <= x + w; j++) image[i * SIDE + j]! += 1;
  };
  const bars = [
    () => bar(left, top, width, 0),
    () => bar(left, top, 0, height),
    () => bar(left + width, top, 0, height),
    () => bar(left, top + height, width, 0),
    () => bar(left, top + height, 0, height),
    () => bar(left + width, top + height, 0, height),
    () => bar(left, top + 2 * height, width, 0),
  ];
  bars.forEach((draw, i) => SEGMENTS[digit]![i] === "1" && draw());
  return image;
}

/** Batch t: a pure function of (seed, t). */
function batch(seed: number, t: number) {
  const random = new RandomStream(seed, t);
  const labels = Array.from({ length: BATCH }, () => random.below(10));
  const images = new Float32Array(BATCH * SIDE * SIDE);
  labels.forEach((digit, i) => images.set(paint(digit, random), i * SIDE * SIDE));
  const oneHot = new Float32Array(BATCH * 10);
  labels.forEach((digit, i) => (oneHot[i * 10 + digit] = 1));
  return { labels, images, oneHot };
}

const device = await openDevice();
const random = new RandomStream(1);
const he = (fanIn: number) => (values: Float32Array) => values.forEach((_, i) => (values[i] = random.normal() * Math.sqrt(2 / fanIn)));
const net = new Store("digits");
const w1 = net.variable("conv1", [16, 1, 3, 3], he(9));
const w2 = net.variable("conv2", [32, 16, 3, 3], he(144));
const w3 = net.variable("score.weight", [10, 32 * 8 * 8], he(2048));
const b3 = net.variable("score.bias", [10]);
const adam = new Adam(net);

const step = await compile(device, () => {
  const x = input("images", [BATCH, 1, SIDE, SIDE]);
  const label = input("oneHot", [BATCH, 10]);
  const hidden = relu(conv2d(relu(conv2d(x, w1, { padding: 1 })), w2, { padding: 1, stride: 2 }));
  const scores = add(linear(reshape(hidden, [BATCH, -1]), w3), b3);
  const loss = mean(sub(logSumExp(scores, 1), sum(mul(scores, label), [1])));
  adam.step(
    grad(
      loss,
      net.entries.map(({ tensor }) => tensor),
    ),
    input("rate", [2]),
  );
  return { loss, scores };
});

let right = 0;
for (let t = 1; t <= STEPS; t++) {
  const { labels, images, oneHot } = batch(7, t);
  const { loss, scores } = await step.run({ images, oneHot, rate: adam.rate(2e-3, t) });
  const best = labels.map((_, i) => scores.subarray(i * 10, i * 10 + 10)).map((row) => row.indexOf(Math.max(...row)));
  // New digits every step: what it gets right before it learns from them is an honest test.
  right = t > STEPS - 10 ? right + best.filter((digit, i) => digit === labels[i]).length : 0;
  if (t % 30 === 0) console.log(`step ${t}: loss ${loss[0]!.toFixed(3)}`);
}
console.log(`${((100 * right) / (10 * BATCH)).toFixed(1)} % of the last ten batches' digits recognised`);
device.destroy();
