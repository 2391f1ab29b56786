/** What is evaluated: the generators of a run, the moving average that draws the samples ("ema") and the trained one itself ("raw"). */
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Dataset } from "../../data/dataset.js";
import { RandomStream } from "../../random/philox.js";
import { commandLine } from "../../command-line.js";
import { UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import type { Generator } from "../../models/generator.js";
import { CaptionTable } from "../../train/text/caption-table.js";
import { Gan } from "../../train/gan/gan.js";
import { loadGanTensors } from "../../train/gan/checkpoint.js";
import type { TrainHooks } from "../../train/run/events.js";
import { readTextEncoder } from "../../train/text/encoder-file.js";
import { TEXT_ENCODER_NAME } from "../../train/run/names.js";
import { normalNoise } from "../../train/gan/noise.js";
import type { GeneratorKind, TrainOptions } from "../../train/gan/options.js";
import { Painter } from "../../train/gan/painter.js";
import { RunFolder } from "../../train/run/run-folder.js";
import { readPath } from "../files/read-bytes.js";

/** A run that has a checkpoint. */
export interface RunUnderTest {
  /** The folder's name. */
  readonly name: string;
  readonly folder: RunFolder;
  readonly options: TrainOptions;
  /** Steps done at the checkpoint. */
  readonly step: number;
  /** By kind, "ema" first; a run without moving average has the raw one only. */
  readonly generators: readonly (readonly [kind: GeneratorKind, generator: Generator])[];
  /** Embeddings of the data set's captions by the run's own text encoder. */
  readonly captions: CaptionTable;
}

/** @throws UserError where the folder holds no run, or none that has a checkpoint yet */
export async function openRun(device: Device, path: string, dataset: Dataset, { onEvent }: TrainHooks): Promise<RunUnderTest> {
  const folder = RunFolder.open(path);
  const options = folder.readConfig();
  if (!folder.hasCheckpoint)
    throw new UserError(`${path} has no checkpoint to evaluate yet; go on with: ${commandLine("train", "--resume", path)}`);
  const file = folder.inside(TEXT_ENCODER_NAME);
  const text = await readPath(file, readTextEncoder);
  const gan = new Gan({ ...options, textSize: text.encoder.options.embedding }, new RandomStream(0));
  const checkpoint = await folder.loadCheckpoint();
  for (const refused of checkpoint.refused) onEvent({ kind: "warning", text: refused });
  loadGanTensors(gan, checkpoint.tensors, checkpoint.path);
  const raw = ["raw", gan.generator] as const;
  return {
    ...{ name: basename(resolve(path)), folder, options, step: checkpoint.step },
    generators: gan.average === gan.generator ? [raw] : [["ema", gan.average], raw],
    captions: await CaptionTable.open(device, dataset, text, await readFile(file), { onEvent }),
  };
}

/** Images that are drawn, and looked at, together. */
const CHUNK = 128;

/** A generator that draws captions of the data set. */
export class Artist {
  private constructor(
    readonly painter: Painter,
    readonly captions: CaptionTable,
  ) {}

  static async create(device: Device, generator: Generator, captions: CaptionTable): Promise<Artist> {
    return new Artist(await Painter.create(device, generator, 32), captions);
  }

  /**
   * Draws captions by their numbers, image i from row i of the seed's noise.
   * @returns parts of the images [N, 3, S, S] in (−1, 1), in order
   */
  async *draw(captions: readonly number[], seed: number): AsyncGenerator<Float32Array> {
    const { noiseSize } = this.painter.generator.options;
    await this.captions.need(captions);
    const noise = normalNoise(captions.length, noiseSize, seed);
    for (let start = 0; start < captions.length; start += CHUNK) {
      const rows = Uint32Array.from(captions.slice(start, start + CHUNK));
      yield await this.painter.paint(noise.subarray(start * noiseSize, (start + rows.length) * noiseSize), this.captions.means(rows, 1));
    }
  }

  destroy(): void {
    this.painter.destroy();
  }
}
