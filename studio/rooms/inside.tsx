/** The room Look inside: the adapter, how fast it is, and what a model's layers hold and give. */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { examplesOf, lookingDesk, messageOf, model } from "../model.js";
import { ModelBar } from "../parts/model-bar.js";
import { percent } from "../parts/judgement.js";
import { NumberField } from "../parts/number-field.js";
import { PixelCanvas } from "../parts/pixel-canvas.js";
import { grid } from "../parts/save.js";
import { Trouble } from "../parts/trouble.js";
import type { AdapterDetails, LayerPictures, Look } from "../workers/looking-desk.js";
import { MEASURES, type MeasureName } from "../workers/measures.js";

// The room keeps its state while another is shown.
const details = signal<AdapterDetails | undefined>(undefined);
const measured = signal<Readonly<Partial<Record<MeasureName, string>>>>({});
const measuring = signal<MeasureName | undefined>(undefined);
/** What was typed; undefined where the model's example stands. */
const typed = signal<string | undefined>(undefined);
const text = computed(() => typed.value ?? examplesOf(model.value)[0] ?? "");
const seed = signal(0);
const kernels = signal<readonly LayerPictures[]>([]);
const look = signal<Look | undefined>(undefined);
const looking = signal(false);
const failure = signal<string | undefined>(undefined);

/** Runs what may fail, and says how. */
async function attempt(work: () => Promise<void>): Promise<void> {
  failure.value = undefined;
  try {
    await work();
  } catch (error) {
    failure.value = messageOf(error);
  }
}

const measureAll = (names: readonly MeasureName[]): Promise<void> =>
  attempt(async () => {
    try {
      for (const name of names) {
        measuring.value = name;
        measured.value = { ...measured.peek(), [name]: await (await lookingDesk()).measure(name) };
      }
    } finally {
      measuring.value = undefined;
    }
  });

const lookInside = (): Promise<void> =>
  attempt(async () => {
    looking.value = true;
    try {
      const desk = await lookingDesk();
      kernels.value = await desk.kernels();
      look.value = await desk.look(text.peek(), seed.peek());
    } finally {
      looking.value = false;
    }
  });

export function InsideRoom() {
  const state = model.value;
  const open = state.kind === "open" ? state.report : undefined;
  useEffect(() => {
    void attempt(async () => void (details.value = await (await lookingDesk()).details()));
  }, []);
  useEffect(() => {
    look.value = undefined;
    kernels.value = [];
  }, [open]);
  return (
    <>
      <ModelBar />
      <Trouble text={failure.value} />
      {details.value && <Adapter shown={details.value} />}
      <section class="panel" aria-labelledby="model-heading">
        <h2 id="model-heading">The model</h2>
        <form
          class="fields wide"
          onSubmit={(event) => {
            event.preventDefault();
            void lookInside();
          }}
        >
          <label>
            Sentence
            <input type="text" dir="auto" value={text.value} onInput={(e) => (typed.value = e.currentTarget.value)} />
          </label>
          <NumberField label="Seed" min={0} value={seed.value} onValue={(value) => (seed.value = value)} />
          <button class="primary" type="submit" disabled={!open || looking.value}>
            {looking.value ? "Looking …" : "Look inside"}
          </button>
        </form>
        {look.value && <Looked shown={look.value} judges={open?.judges === true} />}
        {kernels.value.length > 0 && (
          <Layers
            title="Kernels"
            note="In colour where a layer reads or writes an image; else the first eight channels in and out. Grey is 0."
            layers={kernels.value}
          />
        )}
        {look.value && (
          <Layers
            title="Responses"
            note="What each layer gives for this image, a tile a channel. Grey is 0."
            layers={look.value.responses}
          />
        )}
      </section>
    </>
  );
}

function Adapter({ shown }: { readonly shown: AdapterDetails }) {
  const lines = Object.entries(MEASURES).flatMap(([name, title]) => {
    const value = measured.value[name as MeasureName];
    return value === undefined ? [] : [`${title}: ${value}`];
  });
  const report = [`petalgrad studio on ${shown.description}`, ...lines].join("\n");
  return (
    <section class="panel" aria-labelledby="adapter-heading">
      <h2 id="adapter-heading">The adapter</h2>
      <p>
        {shown.description}
        {shown.software ? ": the processor plays the graphics card, so all is slow; presets tiny and small." : ""}
      </p>
      <ul class="plain-list">
        {shown.features.map(({ name, there, without }) => (
          <li>
            {there ? "✓" : "✗"} <code>{name}</code> {!there && <span class="muted">missing: {without}</span>}
          </li>
        ))}
      </ul>
      <details>
        <summary>Limits</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Limits">
          <table>
            <thead>
              <tr>
                <th scope="col">Limit</th>
                <th scope="col">here</th>
                <th scope="col">preset paper needs</th>
              </tr>
            </thead>
            <tbody>
              {shown.limits.map(({ name, value, wanted }) => (
                <tr class={value < wanted ? "danger" : undefined}>
                  <th scope="row">
                    <code>{name}</code>
                  </th>
                  <td>{value.toLocaleString("en")}</td>
                  <td>{wanted > 0 ? wanted.toLocaleString("en") : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <div class="buttons">
        <button type="button" disabled={measuring.value !== undefined} onClick={() => void measureAll(["matmul", "copy", "tiny"])}>
          Measure
        </button>
        <button type="button" disabled={measuring.value !== undefined} onClick={() => void measureAll(["small"])}>
          Measure preset small {shown.software && "(minutes)"}
        </button>
        {lines.length > 0 && (
          <button type="button" onClick={() => void navigator.clipboard.writeText(report)}>
            Copy as text
          </button>
        )}
      </div>
      <p role="status" class="muted">
        {measuring.value && `Measuring: ${MEASURES[measuring.value]} …`}
      </p>
      {lines.length > 0 && <pre class="report">{report}</pre>}
    </section>
  );
}

function Looked({ shown: { image, heat, probability }, judges }: { readonly shown: Look; readonly judges: boolean }) {
  return (
    <div class="looked">
      <figure>
        <PixelCanvas image={image} label="The drawn image" />
        <figcaption>G’s image</figcaption>
      </figure>
      {heat && (
        <figure>
          <PixelCanvas image={heat} label="How strongly the discriminator’s opinion depends on each pixel" />
          <figcaption>Where D would change it{probability !== undefined && `; D says ${percent(probability)} % real`}</figcaption>
        </figure>
      )}
      {!judges && (
        <p class="muted">
          This file has no discriminator; with one (<code>petalgrad export RUN --with discriminator</code>) you see here where it would
          change the image.
        </p>
      )}
    </div>
  );
}

function Layers({ title, note, layers }: { readonly title: string; readonly note: string; readonly layers: readonly LayerPictures[] }) {
  return (
    <>
      <h3>{title}</h3>
      <p class="muted">{note}</p>
      <div class="layers">
        {layers.map(({ network, layer, shape, tiles }) => (
          <figure>
            <PixelCanvas image={grid(tiles, Math.ceil(Math.sqrt(tiles.length)), 1)} label={`${title} of ${network} ${layer}`} />
            <figcaption>
              {network === "generator" ? "G" : "D"} {layer} <span class="muted">{shape.join("×")}</span>
            </figcaption>
          </figure>
        ))}
      </div>
    </>
  );
}
