/**
 * The embeddings of a data set's captions, made when they are first needed: a run draws its first image without waiting for tens of
 * thousands of captions. A caption's embedding has the same bits whatever it is embedded together with, so a run that goes on has them too.
 */
import type { Dataset } from "../../data/dataset.js";
import type { PairBatch } from "../../data/sampler.js";
import { UserError } from "../../errors.js";
import type { Sharing } from "../../tensor/sharing.js";
import type { Device } from "../../gpu/device.js";
import { datasetDigest, keep, keyOf } from "../run/cache.js";
import { type BatchTexts, CaptionEncoder, meanRows, normalise, type TextModel } from "./captions.js";
import type { TrainHooks } from "../run/events.js";
import { pathIn, type RunStore, type StoredRows } from "../run/store.js";
import { readSafetensors, writeSafetensors } from "../../formats/safetensors.js";
import { Sha256 } from "../../formats/sha256.js";

/** Raised with every change that makes the same encoder's embeddings come out different. */
const VERSION = 2;

/** So many captions are embedded in one go, about. */
const AT_ONCE = 1024;

/** Bytes of the largest table that is held in memory; of MS-COCO's captions at the paper's size it would be 1.7 GB. */
const HELD = 2 ** 26;

type Cache = Pick<RunStore, "path" | "read" | "write" | "rows">;

/** A table in memory. */
interface Held {
  readonly embeddings: Float32Array;
  readonly known: Uint8Array;
}

export class CaptionTable implements BatchTexts {
  /** Normalised embeddings, [captions, size]; a row holds nothing before its caption is known. */
  readonly #embeddings: Float32Array | StoredRows;
  /** 1 for the captions whose row is there. */
  readonly #known: Uint8Array;
  /** A caption of each text that is there: many captions occur more than once. */
  readonly #rowOf = new Map<string, number>();
  #changed = false;

  private constructor(
    readonly dataset: Dataset,
    /** Length of an embedding. */
    readonly size: number,
    /** How texts are embedded, and the table's name in the cache; none where all embeddings are given. */
    readonly source?: { readonly embed: (texts: readonly string[]) => Promise<Float32Array>; readonly name: string },
    readonly cache?: Cache,
    table: Held | StoredRows = { embeddings: new Float32Array(dataset.captions * size), known: new Uint8Array(dataset.captions) },
  ) {
    this.#embeddings = "embeddings" in table ? table.embeddings : table;
    this.#known = table.known;
    if (source) this.#known.forEach((known, i) => known && this.#rowOf.set(dataset.caption(i), i));
  }

  /** A table of given embeddings: all are known. @param embeddings Normalised, [captions, size] */
  static given(dataset: Dataset, embeddings: Float32Array, size: number): CaptionTable {
    return new CaptionTable(dataset, size, undefined, undefined, { embeddings, known: new Uint8Array(dataset.captions).fill(1) });
  }

  /**
   * The table that earlier runs have filled, or an empty one.
   * @param file The text encoder's file, whose bytes name the table's.
   * @param cache Where tables are kept for later runs.
   * @param share Who embeds which captions, where several have the table.
   * @param held Bytes of the largest table that is held in memory, where the cache can keep its rows; larger ones are read and written there.
   */
  static async open(
    device: Device,
    dataset: Dataset,
    model: TextModel,
    file: Uint8Array,
    cache: Cache | undefined,
    { onEvent }: Pick<TrainHooks, "onEvent">,
    share?: Sharing,
    held = HELD,
  ): Promise<CaptionTable> {
    const { embedding: size } = model.encoder.options;
    const key = keyOf(VERSION, datasetDigest(dataset), new Sha256().update(file).hex());
    const name = `captions-${key}.safetensors`;
    const encoder = new CaptionEncoder(device, model.encoder, model.alphabet, undefined, share);
    const embed = async (texts: readonly string[]) => normalise(await encoder.encode(texts), model.normalisation);
    const table = (known?: Held | StoredRows) => new CaptionTable(dataset, size, { embed, name }, cache, known);
    try {
      const bytes = await cache?.read(name);
      if (!bytes && 4 * dataset.captions * size > held && cache?.rows)
        return table(cache.rows(`captions-${key}.rows`, dataset.captions, size));
      if (!cache || !bytes) return table();
      const path = pathIn(cache, name);
      const { tensors } = await readSafetensors(bytes, path, { sealed: true });
      const [embeddings, known] = [tensors.get("embeddings"), tensors.get("known")];
      const length = dataset.captions * size;
      if (
        embeddings?.dtype !== "F32" ||
        embeddings.data.length !== length ||
        known?.dtype !== "U8" ||
        known.data.length !== dataset.captions
      )
        throw new UserError(`${path} holds something else`);
      return table({ embeddings: embeddings.data, known: known.data });
    } catch (error) {
      onEvent({ kind: "warning", text: `${(error as Error).message}; the captions are embedded anew` });
      return table();
    }
  }

  /** True when all these captions can be read. */
  has(captions: Uint32Array): boolean {
    return captions.every((i) => this.#known[i] === 1);
  }

  /** Embeds what is missing of these captions. */
  async need(captions: Iterable<number>): Promise<void> {
    const missing = [...new Set(captions)].filter((i) => this.#known[i] === 0);
    if (missing.length === 0) return;
    const texts = [...new Set(missing.map((i) => this.dataset.caption(i)))].filter((text) => !this.#rowOf.has(text));
    const embedded = await this.source!.embed(texts);
    const fresh = new Map(texts.map((text, row) => [text, embedded.subarray(row * this.size, (row + 1) * this.size)]));
    for (const i of missing) {
      const text = this.dataset.caption(i);
      const row = fresh.get(text) ?? this.row(this.#rowOf.get(text)!);
      if (this.#embeddings instanceof Float32Array) this.#embeddings.set(row, i * this.size);
      else this.#embeddings.write(i, row);
      this.#known[i] = 1;
      this.#rowOf.set(text, i);
    }
    this.#changed = true;
  }

  /**
   * Makes a batch's captions known and, where one is missing, those of the batches that follow: captions are embedded many at a time.
   * @param batch The captions of the i-th batch from this one on.
   */
  async ready(batch: (i: number) => Uint32Array): Promise<void> {
    const first = batch(0);
    if (this.has(first)) return;
    const batches = Array.from({ length: Math.ceil(AT_ONCE / first.length) }, (_, i) => batch(i));
    await this.need(batches.flatMap((captions) => [...captions]));
  }

  async inputs(batch: PairBatch, wrongText: boolean, next: (i: number) => PairBatch): Promise<Record<string, Float32Array>> {
    const wanted = ({ captions, wrongCaptions }: PairBatch) => (wrongText ? Uint32Array.of(...captions, ...wrongCaptions) : captions);
    await this.ready((i) => wanted(next(i)));
    const { captions, wrongCaptions, captionsPerImage } = batch;
    return {
      ...(wrongText && { wrongText: this.means(wrongCaptions, captionsPerImage) }),
      text: this.means(captions, captionsPerImage),
    };
  }

  /** The embedding of a caption that is known. */
  row(caption: number): Float32Array {
    if (this.#known[caption] !== 1) throw new Error(`caption ${caption} was not asked for`);
    if (!(this.#embeddings instanceof Float32Array)) return this.#embeddings.read(caption);
    return this.#embeddings.subarray(caption * this.size, (caption + 1) * this.size);
  }

  /** Embeddings of captions, made where they are missing: [captions, size]. */
  async embeddings(captions: readonly number[]): Promise<Float32Array> {
    await this.need(captions);
    return this.#gathered(captions);
  }

  #gathered(captions: ArrayLike<number>): Float32Array {
    const rows = new Float32Array(captions.length * this.size);
    for (let i = 0; i < captions.length; i++) rows.set(this.row(captions[i]!), i * this.size);
    return rows;
  }

  /** Means over captions that are known: [groups of `perRow`] → [groups, size]. */
  means(captions: Uint32Array, perRow: number): Float32Array {
    if (!this.has(captions)) throw new Error("captions that were not asked for");
    if (this.#embeddings instanceof Float32Array) return meanRows(this.#embeddings, captions, perRow, this.size);
    return meanRows(
      this.#gathered(captions),
      captions.map((_, i) => i),
      perRow,
      this.size,
    );
  }

  /** Keeps what is there for later runs. */
  async keep(onEvent: TrainHooks["onEvent"]): Promise<void> {
    if (!this.#changed || !this.source || !this.cache) return;
    this.#changed = false;
    if (!(this.#embeddings instanceof Float32Array)) {
      await keepRows(this.cache, this.#embeddings, this.#known, onEvent);
      return;
    }
    const bytes = await writeSafetensors(
      [
        ["embeddings", { dtype: "F32", shape: [this.dataset.captions, this.size], data: this.#embeddings }],
        ["known", { dtype: "U8", shape: [this.dataset.captions], data: this.#known }],
      ],
      {},
    );
    await keep(this.cache, this.source.name, bytes, onEvent);
  }
}

async function keepRows(cache: Cache, rows: StoredRows, known: Uint8Array, onEvent: TrainHooks["onEvent"]): Promise<void> {
  try {
    await rows.keep(known);
  } catch (error) {
    onEvent({
      kind: "warning",
      text: `${cache.path}: the captions' embeddings cannot be kept for the next run (${(error as Error).message})`,
    });
  }
}
