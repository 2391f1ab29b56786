/** What TypeScript knows of programs and options. `tsc` holds these (npm run check); nothing of them runs. */
import { describe, expectTypeOf, it } from "vitest";
import {
  compile,
  type CompileProgress,
  type Device,
  type GivenOptions,
  input,
  type InputValues,
  type openDevice,
  type Program,
  resolveOptions,
  sum,
  type Tensor,
  tensor,
  type TrainOptions,
} from "../src/index.js";

/** A program of a scalar, of whole numbers, and of what may be either. */
const build = (device: Device) =>
  compile(device, () => ({
    loss: sum(input("x", [2])),
    labels: input("labels", [3], "u32"),
    numbers: tensor([1, 2]),
  }));

describe("a program", () => {
  it("has the names and types of what was returned", () => {
    expectTypeOf(build).returns.resolves.toEqualTypeOf<Program<{ loss: Tensor; labels: Tensor<"u32">; numbers: Tensor }>>();
  });

  it("gives whole numbers where the tensor holds them, floats elsewhere, and nothing else", () => {
    type Outputs = Awaited<ReturnType<Awaited<ReturnType<typeof build>>["run"]>>;
    expectTypeOf<Outputs>().toEqualTypeOf<{ loss: Float32Array; labels: Uint32Array; numbers: Float32Array }>();
    expectTypeOf<Outputs>().not.toHaveProperty("accuracy");
  });

  it("takes arrays of numbers by name", () => {
    type Run = Awaited<ReturnType<typeof build>>["run"];
    expectTypeOf<Run>().parameter(0).toEqualTypeOf<InputValues | undefined>();
    expectTypeOf<{ x: Float32Array; labels: number[] }>().toExtend<InputValues>();
    expectTypeOf<{ x: string[] }>().not.toExtend<InputValues>();
  });

  it("of no known names is a program of any", () => {
    expectTypeOf<Awaited<ReturnType<typeof build>>>().toExtend<Program>();
    expectTypeOf<Awaited<ReturnType<Program["run"]>>["anything"]>().toEqualTypeOf<Float32Array>();
  });
});

describe("compile", () => {
  it("refuses what is no tensor, and options that it does not have", () => {
    expectTypeOf(compile).parameter(1).returns.toExtend<Record<string, Tensor>>();
    // @ts-expect-error: an output is a tensor
    void ((device: Device) => compile(device, () => ({ loss: 1 })));
    // @ts-expect-error: "f8" is no storage
    void ((device: Device) => compile(device, () => ({ loss: tensor([1]) }), { storage: "f8" }));
  });

  it("can be followed and given up", () => {
    type Options = NonNullable<Parameters<typeof compile>[2]>;
    expectTypeOf<Options["signal"]>().toEqualTypeOf<AbortSignal | undefined>();
    expectTypeOf<NonNullable<Options["onProgress"]>>().parameter(0).toEqualTypeOf<CompileProgress>();
  });
});

describe("tensors", () => {
  it("know what they hold, where that was said", () => {
    expectTypeOf<Tensor<"u32">["dtype"]>().toEqualTypeOf<"u32">();
    expectTypeOf<ReturnType<typeof input>["dtype"]>().toEqualTypeOf<"f32" | "u32">();
  });

  it("take shapes of numbers", () => {
    expectTypeOf(tensor).parameter(1).toEqualTypeOf<readonly number[] | undefined>();
  });
});

describe("options of a training", () => {
  it("are known by their table", () => {
    expectTypeOf<TrainOptions["variant"]>().toEqualTypeOf<"gan" | "gan-cls" | "gan-int" | "gan-int-cls">();
    expectTypeOf<TrainOptions["learningRate"]>().toEqualTypeOf<number>();
    expectTypeOf<TrainOptions["textEncoder"]>().toEqualTypeOf<string | null>();
    expectTypeOf<{ variant: "gan"; steps: 10 }>().toExtend<GivenOptions>();
    expectTypeOf<{ variant: "cgan" }>().not.toExtend<GivenOptions>();
  });

  it("are complete once resolved, with what a device tells", () => {
    expectTypeOf(resolveOptions).returns.toEqualTypeOf<TrainOptions>();
    expectTypeOf<Awaited<ReturnType<typeof openDevice>>["traits"]>().toExtend<Parameters<typeof resolveOptions>[1]>();
  });
});
