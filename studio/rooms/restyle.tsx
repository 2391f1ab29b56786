/** The room Restyle: photographs' styles with the content of sentences (Reed et al. 2016, sections 4.4 and 5.3). */
import { computed, signal } from "@preact/signals";
import { proxy } from "comlink";
import { useEffect } from "preact/hooks";
import { drawingDesk, examplesOf, messageOf, model, openStyle, style } from "../model.js";
import { DropTarget } from "../parts/drop-target.js";
import { FileButton } from "../parts/file-button.js";
import { ModelBar } from "../parts/model-bar.js";
import { NumberField } from "../parts/number-field.js";
import { type NamedPhoto, readPhoto } from "../parts/photos.js";
import { PixelCanvas } from "../parts/pixel-canvas.js";
import { grid, png, save } from "../parts/save.js";
import { Sentences, sentencesOf } from "../parts/sentences.js";
import { Trouble } from "../parts/trouble.js";
import type { Grid } from "../workers/drawing-desk.js";

// The room keeps its state while another is shown.
const photos = signal<readonly NamedPhoto[]>([]);
/** What was typed; undefined where the model's examples stand. */
const typed = signal<string | undefined>(undefined);
const text = computed(() => typed.value ?? examplesOf(model.value).slice(0, 3).join("\n"));
const strength = signal(1);
const refine = signal(0);
const progress = signal<{ readonly step: number; readonly error: number } | undefined>(undefined);
const restyled = signal<(Grid & { readonly texts: readonly string[] }) | undefined>(undefined);
const busy = signal(false);
const failure = signal<string | undefined>(undefined);

async function add(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    try {
      const photo = await readPhoto(file);
      photos.value = [...photos.peek(), photo].slice(-8);
      failure.value = undefined;
    } catch (error) {
      failure.value = messageOf(error);
    }
  }
}

async function restyle(): Promise<void> {
  const texts = sentencesOf(text.peek());
  busy.value = true;
  failure.value = undefined;
  progress.value = undefined;
  try {
    const request = { photos: photos.peek().map(({ pixels }) => pixels), texts, styleStrength: strength.peek(), refine: refine.peek() };
    const onStep = proxy((step: number, error: number) => (progress.value = { step, error }));
    restyled.value = { ...(await drawingDesk().restyle(request, onStep)), texts };
  } catch (error) {
    failure.value = messageOf(error);
  } finally {
    busy.value = false;
  }
}

export function RestyleRoom() {
  const state = model.value;
  const open = state.kind === "open" ? state.report : undefined;
  const styled = open?.styled === true || style.value !== undefined;
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
      if (files.length > 0) void add(files);
    };
    addEventListener("paste", onPaste);
    return () => removeEventListener("paste", onPaste);
  }, []);
  return (
    <>
      <ModelBar />
      {open && !styled && (
        <p class="panel">
          This model has no style encoder, which reads the style of a photograph. Train one with <code>petalgrad train-style RUN</code>, or{" "}
          <FileButton
            inline
            accept=".safetensors"
            onFiles={([file]) => void openStyle(file!).catch((error: unknown) => (failure.value = messageOf(error)))}
          >
            open its file …
          </FileButton>
        </p>
      )}
      {style.value && <p class="muted">Styles are read by {style.value}.</p>}
      <DropTarget onFile={(file) => void add([file])}>
        <form
          class="panel"
          onSubmit={(event) => {
            event.preventDefault();
            void restyle();
          }}
        >
          <div class="buttons">
            <FileButton accept="image/*" multiple onFiles={(files) => void add(files)}>
              Choose photographs …
            </FileButton>
            <span class="muted">or drop or paste them here; they stay in this tab.</span>
          </div>
          <ul class="photos">
            {photos.value.map((photo) => (
              <li>
                <PixelCanvas image={photo.pixels} label={photo.name} />
                <button
                  type="button"
                  class="plain"
                  aria-label={`Remove ${photo.name}`}
                  onClick={() => (photos.value = photos.value.filter((other) => other !== photo))}
                >
                  ×
                </button>
              </li>
            ))}
          </ul>
          <Sentences value={text.value} onInput={(value) => (typed.value = value)} />
          <div class="fields">
            <label title="The style encoder gives the mean of all styles that a photograph may have: take it more than once where it comes out faint">
              Strength: {strength.value.toFixed(1)}
              <input
                type="range"
                min="0.5"
                max="4"
                step="0.5"
                value={strength.value}
                onInput={(e) => (strength.value = e.currentTarget.valueAsNumber)}
              />
            </label>
            <NumberField
              label="Refine, steps"
              title="After the style encoder, each style is moved so that its image becomes the photograph: slow, but nearer"
              min={0}
              max={500}
              step={10}
              value={refine.value}
              onValue={(value) => (refine.value = value)}
            />
            {busy.value && refine.value > 0 && (
              <button type="button" onClick={() => void drawingDesk().stopRefining()}>
                Stop refining
              </button>
            )}
            <button
              class="primary"
              type="submit"
              disabled={!styled || busy.value || photos.value.length === 0 || sentencesOf(text.value).length === 0}
            >
              {busy.value ? "Restyling …" : "Restyle"}
            </button>
          </div>
          {busy.value && progress.value && (
            <p class="note" role="status">
              <progress aria-label="Refining" max={refine.value} value={progress.value.step} /> step {progress.value.step} of {refine.value}
              , error of the pixels {progress.value.error.toFixed(4)}
            </p>
          )}
        </form>
      </DropTarget>
      <Trouble text={failure.value} />
      {restyled.value && <Table shown={restyled.value} />}
    </>
  );
}

/** Rows are styles, columns sentences. */
function Table({ shown }: { readonly shown: Grid & { readonly texts: readonly string[] } }) {
  const { images, rows, columns, texts } = shown;
  return (
    <section aria-label="Restyled images" aria-busy={busy.value}>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of restyled images">
        <table class="restyled">
          <thead>
            <tr>
              <th scope="col">Style</th>
              {texts.map((sentence) => (
                <th scope="col" dir="auto">
                  {sentence}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: rows }, (_, row) => (
              <tr>
                {Array.from({ length: columns }, (_unused, column) => (
                  <td>
                    <PixelCanvas
                      image={images[row * columns + column]!}
                      label={column === 0 ? `Photograph ${row + 1}` : `${texts[column - 1]!}, in the style of photograph ${row + 1}`}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="buttons">
        <button type="button" onClick={() => void png(grid(images, columns)).then((file) => save(file, "restyled.png"))}>
          Save the grid (PNG)
        </button>
      </div>
    </section>
  );
}
