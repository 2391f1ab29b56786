/** The room Draw: sentences in, images out; a link brings them back. */
import { useEffect } from "preact/hooks";
import { Results } from "../draw/results.js";
import {
  count,
  draw,
  drawing,
  drawnWith,
  failure,
  locked,
  NO_TRUNCATION,
  queryOf,
  raw,
  seed,
  take,
  text,
  truncation,
} from "../draw/state.js";
import { model } from "../model.js";
import { ModelBar } from "../parts/model-bar.js";
import { NumberField } from "../parts/number-field.js";
import { Sentences, sentencesOf } from "../parts/sentences.js";
import { Trouble } from "../parts/trouble.js";
import { linkedModel, route } from "../route.js";

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
    if (!take(route.peek().query) && text.peek() === "") text.value = [...new Set(open.report.examples)].slice(0, 2).join("\n");
    void draw();
  }, [open?.report]);
  // A link that is pasted into the tab, or gone back to; where it names another model, that one draws when it is open.
  useEffect(() => {
    const { query } = route.value;
    if (!drawing.peek() || !query.has("text") || String(query) === String(queryOf())) return;
    take(query);
    if ([undefined, open?.address].includes(linkedModel(route.value))) void draw();
  }, [route.value]);
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
          <NumberField label="Images of each" min={1} max={16} value={count.value} onValue={(value) => (count.value = value)} />
          <NumberField label="Seed" min={0} value={seed.value} onValue={(value) => (seed.value = value)} />
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
      <Trouble text={failure.value} />
      <Results />
    </>
  );
}
