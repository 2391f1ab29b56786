/** What training tells, as the terminal shows it. */
import type { TrainEvent } from "../train/run/events.js";
import { bytes, type Progress } from "./progress.js";

/** One event: a line, or the bar brought up to date. */
export function show(progress: Progress, event: TrainEvent): void {
  switch (event.kind) {
    case "message":
      return progress.message(event.text);
    case "warning":
      return progress.message(`warning: ${event.text}`);
    case "sample":
      return progress.message(`step ${event.step}: samples in ${event.path}`);
    case "checkpoint":
      return progress.message(`step ${event.step}: checkpoint in ${event.path}`);
    case "validation": {
      const measures = Object.entries(event.measures).map(([name, share]) => `${name} ${(100 * share).toFixed(1)} %`);
      return progress.message(`step ${event.step}: held-out classes ${measures.join(", ")}${event.best ? " (best so far)" : ""}`);
    }
    case "work": {
      const perSecond = event.rate === undefined ? undefined : `${event.rate.toFixed(0)} ${event.unit}/s`;
      const rate = event.unit === "B" ? bytes(event.done) : perSecond;
      return progress.update({ label: event.what, done: event.done, total: event.total, rate, unit: event.unit });
    }
    case "half":
      // A terminal never asks for halves.
      return;
    case "step": {
      const rate = `${event.imagesPerSecond.toFixed(1)} images/s`;
      return progress.update({ label: event.stage, done: event.step, total: event.steps, rate, numbers: event.metrics });
    }
  }
}
