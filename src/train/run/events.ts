/** What the training loop is asked for beside its options, and what it tells while it runs. Knows nothing of terminals. */
import type { Picture } from "../../pictures/image-grid.js";
import type { Stage } from "./metrics-file.js";

/** What a training tells while it runs. */
export type TrainEvent =
  /** One line for a person: what is done next and how long it should take, what was skipped. */
  | { readonly kind: "message"; readonly text: string }
  /** Something unusual that does not stop the run. */
  | { readonly kind: "warning"; readonly text: string }
  /** The data set is being fetched or prepared, captions are embedded, kernels tuned. `total` where it is known. */
  | {
      readonly kind: "work";
      readonly what: string;
      readonly unit: "B" | "images" | "captions" | "kernels";
      readonly done: number;
      readonly total?: number;
      /** Units a second. */
      readonly rate?: number;
    }
  /** After a step of a stage. `metrics` are what metrics.jsonl gets for it; empty where the step's losses were not read back. */
  | {
      readonly kind: "step";
      readonly stage: Stage;
      readonly step: number;
      readonly steps: number;
      readonly imagesPerSecond: number;
      readonly metrics: Readonly<Record<string, number>>;
    }
  /** After D's half of a GAN's step, where the pace asked for halves: the metrics that are known by then. G's half ends the step. */
  | { readonly kind: "half"; readonly step: number; readonly metrics: Readonly<Record<string, number>> }
  /** A text encoder was tried on held-out classes: shares from 0 to 1 by name, and whether it is the best so far. */
  | { readonly kind: "validation"; readonly step: number; readonly measures: Readonly<Record<string, number>>; readonly best: boolean }
  /** A grid was drawn. `path` where the run keeps it. */
  | {
      readonly kind: "sample";
      readonly step: number;
      readonly path: string | undefined;
      readonly picture: Picture;
      readonly captions: string;
    }
  /** `model` is the file of what has been trained so far. */
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string; readonly model?: Uint8Array };

/** How far a training that was held back goes before it asks again: a step, or half of one where it has halves (a GAN's: D's, then G's). */
export type Move = "step" | "half";

/**
 * Asked before each step, and between the halves of one. Undefined: go on. A promise holds the training back until it is kept; nothing is
 * under way on the GPU meanwhile. It is to be kept, too, when the signal is aborted.
 */
export type Pace = () => Promise<Move> | undefined;

/** Who is told, who may stop it, and who may hold it back. */
export interface TrainHooks {
  onEvent(event: TrainEvent): void;
  /** Aborted when the user asks to stop: the loop finishes its step, saves a checkpoint and returns. */
  readonly signal: AbortSignal;
  /** Lets a person pause, and go step by step. The bits are the same at any pace. */
  readonly pace?: Pace | undefined;
}

/** For who wants to be told nothing, and stops nothing. */
export const withoutHooks = (): TrainHooks => ({ onEvent: () => undefined, signal: new AbortController().signal });

/** How a training ended. */
export interface TrainResult {
  /** Where the run is kept. */
  readonly run: string;
  /** "finished" at the last step, "stopped" where the signal asked for it. */
  readonly end: "finished" | "stopped";
  readonly step: number;
  /** The newest sample grid, where one was drawn. */
  readonly grid?: string;
  /** A caption of the data set, to show how to sample. */
  readonly caption?: string;
}

/** A path's last part, by which people know a data set's folder: "my-birds" of "/data/my-birds/". */
export const lastPart = (path: string): string => path.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, "");
