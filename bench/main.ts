/** `npm run bench`: how fast kernels and whole steps are on this machine's adapter, and against other libraries. */
import { writeFileSync } from "node:fs";
import { UserError } from "../src/errors.js";
import { openDevice } from "../src/gpu/device.js";
import { PRESETS } from "../src/train/gan/presets.js";
import { Tuner } from "../src/gpu/tuner.js";
import { tuneModeFor } from "../src/train/run/options.js";
import { defineCommand, parseOptions, withDefaults } from "../src/cli/command.js";
import type { Values } from "../src/option-spec.js";
import { commandHelp } from "../src/cli/help.js";
import { benchKernels } from "./kernels.js";
import { benchLadder } from "./ladder.js";
import { peerCases, WORKS } from "./peer-problems.js";
import { benchPeers, PEERS } from "./peers.js";
import { benchRanks } from "./ranks.js";
import { describeMachine, machineLines, type Row, rowLine, summary, writeReport } from "./report.js";
import { benchScaling } from "./scaling.js";
import { Session } from "./session.js";
import { benchSteps } from "./steps.js";
import { Limits } from "./timing.js";
import { benchTuning } from "./tuning.js";

const SUITES = ["kernels", "ladder", "steps", "scaling"] as const;

const OPTIONS = {
  suite: {
    type: "text",
    placeholder: "LIST",
    description: `what to measure, of ${SUITES.join(", ")}; separated by commas`,
    defaultText: "all four; none with --peers or --tune",
  },
  filter: { type: "text", placeholder: "TEXT", default: "", description: 'only rows whose suite, name or shape contain it ("" for all)' },
  minutes: {
    type: "number",
    min: 0.01,
    max: 600,
    default: 20,
    description: "begin no row after so many minutes, shared out evenly over the suites; what was left out is said",
  },
  variants: { type: "flag", default: false, description: "time every GEMM variant that runs here, instead of the one chosen by rule" },
  tune: {
    type: "flag",
    default: false,
    description: "race the kernels that the tuner would, and compare its winners with the rule's choice",
  },
  peers: {
    type: "text",
    placeholder: "[LIST]",
    description: `take turns with other libraries on the same work, installed in bench/peers: ${Object.keys(PEERS).join(", ")}; all without a list`,
    defaultText: "none",
  },
  work: {
    type: "choice",
    choices: WORKS,
    default: "small",
    description: "what peers are compared on: width 64 at batch 16, or (for GPUs) matmul 4096 and the paper preset",
  },
  ranks: {
    type: "text",
    placeholder: "LIST",
    description:
      "measure several ranks of this machine instead, such as 1,2,4: sums of gradients, steps, and the model of both (needs Open MPI or MPICH)",
    defaultText: "none",
  },
  preset: { type: "choice", choices: PRESETS, default: "small", description: "whose steps the ranks take" },
  mpirun: { type: "text", placeholder: "FILE", description: "what starts the ranks", defaultText: "what this machine has" },
  toggles: {
    type: "text",
    placeholder: "LIST",
    description: 'Dawn\'s toggles, such as "enable-dawn-features=disable_robustness"',
    defaultText: "Dawn's own",
  },
  json: { type: "text", placeholder: "FILE", description: "also write machine and rows there", defaultText: "no file" },
} as const;

const COMMAND = defineCommand({
  name: "bench",
  summary: "how fast kernels and whole steps are on this machine's adapter",
  details: [
    "A row is the median of three to five measurements, warmed up, without read-back. Where it says so, the adapter's own limit (registers",
    "alone, or copying memory) or a peer took turns with it: a ratio is the median of the turns' own. Other programs on the machine make times",
    "worse: believe ratios within one run.",
  ].join("\n"),
  options: OPTIONS,
  examples: [
    ["bench --suite steps --minutes 5", "whole steps only"],
    ['bench --suite kernels --filter "width 64, batch 16"', "the kernels of one network"],
    ["bench --ranks 1,2,4 --json ranks.json", "what several ranks cost"],
    ["bench --peers tfjs-webgpu,torch --json peers.json", "in turns with two other libraries"],
  ],
  run: () => Promise.resolve(),
});

type Options = Values<typeof OPTIONS>;

async function main(words: readonly string[]): Promise<void> {
  const given = parseOptions(COMMAND, withPeers(words));
  if (given === "help") {
    console.log(commandHelp(COMMAND));
    return;
  }
  const options = withDefaults(OPTIONS, given);
  if (options.ranks !== undefined) {
    const report = await benchRanks({ ...options, ranks: counts(options.ranks) }, (line) => console.log(line));
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
    return;
  }
  const suites = chosen("--suite", options.suite ?? (options.peers === undefined && !options.tune ? SUITES.join() : ""), SUITES);
  const peers = chosen("--peers", options.peers === "all" ? Object.keys(PEERS).join() : (options.peers ?? ""), Object.keys(PEERS));
  const toggles = options.toggles?.split(",") ?? [];
  const device = await openDevice({ toggles });
  const tune = tuneModeFor(device.traits);
  // As a run on this adapter would choose, without looking at what earlier ones found.
  if (tune !== "off") device.tuner = new Tuner(device, { mode: tune });
  const machine = describeMachine(device, toggles, tune);
  console.log(`${machineLines(machine).join("\n")}\n`);

  const limits = await Limits.create(device);
  const [gflops, gbps] = [await limits.gflops(), await limits.gbps()];
  console.log(`peak: ${gflops.toFixed(0)} GFLOP/s on registers alone, ${gbps.toFixed(1)} GB/s copying\n`);
  const rows: Row[] = [];
  const leftOut: string[] = [];
  const parts = suites.length + (options.tune ? 1 : 0) + (peers.length > 0 ? 1 : 0);
  const save = () => {
    if (options.json) writeReport(options.json, { machine, peak: { gflops, gbps }, leftOut, rows });
  };
  const run = async (measure: (session: Session) => AsyncGenerator<Row>): Promise<void> => {
    const session = new Session(device, limits, options.filter, options.minutes / parts);
    for await (const row of measure(session)) {
      if (row.suite !== rows.at(-1)?.suite) console.log(`-- ${row.suite}`);
      console.log(rowLine(row));
      rows.push(row);
      // Row by row: a run that is interrupted has its report.
      save();
    }
    leftOut.push(...session.leftOut);
  };
  for (const suite of suites) await run((session) => suiteRows(suite, session, options));
  if (options.tune) await run((session) => benchTuning(session));
  if (peers.length > 0)
    await run((session) =>
      benchPeers(
        session,
        peers,
        (line) => console.log(line),
        () => peerCases(options.work),
      ),
    );
  if (rows.length === 0)
    throw new UserError(`bench: no row has "${options.filter}" in its suite, name or shape, or --minutes is too short`);

  for (const line of summary(rows)) console.log(line);
  for (const line of leftOut) console.log(`left out: ${line}`);
  save();
  limits.destroy();
  device.destroy();
}

function suiteRows(suite: (typeof SUITES)[number], session: Session, options: Options): AsyncGenerator<Row> {
  switch (suite) {
    case "kernels":
      return benchKernels(session, { allVariants: options.variants });
    case "ladder":
      return benchLadder(session);
    case "steps":
      return benchSteps(session);
    case "scaling":
      return benchScaling(session);
  }
}

/** @throws UserError for what is no list of numbers of ranks */
function counts(list: string): number[] {
  const found = list.split(",").map(Number);
  if (found.every((count) => Number.isInteger(count) && count >= 1 && count <= 64)) return found;
  throw new UserError(`bench: --ranks ${list}: give numbers from 1 to 64, such as 1,2,4`);
}

/** `--peers` may stand alone. */
function withPeers(words: readonly string[]): string[] {
  return words.map((word, i) => (word === "--peers" && (words[i + 1] ?? "--").startsWith("--") ? "--peers=all" : word));
}

/** @throws UserError for a name that is none of the known */
function chosen<Name extends string>(flag: string, list: string, known: readonly Name[]): Name[] {
  const names = list.split(",").map((name) => name.trim());
  return names.filter(Boolean).map((name) => {
    const found = known.find((k) => k === name);
    if (!found) throw new UserError(`bench: ${flag} ${name}: there is no such name, only ${known.join(", ")}`);
    return found;
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UserError ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
