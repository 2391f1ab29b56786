/** What the room Train is made of, without a browser: what is told of a training, its pace, its curves, runs as archives. */
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { filesOfArchive, filesOfFolder, zipped } from "../../studio/train/archive.js";
import { addStep, type Point, thinned } from "../../studio/train/curves.js";
import { Pacer } from "../../studio/train/pacer.js";
import { Teller, type Told } from "../../studio/train/told.js";

const file = (bytes: Uint8Array, name: string) => new File([bytes as Uint8Array<ArrayBuffer>], name);
const text = (contents: string) => new TextEncoder().encode(contents);

describe("the pace", () => {
  it("is free until it is held, then goes by what it is told, and ends with the training", async () => {
    const stop = new AbortController();
    const held: boolean[] = [];
    const pacer = new Pacer(stop.signal, (is) => held.push(is));
    expect(pacer.pace()).toBeUndefined();
    pacer.move("half");
    expect(pacer.pace()).toBeUndefined();
    pacer.hold();
    const [first, half] = [pacer.pace(), (pacer.move("half"), undefined)];
    expect([await first, half]).toEqual(["half", undefined]);
    const second = pacer.pace();
    pacer.goOn();
    expect(await second).toBe("step");
    expect(pacer.pace()).toBeUndefined();
    pacer.hold();
    const third = pacer.pace();
    stop.abort();
    expect(await third).toBe("step");
    expect(held).toEqual([true, false, true, false, true, false]);
  });
});

describe("what is told", () => {
  const step = (n: number) => ({ kind: "step", stage: "GAN", step: n, steps: 9, imagesPerSecond: 2, metrics: { lossD: n } }) as const;

  it("comes in one piece, and knows whether D's half or a whole step is behind the pause", () => {
    const told: Told[] = [];
    const teller = new Teller((one) => told.push(one));
    teller.event(step(1));
    teller.event({ kind: "half", step: 2, metrics: { lossD: 5 } });
    teller.held(true);
    teller.flush();
    expect(told).toMatchObject([{ half: { step: 2, metrics: { lossD: 5 } }, held: "half", steps: [{ step: 1 }] }]);
    // The loop asks for the next pause before it tells of the step that has just ended.
    teller.held(false);
    teller.held(true);
    teller.event(step(2));
    teller.flush();
    expect(told[1]).toMatchObject({ held: "step", steps: [{ step: 2, metrics: { lossD: 2 } }] });
    teller.flush();
    expect(told).toHaveLength(2);
  });
});

describe("curves", () => {
  it("have the scalars that are drawn, and not more points than asked, the last among them", () => {
    const curves: Record<string, Point[]> = {};
    addStep(curves, "GAN", 1, { lossD: 2, learningRate: 3, real: null });
    addStep(curves, "text encoder", 4, { loss: 5, lossD: 6 });
    expect(curves).toEqual({ lossD: [[1, 2]], loss: [[4, 5]] });
    const many = Array.from({ length: 1001 }, (_, i): Point => [i, i]);
    expect(thinned(many, 2000)).toEqual(many);
    expect(thinned(many, 100).length).toBeLessThanOrEqual(101);
    expect(thinned(many, 100).at(-1)).toEqual([1000, 1000]);
  });
});

describe("a run's archive", () => {
  const parts = {
    "config.json": text("{}"),
    "checkpoint/step-000005.safetensors": new Uint8Array([1, 2, 3]),
    "samples/step-000010.png": new Uint8Array(2),
  };

  it("comes back as it went", async () => {
    const archive = await zipped(Object.keys(parts), (name) => Promise.resolve(parts[name as keyof typeof parts]), "petals-1");
    const back = await filesOfArchive(file(new Uint8Array(await archive.arrayBuffer()), "x.zip"));
    expect(back.name).toBe("petals-1");
    const entries = await Promise.all(back.parts.map(async ([name, read]) => [name, await read()] as const));
    expect(Object.fromEntries(entries)).toEqual(parts);
  });

  it("gives what belongs to a run, and nothing beside or above it", async () => {
    const others = ["run/../../escape/config.json", "run/lock.json", "run/evil.js", "run/checkpoint/../model.safetensors", "config.txt"];
    const names = ["run/config.json", "run/deeper/config.json", ...others];
    const zip = zipSync(Object.fromEntries(names.map((name) => [name, text("{}")])));
    const fromArchive = await filesOfArchive(file(zip, "a.zip"));
    expect(fromArchive.parts.map(([name]) => name)).toEqual(["config.json"]);
    const fromFolder = filesOfFolder(names.map((path) => ({ path, file: file(text("{}"), "f") })));
    expect(fromFolder).toMatchObject({ name: "run" });
    expect(fromFolder.parts.map(([name]) => name)).toEqual(["config.json"]);
  });

  it("is refused in one line where it is none", async () => {
    await expect(filesOfArchive(file(text("no archive"), "a.zip"))).rejects.toThrow(/^a\.zip is no sound zip archive \(.*\)$/);
    await expect(filesOfArchive(file(zipSync({ "x/y": text("") }), "b.zip"))).rejects.toThrow("there is no run in b.zip: no config.json");
    expect(() => filesOfFolder([])).toThrow("there is no run in this folder: no config.json");
  });
});
