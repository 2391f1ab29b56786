/** The model that is open, for all rooms: from the box, a file, a drop, an address, or bytes that a room made. */
import { signal } from "@preact/signals";
import { type ProxyMarked, type Remote, transfer } from "comlink";
import type { DrawingDesk, ModelReport } from "./workers/drawing-desk.js";
import type { AdapterReport } from "./workers/engine.js";
import type { LookingDesk } from "./workers/looking-desk.js";
import { startThread } from "./workers/start.js";

/** How things stand with the model. */
export type ModelState =
  | { readonly kind: "none" }
  | { readonly kind: "loading"; readonly name: string; readonly done: number; readonly total: number | undefined }
  | {
      readonly kind: "open";
      readonly report: ModelReport;
      /** For links; undefined where only this tab has it. */ readonly address: string | undefined;
    };

/** The models that a clone ships beside the page; the first is open at first sight. */
const BOX = [
  { address: "models/petals.safetensors", title: "Petals" },
  { address: "models/flowers.safetensors", title: "Flowers" },
] as const;

/** Those of them that this host has. */
export const box = signal<readonly (typeof BOX)[number][]>([]);

export const model = signal<ModelState>({ kind: "none" });
/** The file of a style encoder that was opened beside the model. */
export const style = signal<string | undefined>(undefined);
export const adapter = signal<AdapterReport | undefined>(undefined);
/** One sentence: why the last file was not opened. */
export const trouble = signal<string | undefined>(undefined);
/** One sentence: why nothing can be computed here. */
export const obstacle = signal<string | undefined>(undefined);

/** What to say where a thread of the page does not start. */
export const NO_ENGINE = "The engine did not start: reload the page, or use a current browser.";

let desk: Remote<DrawingDesk> | undefined;

/** The thread that draws. */
export const drawingDesk = (): Remote<DrawingDesk> => (desk ??= startThread<DrawingDesk>("drawing", () => (obstacle.value = NO_ENGINE)));

let looking: Promise<Remote<LookingDesk & ProxyMarked>> | undefined;

/** Looking inside, in the thread that draws: it has the model. */
export const lookingDesk = (): Promise<Remote<LookingDesk & ProxyMarked>> => (looking ??= drawingDesk().looking());

/** Sentences to begin with, each once. */
export const examplesOf = (state: ModelState): readonly string[] => (state.kind === "open" ? [...new Set(state.report.examples)] : []);

/** What a failed call says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Opens the device and a model: the one that a link names, else, or where that cannot be had, the first in the box. */
export async function openAtFirst(linked: string | undefined): Promise<void> {
  drawingDesk()
    .adapter()
    .then(
      (report) => (adapter.value = report),
      (error: unknown) => (obstacle.value = messageOf(error)),
    );
  void lookIntoBox();
  if (model.peek().kind !== "none") return;
  if (linked !== undefined) await openAddress(linked);
  if (model.peek().kind !== "none") return;
  const ofLink = trouble.peek();
  await openAddress(BOX[0].address);
  // The installed package has no box: there one is trained, or opened. What went wrong with a link stays said.
  if (model.peek().kind === "none" || ofLink !== undefined) trouble.value = ofLink;
}

async function lookIntoBox(): Promise<void> {
  // A host that serves its front page for whatever is missing sends HTML.
  const isThere = async ({ address }: (typeof BOX)[number]): Promise<boolean> =>
    fetch(address, { method: "HEAD" }).then(
      ({ ok, headers }) => ok && !headers.get("content-type")?.startsWith("text/html"),
      () => false,
    );
  const there = await Promise.all(BOX.map(isThere));
  box.value = BOX.filter((_, i) => there[i]);
}

/** The number of the newest opening: what was asked for before it, and comes later, does not take its place. */
let openings = 0;
/** What was open last. */
let standing: ModelState = { kind: "none" };

/** Opens what `load` brings; where it fails, or another opening comes between, what was open stands. @param address For links. */
async function openLoaded(name: string, load: () => Promise<Uint8Array>, address: string | undefined): Promise<void> {
  const mine = ++openings;
  try {
    model.value = { kind: "loading", name, done: 0, total: undefined };
    const bytes = await load();
    if (mine !== openings) return;
    const report = await drawingDesk().open(transfer(bytes, [bytes.buffer as ArrayBuffer]), name);
    if (mine !== openings) return;
    standing = { kind: "open", report, address };
    style.value = undefined;
    trouble.value = undefined;
  } catch (error) {
    if (mine !== openings) return;
    trouble.value = messageOf(error);
  }
  model.value = standing;
}

/** Opens a model's file. @param address For links. */
export async function openBytes(bytes: Uint8Array, name: string, address?: string): Promise<void> {
  await openLoaded(name, () => Promise.resolve(bytes), address);
}

/** Opens a file that was chosen, dropped or pasted. */
export async function openFile(file: File): Promise<void> {
  await openBytes(new Uint8Array(await file.arrayBuffer()), file.name);
}

/** Opens a style encoder's file for the open model. @throws Error with one sentence */
export async function openStyle(file: File): Promise<void> {
  await drawingDesk().openStyle(new Uint8Array(await file.arrayBuffer()), file.name);
  style.value = file.name;
}

/** Opens what lies at an address, relative to the page or anywhere that lets this page read. */
export async function openAddress(address: string): Promise<void> {
  const name = decodeURIComponent(new URL(address, document.baseURI).pathname.split("/").at(-1) || address);
  const mine = openings + 1;
  const onProgress = (done: number, total: number | undefined) => {
    if (mine === openings) model.value = { kind: "loading", name, done, total };
  };
  await openLoaded(name, () => download(address, onProgress), address);
}

/** @throws Error with one sentence */
async function download(address: string, onProgress: (done: number, total: number | undefined) => void): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error(`${address} cannot be read from here: the network is down, or its host does not allow other pages to read it.`);
  }
  const length = Number(response.headers.get("content-length"));
  // A host that serves its front page for whatever is missing sends HTML.
  if (!response.ok || !response.body || response.headers.get("content-type")?.startsWith("text/html"))
    throw new Error(`There is no model at ${address} (the host says ${response.status}): open a file instead.`);
  const encoded = response.headers.has("content-encoding");
  const parts: Uint8Array[] = [];
  let done = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    onProgress((done += part.value.length), length > 0 && !encoded ? length : undefined);
  }
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
