/** Types that are inferred from tables of options: `npm run check:types` is what fails where one is wrong. */
import { describe, expectTypeOf, it } from "vitest";
import { defineCommand, parseOptions, withDefaults } from "../src/cli/command.js";
import type { Given, OptionsOf, OptionTable, Values } from "../src/option-spec.js";
import type { GivenOptions, TrainOptions } from "../src/train/gan/options.js";
import type { Preset } from "../src/train/gan/presets.js";
import type { StyleOptions } from "../src/train/style/options.js";
import type { GivenTextOptions, TextOptions } from "../src/train/text/options.js";

const TABLE = {
  steps: { type: "integer", default: 10, description: "how often" },
  rate: { type: "number", nullable: "unused", description: "how fast" },
  colour: { type: "choice", choices: ["red", "blue"], default: "red", description: "of the petals" },
  leaves: { type: "flag", description: "with them" },
  text: { type: "texts", placeholder: "TEXT", description: "a caption" },
  run: { type: "text", placeholder: "DIR", nullable: "always", description: "where" },
} as const satisfies OptionTable;
type Table = typeof TABLE;

describe("types of a table's values", () => {
  it("given on a command line: any of them", () => {
    expectTypeOf<Given<Table>>().toEqualTypeOf<{
      readonly steps?: number;
      readonly rate?: number;
      readonly colour?: "red" | "blue";
      readonly leaves?: boolean;
      readonly text?: readonly string[];
      readonly run?: string;
    }>();
  });

  it("with defaults: undefined only where the table has none", () => {
    expectTypeOf<Values<Table>>().toEqualTypeOf<{
      readonly steps: number;
      readonly rate: number | undefined;
      readonly colour: "red" | "blue";
      readonly leaves: boolean | undefined;
      readonly text: readonly string[] | undefined;
      readonly run: string | undefined;
    }>();
  });

  it("kept by a run: all of them, null only where the table allows it", () => {
    expectTypeOf<OptionsOf<Table>>().toEqualTypeOf<{
      readonly steps: number;
      readonly rate: number | null;
      readonly colour: "red" | "blue";
      readonly leaves: boolean;
      readonly text: readonly string[];
      readonly run: string | null;
    }>();
  });

  it("reach a command's function", () => {
    const command = defineCommand({
      name: "grow",
      summary: "",
      options: { colour: { type: "choice", choices: ["red", "blue"], description: "" } },
      examples: [],
      run: (given) => {
        expectTypeOf(given).toEqualTypeOf<{ readonly colour?: "red" | "blue" }>();
        return Promise.resolve();
      },
    });
    expectTypeOf(parseOptions(command, [])).toEqualTypeOf<{ readonly colour?: "red" | "blue" } | "help">();
    expectTypeOf(withDefaults(TABLE, {}).colour).toEqualTypeOf<"red" | "blue">();
  });
});

describe("the options of the trainings", () => {
  it("are as precise as their tables", () => {
    expectTypeOf<TrainOptions["variant"]>().toEqualTypeOf<"gan" | "gan-cls" | "gan-int" | "gan-int-cls">();
    expectTypeOf<TrainOptions["interpType"]>().toEqualTypeOf<"1" | "2">();
    expectTypeOf<TrainOptions["textForm"]>().toEqualTypeOf<"char-cnn-rnn" | "char-cnn" | "word-cnn-rnn" | "bag-of-words">();
    expectTypeOf<TrainOptions["batch"]>().toEqualTypeOf<number>();
    expectTypeOf<TrainOptions["dataset"]>().toEqualTypeOf<string>();
    expectTypeOf<TrainOptions["dataDir" | "captions" | "textEncoder" | "embeddings"]>().toEqualTypeOf<string | null>();
    expectTypeOf<TextOptions["cell"]>().toEqualTypeOf<"rnn" | "gru" | "lstm" | null>();
    expectTypeOf<TextOptions["validation"]>().toEqualTypeOf<number>();
    expectTypeOf<StyleOptions["generator"]>().toEqualTypeOf<"ema" | "raw">();
  });

  it("have booleans for all that is on or off", () => {
    expectTypeOf<TrainOptions["residual" | "textBatchNorm" | "minibatchDeviation" | "recompute"]>().toEqualTypeOf<boolean>();
    expectTypeOf<TextOptions["mirror"]>().toEqualTypeOf<boolean | null>();
  });

  it("may be given in part, and are named by presets as they are by their table", () => {
    expectTypeOf<{ batch: 8 }>().toExtend<GivenOptions>();
    expectTypeOf<{ batch: "8" }>().not.toExtend<GivenOptions>();
    expectTypeOf<{ cell: null }>().toExtend<GivenTextOptions>();
    expectTypeOf<TrainOptions>().toExtend<Preset>();
  });
});
