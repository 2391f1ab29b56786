/** The speed of a training under way, and how long it will take. */
/** Measures speed, and tells after a few steps how long the run will take. */
export class Clock {
  #last = performance.now();
  #times: number[] = [];
  #told = false;

  constructor(
    readonly steps: number,
    readonly tell: (text: string) => void,
  ) {}

  /** Leaves out the time since the last step: nobody was at work. */
  resume(): void {
    this.#last = performance.now();
  }

  /** Images a second over the last steps. */
  tick(step: number, images: number): number {
    const now = performance.now();
    this.#times = [...this.#times.slice(-19), now - this.#last];
    this.#last = now;
    const mean = this.#times.reduce((a, b) => a + b) / this.#times.length;
    if (!this.#told && this.#times.length >= 5) {
      // The fastest: a driver without a cache translates kernels in the first step, and some in those after it.
      const typical = Math.min(...this.#times);
      this.tell(
        `${(typical / 1000).toFixed(2)} s a step: about ${duration((typical * (this.steps - step)) / 1000)} for the ${this.steps - step} steps to go`,
      );
      this.#told = true;
      this.#times = [typical];
    }
    return (1000 * images) / mean;
  }
}

/** "40 seconds", "12 minutes", "2.5 hours", "3.1 days". */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} seconds`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 48 * 3600 ? `${(seconds / 3600).toFixed(1)} hours` : `${(seconds / 86400).toFixed(1)} days`;
}
