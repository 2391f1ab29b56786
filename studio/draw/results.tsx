/** What is drawn, sentence by sentence, with what the discriminator says of it; one image large; saving, and the link. */
import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { JUDGEMENT, ordinal, percent, placesOf } from "../parts/judgement.js";
import { PixelCanvas } from "../parts/pixel-canvas.js";
import { grid, png, save, slug } from "../parts/save.js";
import { hashOf } from "../route.js";
import type { Pixels } from "../workers/pixels.js";
import { busy, type Drawing, drawing, queryOf } from "./state.js";

const enlarged = signal<{ readonly text: string; readonly image: Pixels; readonly index: number } | undefined>(undefined);

export function Results() {
  const current = drawing.value;
  const finished = current?.images.flat().every(({ image }) => image !== undefined);
  return (
    <>
      <section class="results" aria-label="Drawn images" aria-busy={busy.value}>
        {current?.texts.map((sentence, row) => {
          const places = placesOf(current.images[row]!.map(({ probability }) => probability));
          return (
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
                      <span class={places?.[index] === 1 ? "probability best" : "probability"} title={JUDGEMENT}>
                        {places && `${ordinal(places[index]!)} · `}D {percent(probability)} %
                      </span>
                    )}
                  </li>
                ))}
              </ul>
            </div>
          );
        })}
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
