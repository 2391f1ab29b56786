/** The room Walk: from sentence to sentence, from noise to noise, or both at once as a grid (Reed et al. 2016, section 5.4). */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Path } from "../../src/drawing/walk.js";
import { drawingDesk, examplesOf, messageOf, model } from "../model.js";
import { ModelBar } from "../parts/model-bar.js";
import { NumberField } from "../parts/number-field.js";
import { PixelCanvas } from "../parts/pixel-canvas.js";
import { grid, png, save, slug } from "../parts/save.js";
import { Trouble } from "../parts/trouble.js";
import type { Grid } from "../workers/drawing-desk.js";

/** What changes along the way. */
const WAYS = { texts: "Between two sentences", noises: "Between two noises", both: "Between both: a grid" } as const;
type Way = keyof typeof WAYS;

// The room keeps its state while another is shown.
const way = signal<Way>("texts");
/** What was typed; undefined where the model's example stands. */
const typedFrom = signal<string | undefined>(undefined);
const typedTo = signal<string | undefined>(undefined);
/** The sentences of the walk's ends. */
const from = computed(() => typedFrom.value ?? examplesOf(model.value)[0] ?? "");
const to = computed(() => typedTo.value ?? examplesOf(model.value)[1] ?? "");
const seeds = signal<readonly [number, number]>([0, 1]);
const steps = signal(8);
const path = signal<Path>("linear");
const walked = signal<Grid | undefined>(undefined);
const at = signal(0);
const playing = signal(false);
const busy = signal(false);
const failure = signal<string | undefined>(undefined);

async function walk(): Promise<void> {
  const alongTexts = way.peek() !== "noises";
  const alongNoises = way.peek() !== "texts";
  const [a, b] = [from.peek().trim(), to.peek().trim()];
  const [first, second] = seeds.peek();
  busy.value = true;
  failure.value = undefined;
  playing.value = false;
  try {
    walked.value = await drawingDesk().walk({
      texts: alongTexts ? { from: a, to: b } : { at: [a] },
      styles: alongNoises ? { from: { seed: first }, to: { seed: second } } : { at: [{ seed: first }, { seed: second }] },
      ...{ steps: steps.peek(), path: path.peek() },
    });
    at.value = 0;
  } catch (error) {
    failure.value = messageOf(error);
  } finally {
    busy.value = false;
  }
}

/** A column: what is seen at one moment of the walk. */
const moment = ({ images, rows, columns }: Grid, column: number) =>
  Array.from({ length: rows }, (_, row) => images[row * columns + column]!);

export function WalkRoom() {
  const state = model.value;
  const open = state.kind === "open" ? state.report : undefined;
  const shown = walked.value;
  useEffect(() => {
    if (!playing.value || !shown) return;
    const timer = setInterval(() => (at.value = (at.peek() + 1) % shown.columns), 160);
    return () => clearInterval(timer);
  }, [playing.value, shown]);
  return (
    <>
      <ModelBar />
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          void walk();
        }}
      >
        <div class="fields">
          <label class="long">
            Walk
            <select value={way.value} onChange={(e) => (way.value = e.currentTarget.value as Way)}>
              {Object.entries(WAYS).map(([value, title]) => (
                <option value={value}>{title}</option>
              ))}
            </select>
          </label>
          <label title="Linear: the straight line. Spherical: the arc around the origin, along which noise keeps its length (White 2016)">
            Path
            <select value={path.value} onChange={(e) => (path.value = e.currentTarget.value as Path)}>
              <option value="linear">linear</option>
              <option value="spherical">spherical</option>
            </select>
          </label>
          <NumberField label="Steps" min={2} max={16} value={steps.value} onValue={(value) => (steps.value = value)} />
          <NumberField
            label={way.value === "texts" ? "First row’s seed" : "From seed"}
            min={0}
            value={seeds.value[0]}
            onValue={(value) => (seeds.value = [value, seeds.value[1]])}
          />
          <NumberField
            label={way.value === "texts" ? "Second row’s seed" : "To seed"}
            min={0}
            value={seeds.value[1]}
            onValue={(value) => (seeds.value = [seeds.value[0], value])}
          />
        </div>
        <div class="fields wide">
          <label>
            {way.value === "noises" ? "Sentence" : "From sentence"}
            <input type="text" dir="auto" value={from.value} onInput={(e) => (typedFrom.value = e.currentTarget.value)} />
          </label>
          {way.value !== "noises" && (
            <label>
              To sentence
              <input type="text" dir="auto" value={to.value} onInput={(e) => (typedTo.value = e.currentTarget.value)} />
            </label>
          )}
          <button class="primary" type="submit" disabled={!open || busy.value}>
            {busy.value ? "Walking …" : "Walk"}
          </button>
        </div>
      </form>
      <Trouble text={failure.value} />
      {shown && <Walked shown={shown} />}
    </>
  );
}

function Walked({ shown }: { readonly shown: Grid }) {
  const { rows, columns } = shown;
  const now = Math.min(at.value, columns - 1);
  const name = slug(`${from.value} ${way.value === "noises" ? "noises" : to.value}`);
  return (
    <section aria-label="The walk" aria-busy={busy.value}>
      <div class="player">
        <ul class="images">
          {moment(shown, now).map((image, row) => (
            <li>
              <PixelCanvas image={image} label={`Row ${row + 1}, step ${now + 1} of ${columns}`} />
            </li>
          ))}
        </ul>
        <label>
          Step {now + 1} of {columns}
          <input
            type="range"
            min="0"
            max={columns - 1}
            value={now}
            onInput={(e) => {
              playing.value = false;
              at.value = e.currentTarget.valueAsNumber;
            }}
          />
        </label>
        <div class="buttons">
          <button type="button" aria-pressed={playing.value} onClick={() => (playing.value = !playing.value)}>
            {playing.value ? "Pause" : "Play"}
          </button>
          <button type="button" onClick={() => void saveGif(shown, `${name}.gif`)}>
            Save (GIF)
          </button>
          <button type="button" onClick={() => void png(grid(shown.images, columns)).then((file) => save(file, `${name}.png`))}>
            Save the grid (PNG)
          </button>
        </div>
      </div>
      <h2>All {rows * columns} images</h2>
      <div class="whole">
        <PixelCanvas image={grid(shown.images, columns, 1)} label={`The whole walk: ${rows} rows of ${columns} images`} />
      </div>
    </section>
  );
}

async function saveGif(shown: Grid, name: string): Promise<void> {
  failure.value = undefined;
  try {
    save(await drawingDesk().gif(framesOf(shown), 160), name);
  } catch (error) {
    failure.value = messageOf(error);
  }
}

/** There and back, so that the animation never jumps. */
function framesOf(shown: Grid) {
  const there = Array.from({ length: shown.columns }, (_, column) => grid(moment(shown, column), shown.rows));
  return [...there, ...there.slice(1, -1).reverse()];
}
