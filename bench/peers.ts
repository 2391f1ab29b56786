/**
 * Other libraries on the same work, in turns with ours: each in a process of its own under bench/peers, which is a package that is
 * installed here, when it is asked for, and never otherwise. A peer that cannot be had, or cannot do a problem, says so in one line.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { difference, type Ours, type PeerCase } from "./peer-problems.js";
import { PeerProcess } from "./peer-process.js";
import { type Row, row } from "./report.js";
import { inTurns, type Session } from "./session.js";

interface Definition {
  /** Tried in order. */
  readonly commands: readonly string[];
  /** File under bench/peers, and its arguments. */
  readonly words: readonly string[];
  /** Of npm, without which it cannot start. */
  readonly needs?: string;
}

const node = (needs: string, ...words: string[]): Definition => ({ commands: [process.execPath], words, needs });
/** Debian's PyTorch is its own Python's, which need not be the first on the path. */
const python = (...words: string[]): Definition => ({ commands: ["python3", "/usr/bin/python3"], words: ["torch_peer.py", ...words] });

export const PEERS = {
  "tfjs-webgpu": node("@tensorflow/tfjs-backend-webgpu", "tfjs.mjs", "webgpu"),
  "tfjs-wasm": node("@tensorflow/tfjs-backend-wasm", "tfjs.mjs", "wasm"),
  "jax-js": node("@jax-js/jax", "jax.mjs"),
  "ort-webgpu": node("onnxruntime-node", "onnx.mjs", "webgpu"),
  "ort-cpu": node("onnxruntime-node", "onnx.mjs", "cpu"),
  torch: python("eager"),
  "torch-tf32": python("tf32"),
  "torch-compile": python("compile"),
} satisfies Record<string, Definition>;

export type PeerName = keyof typeof PEERS;

const FOLDER = fileURLToPath(new URL("peers/", import.meta.url));

/** Yields a row a problem and peer; says through `log` what cannot be done. */
export async function* benchPeers(
  session: Session,
  names: readonly string[],
  log: (line: string) => void,
  cases: () => Promise<readonly PeerCase[]>,
): AsyncGenerator<Row> {
  const peers = await startPeers(
    names as readonly PeerName[],
    (name, why) => {
      log(`peer: ${name} is left out: ${why}`);
      session.miss("peers", name, why);
    },
    log,
  );
  try {
    for (const c of await cases()) {
      if (!session.wants(c.suite, c.name, c.shape)) continue;
      if (!(await session.allows(`peers, ${c.suite}`, c.name, c.flops))) continue;
      const ours = await c.prepare(session.device);
      try {
        yield* compare(session, c, ours, peers, log);
      } finally {
        ours.free();
      }
    }
  } finally {
    for (const peer of peers) peer.close();
  }
}

/** Ours in turns with all peers that come to our results. */
export async function* compare(
  session: Session,
  c: PeerCase,
  ours: Ours,
  peers: readonly PeerProcess[],
  log: (line: string) => void,
): AsyncGenerator<Row> {
  const ready: PeerProcess[] = [];
  let slowest = ours.watch.expected;
  for (const peer of peers) {
    const prepared = await peer.prepare(c.problem);
    if ("unsupported" in prepared) {
      log(`${peer.name}: ${c.name}, ${c.shape}: cannot (${prepared.unsupported})`);
      session.miss(peer.name, c.name, `cannot: ${prepared.unsupported}`);
      continue;
    }
    const wrong = difference(ours.results, prepared.results, c.tolerance);
    if (wrong) {
      log(`${peer.name}: ${c.name}, ${c.shape}: another result than ours, not compared (${wrong})`);
      session.miss(peer.name, `${c.name}, ${c.shape}`, "another result than ours");
      continue;
    }
    ready.push(peer);
    slowest = Math.max(slowest, prepared.ms);
  }
  const contestants: Record<string, { measure(): Promise<number> }> = { ours: ours.watch };
  if (c.flops !== undefined) contestants.limit = session.limits.arithmetic;
  // One that fails while it is timed must not end the run.
  const failed = new Set<PeerProcess>();
  for (const peer of ready) {
    const fail = (error: Error) => {
      if (!failed.has(peer)) log(`${c.name}, ${c.shape}: ${error.message}`);
      failed.add(peer);
      return NaN;
    };
    contestants[peer.name] = { measure: () => peer.measure().catch(fail) };
  }
  const turns = await inTurns(contestants, slowest);
  const ms = turns.median("ours");
  const gflops = c.flops === undefined ? null : c.flops / ms / 1e6;
  const share = c.flops === undefined ? {} : { share: (c.flops / session.limits.flops) * turns.ratio("limit", "ours") };
  const mine = { suite: `peers, ${c.suite}`, name: c.name, shape: c.shape, variant: ours.variant, ms, gflops };
  const timed = ready.filter((peer) => !failed.has(peer));
  if (timed.length === 0) yield row(session.device, { ...mine, more: share });
  for (const { name } of timed) {
    yield row(session.device, { ...mine, peer: name, ratio: turns.ratio(name, "ours"), more: { ...share, peerMs: turns.median(name) } });
  }
}

async function startPeers(
  names: readonly PeerName[],
  missing: (name: PeerName, why: string) => void,
  log: (line: string) => void,
): Promise<PeerProcess[]> {
  const definitions = names.map((name): [PeerName, Definition] => [name, PEERS[name]]);
  const uninstalled = definitions.some(([, { needs }]) => needs !== undefined && !existsSync(join(FOLDER, "node_modules", needs)));
  if (uninstalled) install(log);
  const peers: PeerProcess[] = [];
  for (const [name, definition] of definitions) {
    const started = await start(definition);
    if (typeof started === "string") missing(name, started);
    else {
      peers.push(started);
      log(`peer: ${started.name}`);
    }
  }
  return peers;
}

/** The peer, or why there is none. */
async function start({ commands, words }: Definition): Promise<PeerProcess | string> {
  let reason = "";
  for (const command of commands) {
    try {
      return await PeerProcess.start(command, [join(FOLDER, words[0]!), ...words.slice(1)]);
    } catch (error) {
      reason = (error as Error).message;
    }
  }
  return reason;
}

/** What cannot be installed is missed when the peer starts. */
function install(log: (line: string) => void): void {
  log("installing the peers (npm install in bench/peers) ...");
  const words = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  // Its install script would fetch CUDA libraries, which no peer here uses.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip", ONNXRUNTIME_NODE_INSTALL_CUDA: "skip" };
  const options = { cwd: FOLDER, env, stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"], shell: !npm };
  const { status } = npm ? spawnSync(process.execPath, [npm, ...words], options) : spawnSync(`npm ${words.join(" ")}`, options);
  if (status !== 0) log("npm could not install all of them (its message is above)");
}
