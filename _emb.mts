import { openDataset } from "./src/data/open.js";
import { openDevice } from "./src/gpu/device.js";
import { readTextEncoder } from "./src/train/model-file.js";
import { CaptionEncoder, normalise, normalisationOf } from "./src/train/captions.js";
import { normalisationFor, isNormalised } from "./src/train/text-model.js";
import { writeFileSync } from "node:fs";
const d = await openDataset("petals", {});
const device = await openDevice();
const t = await readTextEncoder(process.argv[2]!);
const n = isNormalised(t) ? t.normalisation : await normalisationFor(device, d, t);
const enc = new CaptionEncoder(device, t.encoder, t.alphabet);
const texts: string[] = []; const img: number[] = [];
for (let c = 0; c < d.classes.length; c++) for (const im of d.imagesOfClass(c).slice(0, 6)) for (let k = 0; k < 10; k++) { texts.push(d.captionsOf(im)[k]!); img.push(im); }
const e = normalise(await enc.encode(texts), n);
writeFileSync(process.argv[3]!, Buffer.from(e.buffer, e.byteOffset, e.byteLength));
const { PETAL_COLOURS } = await import("./src/data/petals-attributes.js");
writeFileSync(process.argv[3]! + ".json", JSON.stringify({ size: e.length / texts.length, cls: img.map((i) => d.classOf(i)), img, col: img.map((i) => PETAL_COLOURS.indexOf(d.attributes!(i).named.petalColour)), test: d.split.test }));
process.exit(0);
