/**
 * Two machines in one: network namespaces with addresses of their own, joined by a wire of 1 Gb/s and 1 ms, a rank in each, which can reach one
 * another by TCP alone. Prints a step's time beside the model's:
 *
 *     node --import tsx bench/namespaces.ts [small]
 *
 * Needs root, iproute2 and Open MPI. Nothing leaves the namespaces, and they are gone afterwards.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findMpirun } from "../src/cli/driver.mjs";
import { UserError } from "../src/errors.js";
import { PRESET_VALUES, PRESETS } from "../src/train/gan/presets.js";
import { ended, programWords, resultOf } from "./ranks.js";
import { sumSeconds } from "./ranks-model.js";

/** Addresses of the two, on a network that is nowhere else. */
const ADDRESSES = ["10.213.77.1", "10.213.77.2"] as const;
const NETWORK = "10.213.77.0/24";
/** Gb/s, and ms one way. */
const WIRE = { gigabits: 1, delay: 1 };
/** The ranks are ended after so long, in ms. */
const PATIENCE = 5 * 60_000;

/** What is missing for two namespaces here; undefined where nothing is. */
export function missingForNamespaces(): string | undefined {
  if (process.platform !== "linux") return "Linux";
  if (process.getuid?.() !== 0) return "root";
  if (!findMpirun()["Open MPI"]) return "Open MPI (Debian: apt-get install openmpi-bin)";
  for (const [tool, words] of [
    ["ip", ["-V"]],
    ["tc", ["-V"]],
    ["unshare", ["--version"]],
  ] as const)
    // prettier-ignore
    if (spawnSync(tool, words).status !== 0) return `${tool} (Debian: iproute2, util-linux)`;
  const name = `petalgrad-${process.pid}-try`;
  const made = spawnSync("ip", ["netns", "add", name]).status === 0;
  if (made) spawnSync("ip", ["netns", "del", name]);
  return made ? undefined : "the right to make network namespaces";
}

function must(command: string): void {
  const [file, ...words] = command.split(" ");
  const { status, stderr } = spawnSync(file!, words, { encoding: "utf8" });
  if (status !== 0) throw new UserError(`${command}: ${(stderr ?? "").trim()}`);
}

export class Namespaces {
  readonly #folder = mkdtempSync(join(tmpdir(), "petalgrad-namespaces-"));
  readonly #names: readonly string[];
  /** ms one way, as far as this kernel can delay: without its module netem there is no delay. */
  delay = 0;
  readonly #endedBySignal = (): void => {
    this.remove();
    process.exit(130);
  };

  /** @throws UserError where something is refused; nothing is left then */
  constructor() {
    this.#names = [0, 1].map((i) => `petalgrad-${process.pid}-${i}`);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, this.#endedBySignal);
    try {
      this.#make();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  #make(): void {
    const [a, b] = this.#names as [string, string];
    for (const name of this.#names) must(`ip netns add ${name}`);
    must(`ip -n ${a} link add wire type veth peer name wire netns ${b}`);
    for (const [i, name] of this.#names.entries()) {
      must(`ip -n ${name} addr add ${ADDRESSES[i]}/24 dev wire`);
      must(`ip -n ${name} link set lo up`);
      must(`ip -n ${name} link set wire up`);
      const netem = `qdisc add dev wire root netem delay ${WIRE.delay}ms rate ${WIRE.gigabits}gbit limit 10000`;
      if (spawnSync("tc", ["-n", name, ...netem.split(" ")]).status === 0) this.delay = WIRE.delay;
      else must(`tc -n ${name} qdisc add dev wire root tbf rate ${WIRE.gigabits}gbit burst 128kb latency 100ms`);
    }
    // In place of ssh: `agent HOST WORDS...` runs the words in the namespace of that address, which has a host name of its own.
    const cases = ADDRESSES.map((address, i) => `${address}) inside=${this.#names[i]!} ;;`).join(" ");
    const script = `#!/bin/sh\nhost="$1"; shift\ncase "$host" in ${cases} *) exit 1 ;; esac\n`;
    writeFileSync(this.#agent, `${script}exec ip netns exec "$inside" unshare --uts sh -c 'hostname "$0"; eval "$*"' "$inside" "$@"\n`, {
      mode: 0o755,
    });
  }

  get #agent(): string {
    return join(this.#folder, "agent");
  }

  /** Runs a program on a rank in each namespace. */
  run(words: readonly string[], env: Readonly<Record<string, string>> = {}, patience = PATIENCE) {
    const mca = Object.entries({
      ...{ plm_rsh_agent: this.#agent, btl: "tcp,self", btl_tcp_if_include: NETWORK, oob_tcp_if_include: NETWORK },
      // Binding is of no use, and what is installed here is installed there.
      ...{ orte_keep_fqdn_hostnames: "1", plm_rsh_no_tree_spawn: "1" },
    }).flatMap(([name, value]) => ["--mca", name, value]);
    const names = Object.keys(env).flatMap((name) => ["-x", name]);
    const mpirun = [findMpirun()["Open MPI"]!, "--allow-run-as-root", "--bind-to", "none", ...mca, ...names];
    const hosts = ["--host", ADDRESSES.map((address) => `${address}:1`).join(","), "-n", "2"];
    const inside = ["netns", "exec", this.#names[0]!, ...mpirun, ...hosts, ...words];
    return ended("ip", inside, env, patience);
  }

  /** Whether a namespace's network ends at its wire: nothing else may be reached. */
  get closed(): boolean {
    return this.#names.every((name) => !spawnSync("ip", ["-n", name, "route"], { encoding: "utf8" }).stdout.includes("default"));
  }

  /** Ends what still runs in them, and removes them. */
  remove(): void {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, this.#endedBySignal);
    for (const name of this.#names) {
      if (!existsSync(join("/run/netns", name))) continue;
      const { stdout } = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" });
      for (const pid of (stdout ?? "").split("\n").map(Number))
        if (pid > 1)
          try {
            process.kill(pid, "SIGKILL");
          } catch {
            // Gone by itself.
          }
      spawnSync("ip", ["netns", "del", name]);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function main(word: string): Promise<void> {
  const preset = PRESETS.find((name) => name === word);
  if (!preset) throw new UserError(`there is no preset ${word}, only ${PRESETS.join(", ")}`);
  const missing = missingForNamespaces();
  if (missing !== undefined) throw new UserError(`two namespaces need ${missing}`);
  const task = { megabytes: [1, 8, 32], preset, rows: [PRESET_VALUES[preset].batch / 2], steps: 5 };
  const env = { LP_NUM_THREADS: "1" };
  const mpirun = findMpirun()["Open MPI"]!;
  // The way to the host and back, without any wire.
  const alone = resultOf(
    await ended(mpirun, ["--allow-run-as-root", "--bind-to", "none", "-n", "1", ...programWords({ ...task, rows: [] })], env),
  );
  const host = Math.max(...alone.sums.map(({ bytes, seconds }) => seconds / bytes));
  const two = new Namespaces();
  try {
    const result = resultOf(await two.run(programWords(task), env));
    const wire = { latency: two.delay / 1000, perByte: 8 / (1e9 * WIRE.gigabits), hostPerByte: host };
    console.log(
      `two namespaces, ${WIRE.gigabits} Gb/s, ${two.delay > 0 ? `${two.delay} ms` : "no delay (this kernel lacks netem)"}, over TCP; ${result.adapter}`,
    );
    const line = (what: string, measured: number, model: number): void =>
      console.log(
        `${what.padEnd(34)} ${(1000 * measured).toFixed(0).padStart(6)} ms, by the model ${(1000 * model).toFixed(0)} ms (${(100 * (model / measured - 1)).toFixed(0)} %)`,
      );
    for (const { bytes, seconds } of result.sums) line(`sum of ${bytes / 1e6} MB`, seconds, sumSeconds(wire, 2, bytes));
    for (const { rows, seconds, compute } of result.steps) {
      line(`step of ${preset}, ${2 * rows} images`, seconds, compute + sumSeconds(wire, 2, result.bytes));
      line(
        `  of which ${(result.bytes / 1e6).toPrecision(2)} MB of gradients`,
        Math.max(0, seconds - compute),
        sumSeconds(wire, 2, result.bytes),
      );
    }
  } finally {
    two.remove();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await main(process.argv[2] ?? "small");
  } catch (error) {
    console.error(error instanceof UserError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}
