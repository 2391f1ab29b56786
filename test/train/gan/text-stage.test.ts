/** What the text encoder that a run makes by itself is trained on and how, and under which name it is kept. */
import { describe, expect, it } from "vitest";
import { Vocabulary } from "../../../src/data/vocabulary.js";
import { unknownWarning } from "../../../src/drawing/drawing-model.js";
import type { GivenOptions } from "../../../src/train/gan/options.js";
import { resolveOptions } from "../../../src/train/gan/resolve-options.js";
import { jointTraining, keptTextEncoder, symbolsOf } from "../../../src/train/gan/text-stage.js";
import { tinyDataset } from "../../data/tiny-dataset.js";

const optionsOf = (given: GivenOptions) => resolveOptions(given, { software: true });
const captioned = (captionsOf: (image: number) => string[]) => tinyDataset({ classes: 8, imagesPerClass: 2, size: 16, captionsOf });

describe("jointTraining", () => {
  it("of characters is written as in earlier versions, whose kept encoders are named by it", () => {
    expect(JSON.stringify(jointTraining(optionsOf({ dataset: "flowers", preset: "small" })))).toBe(
      '{"objective":"info-nce","margin":1,"others":"sum","batch":40,"numCaptions":1,"sentences":null,"dropout":0,"weightDecay":0,' +
        '"schedule":"cosine","learningRate":0.001,"warmUp":100,"lrDecay":1,"lrDecayEvery":1,"mirror":true,"shift":4,"crop":1,"light":0,' +
        '"steps":1000,"seed":0,"text":{"width":128,"embedding":256,"cell":"rnn"},"imageWidth":16}',
    );
  });

  it("of petals is of a bag of words with pairs", () => {
    expect(jointTraining(optionsOf({ textNgrams: 3 }))).toMatchObject({
      ...{ steps: 300, numCaptions: 4, learningRate: 3e-3 },
      text: { form: "bag-of-words", embedding: 256, length: 300 },
    });
  });

  it.each([
    ["char-cnn", { form: "char-cnn", width: 16, embedding: 32 }],
    ["word-cnn-rnn", { form: "word-cnn-rnn", width: 16, embedding: 32, cell: "rnn" }],
  ] as const)("of %s has what that form has", (textForm, text) => {
    expect(jointTraining(optionsOf({ preset: "tiny", textForm })).text).toEqual(text);
  });
});

describe("the symbols", () => {
  const dataset = captioned((i) => [`a red flower number ${i}`, "red petals"]);

  it("are words and pairs of the training captions, without the rare ones", () => {
    const symbols = symbolsOf(dataset, optionsOf({}));
    expect(symbols.unknownIn("A red flower, number 3")).toEqual(["3"]);
    expect(symbols.lengthOf("a red flower", 200)).toBe(5);
    expect(symbolsOf(dataset, optionsOf({ textForm: "word-cnn-rnn" })).lengthOf("a red flower", 30)).toBe(3);
    expect(symbolsOf(dataset, optionsOf({ textForm: "char-cnn" }))).toBe(dataset.alphabet);
  });

  it("are all words where captions are few", () => {
    const few = captioned((i) => [`flower${i}`]);
    const [image] = few.imagesOfSplit("train");
    expect(symbolsOf(few, optionsOf({})).unknownIn(`flower${image}`)).toEqual([]);
  });

  it("cannot be words where captions hold none", () => {
    expect(() =>
      symbolsOf(
        captioned(() => ["☃ !"]),
        optionsOf({}),
      ),
    ).toThrow("hold no words: read characters (--text-form char-cnn-rnn)");
  });

  it("name the kept encoder: others for other runs of words", () => {
    const names = [{}, { textNgrams: 1 }, { textForm: "char-cnn-rnn" }, { seed: 1 }] as const;
    expect(new Set(names.map((given) => keptTextEncoder(dataset, optionsOf(given)))).size).toBe(names.length);
  });
});

describe("a sentence to draw", () => {
  const words = Vocabulary.fromCaptions(["white petals around a red eye"], 1, 2);

  it.each([
    ["red petals", undefined],
    ["Red periwinkle petals, periwinkle!", /never say "periwinkle"; left out: what is drawn goes by the other words/],
    ["un pissenlit un", /knows none of its words; what is drawn has nothing to go by/],
  ])("%s: its unknown words are told", (text, warning) => {
    const told = unknownWarning(words, text);
    if (warning === undefined) expect(told).toBeUndefined();
    else expect(told).toMatch(warning);
  });

  it("of characters has its letters told", () => {
    const { alphabet } = captioned(() => ["red petals"]);
    expect(unknownWarning(alphabet, "red é")).toBe(`"red é": the model's alphabet lacks "é"; left out`);
    expect(unknownWarning(alphabet, "periwinkle")).toBeUndefined();
  });
});
