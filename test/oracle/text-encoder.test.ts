/** Both char-CNN-RNNs against PyTorch: embeddings and all gradients, of whole documents and of short captions through a window. */
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autograd/grad.js";
import { openDevice } from "../../src/gpu/device.js";
import { TextEncoder, windowFor } from "../../src/models/text-encoder.js";
import { sum } from "../../src/tensor/broadcast.js";
import { compile } from "../../src/tensor/compile.js";
import { mul } from "../../src/tensor/elementwise.js";
import { input } from "../../src/tensor/tensor.js";
import { expectClose, fixture } from "./fixture.js";

interface Facts {
  readonly cell: "rnn" | "gru";
  readonly channels: readonly [number, number];
  readonly width: number;
  readonly size: number;
}

const ALPHABET = 70;
const noRandom = { uniform: () => 0.5, normal: () => 0 };

describe.each(["rnn", "gru"] as const)("%s", (cell) => {
  it.each([
    ["long", 201],
    ["short", windowFor(63).columns],
  ] as const)("%s captions in %i columns", async (batch, columns) => {
    const { facts, values, under, shape } = await fixture<Facts>(`text-encoder-${cell}`);
    const encoder = new TextEncoder({ alphabet: ALPHABET, width: facts.width, embedding: facts.size, cell }, noRandom);
    encoder.parameters.write(under("parameter"));
    const [rows, length] = shape(`${batch}.index`) as [number, number];
    expect(columns).toBeLessThanOrEqual(length);
    const program = await compile(await openDevice(), () => {
      const output = encoder.call(input("index", [rows, columns], "u32"));
      const loss = sum(mul(output, input("weights", output.shape)));
      const variables = encoder.parameters.entries;
      const gradients = grad(
        loss,
        variables.map((entry) => entry.tensor),
      );
      return { output, ...Object.fromEntries(variables.map(({ name }, i) => [`gradient.${name}`, gradients[i]!])) };
    });
    const index = values(`${batch}.index`).filter((_, i) => i % length < columns);
    const results = await program.run({ index, weights: values(`${batch}.weights`) });
    const expected = new Map([...under(batch)].filter(([name]) => name === "output" || name.startsWith("gradient.")));
    expectClose(new Map(Object.entries(results)), expected, { relative: 1e-4 });
  });
});
