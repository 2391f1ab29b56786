/** What every training does when it goes wrong: says how to go on, and does so by itself where it was only the GPU device that was lost. */
import { DeviceLostError, NonFiniteError, UserError } from "../../errors.js";
import { type Device, openDevice } from "../../gpu/device.js";
import type { TrainHooks } from "./events.js";
import type { Run } from "./run.js";

/** So many times a training goes on by itself. */
const RECOVERIES = 3;
/** A driver that has just reset its device is given time to come back. */
const PAUSE = 1000;

/** Where a training's devices come from. */
export interface DeviceSource {
  /** By default the adapter that WebGPU gives. */
  readonly openDevice?: (() => Promise<Device>) | undefined;
  /** False where a lost device is to end the training (default true). */
  readonly recover?: boolean | undefined;
}

/** One attempt at a training. */
export interface Attempt {
  readonly device: Device;
  /** True after a device was lost. */
  readonly again: boolean;
  /** To be called as soon as the training has its run: what goes wrong from then on is told with the way on. */
  hold(run: Pick<Run<unknown>, "wayOn">): void;
}

/**
 * Opens a device and trains on it. When the device is lost, opens another and goes on from the last checkpoint, which has the same bits as
 * resuming by hand: at most three times, and only on an adapter of the same description.
 * @throws UserError with the way on, once nothing more can be done
 */
export async function trainOnDevice<Result>(
  { recover = true, openDevice: open = openDevice }: DeviceSource,
  { onEvent, signal }: TrainHooks,
  attempt: (attempt: Attempt) => Promise<Result>,
): Promise<Result> {
  let run: Pick<Run<unknown>, "wayOn"> | undefined;
  const failed = (message: string) => new UserError(run ? `${message}; ${run.wayOn}` : message);
  let before: { readonly lost: DeviceLostError; readonly description: string } | undefined;
  for (let again = 0; ; again++) {
    const device = await open().catch((error: Error) => {
      throw before ? failed(`${before.lost.message}, and no other can be opened (${error.message})`) : error;
    });
    const hold = (held: Pick<Run<unknown>, "wayOn">): void => {
      run = held;
    };
    try {
      if (before && device.description !== before.description)
        throw failed(`${before.lost.message}, and only another adapter is there now (${device.description})`);
      return await attempt({ device, again: again > 0, hold });
    } catch (error) {
      const lost = await lossOf(device, error);
      if (!lost && error instanceof NonFiniteError && run) throw new NonFiniteError(`${error.message}; ${run.wayOn}`);
      if (!lost) throw error;
      if (!recover || signal.aborted) throw failed(lost.message);
      if (again === RECOVERIES) throw failed(`${lost.message}, for the ${RECOVERIES + 1}th time`);
      onEvent({ kind: "warning", text: `${lost.message}; going on with a new one (${again + 1} of at most ${RECOVERIES} times)` });
      before = { lost, description: device.description };
    } finally {
      device.destroy();
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** The loss behind an error; undefined where the device is still there. */
async function lossOf(device: Device, error: unknown): Promise<DeviceLostError | undefined> {
  if (error instanceof DeviceLostError) return error;
  // What the user can mend is no loss. Anything else may be the loss's first sign: WebGPU rejects what is under way before it tells.
  if (error instanceof UserError) return undefined;
  await Promise.race([device.gpu.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
  return device.lost;
}
