/** The options of runs side by side. */
import { flagName } from "../../src/option-spec.js";
import type { RunSummary } from "../../src/train/run/summary.js";

/** An option, as it is typed, and what each run has for it. */
export interface OptionRow {
  readonly name: string;
  readonly values: readonly string[];
  /** False where some are runs of other commands, which have no such option. */
  readonly differs: boolean;
}

/** All options of some runs in the order of their first mention, then what they ran on. */
export function optionRows(runs: readonly Pick<RunSummary, "command" | "options" | "about">[]): OptionRow[] {
  const alike = runs.every(({ command }) => command === runs[0]!.command);
  const rows = (part: "options" | "about", title: (key: string) => string): OptionRow[] => {
    const keys = new Set(runs.flatMap((run) => Object.keys(run[part])));
    return [...keys].map((key) => {
      const values = runs.map((run) => shown(run[part][key]));
      const common = alike || runs.every((run) => key in run[part]);
      return { name: title(key), values, differs: common && values.some((value) => value !== values[0]) };
    });
  };
  return [...rows("options", (key) => `--${flagName(key)}`), ...rows("about", (key) => key)];
}

/** As it would be typed; a dash where there is none. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "string" ? value : JSON.stringify(value);
}
