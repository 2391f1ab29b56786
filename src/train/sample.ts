/** Images for sentences, from a run's newest model or a model file. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { openDevice } from "../gpu/device.js";
import { CaptionEncoder, normalise } from "./captions.js";
import type { SampleRequest, Samples, TrainHooks } from "./hooks.js";
import { readGan } from "./model-file.js";
import { outer, Painter } from "./painter.js";
import { MODEL_NAME } from "./names.js";
import { normalNoise } from "./noise.js";
import { tuneModeFor } from "./options.js";
import { installTuner } from "./tuning.js";

/**
 * @param onEvent Told of tuning, where that is asked for and takes a while.
 * @throws UserError when there is no model, or it is damaged
 */
export async function sample(request: SampleRequest, onEvent?: TrainHooks["onEvent"]): Promise<Samples> {
  const { source, texts, count, seed } = request;
  const path = modelPath(source);
  const { generator, encoder, alphabet, normalisation } = await readGan(path);
  const warnings = texts.flatMap((text) => {
    const unknown = alphabet.unknownIn(text);
    return unknown.length > 0 ? [`"${text}": the model's alphabet lacks ${unknown.map((c) => `"${c}"`).join(", ")}; left out`] : [];
  });
  const device = await openDevice();
  try {
    installTuner(device, request.tune ?? tuneModeFor(device.traits), (event) => onEvent?.(event));
    const captions = new CaptionEncoder(device, encoder, alphabet, Math.min(64, texts.length));
    const embeddings = normalise(await captions.encode(texts), normalisation);
    const { noiseSize, textSize, imageSize } = generator.options;
    const { text, noise } = outer(embeddings, textSize, normalNoise(count, noiseSize, seed), noiseSize);
    const painter = await Painter.create(device, generator, Math.min(16, texts.length * count));
    return { images: await painter.paint(noise, text), size: imageSize, model: path, warnings };
  } finally {
    device.destroy();
  }
}

function modelPath(source: string): string {
  if (!existsSync(source)) throw new UserError(`${source}: no such run or model file`);
  if (!statSync(source).isDirectory()) return source;
  const path = join(source, MODEL_NAME);
  if (!existsSync(path))
    throw new UserError(
      `${source} has no ${MODEL_NAME} yet: it is written with the first checkpoint (npm run train -- --resume ${source})`,
    );
  return path;
}
