/** Progress of a long command: a bar that is redrawn on a terminal, a plain line now and then elsewhere (files, CI). */

/** What a progress display writes to. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressState {
  /** What is being done: "GAN", "preparing flowers". */
  readonly label: string;
  readonly done: number;
  /** Absent where nobody knows. */
  readonly total?: number;
  /** "12.3 images/s". */
  readonly rate?: string;
  /** What is counted: "images". Where no rate is given, it is that of the last minute. */
  readonly unit?: string;
  /** Named numbers to show, the most telling first. */
  readonly numbers?: Readonly<Record<string, number>>;
}

/** A bar is redrawn at most this often. */
const REDRAW_MS = 100;
/** Lines elsewhere come at most this often, so that a night's log stays readable. */
const LINE_MS = 10_000;
/** The speed of the last minute or so decides the time left: the first steps of a job, when kernels are compiled, say little. */
const WINDOW_MS = 30_000;

export class Progress {
  readonly #out: Output;
  readonly #now: () => number;
  #label = "";
  /** Two earlier moments of the current label: the time left is extrapolated from the older, which is one to two windows ago. */
  #older = { time: 0, done: 0 };
  #newer = { time: 0, done: 0 };
  #last = -Infinity;
  #drawn = false;
  /** The newest state that is not yet shown. */
  #pending: ProgressState | undefined;

  constructor(out: Output, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#now = now;
  }

  /** Shows a state, unless one was shown a moment ago; the first and the last of a label are always shown. */
  update(state: ProgressState): void {
    const time = this.#now();
    if (state.label !== this.#label) {
      this.#flush();
      this.#label = state.label;
      this.#older = this.#newer = { time, done: state.done };
      this.#last = -Infinity;
    }
    if (time - this.#newer.time > WINDOW_MS) [this.#older, this.#newer] = [this.#newer, { time, done: state.done }];
    const due = time - this.#last >= (this.#out.isTTY ? REDRAW_MS : LINE_MS);
    if (due || state.done === state.total) this.#show(state, time);
    else this.#pending = state;
  }

  /** A line of its own, above the bar. */
  message(line: string): void {
    this.#erase();
    this.#out.write(`${line}\n`);
    if (this.#out.isTTY && this.#pending) this.#show(this.#pending, this.#now());
  }

  /** Shows what is pending and leaves the cursor on a fresh line. */
  end(): void {
    this.#flush();
    this.#label = "";
  }

  #flush(): void {
    if (this.#pending) this.#show(this.#pending, this.#now());
    if (this.#drawn) this.#out.write("\n");
    this.#drawn = false;
    this.#pending = undefined;
  }

  #show(state: ProgressState, time: number): void {
    this.#last = time;
    this.#pending = undefined;
    const left = this.#timeLeft(state, time);
    state = { ...state, ...(state.rate === undefined && { rate: this.#rate(state, time) }) };
    if (this.#out.isTTY) {
      // A terminal without a size reports 0.
      const width = (this.#out.columns || 80) - 1;
      this.#out.write(`\r\x1b[2K${barLine(state, left, width)}`);
      this.#drawn = true;
    } else {
      this.#out.write(`${plainLine(state, left)}\n`);
    }
  }

  #erase(): void {
    if (this.#drawn) this.#out.write("\r\x1b[2K");
    this.#drawn = false;
  }

  /** What was done before the label was first shown, by an earlier run, does not count. */
  #rate({ done, unit }: ProgressState, time: number): string | undefined {
    const [count, ms] = [done - this.#older.done, time - this.#older.time];
    return unit === undefined || count <= 0 || ms <= 0 ? undefined : `${((1000 * count) / ms).toFixed(0)} ${unit}/s`;
  }

  #timeLeft(state: ProgressState, time: number): string | undefined {
    const done = state.done - this.#older.done;
    if (state.total === undefined || done <= 0 || state.done >= state.total) return undefined;
    return `${duration(((time - this.#older.time) / done / 1000) * (state.total - state.done))} left`;
  }
}

/** One line of a bar: label, bar, count, rate, time left, and as many of the numbers as fit `width`. */
function barLine(state: ProgressState, left: string | undefined, width: number): string {
  const head = state.total === undefined ? state.label : `${state.label} ${bar(state.done / state.total, width > 100 ? 24 : 12)}`;
  let line = [`${head} ${count(state)}`, state.rate, left].filter(Boolean).join("  ");
  for (const item of numberItems(state)) {
    if (line.length + 2 + item.length > width) break;
    line += `  ${item}`;
  }
  return line.slice(0, width);
}

function plainLine(state: ProgressState, left: string | undefined): string {
  return [`${state.label} ${count(state)}`, state.rate, ...numberItems(state), left].filter(Boolean).join("  ");
}

function numberItems(state: ProgressState): string[] {
  return Object.entries(state.numbers ?? {}).map(([name, value]) => `${name} ${short(value)}`);
}

function count({ done, total }: ProgressState): string {
  return total === undefined ? String(done) : `${String(done).padStart(String(total).length)}/${total}`;
}

function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `[${"=".repeat(full)}${" ".repeat(width - full)}]`;
}

/** Three or so digits: 0.00123, 12.3, 1.2e-5. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1);
  if (Number.isInteger(value)) return String(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** "45 s", "12 min", "3 h 20 min". */
export function duration(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1440)} days`;
}

/** "1.5 GB": sizes of downloads, in powers of ten as their sources give them. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, size > 0 ? Math.floor(Math.log10(size) / 3) : 0);
  const value = size / 1000 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}
