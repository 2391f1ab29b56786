/** Run on several ranks by shared-work.slow.test.ts: an ablation of two tiny variants into the folder that is named. */
import { join } from "node:path";
import { leaveWorld, openWorld } from "../../../src/node/distributed/open.js";
import type { AblationRequest } from "../../../src/node/reproduce/ablation-plan.js";
import { reproduceAblation } from "../../../src/node/reproduce/reproduce.js";
import { PLAIN_TRAINING } from "../../../src/train/text/joint-training.js";

const folder = process.argv[2]!;
process.env.PETALGRAD_CACHE = join(folder, "cache");
const world = await openWorld({ warn: (text) => process.stderr.write(`petalgrad: ${text}\n`) });
const tiny = { steps: 2, batch: 8, learningRate: 2e-3, width: 4, shift: 1, seed: 1 };
const request: AblationRequest = {
  given: { dataset: "petals", preset: "tiny", steps: 2, textSteps: 1 } as AblationRequest["given"],
  ...{
    seeds: [0],
    variants: ["gan", "gan-cls"],
    styleSteps: 2,
    samples: 20,
    zeroShot: false,
    folder: join(folder, "runs"),
    world,
  },
  sizes: {
    networks: {
      ...{ classifier: tiny, reader: { ...tiny, renders: 40 } },
      matching: {
        ...PLAIN_TRAINING,
        ...{ steps: 2, seed: 1, batch: 8, warmUp: 1, shift: 1, imageWidth: 4 },
        text: { width: 8, embedding: 8, cell: "rnn" as const },
      },
    },
  },
};
let trained = 0;
const page = await reproduceAblation(request, join(folder, "results"), {
  onEvent: (event) => {
    if (event.kind === "message" && event.text.startsWith("run ")) trained++;
  },
  signal: new AbortController().signal,
});
process.stdout.write(`${JSON.stringify({ rank: world.rank, page, trained })}\n`);
await leaveWorld();
