/** The room Train: a GAN trained in this tab, in a thread of its own, kept in the browser's file system. */
import { useEffect } from "preact/hooks";
import { Trouble } from "../parts/trouble.js";
import { route } from "../route.js";
import { NewRun } from "../train/new-run.js";
import { RunView } from "../train/run-view.js";
import { RunsTable } from "../train/runs-table.js";
import { enter, form, notice, runs, shown, training, trouble } from "../train/state.js";
import "./train.css";

export function TrainRoom() {
  const asked = route.value.query.get("run");
  useEffect(() => {
    if (asked === null || asked !== shown.peek() || runs.peek() === undefined) void enter();
  }, [asked]);
  const run = runs.value?.find(({ id }) => id === shown.value);
  const beginning = training.value && training.value.id === undefined;
  return (
    <div class="train">
      <p class="lead">Train a text-to-image GAN here: first it learns to read sentences, then two networks play against each other.</p>
      <Trouble text={trouble.value} onClose={() => (trouble.value = undefined)} />
      <p class="note" role="status">
        {notice.value ?? (beginning ? "Beginning …" : "")}
      </p>
      {run && <RunView run={run} />}
      {runs.value && form.value && <NewRun open={runs.value.length === 0} form={form.value} />}
      <RunsTable />
    </div>
  );
}
