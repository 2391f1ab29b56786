/** Makes sets of the person's own pictures ready, in a thread of its own: found, decoded, packed, kept. */
import type { DataProgress } from "../../src/data/layouts/options.js";
import { prepareOwn } from "../../src/data/layouts/prepare-own.js";
import { contentsOf, recognise } from "../../src/data/layouts/recognise.js";
import { reedParts } from "../../src/data/layouts/reed/packed.js";
import { prepareLayout } from "../../src/data/layouts/reed/prepare.js";
import { RowsInMemory } from "../../src/data/layouts/rows.js";
import { everyFifthClass } from "../../src/data/split.js";
import { UserError } from "../../src/errors.js";
import { inThePage } from "../parts/in-the-page.js";
import { decodePicture } from "./decode.js";
import type { GivenPictures } from "./given.js";
import { KEPT_SIZE, keepSet, listSets, removeSet, type SetReport } from "./set.js";
import { nameOf, sourceOf } from "./sources.js";

export class PicturesDesk {
  #stop: AbortController | undefined;

  list(): Promise<SetReport[]> {
    return listSets();
  }

  remove(name: string): Promise<void> {
    return removeSet(name);
  }

  /** Ends the preparing under way; nothing of it stays. */
  stop(): void {
    this.#stop?.abort();
  }

  /** @throws UserError where nothing can be made of them */
  async prepare(given: GivenPictures, onProgress: (progress: DataProgress) => unknown): Promise<SetReport> {
    const { signal } = (this.#stop = new AbortController());
    try {
      const name =
        nameOf(given)
          .replace(/[^\p{L}\p{N}._-]+/gu, "-")
          .replace(/^[.-]+/, "") || "pictures";
      if (name === "petals") throw new UserError('"petals" is what the studio makes itself: give your folder another name');
      const contents = await contentsOf(await sourceOf(given));
      const options = { signal, onProgress: (progress: DataProgress) => void onProgress(progress) };
      const reed = reedParts(contents, undefined);
      const rows = new RowsInMemory();
      const decoding = { decode: decodePicture, rows };
      const prepared = reed
        ? await prepareLayout(everyFifthClass(name), reed, KEPT_SIZE, decoding, options)
        : await prepareOwn(name, contents, recognise(contents, name, undefined), KEPT_SIZE, decoding, options);
      return await keepSet(rows.together(prepared));
    } catch (error) {
      if (signal.aborted) throw new UserError("stopped; nothing half-made is left");
      throw error instanceof UserError ? new UserError(inThePage(error.message)) : error;
    } finally {
      this.#stop = undefined;
    }
  }
}
