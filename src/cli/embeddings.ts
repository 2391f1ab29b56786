/** `petalgrad embeddings`: the embeddings of all captions of a data set, as a file for other programs. */
import { UserError } from "../errors.js";
import type { TrainHooks } from "../train/run/events.js";
import { TRAIN_OPTIONS } from "../train/gan/options.js";
import { readyAdapter } from "./adapter.js";
import { defineCommand, withDefaults } from "./command.js";
import { checkExtension, writePicture } from "./drawing.js";
import { Progress } from "./progress.js";
import { inWorld, RANK_OPTIONS } from "./ranks.js";
import { show } from "./training-events.js";

const OPTIONS = {
  textEncoder: { type: "text", placeholder: "FILE", description: "a text encoder's file, or a whole model's" },
  dataset: TRAIN_OPTIONS.dataset,
  dataDir: TRAIN_OPTIONS.dataDir,
  captions: TRAIN_OPTIONS.captions,
  layout: TRAIN_OPTIONS.layout,
  heldOut: TRAIN_OPTIONS.heldOut,
  captionTemplate: TRAIN_OPTIONS.captionTemplate,
  ...RANK_OPTIONS,
  out: { type: "text", placeholder: "FILE", description: "file to write, .npy or .safetensors" },
} as const;

export const embeddings = defineCommand({
  name: "embeddings",
  summary: "embed all captions of a data set with a text encoder, into a file for other programs",
  details:
    "Writes an array [captions, size] of 32-bit floats, as the encoder gives them (petalgrad's GANs subtract a centre and scale): by class,\n" +
    "then by image, each image's captions in the order of its file. A .safetensors file also names the images, with their numbers of captions.",
  options: OPTIONS,
  examples: [
    ["embeddings --text-encoder runs/flowers-1/text-encoder.safetensors --dataset flowers --out flowers.npy", "for NumPy"],
    ["train --dataset flowers --embeddings flowers.npy", "a GAN on embeddings from a file"],
  ],
  async run(given, context) {
    const {
      textEncoder,
      dataset: name,
      dataDir = null,
      captions = null,
      out,
      mpiLibrary,
      rankTimeout,
      ...own
    } = withDefaults(OPTIONS, given);
    if (textEncoder === undefined) throw new UserError("say which encoder: --text-encoder FILE");
    if (out === undefined) throw new UserError("say where to write: --out FILE.npy or FILE.safetensors");
    checkExtension("--out", out, ".npy", ".safetensors");
    // Loaded here, so that --help needs no engine.
    await readyAdapter();
    const { openDevice } = await import("../gpu/device.js");
    const { exportEmbeddings } = await import("../node/datasets/embeddings/export-embeddings.js");
    const { readPath } = await import("../node/files/read-bytes.js");
    const { readTextModel } = await import("../train/text/encoder-file.js");
    const { openData, requireData } = await import("../node/datasets/run-data.js");
    const { firstOfEachMachine } = await import("../train/run/ranks.js");
    const { sharedBy } = await import("../train/run/shared-work.js");
    const data = { dataset: name, imageSize: 64, dataDir, captions, ...own };
    await requireData(data, false);
    const model = await readPath(textEncoder, readTextModel);
    await inWorld({ mpiLibrary, rankTimeout }, context, async ({ world, progress: output, print, catchInterrupt }) => {
      const progress = new Progress(output);
      const hooks: TrainHooks = { onEvent: (event) => show(progress, event), signal: catchInterrupt("stopping; nothing is written") };
      const device = await openDevice();
      try {
        const dataset = await firstOfEachMachine(world, "the data set", () => openData(data, hooks));
        const start = performance.now();
        let rate = "";
        const onProgress = (done: number, total: number) => {
          hooks.signal.throwIfAborted();
          rate = `${Math.round((1000 * done) / (performance.now() - start))} captions/s`;
          progress.update({ label: "embedding captions", done, total, rate });
        };
        const { bytes, shape } = await exportEmbeddings(device, dataset, model, out, onProgress, sharedBy(world));
        progress.end();
        if (world.rank === 0) print(`embeddings: ${writePicture(out, bytes)} [${shape.join(", ")}], ${rate}`);
      } finally {
        progress.end();
        device.destroy();
      }
    });
  },
});
