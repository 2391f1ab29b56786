/** One run: how it stands, what can be done with it, its curves and its sample grids. */
import { useState } from "preact/hooks";
import { duration } from "../../src/train/run/clock.js";
import { Chart, type ChartSeries } from "../parts/chart.js";
import type { CurvePoints } from "./curves.js";
import { SampleView } from "./sample-view.js";
import type { RunSummary } from "./shelf.js";
import {
  curves,
  drawWith,
  goOn,
  hold,
  relabel,
  release,
  removeRun,
  samples,
  saveModel,
  saveRun,
  stop,
  type Training,
  training,
} from "./state.js";

export function RunView({ run }: { readonly run: RunSummary }) {
  const mine = training.value?.id === run.id ? training.value : undefined;
  const points = curves.value[run.id] ?? {};
  return (
    <section class="panel run" aria-labelledby="run-name">
      <h2 id="run-name">{run.name}</h2>
      {mine ? <UnderWay run={run} now={mine} /> : <AtRest run={run} />}
      <div class="run-pictures">
        <Curves points={points} />
        {samples.value.length > 0 && <SampleView key={run.id} id={run.id} steps={samples.value} />}
      </div>
      <Label key={run.id} run={run} />
    </section>
  );
}

/** Where a run stands that is not trained in this tab now. */
export function standing({ options, checkpoint, busy, problem }: RunSummary): string {
  if (busy) return "trained in another tab";
  if (problem !== undefined) return "damaged";
  if (!options) return "never begun";
  if (checkpoint === undefined) return "stopped before its first checkpoint";
  if (checkpoint >= options.steps) return `finished at step ${checkpoint}`;
  return `stopped at step ${checkpoint} (checkpoint)`;
}

function AtRest({ run }: { readonly run: RunSummary }) {
  const [further, setFurther] = useState("");
  const { options, checkpoint = 0, problem, busy, hasModel } = run;
  const finished = options !== undefined && checkpoint >= options.steps;
  const other = training.value !== undefined;
  const steps = further.trim() === "" ? undefined : Number(further);
  return (
    <>
      <p role="status">
        <Describe run={run} />: {standing(run)}
        {options && !finished && ` of ${options.steps}`}.{problem !== undefined && ` ${problem}.`}
      </p>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void goOn(run, steps);
          setFurther("");
        }}
      >
        <label>
          To step
          <input
            type="number"
            min={checkpoint + 1}
            value={further}
            required={finished}
            placeholder={options && (finished ? String(2 * options.steps) : String(options.steps))}
            onInput={(event) => setFurther(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class={finished ? "" : "primary"} disabled={other || busy || !options}>
          Go on
        </button>
        <button type="button" class={finished ? "primary" : ""} disabled={!hasModel} onClick={() => void drawWith(run)}>
          Draw with it
        </button>
        <button type="button" disabled={!hasModel} onClick={() => void saveModel(run)}>
          Save model.safetensors
        </button>
        <button
          type="button"
          disabled={busy}
          title="A zip archive of its folder: unpacked, Node goes on with it by train --resume FOLDER"
          onClick={() => void saveRun(run)}
        >
          Save as a run
        </button>
        <Delete run={run} />
      </form>
    </>
  );
}

/** What a step's scalars are, in the words of the curves. */
const SCALARS: Readonly<Record<string, string>> = {
  lossD: "D’s loss",
  lossReal: "of real images",
  lossWrong: "of mismatching ones",
  lossFake: "of drawn ones",
  real: "D believes in real ones",
  wrong: "in mismatching ones",
  fake: "in drawn ones",
  lossG: "G’s loss",
  loss: "loss",
};

const STATES: Readonly<Record<Training["state"], string>> = {
  preparing: "Preparing",
  running: "Training",
  holding: "Pausing after this step",
  held: "Paused",
  half: "Paused after D’s step",
  stopping: "Stopping: saving a checkpoint",
};

function UnderWay({ run, now }: { readonly run: RunSummary; readonly now: Training }) {
  const { state, last, half, work, imagesPerSecond, batch, checkpoint, lines } = now;
  const held = state === "held" || state === "half";
  const left = last && imagesPerSecond > 0 && last.stage === "GAN" ? ((last.steps - last.step) * batch) / imagesPerSecond : undefined;
  const metrics = half ?? last;
  return (
    <>
      <p>
        <Describe run={run} />
      </p>
      <p class="now">
        <strong role="status">{STATES[state]}</strong>
        {last && (
          <span>
            {last.stage === "GAN" ? "GAN" : "text encoder"}, step {last.step} of {last.steps}
          </span>
        )}
        {last && imagesPerSecond > 0 && !held && <span>{imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0)} images/s</span>}
        {left !== undefined && !held && state !== "stopping" && <span>about {duration(left)} left</span>}
        {checkpoint !== undefined && <span class="muted">checkpoint at step {checkpoint}</span>}
      </p>
      {work && !held && (
        <p class="note">
          {work.what}
          {work.done !== undefined && ` (${work.done}${work.total === undefined ? "" : ` of ${work.total}`})`}
        </p>
      )}
      <progress
        aria-label="Steps done"
        max={work?.total ?? last?.steps ?? 1}
        value={work ? work.total && work.done : last ? last.step : undefined}
      />
      <div class="buttons">
        {held || state === "holding" ? (
          <button type="button" class="primary" onClick={() => release()}>
            Go on
          </button>
        ) : (
          <button type="button" class="primary" disabled={state === "stopping"} onClick={hold}>
            Pause
          </button>
        )}
        <button type="button" disabled={state !== "held"} onClick={() => release("step")}>
          One step
        </button>
        <button
          type="button"
          disabled={state !== "held" || last?.stage === "text encoder"}
          title="The discriminator’s half of a step of algorithm 1"
          onClick={() => release("half")}
        >
          D step
        </button>
        <button type="button" disabled={state !== "half"} title="The generator’s half, which ends the step" onClick={() => release("half")}>
          G step
        </button>
        <button type="button" disabled={state === "stopping"} onClick={stop}>
          Stop
        </button>
      </div>
      {held && metrics && (
        <p class="scalars" aria-label={half ? "After D’s step" : "After the step"}>
          {Object.entries(metrics.metrics).map(([name, value]) => (
            <span>
              <span class="muted">{SCALARS[name] ?? name}</span> {value.toFixed(4)}
            </span>
          ))}
        </p>
      )}
      <p class="help">
        It goes on while another tab is shown. A computer that sleeps stops it: the run is then gone on with from its last checkpoint.
      </p>
      {lines.length > 0 && (
        <details class="lines">
          <summary>What it says</summary>
          <pre>{lines.join("\n")}</pre>
        </details>
      )}
    </>
  );
}

/** Its folder's name, where it is called otherwise, and what it trains. */
function Describe({ run: { id, name, options } }: { readonly run: RunSummary }) {
  const folder = options && id === name ? [] : [id];
  const what = options
    ? [`${options.dataset}, ${options.variant.toUpperCase()}, preset ${options.preset}, batch ${options.batch}, seed ${options.seed}`]
    : [];
  return <span>{[...folder, ...what].join(": ")}</span>;
}

/** Asks before it deletes. */
function Delete({ run }: { readonly run: RunSummary }) {
  const [asks, setAsks] = useState(false);
  if (!asks)
    return (
      <button type="button" class="danger" disabled={run.busy} onClick={() => setAsks(true)}>
        Delete …
      </button>
    );
  return (
    <span class="buttons" role="group" aria-label={`Delete ${run.name} for good?`}>
      <button type="button" class="danger" ref={(button) => button?.focus()} onClick={() => void removeRun(run)}>
        Delete it for good
      </button>
      <button type="button" onClick={() => setAsks(false)}>
        Keep it
      </button>
    </span>
  );
}

/** Name and notes, kept when the field is left. */
function Label({ run }: { readonly run: RunSummary }) {
  return (
    <details class="label">
      <summary>Name and notes</summary>
      <label>
        Name
        <input
          type="text"
          value={run.name}
          onChange={(event) => void relabel(run, { name: event.currentTarget.value, notes: run.notes })}
        />
      </label>
      <label>
        Notes
        <textarea
          rows={3}
          value={run.notes}
          dir="auto"
          onChange={(event) => void relabel(run, { name: run.name, notes: event.currentTarget.value })}
        />
      </label>
    </details>
  );
}

/** Names of scalars as the legend has them. */
const line = (points: CurvePoints, key: string, name: string) => ({ name, points: points[key] ?? [] });

function Curves({ points }: { readonly points: CurvePoints }) {
  const has = (key: string) => (points[key]?.length ?? 0) > 0;
  const wrong = points.lossWrong?.some(([, loss]) => loss !== 0);
  if (!has("lossD"))
    return has("loss") ? <Titled title="Loss of the text encoder" y="loss" series={[line(points, "loss", "text encoder")]} /> : null;
  return (
    <div class="charts">
      <Titled title="Losses" y="loss" series={[line(points, "lossD", "discriminator"), line(points, "lossG", "generator")]} />
      <Titled
        title="How likely D holds images to be real"
        y="mean probability"
        series={[line(points, "real", "real"), ...(wrong ? [line(points, "wrong", "mismatching")] : []), line(points, "fake", "drawn")]}
      />
    </div>
  );
}

/** A chart under its title. */
export function Titled({ title, y, series }: { readonly title: string; readonly y: string; readonly series: readonly ChartSeries[] }) {
  return (
    <div class="titled">
      <h3>{title}</h3>
      <Chart label={title} series={series} y={y} />
    </div>
  );
}
