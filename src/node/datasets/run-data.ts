/** The data set of a run. */
import { basename, resolve } from "node:path";
import type { Dataset } from "../../data/dataset.js";
import { UserError } from "../../errors.js";
import type { OptionsOf } from "../../option-spec.js";
import type { TrainHooks } from "../../train/run/events.js";
import type { DATA_OPTIONS } from "../../train/run/options.js";
import { isDatasetName } from "../../data/dataset-names.js";
import { requireDataset } from "./open.js";
import { openWithProgress } from "./open-with-progress.js";
import type { OpenOptions } from "./options.js";

type AllDataOptions = OptionsOf<typeof DATA_OPTIONS>;

/** What says which data set it is. */
export interface DataOptions
  extends
    Pick<AllDataOptions, "dataset" | "dataDir" | "captions">,
    Partial<Pick<AllDataOptions, "layout" | "heldOut" | "captionTemplate">> {
  readonly imageSize: number;
  readonly alphabet?: NonNullable<OpenOptions["alphabet"]> | null;
}

/** Options that are about folders of one's own. */
export type OwnGiven = { readonly [K in "layout" | "heldOut" | "captionTemplate"]?: AllDataOptions[K] | undefined };

/** Those that are given. */
export function ownOptions(given: OwnGiven): Pick<OpenOptions, "layout" | "heldOut" | "captionTemplate"> {
  const { layout = null, heldOut = null, captionTemplate = null } = given;
  return { ...(layout !== null && { layout }), ...(heldOut !== null && { heldOut }), ...(captionTemplate !== null && { captionTemplate }) };
}

/** A folder may have moved since its run was begun: then `dataDir` says where it lies, and it keeps its name. */
function asked({ dataset, imageSize, dataDir, captions, alphabet = null, ...own }: DataOptions): [name: string, options: OpenOptions] {
  const moved = dataDir !== null && !isDatasetName(dataset);
  return [
    moved ? dataDir : dataset,
    {
      size: imageSize,
      ...(moved ? { name: basename(resolve(dataset)) } : dataDir !== null && { dataDir }),
      ...(captions !== null && { captions }),
      ...ownOptions(own),
      ...(alphabet !== null && alphabet !== "auto" && { alphabet }),
    },
  ];
}

/**
 * Opens it as training did, preparing what is missing.
 * @param onWork Called when it begins to take time.
 */
export const openData = (options: DataOptions, hooks: TrainHooks, onWork?: () => void): Promise<Dataset> =>
  openWithProgress(...asked(options), hooks, onWork);

/** The same for a training, which is told why it ended where it is stopped meanwhile. */
export async function openTrainingData(...args: Parameters<typeof openData>): Promise<Dataset> {
  try {
    return await openData(...args);
  } catch (error) {
    if (args[1].signal.aborted)
      throw new UserError("stopped while preparing the data; what is done of a folder or archive is kept, and the same command goes on");
    throw error;
  }
}

/**
 * Tells before any work what opening the data would tell after some.
 * @param begun Whether the training goes on: only then may a folder have moved.
 * @throws DataError, UserError
 */
export async function requireData(options: DataOptions, begun: boolean): Promise<void> {
  const { dataset, dataDir } = options;
  if (!begun && dataDir !== null && !isDatasetName(dataset))
    throw new UserError(`--dataset ${dataset} is a folder or none, and has no other data folder: leave --data-dir ${dataDir} out`);
  try {
    await requireDataset(...asked(options));
  } catch (error) {
    if (begun && !isDatasetName(dataset))
      throw new UserError(`${(error as Error).message}; where the folder has moved, say so with --data-dir DIR`);
    throw error;
  }
}
