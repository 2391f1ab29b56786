/** A peer in a process of its own: starting it, asking it, ending it. bench/peers/serve.mjs and torch_peer.py are the other side. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { PeerProblem, Results } from "./peer-problems.js";

type Request = { readonly prepare: PeerProblem } | { readonly measure: true };
interface Reply {
  /** Its name and version, once it has started. */
  readonly ready?: string;
  readonly results?: Results;
  readonly ms?: number;
  /** Why it cannot do a problem. */
  readonly unsupported?: string;
  readonly error?: string;
}

/** What a peer made of a problem. */
export type Prepared = { readonly results: Results; readonly ms: number } | { readonly unsupported: string };

/** A peer is given so long for one answer; then it counts as unable. On two busy cores the compilation of jax-js's step alone takes minutes. */
const PATIENCE = 900_000;

export class PeerProcess {
  readonly #replies: ((reply: Reply) => void)[] = [];
  #gone: string | undefined;

  private constructor(
    readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    /** Set once it has started. */
    public name: string,
  ) {
    let complaint = "";
    child.stderr.on("data", (text: Buffer) => (complaint = (complaint + text.toString()).slice(-2000)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("@")) this.#replies.shift()?.(JSON.parse(line.slice(1)) as Reply);
    });
    const end = (why: string) => {
      this.#gone ??= why;
      for (const reply of this.#replies.splice(0)) reply({ error: this.#gone });
    };
    child.on("error", (error) => end(error.message));
    child.on("close", (code, signal) => end(`its process ended (${signal ?? `exit code ${code}`}) ${lastLine(complaint)}`.trim()));
    // Writing to a process that is gone is told by its end.
    child.stdin.on("error", () => undefined);
  }

  /** @throws Error with the reason in one line when it does not start. */
  static async start(command: string, words: readonly string[]): Promise<PeerProcess> {
    const peer = new PeerProcess(spawn(command, words, { stdio: ["pipe", "pipe", "pipe"] }), command);
    const { ready, error } = await peer.#reply();
    if (ready === undefined) {
      peer.close();
      throw new Error(error ?? "an answer that makes no sense");
    }
    peer.name = ready;
    return peer;
  }

  /** Makes a problem ready, runs it, and resolves to (samples of) its results. */
  async prepare(problem: PeerProblem): Promise<Prepared> {
    const { results, ms, unsupported, error } = await this.#ask({ prepare: problem });
    return results && ms !== undefined ? { results, ms } : { unsupported: unsupported ?? error ?? "an answer that makes no sense" };
  }

  /** Milliseconds of one execution of the prepared problem. @throws Error */
  async measure(): Promise<number> {
    const { ms, error } = await this.#ask({ measure: true });
    if (ms === undefined) throw new Error(`${this.name}: ${error ?? "an answer that makes no sense"}`);
    return ms;
  }

  close(): void {
    this.child.kill("SIGKILL");
  }

  #ask(request: Request): Promise<Reply> {
    const reply = this.#reply();
    if (!this.#gone) this.child.stdin.write(`${JSON.stringify(request)}\n`);
    return reply;
  }

  #reply(): Promise<Reply> {
    if (this.#gone) return Promise.resolve({ error: this.#gone });
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#gone = `no answer within ${PATIENCE / 1000} s`;
        this.close();
        resolve({ error: this.#gone });
      }, PATIENCE);
      this.#replies.push((reply) => {
        clearTimeout(late);
        resolve(reply);
      });
    });
  }
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
