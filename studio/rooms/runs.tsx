/** The room Runs: every run under the local server's folder, live while another process trains it. */
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { STYLE_ENCODER_NAME, STYLE_FOLDER, MODEL_NAME } from "../../src/train/run/names.js";
import type { ListedRun } from "../../src/train/run/summary.js";
import { messageOf, openAddress, openStyle, trouble } from "../model.js";
import { Trouble } from "../parts/trouble.js";
import { hashOf, route } from "../route.js";
import { choose, chosen, take } from "../runs/chosen.js";
import { Curves } from "../runs/curves.js";
import { OptionsTable } from "../runs/options-table.js";
import { Samples } from "../runs/samples.js";
import { connected, fileOf, folder, follow, listen, runs } from "../runs/server.js";
import { RunTable, State } from "../runs/table.js";
import "./runs.css";

export function RunsRoom() {
  useEffect(() => {
    take(route.peek().query);
    return listen();
  }, []);
  useSignalEffect(() => {
    for (const { name } of chosen.value) void follow(name);
  });
  const all = runs.value;
  return (
    <>
      <p class="lead">
        The runs under <code>{folder}</code>, live while they train.
      </p>
      <Trouble
        text={
          connected.value
            ? undefined
            : "The studio's server does not answer: is it still running? This page goes on by itself once it does."
        }
      />
      {!all && connected.value && <p class="note">Looking for runs …</p>}
      {all?.size === 0 && (
        <p class="panel">
          There are none yet. One shows here as soon as it begins, for instance by <code>petalgrad train</code>.
        </p>
      )}
      {all && all.size > 0 && <Listing all={[...all.values()]} />}
    </>
  );
}

function Listing({ all }: { readonly all: readonly ListedRun[] }) {
  const sorted = [...all].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  return (
    <>
      <RunTable runs={sorted} />
      <News all={all} />
      {chosen.value.length === 0 ? (
        <p class="note">Choose a run to see its curves, samples and options.</p>
      ) : (
        <>
          <section class="runs-chosen" aria-label="Chosen runs">
            {chosen.value.map((run) => (
              <Chosen key={run.name} run={run} />
            ))}
          </section>
          <Curves />
          <Samples />
          <OptionsTable />
        </>
      )}
    </>
  );
}

/** What can be done with a run, and what went wrong with it. */
function Chosen({ run }: { readonly run: ListedRun }) {
  const { name, command, files } = run;
  const parent = command === "train-style" ? runs.value?.get(name.slice(0, -STYLE_FOLDER.length - 1)) : undefined;
  const restyled = parent?.files.includes(MODEL_NAME) && files.includes(STYLE_ENCODER_NAME) ? parent.name : undefined;
  return (
    <article class="panel runs-card" aria-label={name}>
      <h2>
        {name} <State state={run.state} />
      </h2>
      {run.problem !== undefined && <p class="trouble">{`Little is known of it: ${run.problem}.`}</p>}
      {(run.state === "killed" || run.state === "stopped") && (
        <p class="note">
          {endOf(run)}
          {run.checkpoint !== undefined && (
            <>
              {" "}
              It goes on by <code>{run.goOn}</code>
            </>
          )}
        </p>
      )}
      <div class="buttons">
        {files.includes(MODEL_NAME) && (
          <button type="button" onClick={() => openInDraw(name)}>
            Open in Draw
          </button>
        )}
        {restyled !== undefined && (
          <button type="button" onClick={() => void openInRestyle(restyled, name)}>
            Open in Restyle
          </button>
        )}
        {chosen.value.length > 1 && (
          <button type="button" onClick={() => choose([name])}>
            Only this one
          </button>
        )}
      </div>
    </article>
  );
}

/** How an unfinished training stands. */
function endOf({ state, command, step, stage, checkpoint }: ListedRun): string {
  const where = `${stage === "text encoder" && command === "train" ? "the text encoder's " : ""}step ${step}`;
  if (state === "stopped") return `It was stopped at ${where}.`;
  const kept = checkpoint === undefined ? "it has no checkpoint yet" : `its checkpoint is of step ${checkpoint}`;
  return `It ended at ${where} without saving, and ${kept}.`;
}

function openInDraw(name: string): void {
  void openAddress(fileOf(name, MODEL_NAME));
  location.hash = hashOf("draw");
}

async function openInRestyle(gan: string, style: string): Promise<void> {
  location.hash = hashOf("restyle");
  await openAddress(fileOf(gan, MODEL_NAME));
  try {
    const answer = await fetch(fileOf(style, STYLE_ENCODER_NAME));
    await openStyle(new File([await answer.blob()], STYLE_ENCODER_NAME));
  } catch (error) {
    trouble.value = messageOf(error);
  }
}

/** Tells a screen reader how runs come, end and go; their steps would be too much. */
function News({ all }: { readonly all: readonly ListedRun[] }) {
  const before = useRef<ReadonlyMap<string, string>>(undefined);
  const [news, setNews] = useState("");
  useEffect(() => {
    const now = new Map(all.map(({ name, state }) => [name, state as string]));
    const changed = [...now].filter(([name, state]) => before.current && before.current.get(name) !== state);
    if (changed.length > 0) setNews(changed.map(([name, state]) => `${name}: ${state}`).join(", "));
    before.current = now;
  }, [all]);
  return (
    <p class="visually-hidden" role="status">
      {news}
    </p>
  );
}
