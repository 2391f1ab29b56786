/** What the room Draw knows: what was typed, what of it is drawn, and the link that brings both back. It is kept while another room is shown. */
import { signal } from "@preact/signals";
import { proxy } from "comlink";
import { drawingDesk, messageOf, model } from "../model.js";
import { sentencesOf } from "../parts/sentences.js";
import { remember } from "../route.js";
import type { ModelReport } from "../workers/drawing-desk.js";
import type { Pixels } from "../workers/pixels.js";

/** One drawn image, or the place of one that is being drawn. */
export interface Drawn {
  readonly image?: Pixels;
  /** The discriminator's probability that it is a real image of the sentence. */
  readonly probability?: number;
}

/** What was asked for, and what of it is drawn. */
export interface Drawing {
  readonly texts: readonly string[];
  readonly seed: number;
  readonly images: readonly (readonly Drawn[])[];
}

export const NO_TRUNCATION = 3;

export const text = signal("");
export const count = signal(6);
export const seed = signal(0);
export const locked = signal(true);
export const truncation = signal(NO_TRUNCATION);
export const raw = signal(false);
export const drawing = signal<Drawing | undefined>(undefined);
export const busy = signal(false);
export const failure = signal<string | undefined>(undefined);
/** The model of the last drawing. */
export let drawnWith: ModelReport | undefined;
/** What is not the default, as a link holds it. */
export function queryOf(): URLSearchParams {
  const query = new URLSearchParams();
  const state = model.peek();
  if (state.kind === "open") query.set("model", state.address ?? state.report.name);
  for (const sentence of sentencesOf(text.peek())) query.append("text", sentence);
  query.set("seed", String(seed.peek()));
  query.set("count", String(count.peek()));
  if (truncation.peek() < NO_TRUNCATION) query.set("truncation", String(truncation.peek()));
  if (raw.peek()) query.set("generator", "raw");
  return query;
}

/** Takes from a link what it holds. @returns whether it names sentences to draw */
export function take(query: URLSearchParams): boolean {
  const number = (name: string, least: number, most: number) => {
    const value = Number(query.get(name) ?? NaN);
    return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : undefined;
  };
  const sentences = query.getAll("text");
  if (sentences.length > 0) text.value = sentences.join("\n");
  count.value = Math.round(number("count", 1, 16) ?? count.peek());
  seed.value = Math.round(number("seed", 0, 2 ** 32 - 1) ?? seed.peek());
  truncation.value = number("truncation", 0.3, NO_TRUNCATION) ?? truncation.peek();
  raw.value = query.get("generator") === "raw";
  return sentences.length > 0;
}

/** Changes the images of a row, unless another drawing has begun. */
function change(texts: readonly string[], row: number, to: (old: Drawn, index: number) => Drawn): void {
  const now = drawing.peek();
  if (now?.texts === texts) drawing.value = { ...now, images: now.images.map((images, r) => (r === row ? images.map(to) : images)) };
}

export async function draw(): Promise<void> {
  const state = model.peek();
  const texts = sentencesOf(text.peek());
  if (state.kind !== "open" || texts.length === 0) return;
  if (!locked.peek()) seed.value = crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000;
  const mine: Drawing = { texts, seed: seed.peek(), images: texts.map(() => Array.from({ length: count.peek() }, () => ({}))) };
  drawing.value = mine;
  drawnWith = state.report;
  failure.value = undefined;
  busy.value = true;
  const limit = truncation.peek() < NO_TRUNCATION ? { truncation: truncation.peek() } : {};
  try {
    const done = await drawingDesk().draw(
      { texts, count: count.peek(), seed: seed.peek(), raw: raw.peek(), ...limit },
      proxy({
        image: (row: number, index: number, image: Pixels) => change(texts, row, (old, i) => (i === index ? { image } : old)),
        judged: (row: number, probabilities: readonly number[]) =>
          change(texts, row, (old, i) => ({ ...old, probability: probabilities[i]! })),
      }),
    );
    if (done) remember(queryOf());
  } catch (error) {
    failure.value = messageOf(error);
    drawing.value = undefined;
  } finally {
    if (drawing.peek()?.texts === texts || failure.peek() !== undefined) busy.value = false;
  }
}
