/**
 * The peer that `npm run bench -- --peers` measures against: tfjs-backend-webgpu, in a process of its own on the same adapter. It is a
 * package under bench/peers, which is installed here, when it is asked for, and never otherwise.
 */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UserError } from "../src/errors.js";
import type { Problem } from "./gemm-cases.js";

/** What the parent sends, and what comes back; bench/peers/tfjs.mjs is the other side. */
type Request = { readonly prepare: Problem } | { readonly measure: true };
type Reply = { readonly ms: number } | { readonly ready: string } | { readonly error: string };

export interface Peer {
  readonly name: string;
  /** Makes the problem's tensors and runs it a few times. */
  prepare(problem: Problem): Promise<void>;
  /** Milliseconds of one execution of the prepared problem. */
  measure(): Promise<number>;
  close(): void;
}

const FOLDER = fileURLToPath(new URL("peers/", import.meta.url));

/** Starts the peer, after installing it where it is missing. */
export async function openPeer(log: (line: string) => void): Promise<Peer> {
  if (!existsSync(`${FOLDER}node_modules/@tensorflow/tfjs-backend-webgpu`)) {
    log("installing the peer (npm install in bench/peers) ...");
    try {
      execFileSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: FOLDER, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    } catch (cause) {
      throw new UserError("the peer could not be installed: run `npm install` in bench/peers and see", { cause });
    }
  }
  const child = fork(`${FOLDER}tfjs.mjs`, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ready = await reply(child);
  if (!("ready" in ready)) throw new UserError(`the peer did not start: ${"error" in ready ? ready.error : "unexpected reply"}`);
  const ask = async (request: Request): Promise<Reply> => {
    const answer = reply(child);
    child.send(request);
    const result = await answer;
    if ("error" in result) throw new Error(`${ready.ready}: ${result.error}`);
    return result;
  };
  return {
    name: ready.ready,
    prepare: async (problem) => void (await ask({ prepare: problem })),
    measure: async () => {
      const result = await ask({ measure: true });
      return "ms" in result ? result.ms : NaN;
    },
    close: () => void child.kill(),
  };
}

function reply(child: ChildProcess): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null) => reject(new Error(`the peer's process ended (exit code ${code})`));
    child.once("exit", gone);
    child.once("message", (message) => {
      child.off("exit", gone);
      resolve(message as Reply);
    });
  });
}
