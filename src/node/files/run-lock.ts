/**
 * Who trains in a folder: one process at a time, since two would write every line twice. The lock is a file that names the process and its
 * machine; it goes with the training, and what a killed process left is told from the lock of a running one.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { UserError } from "../../errors.js";
import type { LockState } from "../../train/run/summary.js";
import { isRunning } from "./atomic-file.js";

interface Holder {
  readonly process: number;
  readonly machine: string;
  /** When that process began, where the system says: numbers of processes come again. */
  readonly began?: string;
}

/** Another process has a lock. */
export class HeldError extends UserError {
  constructor(
    message: string,
    /** Whether it is one of this machine. */
    readonly here: boolean,
  ) {
    super(message);
  }
}

/**
 * Takes a folder's lock, also one whose process is gone.
 * @param warn Is told of such a one.
 * @param done What is done in the folder.
 * @returns what gives it back
 * @throws HeldError when a running process holds it, or one of another machine, of which nobody can know here; the file system's error
 */
export function lockFolder(folder: string, path: string, warn: (text: string) => void, done = "trained"): () => void {
  const own: Holder = { process: process.pid, machine: hostname(), ...began(process.pid) };
  const text = `${JSON.stringify(own)}\n`;
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, text, { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt === 3) throw error;
    }
    const found = readLock(path);
    if (found === undefined) continue;
    const holder = holderOf(found);
    if (!holder && isFresh(path)) throw new HeldError(`${folder} is being taken by another process just now`, true);
    if (holder && isHeld(holder, own)) {
      const here = holder.machine === own.machine;
      const way = here ? "wait for it, or stop it" : `if that one has ended, remove ${path}`;
      throw new HeldError(
        `${folder} is being ${done} by process ${holder.process}${here ? "" : ` of the machine ${holder.machine}`}: ${way}`,
        here,
      );
    }
    if (takeAway(path, found))
      warn(`${folder}: process ${holder?.process ?? "?"}, which ${done} it, has ended without a word; its lock is taken over`);
  }
  const release = (): void => {
    process.off("exit", release);
    if (readLock(path) === text) rmSync(path, { force: true });
  };
  // Where the process is made to end at once, too.
  process.on("exit", release);
  return release;
}

/** Who holds a lock, for those who only look on. @throws the file system's error */
export function lockState(path: string): LockState {
  const found = readLock(path);
  if (found === undefined) return "free";
  const holder = holderOf(found);
  if (!holder) return isFresh(path) ? "held" : "left";
  return isHeld(holder, { process: process.pid, machine: hostname() }) ? "held" : "left";
}

/** Removes a lock, unless it has changed hands since it was read. */
function takeAway(path: string, expected: string): boolean {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  const same = readLock(aside) === expected;
  if (same) rmSync(aside, { force: true });
  else renameSync(aside, path);
  return same;
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A lock that cannot be read may be about to be written. */
function isFresh(path: string): boolean {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 2000;
}

/** Undefined where the process was killed while it wrote, or somebody else wrote something else. */
function holderOf(text: string): Holder | undefined {
  try {
    const { process, machine, began } = JSON.parse(text) as Partial<Holder>;
    if (typeof process !== "number" || typeof machine !== "string") return undefined;
    return { process, machine, ...(typeof began === "string" && { began }) };
  } catch {
    return undefined;
  }
}

function isHeld(holder: Holder, own: Holder): boolean {
  if (holder.machine !== own.machine) return true;
  if (!isRunning(holder.process)) return false;
  const now = began(holder.process).began;
  return holder.began === undefined || now === undefined || holder.began === now;
}

/** Linux: the boot, and the tick of it at which a process began. */
function began(pid: number): { began?: string } {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // After the name in brackets, which may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\)\s/s, "")
      .split(" ");
    return { began: `${boot} ${fields[19]}` };
  } catch {
    return {};
  }
}
