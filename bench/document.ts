/**
 * Writes docs/explanation/performance.md and its chart from reports of `npm run bench -- --json FILE`:
 *
 *     npm run bench:document -- FILE...
 *
 * The sections that no report has rows for are left out. bench/notes/changes.json tells what each change gained, bench/notes/limits.md why
 * we stand where we stand.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { UserError } from "../src/errors.js";
import { type LogPanel, powerChart } from "./chart.js";
import { machineLines, type Report, type Row, short, summary } from "./report.js";

/** One change of the engine that was made for speed. */
export interface Change {
  readonly change: string;
  readonly predicted: string;
  readonly measured: string;
  /** What printed the figure. */
  readonly command: string;
}

const CHART = "../images/performance-scaling.svg";

const PAGE = "docs/explanation/performance.md";

/** The page, without line breaks of its own; `chart` is where it finds the picture. */
export function performancePage(reports: readonly Report[], changes: readonly Change[], limits: string): string {
  const rows = reports.flatMap((report) => report.rows);
  const leftOut = reports.flatMap((report) => report.leftOut);
  const sections: readonly (readonly [title: string, body: string])[] = [
    ["Where it was measured", machines(reports)],
    ["Whole steps", steps(rows)],
    ["Against other libraries", peers(rows)],
    ["Kernels", kernels(rows)],
    ["From naive to best", ladder(rows)],
    ["How time grows", scaling(rows)],
    ["What tuning gains", tuning(rows)],
    ["What each change gained", changesTable(changes)],
    ["What the limit is, and why we stand where we stand", limits],
    ["What was left out", leftOut.map((line) => `- ${line}`).join("\n")],
  ];
  return [
    "# How fast petalgrad is",
    "Written by `npm run bench:document` from the reports of `npm run bench -- --json FILE`; change the notes under `bench/notes/`, not this page. " +
      "Times are medians of three to five measurements after a warm-up, without read-back inside what is timed. What is compared took turns in one run, and a ratio is the median of the turns' own; " +
      "on a machine that does other things too, single rows vary by a factor of two and more.",
    ...sections.filter(([, body]) => body.trim() !== "").flatMap(([title, body]) => [`## ${title}`, body]),
  ].join("\n\n");
}

/** A machine once, however many reports there are of it. */
function machines(reports: readonly Report[]): string {
  const described = reports.map(({ machine }) => machineLines({ ...machine, date: "" }).join("\n"));
  return [...new Set(described)]
    .map((text) => {
      const runs = reports.filter((_, i) => described[i] === text);
      const limits = runs.map(
        ({ machine, peak }) => `${machine.date}: ${short(peak.gflops)} GFLOP/s on registers alone, ${short(peak.gbps)} GB/s copying`,
      );
      return [...text.split("\n"), `runs, and the adapter's limits at the start of each: ${limits.join("; ")}`]
        .map((line) => `- ${line}`)
        .join("\n");
    })
    .join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

const percent = (share: number | undefined): string => (share === undefined ? "" : `${Math.round(100 * share)} %`);
const figure = (value: number | null | undefined): string => (value === null || value === undefined ? "" : short(value));

function steps(all: readonly Row[]): string {
  const rows = all.filter(({ suite }) => suite === "steps");
  return [
    table(
      [
        "step",
        "",
        "ms",
        "images/s",
        "GFLOP/s",
        "of the limit",
        "dispatches",
        "JavaScript, µs",
        "device, MiB",
        "arena, MiB",
        "over its bound",
      ],
      rows.map(({ name, shape, variant, ms, gflops, more }) => [
        ...[
          name,
          variant ? `${shape}, ${variant}` : shape,
          short(ms),
          figure(more.imagesPerSecond),
          figure(gflops),
          percent(more.share),
          String(more.dispatches),
          figure(more.scriptMicroseconds),
        ],
        ...[figure(more.memoryMiB), figure(more.arenaMiB), `${(more.arenaMiB! / more.boundMiB!).toFixed(3)} x`],
      ]),
    ),
    rows.length > 0
      ? "The arena is planned memory for what a step computes; its bound is the most that is alive at any moment, below which no plan can go. " +
        "The device's total adds networks, optimizer and inputs. JavaScript is the time from calling a step to its return."
      : "",
  ].join("\n\n");
}

function peers(all: readonly Row[]): string {
  const rows = all.filter(({ suite }) => suite.startsWith("peers"));
  const names = [...new Set(rows.map(({ peer }) => peer!))];
  const works = [...new Set(rows.map(({ name, shape }) => `${name}, ${shape}`))];
  const find = (work: string, peer?: string) =>
    rows.find((r) => `${r.name}, ${r.shape}` === work && (peer === undefined || r.peer === peer));
  if (rows.length === 0) return "";
  return [
    "How many times as fast petalgrad is, the peer's milliseconds behind it. Empty where a peer cannot do the work. Every peer's results were checked against ours.",
    table(
      ["work", "ours, ms", ...names],
      works.map((work) => [
        work,
        short(find(work)!.ms),
        ...names.map((name) => {
          const r = find(work, name);
          return r ? `**${short(r.ratio!)}** (${short(r.more.peerMs!)})` : "";
        }),
      ]),
    ),
    summary(rows)
      .map((line) => `- ${line}`)
      .join("\n"),
    "onnxruntime's times include copying inputs and results between JavaScript and the device: its Node package knows no other way.",
  ].join("\n\n");
}

function kernels(all: readonly Row[]): string {
  const rows = all.filter(({ suite }) => suite.startsWith("kernels"));
  const suites = [...new Set(rows.map(({ suite }) => suite))].filter((suite) => suite !== "kernels");
  if (rows.length === 0) return "";
  const empty = rows.find(({ suite }) => suite === "kernels");
  const share = (list: readonly Row[]) => [...list].map(({ more }) => more.share ?? 0).sort((a, b) => a - b)[list.length >> 1];
  const overview = suites.map((suite) => {
    const of = rows.filter((r) => r.suite === suite);
    const [arithmetic, memory] = [of.filter(({ gflops }) => gflops !== null), of.filter(({ gbps }) => gbps !== null)];
    return [
      suite.replace("kernels, ", ""),
      String(arithmetic.length),
      percent(share(arithmetic)),
      String(memory.length),
      percent(share(memory)),
    ];
  });
  const detail = suites.filter((suite) => suite.endsWith("matmul") || suite.endsWith("width 64, batch 16"));
  return [
    "Share of the adapter's own limit, measured in turns: of the rate of multiply-adds on registers for products and convolutions, of the rate of a copy for what is made " +
      "of memory (counting every operand once a pass; what lies in caches can pass 100 %)." +
      (empty ? ` An empty dispatch takes ${short(1000 * empty.ms)} µs: small shapes are made of that.` : ""),
    table(["networks", "products", "median share", "others", "median share"], overview),
    ...detail.map((suite) =>
      table(
        [suite.replace("kernels, ", ""), "shape", "kernel", "ms", "GFLOP/s", "GB/s", "of limit"],
        rows
          .filter((r) => r.suite === suite)
          .map((r) => [r.name, r.shape, r.variant, short(r.ms), figure(r.gflops), figure(r.gbps), percent(r.more.share)]),
      ),
    ),
  ].join("\n\n");
}

function ladder(all: readonly Row[]): string {
  const rows = all.filter(({ suite }) => suite === "ladder");
  return [...new Set(rows.map(({ name, shape }) => `${name}, ${shape}`))]
    .map((work) =>
      table(
        [work, "ms", "GFLOP/s", "of limit", "what it does"],
        rows
          .filter(({ name, shape }) => `${name}, ${shape}` === work)
          .map((r) => [r.variant, short(r.ms), figure(r.gflops), percent(r.more.share), r.note ?? ""]),
      ),
    )
    .join("\n\n");
}

const axes = (rows: readonly Row[]): string[] => [
  ...new Set(rows.filter(({ suite, more }) => suite === "scaling" && more.x !== undefined).map(({ name }) => name)),
];

function scaling(all: readonly Row[]): string {
  const rows = all.filter(({ suite }) => suite === "scaling");
  if (rows.length === 0) return "";
  const fits = rows.filter(({ more }) => more.exponent !== undefined);
  return [
    `![Time of a GAN step against batch, width and image area, on logarithmic axes](${CHART})`,
    "A GAN-INT-CLS step around the preset `small`. The exponent is of a power law through the larger half of the points; that of the step's arithmetic beside it is what a " +
      "perfect implementation would show (larger images have more layers, wider networks grow with the square). Exponents are of the time in turns with the register limit, in units of " +
      "that limit's own time, so that a slow moment of the machine counts little; milliseconds are as measured.",
    table(
      ["along", "from, to", "time grows with the power", "its arithmetic"],
      fits.map(({ name, shape, more }) => [
        name.replace(", all", ""),
        shape,
        more.exponent!.toFixed(2),
        more.arithmeticExponent!.toFixed(2),
      ]),
    ),
    table(
      ["point", "ms", "GFLOP/s", "dispatches", "JavaScript, µs"],
      rows
        .filter(({ more }) => more.x !== undefined)
        .map((r) => [`${r.name}: ${r.shape}`, short(r.ms), figure(r.gflops), String(r.more.dispatches), figure(r.more.scriptMicroseconds)]),
    ),
  ].join("\n\n");
}

/** Measured times, and the arithmetic's shape through the last of them. */
export function scalingPanels(rows: readonly Row[]): LogPanel[] {
  return axes(rows).map((name) => {
    const points = rows.filter((r) => r.suite === "scaling" && r.name === name && r.more.x !== undefined);
    const last = points.at(-1)!;
    const ideal = points.map((r) => [r.more.x!, (last.ms * r.more.gflop!) / last.more.gflop!] as const);
    return {
      ...{ title: `GAN step against ${name}`, x: name === "image area" ? "pixels" : name, y: "ms" },
      lines: [
        { name: "measured", points: points.map((r) => [r.more.x!, r.ms] as const) },
        { name: "its arithmetic", points: ideal, dashed: true },
      ],
    };
  });
}

function tuning(all: readonly Row[]): string {
  const rows = all.filter(({ suite }) => suite.startsWith("tuning"));
  return table(
    ["problem", "shape", "rule -> winner", "ms", "times as fast"],
    rows.map((r) => [`${r.suite.replace("tuning, ", "")}: ${r.name}`, r.shape, r.variant, short(r.ms), figure(r.ratio)]),
  );
}

const changesTable = (changes: readonly Change[]): string =>
  table(
    ["change", "predicted", "measured", "by"],
    changes.map(({ change, predicted, measured, command }) => [change, predicted, measured, `\`${command}\``]),
  );

function read(path: string): Report {
  if (!existsSync(path)) throw new UserError(`bench:document: there is no file ${path}; make one with \`npm run bench -- --json ${path}\``);
  const report = JSON.parse(readFileSync(path, "utf8")) as Partial<Report>;
  if (!report.rows || !report.machine || !report.peak)
    throw new UserError(`bench:document: ${path} is no report of \`npm run bench -- --json\``);
  return { leftOut: [], ...report } as Report;
}

async function main(files: readonly string[]): Promise<void> {
  if (files.length === 0) throw new UserError("bench:document: give reports, as written by `npm run bench -- --json FILE`");
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const reports = files.map(read);
  const changes = JSON.parse(readFileSync(path("notes/changes.json"), "utf8")) as Change[];
  const page = performancePage(reports, changes, readFileSync(path("notes/limits.md"), "utf8"));
  const target = path(`../${PAGE}`);
  writeFileSync(target, await format(page, { ...(await resolveConfig(target)), parser: "markdown" }));
  writeFileSync(join(dirname(target), CHART), powerChart(scalingPanels(reports.flatMap(({ rows }) => rows))));
  console.log(`${PAGE} written from ${files.join(", ")}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof UserError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}
