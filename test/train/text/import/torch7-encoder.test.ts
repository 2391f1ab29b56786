/** Text encoders out of Torch7's files and PyTorch's state dicts: their weights, and what they compute, against PyTorch's modules. */
import { describe, expect, it } from "vitest";
import type { LuaTable } from "../../../../src/formats/torch7.js";
import { readTorch7, TorchObject } from "../../../../src/formats/torch7.js";
import { compile } from "../../../../src/tensor/compile.js";
import { input } from "../../../../src/tensor/tensor.js";
import { encoderOf, type ImportedWeights } from "../../../../src/train/text/import/encoder-weights.js";
import { portName, weightsOfStateDict } from "../../../../src/train/text/import/state-dict.js";
import { weightsOfTorch7, weightsOfVector } from "../../../../src/train/text/import/torch7-encoder.js";
import type { SafeTensor } from "../../../../src/formats/safetensors.js";
import { lua, torchObject, torchTensor, writeTorch7 } from "../../../formats/torch7-writer.js";
import { device } from "../../../device.js";
import { expectClose, fixture } from "../../../oracle/fixture.js";
import { checkpoint, type EncoderFacts, torchEncoder } from "./nngraph.js";

const CELLS = ["rnn", "gru"] as const;
const load = (cell: string) => fixture<EncoderFacts>(`text-encoder-${cell}`);
const values = (weights: ImportedWeights["weights"]) => new Map([...weights].map(([name, { data }]) => [name, data]));

/** The embeddings of the fixture's longest captions by an encoder of these weights. */
async function embeddings(imported: ImportedWeights, cell: string): Promise<Map<string, Float32Array>> {
  const { values: of, shape } = await load(cell);
  const encoder = encoderOf(imported, "x.t7");
  const program = await compile(await device(), () => ({ output: encoder.call(input("index", shape("long.index"), "u32")) }));
  const { output } = await program.run({ index: of("long.index") });
  program.destroy();
  return new Map([["output", output]]);
}

describe.each(CELLS)("the authors' %s encoder", (cell) => {
  it("computes the same after import from a checkpoint", async () => {
    const { facts, under, values: of } = await load(cell);
    const file = writeTorch7(checkpoint(torchEncoder(facts, under("parameter")).encoder));
    const imported = weightsOfTorch7(readTorch7(file, "x.t7"), "x.t7");
    expect(imported.state).toBe("mean");
    expect(values(imported.weights)).toEqual(under("parameter"));
    expectClose(await embeddings(imported, cell), new Map([["output", of("long.output")]]), { relative: 1e-4 });
  });

  it("comes alone, from a GPU, from an older nngraph, or as the vector of its parameters", async () => {
    const { facts, under } = await load(cell);
    const expected = under("parameter");
    const { encoder, vector } = torchEncoder(facts, expected);
    const read = (root: Parameters<typeof writeTorch7>[0], cuda = false) =>
      weightsOfTorch7(readTorch7(writeTorch7(root, { cuda })), "x.t7").weights;
    expect(values(read(encoder))).toEqual(expected);
    expect(values(read(encoder, true))).toEqual(expected);
    expect(values(read(torchEncoder(facts, expected, {}, false).encoder))).toEqual(expected);
    const flat = weightsOfVector(vector, "x.t7", { alphabet: 70, embedding: facts.size });
    expect(values(flat)).toEqual(expected);
  });

  it("goes to the public port's names and comes back", async () => {
    const { facts, under } = await load(cell);
    const { weights } = weightsOfTorch7(torchEncoder(facts, under("parameter")).encoder, "x.t7");
    const dict = (name: (own: string) => string) =>
      new Map([...weights].map(([own, { shape, data }]): [string, SafeTensor] => [name(own), { dtype: "F32", shape, data }]));
    for (const name of [
      portName,
      (own: string) => `module.${portName(own)}`,
      (own: string) => portName(own).replaceAll(".", "_"),
      (own: string) => `text.${own}`,
      (own: string) => `module._orig_mod.${portName(own)}`,
      (own: string) => `text_encoder.${own}`,
    ]) {
      expect(values(weightsOfStateDict(dict(name), "x"))).toEqual(under("parameter"));
    }
    // As a part of something larger, beside counters of batches.
    const other: SafeTensor = { dtype: "F32", shape: [1], data: Float32Array.of(1) };
    const counter: SafeTensor = { dtype: "I64", shape: [], data: BigInt64Array.of(3n) };
    const whole = dict((own) => `text_encoder.${portName(own)}`);
    whole
      .set("image_encoder.conv1.weight", other)
      .set("text_encoder.norm.num_batches_tracked", counter)
      .set("num_batches_tracked", counter);
    expect(values(weightsOfStateDict(whole, "x"))).toEqual(under("parameter"));
    for (const [own, weight] of dict((own) => `old.${portName(own)}`)) whole.set(own, weight);
    expect(() => weightsOfStateDict(whole, "x")).toThrow('x holds several text encoders, under "text_encoder." and under "old."');
    whole.set("text_encoder.conv4.weight", other);
    for (const name of [...whole.keys()]) if (name.startsWith("old.")) whole.delete(name);
    expect(() => weightsOfStateDict(whole, "x")).toThrow('the tensor "text_encoder.conv4.weight" is none of a char-CNN-RNN');
    expect([...dict(portName).keys()]).toContain(cell === "rnn" ? "rnn.h2h.weight" : "rnn.h2h_update.weight");
    expect([...dict(portName).keys()]).toContain("emb_proj.bias");
  });
});

it("a GRU whose last state counts is told from one whose mean does", async () => {
  const { facts, under } = await load("gru");
  const { weights, state } = weightsOfTorch7(torchEncoder(facts, under("parameter"), { average: false }).encoder, "x.t7");
  expect(state).toBe("last");
  expect(new Map([...values(weights)].sort())).toEqual(new Map([...under("parameter")].sort()));
});

describe("what is no such encoder is refused", () => {
  const refuse = (root: Parameters<typeof weightsOfTorch7>[0], message: string) =>
    expect(() => weightsOfTorch7(root, "x.t7")).toThrow(message);

  it("other objects", () => {
    refuse(1, "x.t7 holds no nn module, nor a checkpoint with one as protos.enc_doc");
    refuse(lua({ protos: lua({}) }), "holds no nn module");
    refuse(torchObject("nn.Linear"), "x.t7 holds no char-CNN-RNN that petalgrad knows: 0 temporal convolutions");
    refuse(torchTensor([5], new Float32Array(5)), "x.t7: a vector of 5 numbers is no char-CNN-RNN of 70 characters and embeddings of 1024");
  });

  it("an RNN over 18 steps", async () => {
    const { facts, under } = await load("rnn");
    refuse(torchEncoder(facts, under("parameter"), { steps: 18 }).encoder, "its RNN runs over 18 steps, not 8");
  });

  it("weights that are not shared over time", async () => {
    const { facts, under } = await load("rnn");
    const { encoder } = torchEncoder(facts, under("parameter"));
    const cell = (encoder.fields.get("modules") as LuaTable)
      .list()
      .find((part) => part instanceof TorchObject && part.className === "nn.gModule");
    const layers = ((cell as TorchObject).fields.get("modules") as LuaTable)
      .list()
      .filter((part) => (part as TorchObject).className === "nn.Sequential");
    const last = ((layers.at(-1) as TorchObject).fields.get("modules") as LuaTable).list()[0] as TorchObject;
    last.fields.entries.set("bias", torchTensor([facts.width], new Float32Array(facts.width)));
    refuse(encoder, "rnn.hidden.bias is another at another step");
  });

  it("modules that hold themselves", () => {
    const module = torchObject("nn.Sequential");
    module.fields = lua({ modules: lua([module, module]) });
    refuse(module, "0 temporal convolutions");
  });

  it("sizes that do not fit, weights missing, too many, not finite", async () => {
    const { facts, under } = await load("rnn");
    const { weights } = weightsOfTorch7(torchEncoder(facts, under("parameter")).encoder, "x.t7");
    const without = new Map([...weights].filter(([name]) => name !== "rnn.hidden.bias"));
    expect(() => encoderOf({ weights: without, state: "mean" }, "x.t7")).toThrow("x.t7: the weight rnn.hidden.bias is missing");
    const wide = new Map(weights).set("conv1.bias", { shape: [7], data: new Float32Array(7) });
    expect(() => encoderOf({ weights: wide, state: "mean" }, "x.t7")).toThrow(
      "x.t7: conv1.bias is [7]; in a char-CNN-RNN of width 4 it is [6]",
    );
    const more = new Map(weights).set("gru.reset_input.bias", { shape: [4], data: new Float32Array(4) });
    expect(() => encoderOf({ weights: more, state: "mean" }, "x.t7")).toThrow(
      "a char-CNN-RNN with a cell of the kind rnn has no weight gru.reset_input.bias",
    );
    // Nothing is made of sizes that no other weight bears out, however little they take in the file.
    const [begun, none] = [process.resourceUsage().maxRSS, new Float32Array(0)];
    for (const name of ["conv3.weight", "project.weight"]) {
      const dimensions = weights.get(name)!.shape.length;
      const empty = new Map(weights).set(name, { shape: [1e9, 0, 4].slice(0, dimensions), data: none });
      expect(() => encoderOf({ weights: empty, state: "mean" }, "x.t7")).toThrow("in a char-CNN-RNN of width");
    }
    expect(process.resourceUsage().maxRSS - begun).toBeLessThan(2 ** 19);
    const nan = new Map(weights).set("project.bias", { shape: [7], data: new Float32Array(7).fill(NaN) });
    expect(() => encoderOf({ weights: nan, state: "mean" }, "x.t7")).toThrow("project.bias holds values that are not finite");
    const f32 = (shape: number[]): SafeTensor => ({ dtype: "F32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
    expect(() => weightsOfStateDict(new Map([["lstm.weight", f32([1])]]), "x")).toThrow(
      'x: the tensor "lstm.weight" is none of a char-CNN-RNN\'s',
    );
    expect(() =>
      weightsOfStateDict(
        new Map([
          ["conv1.bias", f32([1])],
          ["conv1_bias", f32([1])],
        ]),
        "x",
      ),
    ).toThrow("conv1.bias is there twice");
    expect(() => weightsOfStateDict(new Map([["conv1.bias", { dtype: "I32", shape: [1], data: Int32Array.of(1) }]]), "x")).toThrow(
      "is I32",
    );
  });
});
