/** What the training's thread tells the page: events without what the page has no use for, in batches. */
import type { TrainEvent } from "../../src/train/run/events.js";

/** The scalars of a step. */
export interface StepTold {
  readonly stage: "text encoder" | "GAN";
  readonly step: number;
  readonly steps: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface Told {
  /** The run has its place in the browser's store. */
  readonly id?: string;
  /** It waits for a person: before a step, or between D's half and G's. */
  readonly held?: "step" | "half" | false;
  readonly steps?: readonly StepTold[];
  /** What is known after D's half of a step. */
  readonly half?: Pick<StepTold, "step" | "metrics">;
  readonly imagesPerSecond?: number;
  /** What is done now, and how far it is. */
  readonly work?: { readonly what: string; readonly done?: number; readonly total?: number };
  /** Newest last. */
  readonly lines?: readonly string[];
  /** The newest step with a sample grid, and with a checkpoint. */
  readonly sample?: number;
  readonly checkpoint?: number;
}

/** So often the page is told at most, in milliseconds: it has curves to draw. */
const EVERY = 250;

export class Teller {
  #batch: { -readonly [K in keyof Told]: Told[K] } = {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** D's half is done, and G's is not. */
  #half = false;
  #held = false;

  constructor(readonly tell: (told: Told) => unknown) {}

  event(event: TrainEvent): void {
    const batch = this.#batch;
    switch (event.kind) {
      case "message":
      case "warning": {
        const text = event.kind === "warning" ? `Warning: ${event.text}` : event.text;
        batch.lines = [...(batch.lines ?? []), text];
        batch.work = { what: event.text };
        break;
      }
      case "work":
        batch.work = { what: event.what, done: event.done, ...(event.total !== undefined && { total: event.total }) };
        break;
      case "half":
        this.#half = true;
        batch.half = { step: event.step, metrics: event.metrics };
        break;
      case "step": {
        this.#half = false;
        if (this.#held) batch.held = "step";
        const { stage, step, steps, metrics } = event;
        if (stage !== "GAN" && stage !== "text encoder") return;
        batch.steps = [...(batch.steps ?? []), { stage, step, steps, metrics }];
        batch.imagesPerSecond = event.imagesPerSecond;
        break;
      }
      case "sample":
        batch.sample = event.step;
        break;
      case "checkpoint":
        batch.checkpoint = event.step;
        break;
      case "validation":
        return;
    }
    this.#soon();
  }

  held(held: boolean): void {
    this.#held = held;
    this.#batch.held = held && (this.#half ? "half" : "step");
    this.#soon();
  }

  begun(id: string): void {
    this.#batch.id = id;
    this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#batch;
    this.#batch = {};
    if (Object.keys(batch).length > 0) void this.tell(batch);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.flush(), EVERY);
  }
}
