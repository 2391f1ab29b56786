/** Which model is open, on which adapter, and how to open another. */
import { useState } from "preact/hooks";
import { adapter, box, model, openAddress, openFile, trouble } from "../model.js";
import { FileButton } from "./file-button.js";
import { Trouble } from "./trouble.js";

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function ModelBar() {
  const [asks, setAsks] = useState(false);
  const state = model.value;
  return (
    <section class="model-bar" aria-label="Model">
      <p class="model-name" aria-live="polite">
        {state.kind === "none" && "No model is open: open a model.safetensors, or train one in the room Train."}
        {state.kind === "open" && (
          <>
            <strong>{state.report.name}</strong>{" "}
            <span class="muted">
              {state.report.size}×{state.report.size}, {megabytes(state.report.bytes)}
              {adapter.value && `, on ${adapter.value.description}${adapter.value.software ? " (no graphics card: slow)" : ""}`}
            </span>
          </>
        )}
        {state.kind === "loading" &&
          `Loading ${state.name} … ${megabytes(state.done)}${state.total ? ` of ${megabytes(state.total)}` : ""}`}
      </p>
      {state.kind === "loading" && (
        <progress aria-label="Loading the model" max={state.total ?? 1} value={state.total ? state.done : undefined} />
      )}
      <div class="buttons">
        {box.value.map(
          ({ address, title }) =>
            (state.kind !== "open" || state.address !== address) && (
              <button type="button" key={address} onClick={() => void openAddress(address)}>
                {title}
              </button>
            ),
        )}
        <FileButton accept=".safetensors" onFiles={([file]) => void openFile(file!)}>
          Open a model …
        </FileButton>
        <button type="button" aria-expanded={asks} onClick={() => setAsks(!asks)}>
          By address …
        </button>
      </div>
      {asks && (
        <form
          class="address"
          onSubmit={(event) => {
            event.preventDefault();
            const given = String(new FormData(event.currentTarget).get("address")).trim();
            if (given) void openAddress(given);
            setAsks(false);
          }}
        >
          <label>
            Address of a model.safetensors <input name="address" type="text" inputMode="url" placeholder="https://…/model.safetensors" />
          </label>
          <button type="submit">Open</button>
        </form>
      )}
      <Trouble text={trouble.value} onClose={() => (trouble.value = undefined)} />
      {state.kind === "open" && state.report.warnings.map((warning) => <p class="note">{warning}</p>)}
    </section>
  );
}
