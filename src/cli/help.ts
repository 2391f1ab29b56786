/** The texts of `--help`, made from the commands' tables. */
import { typed } from "../command-line.js";
import { flagName, type OptionSpec, type OptionTable } from "../option-spec.js";
import type { Command } from "./command.js";

/** The help of one command: usage, options with defaults in their groups, examples. */
export function commandHelp(command: Pick<Command, "name" | "summary" | "details" | "words" | "options" | "examples">): string {
  const groups = grouped(command.options).map(([heading, options]) => ({
    heading,
    rows: options.map(([key, spec]): Row => [flagColumn(key, spec), meaning(spec)]),
  }));
  const help: Row = ["--help", "this text"];
  if (groups.length === 1) groups[0]!.rows.push(help);
  const widths = groups.flatMap(({ rows }) => rows.map(([flag]) => flag.length)).filter((width) => width <= MAX_COLUMN);
  const width = Math.max(...widths);
  return [
    `petalgrad ${command.name}: ${command.summary}`,
    "",
    `  ${typed([command.name, ...(command.words ?? []), "[options]"].join(" "))}`,
    ...(command.details ? ["", command.details] : []),
    ...groups.flatMap(({ heading, rows }) => ["", heading, ...rows.map((row) => line(row, width))]),
    ...(groups.length > 1 ? ["", line(help, width)] : []),
    "",
    "Examples",
    ...command.examples.flatMap(([words, text]) => [`  ${typed(words)}`, `      ${text}`]),
  ].join("\n");
}

/** Longer flags have a line of their own. */
const MAX_COLUMN = 36;

type Row = readonly [flag: string, text: string];

function line([flag, text]: Row, width: number): string {
  const indent = width + 4;
  const column = flag.length > width ? `${flag}\n${" ".repeat(indent)}` : `${flag.padEnd(width)}  `;
  return `  ${column}${wrap(text, indent)}`;
}

/** The list of commands. */
export function generalHelp(commands: readonly Pick<Command, "name" | "summary">[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `petalgrad ${version}: text-to-image GANs on WebGPU`,
    "",
    `  ${typed("<command> [options]")}`,
    "",
    "Commands",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    `${typed("<command> --help")} shows a command's options, their defaults and examples.`,
    "PETALGRAD_DATA=DIR says where data sets lie; PETALGRAD_DEBUG=1 prints where an error came from.",
  ].join("\n");
}

/**
 * Options by their headings, which stand in the order of their first options. Where not all have one, none counts: a command may take an
 * option or two over from another one's table.
 */
export function grouped(table: OptionTable): (readonly [heading: string, options: (readonly [key: string, spec: OptionSpec])[]])[] {
  const options = Object.entries(table);
  if (!options.every(([, { group }]) => group !== undefined)) return [["Options", options]];
  const groups = new Map<string, (readonly [string, OptionSpec])[]>();
  for (const [key, spec] of options) groups.set(spec.group!, [...(groups.get(spec.group!) ?? []), [key, spec]]);
  return [...groups];
}

/** An option as it is typed, with what may stand for its value. */
export function flagColumn(key: string, spec: OptionSpec): string {
  const flag = flagName(key);
  switch (spec.type) {
    case "flag":
      return spec.default === true ? `--no-${flag}` : `--${flag}`;
    case "integer":
      return `--${flag} N`;
    case "number":
      return `--${flag} X`;
    case "choice":
      return `--${flag} ${spec.choices.join("|")}`;
    case "text":
    case "texts":
      return `--${flag} ${spec.placeholder}`;
  }
}

/** What an option does; where the paper says so; what holds without it. */
function meaning(spec: OptionSpec): string {
  const source = spec.source === undefined ? "" : ` [${spec.source}]`;
  const elsewhere = spec.elsewhere === undefined ? "" : ` (${spec.elsewhere})`;
  if (spec.type === "flag") return `${spec.default === true ? "without: " : ""}${spec.description}${source}${elsewhere}`;
  const fallback = defaultOf(spec);
  const repeated = spec.type === "texts" ? "; may be repeated" : "";
  return `${spec.description}${source}${repeated}${fallback === undefined ? "" : ` (default: ${fallback})`}`;
}

/** What holds where the option is not given, in words. */
export function defaultOf(spec: OptionSpec): string | undefined {
  const fallback = ownDefault(spec);
  return fallback === undefined || spec.elsewhere === undefined ? fallback : `${fallback}; ${spec.elsewhere}`;
}

function ownDefault(spec: OptionSpec): string | undefined {
  if (spec.defaultText !== undefined) return spec.defaultText;
  if (spec.type === "flag") return spec.default === true ? "on" : "off";
  return "default" in spec && spec.default !== undefined ? String(spec.default) : undefined;
}

/** Breaks a text so that a terminal of 120 columns holds it beside an indent. */
function wrap(text: string, indent: number): string {
  const width = Math.max(40, 120 - indent);
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1] as string;
    if (line && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
