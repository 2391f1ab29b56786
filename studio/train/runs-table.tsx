/** The table of runs, and the curves of those that are ticked laid over each other. */
import { FileButton } from "../parts/file-button.js";
import { hashOf } from "../route.js";
import { standing, Titled } from "./run-view.js";
import { compare, compared, curves, runs, show, shown, takeIn, training } from "./state.js";

export function RunsTable() {
  const all = runs.value;
  return (
    <section class="panel" aria-labelledby="runs-title">
      <div class="runs-head">
        <h2 id="runs-title">Runs in this browser</h2>
        <div class="buttons">
          <FileButton folder onFiles={(files) => void takeIn(files)}>
            Open a Node run’s folder …
          </FileButton>
          <FileButton accept=".zip" onFiles={(files) => void takeIn(files)}>
            … or its zip
          </FileButton>
        </div>
      </div>
      {!all && <p class="muted">Reading …</p>}
      {all?.length === 0 && <p class="muted">None yet.</p>}
      {all && all.length > 0 && (
        <div class="scroll" tabIndex={0} role="group" aria-labelledby="runs-title">
          <table class="runs">
            <thead>
              <tr>
                <th scope="col">Compare</th>
                <th scope="col">Name</th>
                <th scope="col">Losses</th>
                <th scope="col">Preset</th>
                <th scope="col">Seed</th>
                <th scope="col">Standing</th>
                <th scope="col">Notes</th>
              </tr>
            </thead>
            <tbody>
              {all.map((run) => (
                <tr aria-current={shown.value === run.id ? "true" : undefined}>
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Compare ${run.name}`}
                      checked={compared.value.has(run.id)}
                      onChange={(event) => compare(run.id, event.currentTarget.checked)}
                    />
                  </td>
                  <th scope="row">
                    <a
                      href={hashOf("train", new URLSearchParams({ run: run.id }))}
                      onClick={(event) => {
                        event.preventDefault();
                        void show(run.id);
                      }}
                    >
                      {run.name}
                    </a>
                  </th>
                  <td>{run.options?.variant.toUpperCase()}</td>
                  <td>{run.options?.preset}</td>
                  <td>{run.options?.seed}</td>
                  <td>{training.value?.id === run.id ? "training" : standing(run)}</td>
                  <td dir="auto">{run.notes}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Compared />
    </section>
  );
}

function Compared() {
  const chosen = (runs.value ?? []).filter(({ id }) => compared.value.has(id));
  if (chosen.length === 0) return null;
  const series = (key: string) => chosen.map(({ id, name }) => ({ name: nameOf(id, name), points: curves.value[id]?.[key] ?? [] }));
  return (
    <div class="charts compared">
      <Titled title="The generator’s loss of the runs that are ticked" series={series("lossG")} y="loss" />
      <Titled title="The discriminator’s loss of the runs that are ticked" series={series("lossD")} y="loss" />
    </div>
  );
}

/** Two runs of one name are told apart. */
function nameOf(id: string, name: string): string {
  const same = (runs.value ?? []).filter((run) => run.name === name);
  return same.length > 1 ? `${name} (${id})` : name;
}
