/** A step tried beforehand, for drivers that translate kernels only when they run. */
import { openDevice } from "../../gpu/device.js";
import { RandomStream } from "../../random/philox.js";
import { StreamPurpose } from "../../random/streams.js";
import type { Storage } from "../../tensor/storage.js";
import type { DeviceSource } from "../run/recovery.js";
import { Gan, type GanOptions } from "./gan.js";

/**
 * One iteration of a throw-away GAN on a device of its own: software drivers translate a kernel when it first runs, in one thread a
 * device, and keep what they made for others.
 */
export async function rehearse({ openDevice: open = openDevice }: DeviceSource, options: GanOptions, storage: Storage): Promise<void> {
  const device = await open();
  try {
    const program = await new Gan(options, new RandomStream(0, StreamPurpose.ganValues)).compile(device, { storage });
    await program.run(program.zeros());
  } catch {
    // Whatever it was, the run itself meets it and says so.
  } finally {
    device.destroy();
  }
}
