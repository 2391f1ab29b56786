/**
 * Draws a sentence four times with a trained model: a run's model.safetensors in, a PNG out.
 *
 * Run: npx tsx examples/draw.ts runs/NAME/model.safetensors "a flower with red petals" drawn.png
 */
import { readFile, writeFile } from "node:fs/promises";
import { DrawingModel, imageGrid, openDevice, readGan, sample } from "petalgrad";
import { encodePng } from "petalgrad/node";

const [file = "model.safetensors", sentence = "a flower with red petals", png = "drawn.png"] = process.argv.slice(2);
const model = await readGan(await readFile(file), file);
const device = await openDevice();
const images = await sample(new DrawingModel(device, model), [sentence], { count: 4, seed: 1 });
await writeFile(png, encodePng(imageGrid(images, model.generator.options.imageSize, { columns: 4 })));
device.destroy();
