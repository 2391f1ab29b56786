/** Training as the commands want it: runs in folders, data sets and files by their paths, what was made kept in the user's cache folder. */
import { type Picture, pleasantScale } from "../pictures/image-grid.js";
import type { GivenOptions, TrainOptions } from "../train/gan/options.js";
import { trainGan } from "../train/gan/session.js";
import type { TrainHooks, TrainResult } from "../train/run/events.js";
import { firstOfEachMachine, requireSame, shareStore } from "../train/run/ranks.js";
import type { RunKind } from "../train/run/run.js";
import { MemoryStore, type RunStore } from "../train/run/store.js";
import { ALONE, type World } from "../train/run/world.js";
import type { StyleOptions } from "../train/style/options.js";
import { type StyleResult, trainStyle as trainStyleEncoder } from "../train/style/session.js";
import type { GivenTextOptions, TextOptions } from "../train/text/options.js";
import { TEXT_RUN, type TextTrainResult, trainText as trainTextEncoder } from "../train/text/session.js";
import { GAN_RUN } from "../train/gan/run-kind.js";
import { openEmbeddings } from "./datasets/embeddings/given-embeddings.js";
import { openTrainingData, requireData } from "./datasets/run-data.js";
import { captionedPng } from "./files/captioned.js";
import { cacheFolder } from "./files/cache-folder.js";
import { FolderStore } from "./files/folder-store.js";
import { openImageFeatures, requireImageFeatures } from "./datasets/image-features.js";
import { withAbsolutePaths } from "./files/paths.js";
import { readBytes } from "./files/read-bytes.js";
import { writeProgress } from "./files/sample-progress.js";
import { lock, newRunFolder, openRun, refuseBegun } from "./files/run-folder.js";

/** A new run (`run` or a new folder under runs/), or the continuation of one (`resume`). */
interface Request<Given> {
  readonly given: Given;
  /** Folder of the new run; must not hold one yet. Not with `resume`. */
  readonly run?: string | undefined;
  /** Folder of the run to continue. */
  readonly resume?: string | undefined;
  /** Go on by itself, at most three times, when the GPU device is lost (default true). */
  readonly recover?: boolean | undefined;
  /** The ranks that train together (default: this process alone). */
  readonly world?: World | undefined;
}

/** A GAN to train, or to go on with. */
export type TrainRequest = Request<GivenOptions>;
/** A text encoder to train, or to go on with. */
export type TextTrainRequest = Request<GivenTextOptions>;

/** A new style encoder for a run, or the continuation of one that was stopped. */
export interface StyleRequest {
  readonly given: Partial<StyleOptions>;
  /** The run's folder. */
  readonly run: string;
  readonly resume: boolean;
  /** Go on by itself, at most three times, when the GPU device is lost (default true). */
  readonly recover?: boolean | undefined;
  /** The ranks that train together (default: this process alone). */
  readonly world?: World | undefined;
}

const ABOUT = { node: process.version };

/** What all three trainings are given by Node. */
const common = (hooks: TrainHooks, world: World = ALONE) => ({
  world,
  cache: shareStore(world, cacheFolder()),
  about: ABOUT,
  resolvePaths: withAbsolutePaths,
  encodePicture: (picture: Picture, captions: readonly string[]) =>
    captionedPng(picture, captions, pleasantScale(picture.height / captions.length)),
  warn: (text: string): void => hooks.onEvent({ kind: "warning", text }),
});

/** Locks a folder. @param wayOn What to tell where it may not be written. */
type Locked = (folder: FolderStore, wayOn?: string) => FolderStore;

/** Locked folders, which are given free when the training has ended, however it ends. */
async function withLocks<Result>(warn: (text: string) => void, train: (locked: Locked) => Promise<Result>): Promise<Result> {
  const releases: (() => void)[] = [];
  try {
    return await train((folder, wayOn) => {
      releases.push(lock(folder, warn, wayOn));
      return folder;
    });
  } finally {
    for (const release of releases) release();
  }
}

/**
 * The folder to go on with, locked; or, for a new run, what makes one when it is asked. Rank 0 alone knows the folder, and the others by it.
 * @throws UserError
 */
async function storeOf<Options>(
  { run, resume, world = ALONE }: Request<unknown>,
  kind: RunKind<Options>,
  name: string,
  locked: Locked,
): Promise<RunStore | (() => RunStore)> {
  const elsewhere = world.rank > 0 ? new MemoryStore(resume ?? run ?? "the run") : undefined;
  if (resume === undefined) return () => shareStore(world, elsewhere ?? locked(newRunFolder(run, name)));
  if (elsewhere) return shareStore(world, elsewhere);
  const before = await openRun(resume, kind);
  return shareStore(world, locked(new FolderStore(resume), before.wayOn));
}

/**
 * Trains, or continues, a run of GAN.
 * @throws UserError for bad options or data, a full disk, a loss that is not finite; the last good checkpoint stands then.
 */
export async function train(request: TrainRequest, hooks: TrainHooks): Promise<TrainResult> {
  const { world = ALONE } = request;
  await requireSame(world, { ...request.given, run: request.run, resume: request.resume });
  if (request.resume === undefined && world.rank === 0) refuseBegun(request.run);
  const { warn, ...shared } = common(hooks, world);
  return withLocks(warn, async (locked) => {
    const result = await trainGan(
      {
        ...shared,
        given: withAbsolutePaths(request.given),
        recover: request.recover,
        store: await storeOf(request, GAN_RUN, request.given.dataset ?? "petals", locked),
        dataset: (options: TrainOptions, onWork) =>
          firstOfEachMachine(world, "preparing the data", () => openTrainingData(options, hooks, onWork)),
        requireData,
        readFile: readBytes,
        readEmbeddings: openEmbeddings,
      },
      hooks,
    );
    if (world.rank === 0) await writeProgress(result.run, warn);
    return result;
  });
}

/** Trains, or continues, a text encoder. @throws UserError as `train` */
export async function trainText(request: TextTrainRequest, hooks: TrainHooks): Promise<TextTrainResult> {
  const { world = ALONE } = request;
  await requireSame(world, { ...request.given, run: request.run, resume: request.resume });
  if (request.resume === undefined && world.rank === 0) refuseBegun(request.run);
  const { warn, ...shared } = common(hooks, world);
  return withLocks(warn, async (locked) =>
    trainTextEncoder(
      {
        ...shared,
        given: withAbsolutePaths(request.given),
        recover: request.recover,
        store: await storeOf(request, TEXT_RUN, `text-${request.given.dataset ?? "petals"}`, locked),
        dataset: (options: TextOptions) => firstOfEachMachine(world, "preparing the data", () => openTrainingData(options, hooks)),
        requireData: async (options, begun) => {
          await requireData(options, begun);
          if (options.imageFeatures !== null) requireImageFeatures(options.imageFeatures);
        },
        readFeatures: openImageFeatures,
      },
      hooks,
    ),
  );
}

/** Trains, or continues, the style encoder of a run. @throws UserError as `train` */
export async function trainStyle(request: StyleRequest, hooks: TrainHooks): Promise<StyleResult> {
  const { world = ALONE } = request;
  await requireSame(world, { ...request.given, run: request.run, resume: request.resume });
  const { warn, ...shared } = common(hooks, world);
  const store = shareStore(world, world.rank === 0 ? new FolderStore(request.run) : new MemoryStore(request.run));
  return withLocks(warn, (locked) => {
    let begun = false;
    return trainStyleEncoder(
      {
        ...shared,
        store,
        given: withAbsolutePaths(request.given),
        resume: request.resume,
        recover: request.recover,
        dataset: (options) => firstOfEachMachine(world, "preparing the data", () => openTrainingData(options, hooks)),
        requireData,
        onBegin: () => {
          if (!begun && world.rank === 0) locked(new FolderStore(`${request.run}/style`));
          begun = true;
        },
      },
      hooks,
    );
  });
}
