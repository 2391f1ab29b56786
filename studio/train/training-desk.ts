/** A training in this thread: begun or gone on with, held back, stopped. One at a time. */
import type { Dataset } from "../../src/data/dataset.js";
import { PackedDataset } from "../../src/data/packed.js";
import { makePetals } from "../../src/data/petals.js";
import { UserError } from "../../src/errors.js";
import type { Picture } from "../../src/pictures/image-grid.js";
import type { GivenOptions, TrainOptions } from "../../src/train/gan/options.js";
import { trainGan } from "../../src/train/gan/session.js";
import { lastPart, type Move } from "../../src/train/run/events.js";
import { inThePage } from "../parts/in-the-page.js";
import { png, withAlpha } from "../parts/save.js";
import { openSet } from "../pictures/set.js";
import { CACHE, RUNS, STUDIO_FILE } from "./names.js";
import { OpfsStore } from "./opfs-store.js";
import { Pacer } from "./pacer.js";
import { freeId, removeFolder, type RunLabel, whileFree } from "./shelf.js";
import { Teller, type Told } from "./told.js";

/** How a training ended: at its last step, or where it was stopped. */
export interface TrainingEnd {
  readonly id: string;
  readonly end: "finished" | "stopped";
  readonly step: number;
}

export class TrainingDesk {
  #stop: AbortController | undefined;
  #pacer: Pacer | undefined;

  /** Begins a run. @param tell Is told how it goes. */
  async begin(given: GivenOptions, label: Partial<RunLabel>, tell: (told: Told) => unknown): Promise<TrainingEnd> {
    const id = await freeId(lastPart(given.dataset ?? "petals"));
    const store = new OpfsStore(`${RUNS}/${id}`);
    await store.write(STUDIO_FILE, `${JSON.stringify({ name: label.name || id, notes: label.notes ?? "" }, null, 2)}\n`);
    return this.#train(id, store, given, tell);
  }

  /** Goes on with a run from its newest checkpoint. @param steps The last step to do now, where it is to be another. */
  goOn(id: string, steps: number | undefined, tell: (told: Told) => unknown): Promise<TrainingEnd> {
    return this.#train(id, new OpfsStore(`${RUNS}/${id}`), steps === undefined ? {} : { steps }, tell);
  }

  /** Holds it back before the next step. */
  hold(): void {
    this.#pacer?.hold();
  }

  /** Lets it go on, for good or so far. */
  release(move?: Move): void {
    if (move) this.#pacer?.move(move);
    else this.#pacer?.goOn();
  }

  /** Ends it after the step under way, with a checkpoint. */
  stop(): void {
    this.#stop?.abort();
  }

  async #train(id: string, store: OpfsStore, given: GivenOptions, tell: (told: Told) => unknown): Promise<TrainingEnd> {
    if (this.#stop) throw new UserError("another run is being trained in this tab: stop it first");
    const stop = (this.#stop = new AbortController());
    const teller = new Teller(tell);
    const pacer = (this.#pacer = new Pacer(stop.signal, (held) => teller.held(held)));
    // Who holds a lock is not put away by the browser while its tab is hidden.
    try {
      return await whileFree(id, async () => {
        teller.begun(id);
        const dataset = ({ dataset, imageSize }: TrainOptions, onWork: () => void): Promise<Dataset> =>
          dataset === "petals" ? petals(imageSize, onWork, teller, stop.signal) : openSet(lastPart(dataset), imageSize);
        const { end, step } = await trainGan(
          {
            ...{ given, store, dataset, encodePicture, cache: new OpfsStore(CACHE) },
            ...{ about: { browser: navigator.userAgent }, rehearse: false },
          },
          { onEvent: (event) => teller.event(event), signal: stop.signal, pace: pacer.pace },
        );
        await store.flush();
        return { id, end, step };
      });
    } catch (error) {
      throw error instanceof UserError ? new UserError(inThePage(error.message)) : error;
    } finally {
      teller.flush();
      await store.flush().catch(() => undefined);
      // Ended while it was prepared: nothing is left of it.
      if (!(await store.blob("config.json"))) await removeFolder(id).catch(() => undefined);
      this.#stop = this.#pacer = undefined;
    }
  }
}

async function petals(size: number, onWork: () => void, teller: Teller, signal: AbortSignal): Promise<PackedDataset> {
  onWork();
  const onProgress = (done: number, total: number) => teller.event({ kind: "work", what: "making petals", unit: "images", done, total });
  try {
    return new PackedDataset(await makePetals({ size, onProgress, signal }));
  } catch (error) {
    if (signal.aborted) throw new UserError("stopped while the images were made; begin again");
    throw error;
  }
}

/** A sample grid as the file that Node would write. */
const encodePicture = async (picture: Picture): Promise<Uint8Array> => new Uint8Array(await (await png(withAlpha(picture))).arrayBuffer());
