/**
 * The table of runs: what each is, how far it is, and which are looked at. Its parts name their roles, since a narrow screen shows
 * rows as blocks, which some browsers take for no table.
 */
import { useSignal } from "@preact/signals";
import type { ListedRun, RunState } from "../../src/train/run/summary.js";
import { choose, chosen } from "./chosen.js";
import { Swatch } from "./swatch.js";

/** So many runs are found without a field to search in. */
const FEW = 8;

export function RunTable({ runs }: { readonly runs: readonly ListedRun[] }) {
  const wanted = useSignal("");
  const shown = runs.filter((run) => run.name.toLowerCase().includes(wanted.value.trim().toLowerCase()));
  const names = chosen.value.map(({ name }) => name);
  return (
    <section class="panel" aria-label="All runs">
      {runs.length > FEW && (
        <label class="runs-search">
          Find
          <input type="search" value={wanted.value} onInput={(event) => (wanted.value = event.currentTarget.value)} />
        </label>
      )}
      <div class="runs-scroll" tabIndex={0} role="region" aria-label="Table of runs">
        <table class="runs-table" role="table">
          <caption class="visually-hidden">Runs; choose those whose curves, samples and options are shown below</caption>
          <thead role="rowgroup">
            <tr role="row">
              {["Run", "Variant", "Preset", "Data set", "Step", "State", "Losses"].map((head) => (
                <th scope="col" role="columnheader">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((run) => (
              <Row key={run.name} run={run} place={names.indexOf(run.name)} several={names.length > 1} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class="note">No run is called so.</p>}
    </section>
  );
}

function Row({ run, place, several }: { readonly run: ListedRun; readonly place: number; readonly several: boolean }) {
  const { name, step, steps, stage, options, last } = run;
  const isChosen = place >= 0;
  const toggle = () => {
    const names = chosen.peek().map((other) => other.name);
    choose(isChosen ? names.filter((other) => other !== name) : [...names, name]);
  };
  return (
    <tr role="row" class={isChosen ? "chosen" : undefined}>
      <th scope="row" role="rowheader">
        <label class="check">
          <input type="checkbox" checked={isChosen} onChange={toggle} />
          <span class="run-name">{name}</span>
          {isChosen && several && <Swatch place={place} />}
        </label>
      </th>
      <td role="cell">{run.command === "train" ? text(options.variant) : whatOf(run)}</td>
      <td role="cell">{text(options.preset)}</td>
      <td role="cell">{text(options.dataset).replace(/^.*[/\\](?=.)/, "")}</td>
      <td role="cell" class="number">
        {step}
        {steps !== undefined && <span class="muted"> / {steps}</span>}
        {run.command === "train" && stage === "text encoder" && <span class="muted"> of the text encoder</span>}
      </td>
      <td role="cell">
        <State state={run.state} />
      </td>
      <td role="cell" class="number">{lossesOf(last)}</td>
    </tr>
  );
}

const whatOf = ({ command, options }: ListedRun): string =>
  command === "train-style" ? "style encoder" : `text encoder, ${text(options.encoder)}`;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** In the words of the table: which losses there are depends on what is trained. */
function lossesOf(last: Readonly<Record<string, number>>): string {
  const digits = (value: number) => value.toFixed(3);
  const { lossD, lossG, loss } = last;
  if (lossD !== undefined && lossG !== undefined) return `D ${digits(lossD)}, G ${digits(lossG)}`;
  return loss === undefined ? "" : digits(loss);
}

export function State({ state }: { readonly state: RunState }) {
  return <span class={`state ${state}`}>{state}</span>;
}
