/** The texts of `--help`, made from the commands' tables. */
import { typed } from "../command-line.js";
import { flagName, type OptionSpec } from "../option-spec.js";
import type { Command } from "./command.js";

/** The help of one command: usage, options with defaults, examples. */
export function commandHelp(command: Pick<Command, "name" | "summary" | "details" | "words" | "options" | "examples">): string {
  const rows = Object.entries(command.options).map(([key, spec]) => [flagColumn(key, spec), meaning(spec)] as const);
  rows.push(["--help", "this text"]);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return [
    `petalgrad ${command.name}: ${command.summary}`,
    "",
    `  ${typed([command.name, ...(command.words ?? []), "[options]"].join(" "))}`,
    ...(command.details ? ["", command.details] : []),
    "",
    "Options",
    ...rows.map(([flag, text]) => `  ${flag.padEnd(width)}  ${wrap(text, width + 4)}`),
    "",
    "Examples",
    ...command.examples.flatMap(([words, text]) => [`  ${typed(words)}`, `      ${text}`]),
  ].join("\n");
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

function flagColumn(key: string, spec: OptionSpec): string {
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

function meaning(spec: OptionSpec): string {
  if (spec.type === "flag") return spec.default === true ? `without: ${spec.description}` : spec.description;
  const fallback = spec.defaultText ?? ("default" in spec ? spec.default : undefined);
  const repeated = spec.type === "texts" ? "; may be repeated" : "";
  return `${spec.description}${repeated}${fallback === undefined ? "" : ` (default: ${fallback})`}`;
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
