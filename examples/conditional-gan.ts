/**
 * A conditional GAN of 16×16 images in one file: discs of a given colour, at a place and of a size that the noise decides
 * (Mirza and Osindero 2014; the losses of Goodfellow et al. 2014, G's non-saturating).
 *
 *   G   [z, colour] → deconv 4×4 → 4×4 → 8×8 → 16×16, tanh
 *   D   [image, colour spread over it] → conv stride 2 → 8×8 → 4×4 → 1 logit
 *
 * Run: npx tsx examples/conditional-gan.ts
 */
import {
  Adam,
  add,
  batchNorm,
  bceWithLogits,
  broadcastTo,
  compile,
  concat,
  conv2d,
  convTranspose2d,
  grad,
  input,
  keyInput,
  leakyRelu,
  openDevice,
  randomKey,
  randomNormal,
  RandomStream,
  relu,
  reshape,
  stopGradient,
  Store,
  tanh,
  type Tensor,
} from "petalgrad";

const [SIDE, BATCH, NOISE, STEPS] = [16, 32, 16, Number(process.argv[2] ?? 300)];

/** Discs on grey: images [B, 3, S, S] and their colours [B, 3], in [−1, 1]. */
function batch(t: number) {
  const random = new RandomStream(3, t);
  const [images, colours] = [new Float32Array(BATCH * 3 * SIDE * SIDE), new Float32Array(BATCH * 3)];
  for (let n = 0; n < BATCH; n++) {
    const colour = [0, 1, 2].map(() => (random.uniform() < 0.5 ? -0.9 : 0.9));
    const [x, y, r] = [random.between(5, 11), random.between(5, 11), random.between(3, 5)];
    colours.set(colour, n * 3);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < SIDE; i++)
        for (let j = 0; j < SIDE; j++) {
          const cover = Math.min(1, Math.max(0, r + 0.5 - Math.hypot(i - y, j - x)));
          images[((n * 3 + c) * SIDE + i) * SIDE + j] = cover * colour[c]!;
        }
  }
  return { images, colours };
}

const random = new RandomStream(1);
const small = (values: Float32Array) => values.forEach((_, i) => (values[i] = 0.05 * random.normal()));
const ones = (values: Float32Array) => values.fill(1);

const g = new Store("G");
const up = [
  g.variable("deconv1", [NOISE + 3, 64, 4, 4], small),
  g.variable("deconv2", [64, 32, 4, 4], small),
  g.variable("deconv3", [32, 3, 4, 4], small),
] as const;
const norms = [64, 32].map((c, i) => [g.variable(`scale${i}`, [c], ones), g.variable(`shift${i}`, [c])] as const);

function generator(z: Tensor, colour: Tensor): Tensor {
  const normed = (x: Tensor, i: number) => relu(batchNorm(x, ...norms[i]!).y);
  const h = normed(convTranspose2d(reshape(concat([z, colour], 1), [-1, NOISE + 3, 1, 1]), up[0]), 0);
  return tanh(convTranspose2d(normed(convTranspose2d(h, up[1], { stride: 2, padding: 1 }), 1), up[2], { stride: 2, padding: 1 }));
}

const d = new Store("D");
const down = [
  d.variable("conv1", [32, 6, 4, 4], small),
  d.variable("conv2", [64, 32, 4, 4], small),
  d.variable("score", [1, 64, 4, 4], small),
] as const;

function discriminator(image: Tensor, colour: Tensor): Tensor {
  const spread = broadcastTo(reshape(colour, [-1, 3, 1, 1]), [image.shape[0]!, 3, SIDE, SIDE]);
  const h = leakyRelu(conv2d(concat([image, spread], 1), down[0], { stride: 2, padding: 1 }));
  return reshape(conv2d(leakyRelu(conv2d(h, down[1], { stride: 2, padding: 1 })), down[2]), [-1]);
}

const [adamG, adamD] = [g, d].map((store) => new Adam(store, { beta1: 0.5 })) as [Adam, Adam];
const variables = (store: Store) => store.entries.map(({ tensor }) => tensor);

const device = await openDevice();
const step = await compile(device, () => {
  const [images, colour] = [input("images", [BATCH, 3, SIDE, SIDE]), input("colours", [BATCH, 3])];
  const [key, rate] = [keyInput(), input("rate", [2])];
  const noise = (stream: number) => randomNormal([BATCH, NOISE], key, stream);
  // D's step.
  const drawn = stopGradient(generator(noise(1), colour));
  const lossD = add(bceWithLogits(discriminator(images, colour), 1), bceWithLogits(discriminator(drawn, colour), 0));
  adamD.step(grad(lossD, variables(d)), rate);
  // G's step, by the discriminator as it is now.
  const fresh = generator(noise(2), colour);
  const lossG = bceWithLogits(discriminator(fresh, colour), 1);
  adamG.step(grad(lossG, variables(g)), rate);
  return { lossD, lossG, fresh };
});

for (let t = 1; t <= STEPS; t++) {
  const { images, colours } = batch(t);
  const { lossD, lossG, fresh } = await step.run({ images, colours, key: randomKey(1, t), rate: adamG.rate(1e-3, t) });
  if (t % 50 === 0 || t === STEPS) {
    console.log(
      `step ${t}: D ${lossD[0]!.toFixed(2)}, G ${lossG[0]!.toFixed(2)}, colours right ${(100 * coloursRight(fresh, colours)).toFixed(0)} %`,
    );
  }
}
device.destroy();

/** How often a channel's mean over the middle has the sign that was asked for. */
function coloursRight(images: Float32Array, colours: Float32Array): number {
  let right = 0;
  colours.forEach((wanted, plane) => {
    let sum = 0;
    for (let i = 6; i < 10; i++) for (let j = 6; j < 10; j++) sum += images[(plane * SIDE + i) * SIDE + j]!;
    if (Math.sign(sum) === Math.sign(wanted)) right++;
  });
  return right / colours.length;
}
