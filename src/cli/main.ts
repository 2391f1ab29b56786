#!/usr/bin/env node
/** The command line: `petalgrad <command> [options]`. Finds the command, hands it its options, and says in one line what went wrong. */
import { constants } from "node:os";
import { abortWorld, turnToTell } from "../node/distributed/open.js";
import { fileProblem } from "../node/files/file-problem.js";
import { UserError } from "../errors.js";
import { nearest } from "../option-spec.js";
import { type Context, parseOptions, takeWords } from "./command.js";
import { COMMANDS } from "./commands.js";
import { commandHelp, generalHelp } from "./help.js";
import { refuseRanks } from "./ranks.js";
import { packageVersion } from "./version.js";

async function main(words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-v") return print(packageVersion());
  if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
    return print(generalHelp(commands, packageVersion()));
  }
  if (name === "help") return main([...rest, "--help"]);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) {
    const meant = nearest(name, Object.keys(COMMANDS));
    throw new UserError(`unknown command "${name}"${meant ? `; did you mean "${meant}"?` : ""} (--help lists all)`);
  }
  const command = await load();
  const typed = takeWords(command, rest);
  const given = parseOptions(command, typed.rest);
  if (given === "help") return print(commandHelp(command));
  if (!("mpiLibrary" in command.options) && command.name !== "doctor") refuseRanks(command.name);
  await command.run(given, { catchInterrupt, print, stderr: process.stderr } satisfies Context, typed.words);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function catchInterrupt(notice: string | undefined): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[signal]);
    if (notice !== undefined) process.stderr.write(`\n${notice}\n`);
    controller.abort();
  };
  // SIGHUP: the terminal is closed, or the connection to it is lost.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  return controller.signal;
}

/** An error as the user sees it. @param who The rank, where there are several. */
function report(error: unknown, who: string): void {
  const debug = process.env.PETALGRAD_DEBUG === "1";
  const message = error instanceof Error ? error.message : String(error);
  // What the file system refuses is no mistake of ours, wherever it was met.
  const problem = fileProblem(error);
  if (debug) process.stderr.write(`petalgrad: ${who}${error instanceof Error ? (error.stack ?? message) : message}\n`);
  else if (error instanceof UserError) process.stderr.write(`petalgrad: ${who}${message}\n`);
  else if (problem) process.stderr.write(`petalgrad: ${who}${(error as NodeJS.ErrnoException).path ?? "a file"}: ${problem}\n`);
  else process.stderr.write(`petalgrad: ${who}${message} (unexpected; PETALGRAD_DEBUG=1 shows where it happened)\n`);
}

// `petalgrad ... | head` closes the pipe early: no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  if (error.code !== "EIO") throw error;
});
// A terminal that is closed takes no more messages: a checkpoint is saved all the same.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  const stopped = error instanceof Error && error.name === "AbortError";
  const who = await turnToTell();
  if (stopped) process.stderr.write(`petalgrad: ${who}stopped\n`);
  else report(error, who);
  process.exitCode = stopped ? 130 : 1;
  abortWorld(process.exitCode);
}
