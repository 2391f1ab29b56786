/** The option table of training: defaults, presets, ranges, resume, config.json. */
import { describe, expect, it } from "vitest";
import { checkOption, flagName, nearest, type OptionSpec, valueWord } from "../../../src/option-spec.js";
import { type GivenOptions, TRAIN_OPTIONS } from "../../../src/train/gan/options.js";
import { optionsFromJson, optionsToJson, resolveOptions, resumeOptions } from "../../../src/train/gan/resolve-options.js";
import { PRESET_VALUES, PRESETS } from "../../../src/train/gan/presets.js";
import { RECIPE_VALUES, RECIPES } from "../../../src/train/gan/recipes.js";

const cpu = { software: true };

describe("resolveOptions", () => {
  it("takes the preset that the adapter can carry, unless one is given", () => {
    expect(resolveOptions({}, cpu)).toMatchObject({
      preset: "small",
      batch: 16,
      generatorWidth: 32,
      discriminatorWidth: 16,
      variant: "gan-int-cls",
      ema: 0.995,
    });
    expect(resolveOptions({}, { software: false })).toMatchObject({
      preset: "paper",
      batch: 64,
      generatorWidth: 128,
      discriminatorWidth: 64,
    });
    expect(resolveOptions({ preset: "tiny" }, { software: false })).toMatchObject({ preset: "tiny", imageSize: 16 });
  });

  it("lets a given value win over the preset and the default, and ignores undefined", () => {
    expect(resolveOptions({ preset: "small", batch: 8, seed: undefined, learningRate: 1e-3 }, cpu)).toMatchObject({
      batch: 8,
      seed: 0,
      learningRate: 1e-3,
    });
  });

  it("gives every option a value in every preset", () => {
    for (const preset of PRESETS) {
      const options = resolveOptions({ preset, dataset: "flowers" }, cpu);
      expect(Object.keys(options).sort()).toEqual(Object.keys(TRAIN_OPTIONS).sort());
      expect(options).toMatchObject(PRESET_VALUES[preset]);
    }
  });

  it("trains petals' text encoder for fewer steps, unless asked otherwise", () => {
    expect(resolveOptions({ preset: "small" }, cpu).textSteps).toBe(300);
    expect(resolveOptions({ preset: "tiny" }, cpu).textSteps).toBe(PRESET_VALUES.tiny.textSteps);
    expect(resolveOptions({ preset: "small", textSteps: 1000 }, cpu).textSteps).toBe(1000);
  });

  it.each([
    [{}, "bag-of-words"],
    [{ preset: "tiny" }, "bag-of-words"],
    [{ preset: "medium" }, "bag-of-words"],
    [{ textEncoder: "fine-tune" }, "bag-of-words"],
    [{ preset: "tiny", textForm: "char-cnn-rnn" }, "char-cnn-rnn"],
    [{ preset: "paper" }, "char-cnn-rnn"],
    [{ preset: "paper", textForm: "bag-of-words" }, "bag-of-words"],
    [{ dataset: "flowers" }, "char-cnn-rnn"],
    [{ dataset: "birds", textForm: "bag-of-words" }, "bag-of-words"],
    [{ textCell: "gru" }, "char-cnn-rnn"],
    [{ textWidth: 64 }, "char-cnn-rnn"],
    [{ textCell: undefined }, "bag-of-words"],
    [{ textEncoder: "end-to-end" }, "char-cnn-rnn"],
  ] as [GivenOptions, string][])("%o makes a text encoder of the form %s", (given, form) => {
    expect(resolveOptions(given, cpu)).toMatchObject({ textForm: form, textNgrams: 2 });
  });

  it.each([
    [{ batch: 1 }, "--batch must be a whole number from 2 to 1024, not 1"],
    [{ batch: 2.5 }, "--batch must be a whole number"],
    [{ batch: 15 }, "--batch must be even for gan-int-cls"],
    [{ learningRate: NaN }, "--learning-rate must be a number"],
    [{ imageSize: 48 }, "--image-size must be a power of two, not 48"],
    [{ variant: "dcgan" as "gan" }, "--variant must be one of gan, gan-cls"],
    [{ variant: "gan" as const, clsWeight: 0.5 }, "--cls-weight has no meaning with --variant gan"],
    [{ variant: "gan-cls" as const, interpWeight: 1 }, "--interp-weight has no meaning with --variant gan-cls"],
    [{ variant: "gan" as const, matchFrom: 500 }, "--match-from has no meaning with --variant gan"],
    [{ interpType: "2" as const, interpBeta: 0.5 }, "--interp-beta has no meaning with --interp-type 2"],
    [{ recipe: "papers" as "paper" }, "--recipe must be one of petalgrad, photographs, paper, authors"],
    [{ smoothLayers: 1, upsampling: "transposed" as const }, "--smooth-layers has no meaning with --upsampling transposed"],
    [
      { minibatchDeviation: true, discriminatorBatches: "separate" as const },
      "--minibatch-deviation has no meaning without --discriminator-batches joint",
    ],
    [{ dataDir: "x" }, "--data-dir has no meaning with --dataset petals"],
    [{ textEncoder: "x", textSteps: 5 }, "--text-steps has no meaning with --text-encoder FILE"],
    [{ embeddings: "x", textEncoder: "y" }, "--text-encoder has no meaning with --embeddings PATH"],
    [{ textEncoder: "x", textForm: "bag-of-words" as const }, "--text-form has no meaning with --text-encoder FILE"],
    [{ textForm: "bag-of-words" as const, textCell: "gru" as const }, "--text-cell has no meaning with --text-form bag-of-words"],
    [{ textForm: "char-cnn" as const, textCell: "gru" as const }, "--text-cell has no meaning with --text-form char-cnn"],
    [{ textForm: "bag-of-words" as const, textWidth: 64 }, "--text-width has no meaning with --text-form bag-of-words"],
    [{ preset: "paper" as const, textNgrams: 3 }, "--text-ngrams has no meaning with --text-form char-cnn-rnn"],
    [{ embeddings: "x", textSize: 5 }, "--text-size has no meaning with --embeddings PATH"],
  ])("refuses %o in one line", (given, message) => {
    expect(() => resolveOptions(given, cpu)).toThrow(message);
  });

  it("takes from a recipe what is not given", () => {
    expect(resolveOptions({}, cpu)).toEqual(resolveOptions({ recipe: "petalgrad" }, cpu));
    const photographs = {
      ...resolveOptions({}, cpu),
      discriminatorBatches: "separate",
      minibatchDeviation: false,
      infoWeight: 0,
      diversityWeight: 10,
      lrFall: 0,
    };
    expect(resolveOptions({ recipe: "photographs" }, cpu)).toEqual({ ...photographs, recipe: "photographs" });
    expect(resolveOptions({ recipe: "paper" }, cpu)).toMatchObject({
      ...{ recipe: "paper", preset: "small", steps: 2600, textForm: "char-cnn-rnn", upsampling: "transposed", residual: false, ema: 0 },
      ...{ lrFall: 0, diversityWeight: 0 },
      ...{ numCaptions: 1, mismatch: "text", lrDecay: 1, textBatchNorm: false, missingLeakyRelu: "restore", infoWeight: 0 },
    });
    expect(resolveOptions({ recipe: "authors", preset: "medium" }, cpu)).toMatchObject({
      ...{ recipe: "authors", preset: "medium", steps: 8000, textForm: "char-cnn-rnn", upsampling: "transposed", residual: true, ema: 0 },
      ...{ lrFall: 0, diversityWeight: 0 },
      ...{ numCaptions: 4, mismatch: "image", lrDecay: 0.5, textBatchNorm: true, missingLeakyRelu: "keep", infoWeight: 0 },
    });
    const own: GivenOptions = {
      recipe: "paper",
      ema: 0.9,
      numCaptions: 3,
      textForm: "bag-of-words",
      upsampling: "smooth",
      smoothLayers: 1,
    };
    expect(resolveOptions(own, cpu)).toMatchObject({ ...own, mismatch: "text" });
    // What a recipe sets may have no meaning beside what is given; only what the user typed is refused.
    expect(resolveOptions({ recipe: "paper", variant: "gan", embeddings: "x" }, cpu)).toMatchObject({ variant: "gan", numCaptions: 1 });
  });

  it("takes from preset coco-paper what the paper's COCO has otherwise, whatever the recipe says of flowers", () => {
    const coco = { preset: "coco-paper", dataset: "coco" } as const;
    const code = {
      variant: "gan-cls",
      textBatchNorm: false,
      missingLeakyRelu: "restore",
      numCaptions: 3,
      differentCaptions: true,
      lrDecayEvery: 40,
    } as const;
    const sizes = { generatorWidth: 196, discriminatorWidth: 196, steps: 200 * Math.ceil(82_783 / 64), textSize: 1024 };
    const text = { textForm: "char-cnn-rnn", textCell: "gru", textWidth: 512 } as const;
    for (const recipe of ["petalgrad", "photographs", "authors"] as const)
      expect(resolveOptions({ ...coco, recipe }, cpu)).toMatchObject({
        ...code,
        ...sizes,
        ...text,
        recipe,
        mismatch: "image",
        lrDecay: 0.5,
      });
    // Section 5.5: all as in the other experiments.
    expect(resolveOptions({ ...coco, recipe: "paper" }, cpu)).toMatchObject({
      ...sizes,
      variant: "gan-cls",
      numCaptions: 1,
      mismatch: "text",
    });
    expect(resolveOptions({ ...coco, variant: "gan-int", numCaptions: 5 }, cpu)).toMatchObject({ variant: "gan-int", numCaptions: 5 });
    const flowers = resolveOptions({ preset: "paper", recipe: "authors" }, cpu);
    expect(flowers).toMatchObject({ variant: "gan-int-cls", numCaptions: 4, differentCaptions: null });
    // So runs of all other presets keep the bytes of their config.json.
    expect(optionsToJson(flowers)).not.toHaveProperty("differentCaptions");
    expect(optionsToJson(resolveOptions(coco, cpu))).toHaveProperty("differentCaptions", true);
  });

  it("says of every option that a recipe sets which ones do, and to what", () => {
    for (const recipe of RECIPES) {
      for (const [key, value] of Object.entries(RECIPE_VALUES[recipe])) {
        const { elsewhere } = TRAIN_OPTIONS[key as keyof typeof TRAIN_OPTIONS] as OptionSpec;
        expect(elsewhere, key).toMatch(/^recipes? /);
        expect(elsewhere, key).toMatch(new RegExp(`${recipe}(, \\w+)*: ${valueWord(value)}`));
      }
    }
    expect((TRAIN_OPTIONS.steps as OptionSpec).elsewhere).toBeUndefined();
  });

  it("takes an odd batch where nothing is interpolated", () => {
    expect(resolveOptions({ batch: 15, variant: "gan-cls" }, cpu).batch).toBe(15);
  });
});

describe("resumeOptions", () => {
  const saved = resolveOptions({ preset: "tiny", seed: 7 }, cpu);

  it("goes on with the saved options, more steps allowed", () => {
    expect(resumeOptions(saved, {})).toEqual(saved);
    expect(resumeOptions(saved, { steps: 500, seed: 7 })).toEqual({ ...saved, steps: 500 });
    expect(resumeOptions(saved, { diversityWeight: 5 })).toEqual({ ...saved, diversityWeight: 5 });
    expect(() => resumeOptions(saved, { diversityWeight: -1 })).toThrow("--diversity-weight must be");
  });

  it("refuses to change what a step computes", () => {
    expect(() => resumeOptions(saved, { learningRate: 1 })).toThrow("--learning-rate 1: the run was begun with 0.0002");
    expect(() => resumeOptions(saved, { residual: false })).toThrow("--residual off: the run was begun with on");
    expect(() => resumeOptions(saved, { recipe: "paper" })).toThrow("--recipe paper: the run was begun with petalgrad");
    expect(() => resumeOptions(saved, { textEncoder: "x" })).toThrow("the run was begun with none");
  });
});

describe("optionsFromJson", () => {
  const saved = resolveOptions({ preset: "tiny" }, cpu);

  it("is the inverse of JSON.stringify", () => {
    expect(optionsFromJson(JSON.parse(JSON.stringify(saved)), "config.json")).toEqual(saved);
  });

  it("spells what is on or off as runs always did, and reads both spellings", () => {
    const json = optionsToJson(resolveOptions({ preset: "tiny", minibatchDeviation: true, discriminatorBatches: "joint" }, cpu));
    expect(json).toMatchObject({ residual: true, textBatchNorm: "on", minibatchDeviation: "on", recompute: false });
    const read = (changes: object) => optionsFromJson({ ...json, ...changes }, "config.json");
    expect(read({})).toMatchObject({ residual: true, textBatchNorm: true, minibatchDeviation: true, recompute: false });
    expect(read({ residual: "off", textBatchNorm: false, recompute: "on" })).toMatchObject({
      ...{ residual: false, textBatchNorm: false, recompute: true },
    });
    expect(JSON.stringify(optionsToJson(read({})))).toBe(JSON.stringify(json));
    expect(() => read({ textBatchNorm: "yes" })).toThrow('config.json: textBatchNorm must be true or false, not "yes"');
    // A choice of these words stays one.
    expect(read({ tune: "off" }).tune).toBe("off");
  });

  it("reads runs from before there was a choice of forms as runs of characters", () => {
    const { textForm, textNgrams, ...older } = saved;
    expect([textForm, textNgrams]).toEqual(["bag-of-words", 2]);
    expect(optionsFromJson(JSON.parse(JSON.stringify(older)), "config.json")).toEqual({ ...saved, textForm: "char-cnn-rnn" });
  });

  it("reads runs from before there were smooth layers and recipes as runs without", () => {
    const { upsampling, smoothLayers, recipe, matchFrom, lrFall, diversityWeight, ...older } = saved;
    expect([upsampling, smoothLayers, recipe, matchFrom, lrFall, diversityWeight]).toEqual(["smooth", 2, "petalgrad", 0, 0.5, 0]);
    const read = optionsFromJson(JSON.parse(JSON.stringify(older)), "config.json");
    expect(read).toMatchObject({ upsampling: "transposed", smoothLayers: 2, recipe: null, matchFrom: 0, lrFall: 0, diversityWeight: 0 });
    expect(resumeOptions(read, { steps: 500 })).toEqual({ ...read, steps: 500 });
  });

  it.each([
    [{ ...saved, batchSize: 3 }, 'config.json: unknown option "batchSize"; did you mean "batch"?'],
    [{ ...saved, batch: "8" }, 'config.json: batch must be a whole number from 2 to 1024, not "8"'],
    [{ ...saved, batch: undefined }, 'the option "batch" is missing'],
    [[], "config.json does not hold a run's options"],
    [null, "config.json does not hold a run's options"],
  ])("refuses a damaged one (%#)", (json, message) => {
    expect(() => optionsFromJson(json === null ? null : JSON.parse(JSON.stringify(json)), "config.json")).toThrow(message);
  });
});

describe("option-spec", () => {
  it("names flags", () => {
    expect(flagName("lrDecayEvery")).toBe("lr-decay-every");
    expect(flagName("missingLeakyRelu")).toBe("missing-leaky-relu");
    expect(flagName("ema")).toBe("ema");
  });

  it("suggests the nearest word, or nothing", () => {
    const words = ["steps", "text-steps", "seed", "batch", "learning-rate"];
    expect(nearest("step", words)).toBe("steps");
    expect(nearest("bacth", words)).toBe("batch");
    expect(nearest("learningrate", words)).toBe("learning-rate");
    expect(nearest("learn", words)).toBe("learning-rate");
    expect(nearest("zzzzzz", words)).toBeUndefined();
  });

  it("names where a bad value stands", () => {
    expect(() => checkOption("--out", { type: "text", placeholder: "FILE", description: "" }, "")).toThrow("--out must not be empty");
    expect(() => checkOption("--x", { type: "flag", description: "" }, 1)).toThrow("--x must be true or false, not 1");
  });
});
