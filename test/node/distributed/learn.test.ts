/** Training on several ranks: the gradients of the whole batch, one run on all of them, and its end when one of them ends. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makePetals } from "../../../src/data/petals.js";
import { PackedDataset } from "../../../src/data/packed.js";
import { FolderStore } from "../../../src/node/files/folder-store.js";
import { trainGan } from "../../../src/train/gan/session.js";
import type { TrainEvent } from "../../../src/train/run/events.js";
import { trainText } from "../../../src/train/text/session.js";
import { GIVEN } from "./given.js";
import { describeUnderBoth, describeUnderMpi, type Ended, onRanks } from "./ranks.js";
import { TEXT_TRAININGS } from "./text-trainings.js";
import { launcherWords, takeOwn } from "../../../scripts/train-mpi.mjs";

const PROGRAM = "test/node/distributed/learn-program.ts";
const CLI = "test/node/distributed/cli-by-rank.ts";
const folder = mkdtempSync(join(tmpdir(), "petalgrad-ranks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All ranks have the same bits, twice, and those of one alone but for the order of sums. @param far So far variables must have moved. */
function requireWhole({ code, lines, stderr }: Ended, count: number, far: number): void {
  expect(code, stderr).toBe(0);
  expect(lines).toHaveLength(count);
  for (const { name, digest, again, apart, losses, moved } of lines) {
    expect(digest).toBe(lines.find((line) => line.name === name)!.digest);
    expect(again).toBe(digest);
    expect(apart).toBeLessThan(1e-6);
    expect(losses).toBeLessThan(1e-6);
    expect(moved).toBeGreaterThan(far);
  }
}

describeUnderMpi("training on two ranks", (launcher) => {
  const here = join(folder, launcher.replace(" ", "-"));

  it("is training on the whole batch, where there is no batch norm; the same bits every time, on every rank", async () => {
    requireWhole(await onRanks(launcher, 2, [PROGRAM, "net", "-"]), 2, 0.05);
  });

  it("is training on the whole batch where its rows are compared with one another, and ranks have different numbers of them", async () => {
    requireWhole(await onRanks(launcher, 3, [PROGRAM, "net", "-", "25", "compares"]), 3, 0.05);
  });

  it("trains a text encoder on the whole batch", async () => {
    requireWhole(await onRanks(launcher, 2, [PROGRAM, "text"]), 2 * Object.keys(TEXT_TRAININGS).length, 0.005);
  });

  it("says in one line what does not fit", async () => {
    const other = launcher === "MPICH" ? "libmpi.so.40" : "libmpich.so.12";
    const wrong = await onRanks(launcher, 2, [CLI, "train", "--mpi-library", other]);
    expect(wrong.code).not.toBe(0);
    expect(wrong.said[0]).toMatch(new RegExp(`mpirun of ${launcher} started 2 ranks, of which ${other} .* sees 1: start by the mpirun of`));
    const words = launcher === "MPICH" ? ["--variant", "gan-cls", "--batch", "5"] : ["--batch", "4", "+1", "--seed", "5"];
    const unequal = await onRanks(launcher, 2, [CLI, "train", ...words, "--run", join(here, "never")]);
    expect(unequal.code).not.toBe(0);
    expect(unequal.said).toEqual([
      launcher === "MPICH"
        ? "petalgrad: --batch 5 is the whole batch, and 2 ranks do not divide it: give a multiple of 2"
        : "petalgrad: all ranks need the same seed: rank 0 has nothing, rank 1 5",
    ]);
  });
});

describeUnderBoth("a rank", () => {
  const here = join(folder, "killed");

  it("that is killed ends the others, and the run goes on alone and then on two again", async () => {
    const died = await onRanks("Open MPI", 2, [PROGRAM, "die", here]);
    expect(died.code).not.toBe(0);
    expect(died.lines).toEqual([]);
    const checkpoints = () => readdirSync(join(here, "checkpoint")).sort();
    expect(checkpoints()).toEqual(["step-000002.safetensors"]);
    const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
    const alone = await trainGan({ given: { ...GIVEN, steps: 4 }, store: new FolderStore(here), dataset });
    expect(alone).toMatchObject({ end: "finished", step: 4 });
    const { code, lines, stderr } = await onRanks("MPICH", 2, [PROGRAM, "resume", here, "6"]);
    expect(code, stderr).toBe(0);
    expect(lines.map(({ end }) => end)).toEqual(["finished at 6", "finished at 6"]);
    expect(checkpoints()).toEqual(["step-000004.safetensors", "step-000006.safetensors"]);
    // A style encoder for it, whose losses all ranks know alike.
    expect(lines.map(({ style }) => style)).toEqual(["finished at 3", "finished at 3"]);
    expect(lines[1]!.losses).toEqual(lines[0]!.losses);
    expect(lines[0]!.losses).toHaveLength(3);
    expect(existsSync(join(here, "style", "style-encoder.safetensors"))).toBe(true);
  });
});

describeUnderBoth("a text encoder's run", () => {
  it("stops after the same step on two ranks, resumes with the same bits, and goes on alone and on two again", async () => {
    const here = join(folder, "text");
    const { code, lines, stderr } = await onRanks("Open MPI", 2, [PROGRAM, "text-run", here]);
    expect(code, stderr).toBe(0);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toEqual({ ...lines[0], rank: lines[1]!.rank });
    expect(lines[0]!.stopped).toMatch(/^stopped at [67]$/);
    expect(lines[0]!.whole).toMatchObject({ end: "finished at 10", best: { step: expect.any(Number) as number } });
    expect(lines[0]!.parts).toEqual(lines[0]!.whole);
    const dataset = new PackedDataset(await makePetals({ size: 16, imagesPerClass: 3 }));
    const stop = new AbortController();
    const onEvent = (event: TrainEvent): void => void (event.kind === "step" && stop.abort());
    const alone = await trainText({ given: {}, store: new FolderStore(join(here, "on")), dataset }, { onEvent, signal: stop.signal });
    expect(alone).toMatchObject({ end: "stopped", options: { steps: 10 } });
    const on = await onRanks("MPICH", 2, [PROGRAM, "text-on", join(here, "on")]);
    expect(on.code, on.stderr).toBe(0);
    expect(on.lines.map(({ end }) => end)).toEqual(["finished at 10", "finished at 10"]);
    expect(on.lines[1]!.encoder).toBe(on.lines[0]!.encoder);
  });
});

describeUnderMpi(
  "a GAN on two ranks",
  (launcher) => {
    const here = join(folder, "gan");

    it("resumes with the same bits, and stops with the others after the same step", async () => {
      const { code, lines, stderr } = await onRanks(launcher, 2, [PROGRAM, "gan", here]);
      expect(code, stderr).toBe(0);
      expect(new Set(lines.flatMap(({ whole, parts }) => [whole, parts])).size).toBe(1);
      expect(new Set(lines.map(({ stopped }) => stopped)).size).toBe(1);
      expect(lines[0]!.stopped).toMatch(/^stopped at [67]$/);
    });
  },
  ["MPICH"],
);

describeUnderMpi(
  "a rank",
  (launcher) => {
    it("whose library is missing says so", async () => {
      const missing = await onRanks(launcher, 2, [CLI, "train", "--mpi-library", "/nowhere/libmpi.so"]);
      expect(missing.code).not.toBe(0);
      expect(missing.said[0]).toMatch(/^petalgrad: \/nowhere\/libmpi\.so cannot be loaded: /);
    });
  },
  ["Open MPI"],
);

describe("train:mpi", () => {
  it("launches node by the launcher's own words", () => {
    const words = (changes: object) => launcherWords({ family: "Open MPI", ranks: 2, cores: 2, root: false, ...changes }).join(" ");
    expect(words({})).toBe("-n 2 --bind-to none");
    expect(words({ root: true, ranks: 3 })).toBe("-n 3 --bind-to none --allow-run-as-root --oversubscribe");
    expect(words({ family: "other", root: true, ranks: 3 })).toBe("-n 3");
    expect(takeOwn(["--steps", "9", "-n", "4"])).toEqual({ ranks: 4, mpirun: "mpirun", rest: ["--steps", "9"] });
    expect(() => takeOwn(["-n", "many"])).toThrow(/-n takes the number of ranks/);
  });
});
