/** Networks that look, trained so little that only the way they go is tested. */
import type { NetworkSettings } from "../../src/evaluate/networks.js";
import { PLAIN_TRAINING } from "../../src/train/text/joint-training.js";

/** @param renders Painted images a step of the reader, where the data set is petals. */
export function fewSteps({ renders = 0 } = {}): NetworkSettings {
  const classifier = { steps: 2, batch: 8, learningRate: 1e-3, width: 4, shift: 1, seed: 3 };
  return {
    classifier,
    reader: { ...classifier, renders },
    matching: {
      ...PLAIN_TRAINING,
      ...{ steps: 2, seed: 1, batch: 8, warmUp: 1, shift: 1, imageWidth: 4 },
      text: { width: 8, embedding: 8, cell: "rnn" },
    },
  };
}
