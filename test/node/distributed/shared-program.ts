/** Run on several ranks by shared-work.test.ts: shares the tasks, and prints their digests, a line of JSON a rank. */
import { openDevice } from "../../../src/gpu/device.js";
import { leaveWorld, openWorld } from "../../../src/node/distributed/open.js";
import { digestsOf } from "./shared-tasks.js";

const world = await openWorld({ warn: (text) => process.stderr.write(`petalgrad: ${text}\n`) });
const device = await openDevice();
const digests = await digestsOf(device, world);
device.destroy();
process.stdout.write(`${JSON.stringify({ rank: world.rank, digests })}\n`);
await leaveWorld();
