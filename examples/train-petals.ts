/**
 * Trains a tiny GAN on petals and draws with it, all in memory: nothing here needs Node, so that a page can do the same.
 * It only shows how that is done: half a minute makes no flowers, `preset: "small"` takes hours on a CPU.
 *
 * Run: npx tsx examples/train-petals.ts
 */
import { DrawingModel, makePetals, MemoryStore, openDevice, PackedDataset, readGan, sample, trainGan, withoutHooks } from "petalgrad";

const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 2 }));
const store = new MemoryStore();
await trainGan(
  { given: { preset: "tiny", steps: 30 }, dataset, store },
  { ...withoutHooks(), onEvent: (e) => e.kind === "step" && console.log(`${e.stage} ${e.step}/${e.steps}`, JSON.stringify(e.metrics)) },
);
const model = await readGan((await store.read("model.safetensors"))!, "the model");
const device = await openDevice();
const images = await sample(new DrawingModel(device, model), ["a flower with red petals"], { count: 4, seed: 1 });
console.log(
  `drawn: ${images.length / (3 * 16 * 16)} images, values from ${Math.min(...images).toFixed(2)} to ${Math.max(...images).toFixed(2)}`,
);
device.destroy();
