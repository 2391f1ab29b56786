/** The text encoders of all forms against PyTorch: embeddings and all gradients, of whole documents and of short captions through a window. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grad } from "../../src/autograd/grad.js";
import { type Device, openDevice } from "../../src/gpu/device.js";
import { TextEncoder, type TextEncoderOptions } from "../../src/models/text-encoder.js";
import { sum } from "../../src/tensor/broadcast.js";
import { compile } from "../../src/tensor/compile.js";
import { mul } from "../../src/tensor/elementwise.js";
import { input } from "../../src/tensor/tensor.js";
import { expectClose, fixture } from "./fixture.js";

type Facts = Required<Omit<TextEncoderOptions, "embedding">> & {
  readonly size: number;
  readonly batches: readonly ("long" | "short")[];
};

const noRandom = { uniform: () => 0.5, normal: () => 0 };
let device: Device;

beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.destroy());

const CASES = ["rnn", "gru", "lstm", "last", "lstm-last", "char-cnn", "word-cnn-rnn", "bag-of-words"];

it.each(CASES)("%s", async (name) => {
  const { facts, values, under, shape } = await fixture<Facts>(`text-encoder-${name}`);
  const { form, alphabet, width, size, cell, state, length } = facts;
  const encoder = new TextEncoder({ form, alphabet, width, embedding: size, cell, state, length }, noRandom);
  encoder.parameters.write(under("parameter"));
  for (const batch of facts.batches) {
    const [rows, whole] = shape(`${batch}.index`) as [number, number];
    expect(whole).toBe(length);
    const { columns } = encoder.window(batch === "short" ? 63 : length);
    expect(columns).toBe(batch === "short" ? 66 : length);
    const program = await compile(device, () => {
      const output = encoder.call(input("index", [rows, columns], "u32"));
      const loss = sum(mul(output, input("weights", output.shape)));
      const variables = encoder.parameters.entries;
      const gradients = grad(
        loss,
        variables.map((entry) => entry.tensor),
      );
      return { output, ...Object.fromEntries(variables.map((entry, i) => [`gradient.${entry.name}`, gradients[i]!])) };
    });
    const index = values(`${batch}.index`).filter((_, i) => i % length < columns);
    const results = await program.run({ index, weights: values(`${batch}.weights`) });
    program.destroy();
    const expected = new Map([...under(batch)].filter(([key]) => key === "output" || key.startsWith("gradient.")));
    expectClose(new Map(Object.entries(results)), expected, { relative: 1e-4 });
  }
});

describe("windows", () => {
  const encoder = (options: Partial<TextEncoderOptions>) => new TextEncoder({ alphabet: 9, width: 4, embedding: 3, ...options }, noRandom);

  it("are as many as the document is long, itself the last", () => {
    const columns = (options: Partial<TextEncoderOptions>) => encoder(options).windows.map((window) => window.columns);
    expect(columns({})).toEqual([66, 93, 129, 201]);
    expect(columns({ length: 130 })).toEqual([66, 93, 130]);
    expect(columns({ length: 93 })).toEqual([93]);
    expect(columns({ form: "word-cnn-rnn" })).toEqual([30]);
  });

  it("hold captions of their length", () => {
    expect(encoder({}).window(63).columns).toBe(66);
    expect(encoder({}).window(64).columns).toBe(93);
    expect(encoder({}).window(500).columns).toBe(201);
  });

  it("refuse other numbers of columns, and documents that are too short", () => {
    expect(() => encoder({}).call(input("index", [2, 70], "u32"))).toThrow(/70 columns are no window; 201, or 9k \+ 3 up to 165/);
    expect(() => encoder({ length: 65 })).toThrow("a document of 65 symbols is too short for char-cnn-rnn; at least 66");
    expect(() => encoder({ length: 47, cell: "gru" })).toThrow("at least 48");
    expect(encoder({ length: 48, cell: "lstm" }).windows).toHaveLength(1);
    expect(() => encoder({ form: "word-cnn-rnn", length: 8 })).toThrow("at least 9");
  });
});
