/** What an evaluation finds: a column of values for each generator, for real images and for noise; and the table that shows them. */
import { splitName } from "../data/dataset.js";
import type { RocPoint } from "../metrics/roc.js";

export interface Value {
  readonly value: number;
  readonly deviation?: number;
}

/** By the row's id. */
export type Values = Readonly<Record<string, Value>>;

export interface Column {
  /** "real", "noise", "petals-1 ema". */
  readonly label: string;
  readonly values: Values;
}

/** Curves of one run's style verification. */
export interface StyleCurve {
  readonly label: string;
  /** "background" or "pose". */
  readonly task: string;
  /** By the text's features, not by style. */
  readonly baseline: boolean;
  readonly points: readonly RocPoint[];
}

/** What an evaluation found: a column for each generator, and for what stands beside them. */
export interface Report {
  readonly dataset: string;
  /** True where the data set has no classes: rows then say images. */
  readonly classless?: boolean;
  /** Images a split. */
  readonly samples: number;
  readonly seed: number;
  readonly columns: readonly Column[];
  readonly curves: readonly StyleCurve[];
  /** What a reader should know: what was left out and why, what a number does not say. */
  readonly notes: readonly string[];
}

/** "area" is a number of which 1 is the most. */
type Unit = "percent" | "number" | "thousandths" | "area";

interface RowDefinition {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Which values are better; absent for a baseline, and where neither end is. */
  readonly better?: "higher" | "lower";
}

type Better = "higher" | "lower" | "none";

const row = (id: string, title: string, unit: Unit, better: Better = "higher"): RowDefinition => ({
  ...{ id, title, unit },
  ...(better !== "none" && { better }),
});

const bySplit = (id: string, title: string, unit: Unit, better: Better = "higher"): RowDefinition[] =>
  (["train", "test"] as const).map((split) => row(`${id}.${split}`, `${title}, ${splitName(split)}`, unit, better));

/** Sections of the table and their rows, in order. */
export const SECTIONS: readonly { readonly title: string; readonly rows: readonly RowDefinition[] }[] = [
  {
    title: "Text match",
    rows: [
      ...bySplit("rPrecision100", "own caption first among 100", "percent"),
      ...bySplit("rPrecision10", "own caption first among 10", "percent"),
      ...bySplit("petalColour", "petal colour right", "percent"),
      ...bySplit("petalCount", "petal count right, where named", "percent"),
      ...bySplit("centreColour", "centre colour right, where named", "percent"),
      ...bySplit("colourRule", "central hue is the named colour", "percent"),
      ...bySplit("colourHistogram", "colour by histogram is the named one", "percent"),
    ],
  },
  {
    title: "Quality and variety",
    rows: [
      ...bySplit("fid", "FID-petalgrad", "number", "lower"),
      ...bySplit("kid", "KID-petalgrad", "number", "lower"),
      ...bySplit("inception", "inception score-petalgrad", "number"),
      ...bySplit("variety", "feature distance within a caption", "number"),
      ...bySplit("pixels", "pixel deviation within a caption", "number"),
      ...bySplit("checkerboard", "power of period two", "number", "lower"),
      row("fidInception", "FID", "number", "lower"),
      row("kidInception", "KID x 1000", "thousandths", "lower"),
      row("inceptionScore", "inception score", "number"),
    ],
  },
  {
    title: "Zero-shot classification",
    rows: [row("zeroShot", "real images of unseen classes, learnt from drawn ones", "percent")],
  },
  {
    title: "What decides the drawn background (share of its colour's variance)",
    rows: [...bySplit("groundByNoise", "the noise alone", "percent"), ...bySplit("groundByText", "the sentence alone", "percent", "none")],
  },
  {
    title: "Style verification (area under the ROC curve)",
    rows: [
      row("background.style", "background, by style", "area"),
      row("background.text", "background, by text (baseline)", "area", "none"),
      row("pose.style", "pose, by style", "area"),
      row("pose.text", "pose, by text (baseline)", "area", "none"),
    ],
  },
  {
    title: "Style transfer",
    rows: [row("groundByStyle", "background carried into another sentence (share of its colour's variance)", "percent")],
  },
];

/** A value as it is printed. */
export function format({ value, deviation }: Value, unit: Unit): string {
  const digits = (x: number): string => {
    if (!Number.isFinite(x)) return "-";
    if (unit === "percent") return (100 * x).toFixed(1);
    if (unit === "thousandths") return (1000 * x).toFixed(1);
    return Math.abs(x) >= 100 ? x.toFixed(0) : Math.abs(x) >= 10 ? x.toFixed(1) : x.toFixed(3);
  };
  return `${digits(value)}${deviation === undefined ? "" : ` ± ${digits(deviation)}`}${unit === "percent" ? " %" : ""}`;
}

const withoutClasses = (title: string): string =>
  (["train", "test"] as const).reduce((text, split) => text.replace(splitName(split), splitName(split, true)), title);

/** The rows that some column has a value for, by section, each with a cell for every column. */
function tableRows({
  columns,
  classless,
}: Pick<Report, "columns" | "classless">): { title: string; rows: { title: string; cells: string[] }[] }[] {
  return SECTIONS.flatMap(({ title, rows }) => {
    const shown = rows.filter(({ id }) => columns.some(({ values }) => id in values));
    if (shown.length === 0) return [];
    const cells = shown.map((definition) => ({
      title: [
        classless ? withoutClasses(definition.title) : definition.title,
        ...(definition.better ? [definition.better === "higher" ? "↑" : "↓"] : []),
      ].join(" "),
      cells: columns.map(({ values }) => {
        const value = values[definition.id];
        return value ? format(value, definition.unit) : "";
      }),
    }));
    return [{ title, rows: cells }];
  });
}

/** The table for a terminal. */
export function textTable(report: Report): string {
  const sections = tableRows(report);
  const labels = report.columns.map(({ label }) => label);
  const all = sections.flatMap(({ rows }) => rows);
  const first = Math.max(...all.map(({ title }) => title.length), ...sections.map(({ title }) => title.length));
  const widths = labels.map((label, i) => Math.max(label.length, ...all.map(({ cells }) => cells[i]!.length)));
  const line = (title: string, cells: readonly string[]) =>
    [title.padEnd(first), ...cells.map((cell, i) => cell.padStart(widths[i]!))].join("  ").trimEnd();
  const body = sections.flatMap(({ title, rows }) => ["", line(title, []), ...rows.map(({ title: name, cells }) => line(name, cells))]);
  return [line("", labels), ...body, ...(report.notes.length > 0 ? ["", ...report.notes] : [])].join("\n");
}

/** The table for a Markdown page. */
export function markdownTable(report: Pick<Report, "columns">): string {
  const cells = (list: readonly string[]) => `| ${list.join(" | ")} |`;
  const labels = report.columns.map(({ label }) => label);
  return [
    cells(["", ...labels]),
    cells([":--", ...labels.map(() => "--:")]),
    ...tableRows(report).flatMap(({ title, rows }) => [
      cells([`**${title}**`, ...labels.map(() => "")]),
      ...rows.map((r) => cells([r.title, ...r.cells])),
    ]),
  ].join("\n");
}
