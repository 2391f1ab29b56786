/** Embedding captions with a trained text encoder: batched by length, normalised as the GAN wants them. */
import type { PairBatch } from "../../data/sampler.js";
import type { Symbols } from "../../data/symbols.js";
import type { Device } from "../../gpu/device.js";
import type { TextEncoder } from "../../models/text-encoder.js";
import { compile } from "../../tensor/compile.js";
import type { Program } from "../../tensor/program.js";
import { alone, type Sharing } from "../../tensor/sharing.js";
import { input, type Tensor } from "../../tensor/tensor.js";
import type { TrainHooks } from "../run/events.js";

/** Shift and scale that give the training captions' embeddings mean 0 and, over all dimensions, deviation 1. */
export interface Normalisation {
  readonly center: Float32Array;
  readonly scale: number;
}

/** A finished text encoder with all that a caption needs on its way to the generator. */
export interface TextModel {
  readonly encoder: TextEncoder;
  /** The characters of a character-level encoder, the words of a word-level one. */
  readonly alphabet: Symbols;
  readonly normalisation: Normalisation;
}

/** The texts of batches, for the program of a training step. */
export interface BatchTexts {
  /**
   * Values of the program's inputs `text` and, where asked for, `wrongText`.
   * @param next The i-th batch from this one on: texts may be prepared many batches at a time.
   */
  inputs(batch: PairBatch, wrongText: boolean, next: (i: number) => PairBatch): Promise<Record<string, ArrayLike<number>>>;
  /** Normalised embeddings of captions by number, as things stand: [captions, size]. */
  embeddings(captions: readonly number[]): Promise<Float32Array>;
  /** Keeps for later runs what they could use. */
  keep(onEvent: TrainHooks["onEvent"]): Promise<void>;
}

/** The captions' normalisation: a mean vector and one deviation. @param embeddings [N, size] */
export function normalisationOf(embeddings: Float32Array, size: number): Normalisation {
  const n = embeddings.length / size;
  const mean = new Float64Array(size);
  embeddings.forEach((value, i) => (mean[i % size]! += value / n));
  const variance = embeddings.reduce((sum, value, i) => sum + (value - mean[i % size]!) ** 2, 0) / embeddings.length;
  return { center: Float32Array.from(mean), scale: 1 / Math.sqrt(variance + 1e-12) };
}

/** Encodes texts with compiled programs that stay ready: one for each window of characters. */
export class CaptionEncoder {
  readonly #programs = new Map<number, Promise<Program<{ embedding: Tensor }>>>();

  constructor(
    readonly device: Device,
    readonly encoder: TextEncoder,
    readonly alphabet: Symbols,
    /** Captions a run of the program. */
    readonly batch = 64,
    /** Who does which of the runs. */
    readonly share: Sharing = alone,
  ) {}

  /**
   * Raw embeddings [texts, size], in the order of the texts.
   * @param onProgress Called with the number of texts done.
   */
  async encode(texts: readonly string[], onProgress?: (done: number) => void): Promise<Float32Array> {
    const { embedding: size, length: most } = this.encoder.options;
    const result = new Float32Array(texts.length * size);
    const lengths = texts.map((text) => this.alphabet.lengthOf(text, most));
    const order = texts.map((_, i) => i).sort((a, b) => lengths[a]! - lengths[b]!);
    const runs: { readonly columns: number; readonly rows: readonly number[]; readonly finished: number }[] = [];
    for (let done = 0; done < order.length; done = runs.at(-1)!.finished) {
      // A batch never straddles two windows.
      const { characters, columns } = this.encoder.window(lengths[order[done]!]!);
      const rows = order.slice(done, done + this.batch).filter((i) => lengths[i]! <= characters);
      runs.push({ columns, rows, finished: done + rows.length });
    }
    const embed = async ({ columns, rows, finished }: (typeof runs)[number]): Promise<Float32Array> => {
      const program = await this.#program(columns);
      const index = new Uint32Array(this.batch * columns);
      rows.forEach((i, row) => this.alphabet.encodeInto(texts[i]!, index, row * columns, columns));
      const { embedding } = await program.run({ index });
      onProgress?.(finished);
      return embedding.subarray(0, rows.length * size);
    };
    // A few batches ahead keep the GPU busy; more would only fill memory.
    const parts = await this.share("captions embedded", runs.length, (i) => embed(runs[i]!), 3);
    for (const [i, { rows }] of runs.entries())
      rows.forEach((text, row) => result.set(parts[i]!.subarray(row * size, (row + 1) * size), text * size));
    return result;
  }

  #program(columns: number): Promise<Program<{ embedding: Tensor }>> {
    let program = this.#programs.get(columns);
    if (!program) {
      program = compile(this.device, () => ({ embedding: this.encoder.call(input("index", [this.batch, columns], "u32")) }));
      this.#programs.set(columns, program);
    }
    return program;
  }

  /** Frees the programs. */
  async destroy(): Promise<void> {
    for (const program of this.#programs.values()) (await program).destroy();
    this.#programs.clear();
  }
}

/** Applies the normalisation in place. @param embeddings [N, size] */
export function normalise(embeddings: Float32Array, { center, scale }: Normalisation): Float32Array {
  for (let i = 0; i < embeddings.length; i++) embeddings[i] = (embeddings[i]! - center[i % center.length]!) * scale;
  return embeddings;
}

/** Means of rows of a table: [groups of `perRow` rows, size] → [groups, size]. */
export function meanRows(table: Float32Array, rows: Uint32Array, perRow: number, size: number): Float32Array {
  const result = new Float32Array((rows.length / perRow) * size);
  rows.forEach((row, i) => {
    const to = Math.floor(i / perRow) * size;
    for (let d = 0; d < size; d++) result[to + d]! += table[row * size + d]! / perRow;
  });
  return result;
}
