/** The speed of a training under way, and how long it will take. */
import { duration } from "../gan/expectation.js";

/** Measures speed, and tells after a few steps how long the run will take. */
export class Clock {
  #last = performance.now();
  #times: number[] = [];
  #told = false;

  constructor(
    readonly steps: number,
    readonly tell: (text: string) => void,
  ) {}

  /** Images a second over the last steps. */
  tick(step: number, images: number): number {
    const now = performance.now();
    this.#times = [...this.#times.slice(-19), now - this.#last];
    this.#last = now;
    const mean = this.#times.reduce((a, b) => a + b) / this.#times.length;
    if (!this.#told && this.#times.length >= 5) {
      // The first step compiles the driver's code.
      const typical = [...this.#times].sort((a, b) => a - b)[Math.floor(this.#times.length / 2)]!;
      this.tell(
        `${(typical / 1000).toFixed(2)} s a step: about ${duration((typical * (this.steps - step)) / 1000)} for the ${this.steps - step} steps to go`,
      );
      this.#told = true;
      this.#times = [typical];
    }
    return (1000 * images) / mean;
  }
}
