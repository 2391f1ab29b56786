/** Images for sentences, from a run's newest model or a model file. */
import { UserError } from "../errors.js";
import { normalise } from "../train/text/captions.js";
import { DrawingModel } from "./drawing-model.js";
import { type GivenEmbeddings, openEmbeddings } from "../node/datasets/embeddings/given-embeddings.js";
import { embeddingOf } from "../data/embeddings/pick.js";
import type { SampleRequest, Samples, TrainHooks } from "../train/run/events.js";
import type { LoadedGenerator } from "../node/files/load-model.js";
import { normalNoise } from "../train/gan/noise.js";
import { outer } from "../train/gan/painter.js";

/**
 * @param onEvent Told of tuning, where that is asked for and takes a while.
 * @throws UserError when there is no model, or it is damaged
 */
export async function sample(request: SampleRequest, onEvent?: TrainHooks["onEvent"]): Promise<Samples> {
  if (request.embeddings === undefined) {
    const drawing = await DrawingModel.open(request, onEvent);
    return draw(drawing, request, () => drawing.embed(request.texts));
  }
  const given = await openEmbeddings(request.embeddings);
  const drawing = await DrawingModel.openGenerator(request, onEvent);
  return draw(drawing, request, () => Promise.resolve(pick(given, request.texts, drawing.model)));
}

/** The embeddings of these names, as the generator wants them. @throws UserError when they are of another length, or one is not there */
function pick(given: GivenEmbeddings, names: readonly string[], { generator, normalisation, path }: LoadedGenerator): Float32Array {
  const { textSize } = generator.options;
  if (given.size !== textSize)
    throw new UserError(`${given.path} holds embeddings of ${given.size}, and ${path} was trained on some of ${textSize}`);
  const rows = new Float32Array(names.length * textSize);
  names.forEach((name, i) => rows.set(embeddingOf(given, name), i * textSize));
  return normalise(rows, normalisation);
}

async function draw(
  drawing: DrawingModel<LoadedGenerator>,
  { count, seed, truncation }: SampleRequest,
  embed: () => Promise<Float32Array>,
): Promise<Samples> {
  try {
    const { noiseSize, textSize, imageSize } = drawing.model.generator.options;
    const noise = normalNoise(count, noiseSize, seed, truncation);
    const { rows, columns } = outer(await embed(), textSize, noise, noiseSize);
    const images = await drawing.paint(columns, rows);
    return { images, size: imageSize, model: drawing.model.path, warnings: drawing.warnings };
  } finally {
    drawing.destroy();
  }
}
