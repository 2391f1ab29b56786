/** The room Draw: sentences in, images out; a link brings them back. */
import { signal, useSignal } from "@preact/signals";
import { proxy } from "comlink";
import { useEffect, useRef } from "preact/hooks";
import { drawingDesk, messageOf, model, openAddress } from "../model.js";
import { ModelBar } from "../parts/model-bar.js";
import { PixelCanvas } from "../parts/pixel-canvas.js";
import { grid, png, save, slug } from "../parts/save.js";
import { Sentences, sentencesOf } from "../parts/sentences.js";
import { hashOf, remember, route } from "../route.js";
import type { ModelReport } from "../workers/drawing-desk.js";
import type { Pixels } from "../workers/pixels.js";

/** One drawn image, or the place of one that is being drawn. */
interface Drawn {
  readonly image?: Pixels;
  /** The discriminator's probability that it is a real image of the sentence. */
  readonly probability?: number;
}

/** What was asked for, and what of it is drawn. */
interface Drawing {
  readonly texts: readonly string[];
  readonly seed: number;
  readonly images: readonly (readonly Drawn[])[];
}

const NO_TRUNCATION = 3;

// The room keeps its state while another is shown.
const text = signal("");
const count = signal(6);
const seed = signal(0);
const locked = signal(true);
const truncation = signal(NO_TRUNCATION);
const raw = signal(false);
const drawing = signal<Drawing | undefined>(undefined);
const busy = signal(false);
const failure = signal<string | undefined>(undefined);
/** The model of the last drawing. */
let drawnWith: ModelReport | undefined;
const enlarged = signal<{ readonly text: string; readonly image: Pixels; readonly index: number } | undefined>(undefined);

/** What is not the default, as a link holds it. */
function queryOf(): URLSearchParams {
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
function take(query: URLSearchParams): boolean {
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

async function draw(): Promise<void> {
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

export function DrawRoom() {
  const state = model.value;
  const open = state.kind === "open" ? state : undefined;
  // A link, or the first sight of a model: something is drawn at once.
  useEffect(() => {
    if (!open) return;
    if (drawing.peek()) {
      // Another model: the same sentences, drawn by it.
      if (drawnWith !== open.report) void draw();
      return;
    }
    const { query } = route.peek();
    const linked = query.get("model");
    if (linked !== null && linked !== (open.address ?? open.report.name) && /[/:]/.test(linked)) {
      const asked = new URLSearchParams(query);
      asked.delete("model");
      history.replaceState(null, "", hashOf("draw", asked));
      void openAddress(linked);
      return;
    }
    if (!take(query) && text.peek() === "") text.value = [...new Set(open.report.examples)].slice(0, 2).join("\n");
    void draw();
  }, [open?.report]);
  const current = drawing.value;
  const finished = current?.images.flat().every(({ image }) => image !== undefined);
  return (
    <>
      <ModelBar />
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          void draw();
        }}
      >
        <Sentences value={text.value} onInput={(value) => (text.value = value)} />
        <div class="fields">
          <label>
            Images of each
            <input
              type="number"
              min="1"
              max="16"
              value={count.value}
              onInput={(e) => (count.value = clamp(e.currentTarget.valueAsNumber, 1, 16))}
            />
          </label>
          <label>
            Seed
            <input
              type="number"
              min="0"
              max="4294967295"
              value={seed.value}
              onInput={(e) => (seed.value = clamp(e.currentTarget.valueAsNumber, 0, 2 ** 32 - 1))}
            />
          </label>
          <label class="check">
            <input type="checkbox" checked={locked.value} onChange={(e) => (locked.value = e.currentTarget.checked)} />
            Keep the seed
          </label>
          <label title="None of the noise lies further from 0 (Brock et al. 2019, section 3.1): less variety, more typical images">
            Truncation: {truncation.value < NO_TRUNCATION ? truncation.value.toFixed(1) : "off"}
            <input
              type="range"
              min="0.3"
              max={NO_TRUNCATION}
              step="0.1"
              value={truncation.value}
              onInput={(e) => (truncation.value = e.currentTarget.valueAsNumber)}
            />
          </label>
          {open?.report.raw && (
            <label title="The generator's moving average draws smoother images; the raw one is as the last step left it">
              Generator
              <select value={raw.value ? "raw" : "averaged"} onChange={(e) => (raw.value = e.currentTarget.value === "raw")}>
                <option value="averaged">averaged</option>
                <option value="raw">raw</option>
              </select>
            </label>
          )}
          <button class="primary" type="submit" disabled={!open || sentencesOf(text.value).length === 0}>
            Draw
          </button>
        </div>
      </form>
      {failure.value && (
        <p class="trouble" role="alert">
          {failure.value}
        </p>
      )}
      <section class="results" aria-label="Drawn images" aria-busy={busy.value}>
        {current?.texts.map((sentence, row) => (
          <div class="row">
            <h2 dir="auto">{sentence}</h2>
            <ul class="images">
              {current.images[row]!.map(({ image, probability }, index) => (
                <li>
                  {image ? (
                    <button
                      type="button"
                      class="image"
                      aria-label={`Enlarge image ${index + 1} of “${sentence}”`}
                      onClick={() => (enlarged.value = { text: sentence, image, index })}
                    >
                      <PixelCanvas image={image} label={`${sentence}, image ${index + 1}`} />
                    </button>
                  ) : (
                    <span class="image waiting" />
                  )}
                  {probability !== undefined && (
                    <span class="probability" title="The discriminator's probability that this is a real image of the sentence">
                      D {percent(probability)} %
                    </span>
                  )}
                </li>
              ))}
            </ul>
          </div>
        ))}
        {busy.value && !finished && <p class="muted">Drawing … the first images take longest: the kernels are compiled.</p>}
        {finished && current && (
          <div class="buttons">
            <button type="button" onClick={() => void saveGrid(current)}>
              Save the grid (PNG)
            </button>
            <CopyLink />
          </div>
        )}
      </section>
      <Enlarged />
    </>
  );
}

/** Whole, but where that would hide that it is small. */
const percent = (share: number): string => (100 * share).toFixed(share < 0.0995 ? 1 : 0);

const clamp = (value: number, least: number, most: number): number =>
  Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : least;

async function saveGrid({ texts, images, seed }: Drawing): Promise<void> {
  const pictures = images.flat().map(({ image }) => image!);
  save(await png(grid(pictures, images[0]!.length)), `${slug(texts.join(" "))}-seed-${seed}.png`);
}

function CopyLink() {
  const copied = useSignal(false);
  return (
    <button
      type="button"
      onClick={() => {
        const link = new URL(hashOf("draw", queryOf()), document.baseURI).href;
        void navigator.clipboard.writeText(link).then(
          () => (copied.value = true),
          () => prompt("The link to these images:", link),
        );
      }}
    >
      {copied.value ? "Copied" : "Copy the link"}
    </button>
  );
}

/** One image, large. */
function Enlarged() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = enlarged.value;
  useEffect(() => {
    if (shown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [shown]);
  return (
    <dialog ref={dialog} class="enlarged" aria-label="Enlarged image" onClose={() => (enlarged.value = undefined)}>
      {shown && (
        <>
          <PixelCanvas image={shown.image} label={shown.text} />
          <p dir="auto">{shown.text}</p>
          <div class="buttons">
            <button
              type="button"
              onClick={() => void png(shown.image).then((file) => save(file, `${slug(shown.text)}-${shown.index + 1}.png`))}
            >
              Save (PNG)
            </button>
            <button
              type="button"
              onClick={() => void png(shown.image, 8).then((file) => save(file, `${slug(shown.text)}-${shown.index + 1}-x8.png`))}
            >
              Save, eight times as large
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
