/** The networks that look: trained once, kept in the store that is handed in, read again, trained anew where their file is damaged. */
import { describe, expect, it } from "vitest";
import { type NetworkStore, obtainNetworks } from "../../src/evaluate/networks.js";
import type { ImageEncoder } from "../../src/models/image-encoder.js";
import type { TrainEvent } from "../../src/train/run/events.js";
import { networkDigest } from "../../src/train/run/network-file.js";
import { MemoryStore } from "../../src/train/run/store.js";
import { device } from "../device.js";
import { fewSteps } from "./few-steps.js";
import { patches } from "./patches.js";

const settings = fewSteps();
const dataset = patches();

async function obtain(store: NetworkStore) {
  const events: TrainEvent[] = [];
  const hooks = { onEvent: (event: TrainEvent) => void events.push(event), signal: new AbortController().signal };
  const { classifier, matching } = await obtainNetworks(await device(), dataset, settings, store, hooks);
  const told = events.flatMap((event) => (event.kind === "message" || event.kind === "warning" ? [event.text] : []));
  const digests = await Promise.all(([classifier, matching.image] as ImageEncoder[]).map(networkDigest));
  return { told, digests, trained: new Set(events.flatMap((event) => (event.kind === "work" ? [event.what] : []))) };
}

/** A store whose files can be listed. */
class ListedStore extends MemoryStore {
  readonly names = new Set<string>();
  override write(name: string, contents: Uint8Array | string): Promise<void> {
    this.names.add(name);
    return super.write(name, contents);
  }
}

describe("the networks that look", () => {
  it("are trained once and read from the store after, with the same weights", async () => {
    const store = new ListedStore("kept");
    const first = await obtain(store);
    expect(first.told).toEqual([expect.stringMatching(/^trained once for .*: classifier of real images, text-image encoder; expected/)]);
    expect([...store.names].map((name) => name.replace(/[0-9a-f]{16}/, "KEY"))).toEqual([
      "evaluation-classifier-of-real-images-KEY.safetensors",
      "evaluation-matching-KEY.safetensors",
    ]);
    const again = await obtain(store);
    expect(again.told).toEqual([]);
    expect(again.trained.size).toBe(0);
    expect(again.digests).toEqual(first.digests);
  });

  it("are trained anew where a file is damaged or cannot be read, and it is said which", async () => {
    const store = new ListedStore("kept");
    const first = await obtain(store);
    const [classifier, matching] = [...store.names] as [string, string];
    const bytes = (await store.read(classifier))!;
    await store.write(classifier, bytes.subarray(0, bytes.length - 9));
    const damaged = await obtain({
      path: "kept",
      read: (name) => (name === matching ? Promise.reject(new Error("kept/matching cannot be read")) : store.read(name)),
      write: (name, contents) => store.write(name, contents),
    });
    expect(damaged.told).toEqual(
      expect.arrayContaining([
        "kept/matching cannot be read; it is trained anew",
        expect.stringMatching(new RegExp(`^kept/${classifier}.*; it is trained anew$`)),
      ]),
    );
    expect(damaged.digests).toEqual(first.digests);
    expect((await obtain(store)).told).toEqual([]);
  });

  it("serve all the same where they cannot be kept", async () => {
    const full: NetworkStore = {
      path: "full",
      read: () => Promise.resolve(undefined),
      write: () => Promise.reject(new Error("the disk is full")),
    };
    const { told, digests } = await obtain(full);
    expect(digests).toHaveLength(2);
    expect(told.slice(1)).toEqual([
      expect.stringMatching(/^full\/evaluation-classifier\S+ cannot be kept for the next run \(the disk is full\)$/),
      expect.stringMatching(/^full\/evaluation-matching\S+ cannot be kept for the next run \(the disk is full\)$/),
    ]);
  });
});
