/** The sample grids of the chosen runs, with one slider over their steps. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ListedRun } from "../../src/train/run/summary.js";
import { chosen } from "./chosen.js";
import { fileOf, sampleName } from "./server.js";
import { Swatch } from "./swatch.js";

export function Samples() {
  const runs = chosen.value.filter(({ samples }) => samples.length > 0);
  const steps = [...new Set(runs.flatMap(({ samples }) => samples))].sort((a, b) => a - b);
  /** The step that was asked for; undefined follows the newest. */
  const asked = useSignal<number | undefined>(undefined);
  if (steps.length === 0) return null;
  const at = asked.value === undefined ? steps.length - 1 : Math.max(0, steps.findLastIndex((step) => step <= asked.value!));
  const step = steps[at]!;
  const choose = (index: number) => (asked.value = index === steps.length - 1 ? undefined : steps[index]);
  return (
    <section class="panel" aria-label="Samples">
      <div class="runs-head">
        <h2>Samples</h2>
        <label class="runs-slider">
          Step {step}
          <input
            type="range"
            min="0"
            max={steps.length - 1}
            value={at}
            aria-valuetext={`step ${step}`}
            onInput={(event) => choose(event.currentTarget.valueAsNumber)}
          />
        </label>
      </div>
      <div class="runs-samples">
        {runs.map((run) => (
          <Grid key={run.name} run={run} step={step} place={chosen.value.length > 1 ? chosen.value.indexOf(run) : undefined} />
        ))}
      </div>
    </section>
  );
}

/** The newest grid of a run up to a step. */
function Grid({ run, step, place }: { readonly run: ListedRun; readonly step: number; readonly place: number | undefined }) {
  const { name, samples } = run;
  const own = samples.findLast((sample) => sample <= step);
  const captions = useSignal<readonly string[]>([]);
  useEffect(() => {
    if (own === undefined) return;
    let left = false;
    void fetch(fileOf(name, sampleName(own, "txt")))
      .then(async (answer) => (answer.ok ? (await answer.text()).split("\n").filter((line) => line !== "") : []))
      .then(
        (lines) => left || (captions.value = lines),
        () => undefined,
      );
    return () => void (left = true);
  }, [name, own]);
  return (
    <figure class="runs-sample">
      <figcaption>
        {place !== undefined && <Swatch place={place} />} {name}
        <span class="muted">{own === undefined ? `: nothing up to step ${step}` : `, step ${own}`}</span>
      </figcaption>
      {own !== undefined && <img class="pixels" src={fileOf(name, sampleName(own, "png"))} alt={`Sample grid of ${name} at step ${own}`} />}
      {own !== undefined && captions.value.length > 0 && (
        <details>
          <summary>Sentences of its rows</summary>
          <ol>
            {captions.value.map((caption) => (
              <li dir="auto">{caption}</li>
            ))}
          </ol>
        </details>
      )}
    </figure>
  );
}
