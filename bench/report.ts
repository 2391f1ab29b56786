/** Rows of a bench, how they are printed, and the file they go to. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Device } from "../src/gpu/device.js";

/** What was measured. A figure that makes no sense for a row is null. */
export interface Row {
  readonly suite: string;
  readonly name: string;
  readonly shape: string;
  readonly variant: string;
  /** Median milliseconds of one execution of ours. */
  readonly ms: number;
  readonly gflops: number | null;
  /** Gigabytes a second: the memory that must be read and written at least, each operand once a pass. */
  readonly gbps: number | null;
  /** What took turns with ours, or null. */
  readonly peer: string | null;
  /** The peer's time over ours: above 1 we are faster. */
  readonly ratio: number | null;
  readonly adapter: string;
  /** More figures by name. */
  readonly more: Readonly<Partial<Record<Figure, number>>>;
  /** What a reader should know of this row, in a few words. */
  readonly note?: string;
}

export type Figure =
  | "share"
  | "peerMs"
  | "imagesPerSecond"
  | "dispatches"
  | "scriptMicroseconds"
  | "memoryMiB"
  | "arenaMiB"
  | "boundMiB"
  | "gflop"
  | "x"
  | "exponent"
  | "arithmeticExponent";

/** A row in the making: figures that are left out are null. */
export type Measured = Omit<Row, "gflops" | "gbps" | "peer" | "ratio" | "adapter" | "more"> & Partial<Row>;

export const row = (device: Device, measured: Measured): Row => ({
  ...{ gflops: null, gbps: null, peer: null, ratio: null, more: {}, adapter: device.description },
  ...measured,
});

/** Where and how it was measured. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly adapter: string;
  /** Features, limits and environment variables that decide speed. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Report {
  readonly machine: Machine;
  /** The adapter's limits at the start of the run: registers alone, and copying (read and written). */
  readonly peak: { readonly gflops: number; readonly gbps: number };
  /** What was asked for and not measured, each with its reason. */
  readonly leftOut: readonly string[];
  readonly rows: readonly Row[];
}

/** @param toggles Dawn's, as given. @param tune How kernels were chosen. */
export function describeMachine(device: Device, toggles: readonly string[], tune: string): Machine {
  const processors = cpus();
  const { subgroupSize, workgroupMemory, maxInvocations, software } = device.traits;
  const variables = Object.entries(process.env).filter(([name]) => /^(LP_|GALLIUM_|MESA_|VK_|DAWN_|OMP_NUM)/.test(name));
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    adapter: device.description,
    settings: {
      "kind of adapter": software ? "software" : "GPU",
      "Dawn toggles": toggles.join(", ") || "Dawn's defaults",
      features: [...device.gpu.features].sort().join(", ") || "none",
      subgroup: subgroupSize > 0 ? `${subgroupSize} lanes` : "of no fixed size",
      "workgroup memory": `${workgroupMemory} bytes`,
      invocations: `${maxInvocations} a workgroup`,
      kernels: tune === "off" ? "by rule" : `tuned (${tune})`,
      environment: variables.map(([name, value]) => `${name}=${value}`).join(" ") || "nothing that a driver reads",
      node: process.version,
    },
  };
}

export function machineLines({ cpu, cores, adapter, settings, date }: Machine): string[] {
  return [
    `adapter: ${adapter}`,
    `machine: ${cores} cores, ${cpu}${date && `; ${date}`}`,
    ...Object.entries(settings).map(([k, v]) => `${k}: ${v}`),
  ];
}

export const writeReport = (file: string, report: Report): void => writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);

/** Three significant digits. */
export const short = (value: number): string => {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4);
};

const FIGURES: readonly (readonly [name: Figure, text: (value: number) => string])[] = [
  ["share", (v) => `${Math.round(v * 100)} % of peak`],
  ["peerMs", (v) => `${short(v)} ms there`],
  ["imagesPerSecond", (v) => `${short(v)} images/s`],
  ["dispatches", (v) => `${v} dispatches`],
  ["scriptMicroseconds", (v) => `${Math.round(v)} µs of JavaScript`],
  ["memoryMiB", (v) => `${short(v)} MiB on the device`],
  ["arenaMiB", (v) => `arena ${short(v)} MiB`],
  ["boundMiB", (v) => `bound ${short(v)} MiB`],
  ["exponent", (v) => `exponent ${v.toFixed(2)}`],
  ["arithmeticExponent", (v) => `of its arithmetic ${v.toFixed(2)}`],
];

/** One line on a terminal. */
export function rowLine(r: Row): string {
  const figures = [
    ...(r.gflops === null ? [] : [`${short(r.gflops)} GFLOP/s`]),
    ...(r.gbps === null ? [] : [`${short(r.gbps)} GB/s`]),
    ...(r.ratio === null ? [] : [`${short(r.ratio)} times as fast as ${r.peer}`]),
    ...FIGURES.flatMap(([name, text]) => (r.more[name] === undefined ? [] : [text(r.more[name])])),
    ...(r.note ? [r.note] : []),
  ];
  return `${r.name.padEnd(30)} ${r.shape.padEnd(30)} ${r.variant.padEnd(26)} ${short(r.ms).padStart(8)} ms  ${figures.join(", ")}`.trimEnd();
}

/** The verdict on all rows of each peer. */
export function summary(rows: readonly Row[]): string[] {
  const peers = [...new Set(rows.flatMap(({ peer }) => (peer === null ? [] : [peer])))];
  return peers.map((peer) => {
    const of = rows.filter((r) => r.peer === peer && r.ratio !== null);
    const mean = Math.exp(of.reduce((sum, { ratio }) => sum + Math.log(ratio!), 0) / of.length);
    const least = of.reduce((a, b) => (b.ratio! < a.ratio! ? b : a));
    return `${of.length} rows against ${peer}: ${mean.toFixed(2)} times as fast (geometric mean), least ${least.ratio!.toFixed(2)} (${least.name})`;
  });
}
