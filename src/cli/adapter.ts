/**
 * Asks Dawn for the adapter once, before a command does, so that what Dawn writes on standard error by itself does not reach a user: two lines
 * about limits on Mesa's drivers, which are no fault, and a stack trace where there is no driver, which says less than one line of ours.
 * Dawn writes them in its first `requestAdapter` only, past every stream of Node's, and has no switch for them.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import type koffiFace from "koffi";
import { UserError } from "../errors.js";
import { probeAdapter } from "./probe-adapter.mjs";

/** To be awaited before a command opens its device, and before other work begins. @throws UserError where there is no adapter */
export async function readyAdapter(): Promise<void> {
  // Loaded here, so that --help needs no engine.
  const [{ openGpu }, { NO_ADAPTER }] = await Promise.all([import("../gpu/dawn.js"), import("../gpu/device.js")]);
  const gpu = await openGpu();
  const request = () => gpu?.requestAdapter({ powerPreference: "high-performance" });
  const silenced = process.platform === "linux" ? (reopening(2) ?? (await duplicating(2))) : undefined;
  // Where what is written stays: then a child is asked first, whose standard error nobody reads.
  if (process.platform === "linux" && !silenced && !(await probeAdapter()).adapter) throw new UserError(NO_ADAPTER);
  const adapter = await (silenced ? silenced(request) : request());
  if (!adapter) throw new UserError(NO_ADAPTER);
}

/** Calls something that writes to a descriptor in native code, at once, and lets nothing of that through. */
type Silenced = <T>(call: () => T) => T;

/**
 * Linux opens a terminal or a pipe anew by its descriptor, and a file that is only appended to (`2>> log`). Of another file (`2> log`) it would
 * begin at a place of its own, and what is written then would lie over what others write: a shell, or standard output. A socket it does not
 * open.
 */
function reopening(descriptor: number): Silenced | undefined {
  const { O_WRONLY, O_NOCTTY, O_NONBLOCK, O_APPEND } = constants;
  const kind = fstatSync(descriptor);
  // A pipe that nobody reads any more would otherwise be waited for.
  if (kind.isFIFO()) return (call) => quietly(descriptor, O_WRONLY | O_NONBLOCK, call);
  if (isatty(descriptor)) return (call) => quietly(descriptor, O_WRONLY | O_NOCTTY, call);
  return kind.isFile() && isAppended(descriptor) ? (call) => quietly(descriptor, O_WRONLY | O_APPEND, call) : undefined;
}

/**
 * The C library gives any descriptor back as it was, a file at its very place; Node has no call for that, koffi has where it is installed.
 * Without it the two lines stay.
 */
async function duplicating(descriptor: number): Promise<Silenced | undefined> {
  let library: ReturnType<typeof koffiFace.load>;
  try {
    library = (await import("koffi")).default.load(null);
  } catch {
    return undefined;
  }
  const dup = library.func("int dup(int)") as (descriptor: number) => number;
  const dup2 = library.func("int dup2(int, int)") as (from: number, to: number) => number;
  return (call) => {
    const kept = dup(descriptor);
    if (kept < 0) return call();
    const nothing = openSync("/dev/null", constants.O_WRONLY);
    dup2(nothing, descriptor);
    closeSync(nothing);
    try {
      return call();
    } finally {
      dup2(kept, descriptor);
      closeSync(kept);
    }
  };
}

/** Does all that is written go to the file's end, wherever others write? By the system's account of the descriptor, whose flags are octal. */
function isAppended(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & constants.O_APPEND) !== 0;
  } catch {
    return false;
  }
}

function quietly<T>(descriptor: number, flags: number, call: () => T): T {
  const path = (fd: number) => `/proc/self/fd/${fd}`;
  let kept: number;
  try {
    kept = openSync(path(descriptor), flags);
  } catch {
    // Of another user, say. Better a line too many than none.
    return call();
  }
  // What is opened takes the lowest number that is free: the one that was just closed.
  closeSync(descriptor);
  const nothing = openSync("/dev/null", constants.O_WRONLY);
  try {
    return call();
  } finally {
    closeSync(nothing);
    openSync(path(kept), flags);
    closeSync(kept);
  }
}
