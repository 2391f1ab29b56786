/** Images for sentences, from a run's newest model or a model file. */
import { DrawingModel } from "./drawing-model.js";
import type { SampleRequest, Samples, TrainHooks } from "./hooks.js";
import { normalNoise } from "./noise.js";
import { outer } from "./painter.js";

/**
 * @param onEvent Told of tuning, where that is asked for and takes a while.
 * @throws UserError when there is no model, or it is damaged
 */
export async function sample(request: SampleRequest, onEvent?: TrainHooks["onEvent"]): Promise<Samples> {
  const { texts, count, seed, truncation } = request;
  const drawing = await DrawingModel.open(request, onEvent);
  try {
    const { noiseSize, textSize, imageSize } = drawing.model.generator.options;
    const noise = normalNoise(count, noiseSize, seed, truncation);
    const { rows, columns } = outer(await drawing.embed(texts), textSize, noise, noiseSize);
    const images = await drawing.paint(columns, rows);
    return { images, size: imageSize, model: drawing.model.path, warnings: drawing.warnings };
  } finally {
    drawing.destroy();
  }
}
