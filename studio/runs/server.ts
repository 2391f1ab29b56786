/** What the local server says of its folder's runs, kept up while somebody looks. A static host has no such server, and is asked nothing. */
import { signal } from "@preact/signals";
import type { ListedRun, MetricsPart } from "../../src/train/run/summary.js";
import { RunCurves } from "./run-curves.js";

/** Whether the page comes from petalgrad's own server, which says so in it. */
export const hasServer = document.querySelector('meta[name="petalgrad-server"]') !== null;

/** Milliseconds between two looks at a run's metrics: a small training does fifty steps a second. */
const PAUSE = 400;

/** By name; undefined until the server has answered. */
export const runs = signal<ReadonlyMap<string, ListedRun> | undefined>(undefined);
/** The folder, as the server's user typed it. */
export const folder = signal("runs");
/** False while the server does not answer. */
export const connected = signal(true);
/** Of the runs that somebody looks at. A run's curves are another object once they have grown. */
export const curves = signal<ReadonlyMap<string, RunCurves>>(new Map());

/** The address of a run's file, relative to the page. */
export const fileOf = (run: string, name: string): string =>
  `api/runs/${encodeURIComponent(run)}/files/${name.split("/").map(encodeURIComponent).join("/")}`;

/** "samples/step-001000.png". */
export const sampleName = (step: number, extension: "png" | "txt"): string => `samples/step-${String(step).padStart(6, "0")}.${extension}`;

/** Listens to what changes. @returns what ends it */
export function listen(): () => void {
  void fetch("api/").then(
    async (answer) => (folder.value = ((await answer.json()) as { runs: string }).runs),
    () => undefined,
  );
  const events = new EventSource("api/events");
  const on = (event: string, take: (data: unknown) => void) =>
    events.addEventListener(event, ({ data }: MessageEvent<string>) => take(JSON.parse(data)));
  events.addEventListener("open", () => (connected.value = true));
  events.addEventListener("error", () => (connected.value = false));
  on("runs", (list) => (runs.value = new Map((list as ListedRun[]).map((run) => [run.name, run]))));
  on("run", (run) => (runs.value = new Map([...(runs.peek() ?? []), [(run as ListedRun).name, run as ListedRun]])));
  on("gone", (name) => (runs.value = new Map([...(runs.peek() ?? [])].filter(([other]) => other !== name))));
  return () => events.close();
}

/** Runs whose metrics are being read. */
const reading = new Set<string>();

/** Reads what is new of a run's metrics. */
export async function follow(name: string): Promise<void> {
  if (reading.has(name)) return;
  reading.add(name);
  try {
    while (isBehind(name)) {
      const grown = await readOn(name, curves.peek().get(name) ?? new RunCurves());
      if (!grown) return;
      curves.value = new Map([...curves.peek(), [name, grown]]);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  } finally {
    reading.delete(name);
  }
}

function isBehind(name: string): boolean {
  const listed = runs.peek()?.get(name)?.metrics;
  const known = curves.peek().get(name);
  return listed !== undefined && (known?.id !== listed.id || known.read < listed.size);
}

/** @returns undefined where the server does not answer: what it tells when it comes back begins anew. */
async function readOn(name: string, known: RunCurves): Promise<RunCurves | undefined> {
  // It may grow while it is read.
  const listed = runs.peek()?.get(name)?.metrics;
  for (let now = known; ; ) {
    const address = `api/runs/${encodeURIComponent(name)}/metrics?after=${now.next}&id=${now.id}`;
    const answer = await fetch(address).catch(() => undefined);
    if (!answer?.ok) return undefined;
    const part = (await answer.json()) as MetricsPart;
    now = now.with(part);
    if (part.end) return now.seen(listed);
  }
}
