/** What the page knows of the person's own pictures: the sets that are ready, the one that is being made, what a new run is to train on. */
import { signal } from "@preact/signals";
import { proxy, type Remote } from "comlink";
import type { DataProgress } from "../../src/data/layouts/options.js";
import { messageOf, NO_ENGINE } from "../model.js";
import { persist } from "../parts/persist.js";
import { startThread } from "../workers/start.js";
import type { GivenPictures } from "./given.js";
import type { PicturesDesk } from "./pictures-desk.js";
import type { SetReport } from "./set.js";

export const sets = signal<readonly SetReport[]>([]);
/** What a new run trains on: "petals", or a set's name. */
export const data = signal("petals");
export const preparing = signal<{ readonly name: string; readonly done: number; readonly total: number | undefined } | undefined>(
  undefined,
);
export const picturesTrouble = signal<string | undefined>(undefined);

let thread: Remote<PicturesDesk> | undefined;
const desk = (): Remote<PicturesDesk> => (thread ??= startThread<PicturesDesk>("pictures", () => (picturesTrouble.value = NO_ENGINE)));

async function trying(work: () => Promise<unknown>): Promise<void> {
  picturesTrouble.value = undefined;
  try {
    await work();
  } catch (error) {
    picturesTrouble.value = messageOf(error);
  }
}

export const readSets = (): Promise<void> =>
  trying(async () => {
    sets.value = await desk().list();
    if (data.peek() !== "petals" && !sets.peek().some(({ name }) => name === data.peek())) data.value = "petals";
  });

/** Makes pictures ready, and chooses them. @param ask What gives them; undefined where a person gave none after all */
export const prepare = (ask: () => Promise<GivenPictures | undefined> | GivenPictures): Promise<void> =>
  trying(async () => {
    if (preparing.peek()) throw new Error("Other pictures are being made ready: wait for them, or stop them.");
    const given = await ask();
    if (!given) return;
    preparing.value = { name: given.name, done: 0, total: undefined };
    try {
      persist();
      const onProgress = ({ done, total }: DataProgress) => {
        if (preparing.peek()) preparing.value = { name: given.name, done, total };
      };
      const made = await desk().prepare(given, proxy(onProgress));
      sets.value = await desk().list();
      data.value = made.name;
    } finally {
      preparing.value = undefined;
    }
  });

export const stopPreparing = (): void => void desk().stop();

export const removeSet = (name: string): Promise<void> =>
  trying(async () => {
    await desk().remove(name);
    await readSets();
  });
