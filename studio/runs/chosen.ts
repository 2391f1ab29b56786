/** Which runs are looked at. The address keeps them: `#/runs?run=petals-1&run=petals-2&smooth=0.6`. */
import { computed, signal } from "@preact/signals";
import type { ListedRun } from "../../src/train/run/summary.js";
import { remember } from "../route.js";
import { runs } from "./server.js";

/** Names in the order in which they were chosen; undefined until somebody chooses. */
const asked = signal<readonly string[] | undefined>(undefined);
export const smoothing = signal(0);

/** The runs that are chosen and there; before anybody chooses the one that trains, or wrote last. */
export const chosen = computed((): readonly ListedRun[] => {
  const all = runs.value;
  if (!all) return [];
  if (asked.value) return asked.value.flatMap((name) => all.get(name) ?? []);
  const newest = [...all.values()].sort((a, b) => rank(b) - rank(a) || b.changed - a.changed)[0];
  return newest ? [newest] : [];
});

const rank = ({ state }: ListedRun): number => (state === "training" ? 1 : 0);

export function choose(names: readonly string[]): void {
  asked.value = names;
  keep();
}

export function smooth(share: number): void {
  smoothing.value = share;
  keep();
}

/** Takes what a link holds. */
export function take(query: URLSearchParams): void {
  const names = query.getAll("run");
  if (names.length > 0) asked.value = names;
  const share = Number(query.get("smooth") ?? NaN);
  if (share >= 0 && share < 1) smoothing.value = share;
}

function keep(): void {
  const query = new URLSearchParams((asked.peek() ?? []).map((name) => ["run", name]));
  if (smoothing.peek() > 0) query.set("smooth", String(smoothing.peek()));
  remember(query);
}
