/**
 * Colour match of a run on captions of unseen classes: `npm run colour-match -- --run DIR [--captions 200] [--seed 1] [--out FILE.png]`.
 * Prints the share of drawn images whose central hue is the colour their caption names, and the same for those captions' real images.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { centreViews, fillImages } from "../src/data/batch.js";
import { openDataset } from "../src/data/open.js";
import { RandomStream } from "../src/data/philox.js";
import { UserError } from "../src/errors.js";
import { type Colour, colourMatch, COLOURS, namedColour } from "../src/evaluate/colour-match.js";
import { openDevice } from "../src/gpu/device.js";
import { CaptionEncoder, normalise } from "../src/train/captions.js";
import { imageGrid } from "../src/train/image-grid.js";
import { readGan } from "../src/train/model-file.js";
import { MODEL_NAME } from "../src/train/names.js";
import { normalNoise } from "../src/train/noise.js";
import { Painter } from "../src/train/painter.js";
import { RunFolder } from "../src/train/run-folder.js";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      run: { type: "string" },
      captions: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
      split: { type: "string", default: "test" },
      out: { type: "string" },
    },
  });
  if (!values.run) throw new UserError("colour-match: give a run with --run DIR");
  const split = values.split === "train" ? "train" : "test";
  const options = RunFolder.open(values.run).readConfig();
  const dataset = await openDataset(options.dataset, {
    size: options.imageSize,
    ...(options.dataDir !== null && { dataDir: options.dataDir }),
    ...(options.captions !== null && { captions: options.captions }),
  });
  const { generator, encoder, alphabet, normalisation } = await readGan(`${values.run}/${MODEL_NAME}`);

  const candidates: { image: number; caption: string; colour: Colour }[] = dataset.imagesOfSplit(split).flatMap((image) =>
    dataset.captionsOf(image).flatMap((caption) => {
      const colour = namedColour(caption);
      return colour ? [{ image, caption, colour }] : [];
    }),
  );
  const seed = Number(values.seed);
  const chosen = new RandomStream(seed, 200).shuffle(candidates, Number(values.captions)).slice(0, Number(values.captions));
  const colours = chosen.map(({ colour }) => colour);
  const images = chosen.map(({ image }) => image);

  const device = await openDevice();
  const embeddings = normalise(
    await new CaptionEncoder(device, encoder, alphabet).encode(chosen.map(({ caption }) => caption)),
    normalisation,
  );
  const painter = await Painter.create(device, generator);
  const painted = await painter.paint(normalNoise(chosen.length, generator.options.noiseSize, seed), embeddings);
  const real = fillImages(dataset, images, centreViews(dataset, images));
  const drawn = colourMatch(painted, dataset.size, colours);
  const found = colourMatch(real, dataset.size, colours);
  device.destroy();

  const percent = (hits: number, of: number) => `${((100 * hits) / of).toFixed(1)} %`;
  console.log(
    `${chosen.length} captions of ${split === "test" ? "unseen" : "training"} classes that name one petal colour (${dataset.name})`,
  );
  console.log(`${"colour".padEnd(10)}${"captions".padStart(9)}${"drawn".padStart(10)}${"real".padStart(10)}`);
  for (const colour of COLOURS) {
    const d = drawn.byColour.get(colour);
    const r = found.byColour.get(colour);
    if (d && r)
      console.log(
        `${colour.padEnd(10)}${String(d.of).padStart(9)}${percent(d.hits, d.of).padStart(10)}${percent(r.hits, r.of).padStart(10)}`,
      );
  }
  console.log(
    `${"all".padEnd(10)}${String(chosen.length).padStart(9)}${percent(drawn.share, 1).padStart(10)}${percent(found.share, 1).padStart(10)}`,
  );
  if (values.out) writeFileSync(values.out, imageGrid(painted.subarray(0, 64 * 3 * dataset.size ** 2), dataset.size, { columns: 8 }));
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof UserError ? `petalgrad: ${error.message}` : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = 1;
});
