/** Lets a person hold a training back, and go on by a step or by half of one. */
import type { Move, Pace } from "../../src/train/run/events.js";

export class Pacer {
  #holding = false;
  #release: ((move: Move) => void) | undefined;

  /** @param onHeld Told when the training waits, and when it goes on again. */
  constructor(
    signal: AbortSignal,
    readonly onHeld: (held: boolean) => void,
  ) {
    signal.addEventListener("abort", () => this.goOn());
  }

  readonly pace: Pace = () => {
    if (!this.#holding) return undefined;
    this.onHeld(true);
    return new Promise((resolve) => (this.#release = resolve));
  };

  /** Before the next step, or between the halves of one. */
  hold(): void {
    this.#holding = true;
  }

  goOn(): void {
    this.#holding = false;
    this.move("step");
  }

  /** Goes on so far, and waits again. */
  move(move: Move): void {
    const release = this.#release;
    this.#release = undefined;
    if (!release) return;
    this.onHeld(false);
    release(move);
  }
}
