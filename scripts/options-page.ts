/**
 * `npm run docs:options`: docs/reference/options.md, made from the tables that the command line reads. test/scripts/options-page.test.ts
 * holds the page against them.
 */
import { pathToFileURL } from "node:url";
import { writeFileSync } from "node:fs";
import { COMMANDS } from "../src/cli/commands.js";
import { defaultOf, flagColumn, grouped } from "../src/cli/help.js";
import { flagName, type OptionSpec, rangeText, valueWord } from "../src/option-spec.js";
import { PRESET_KEYS, PRESET_SETTINGS, PRESET_VALUES, PRESETS } from "../src/train/gan/presets.js";

export const OPTIONS_PAGE = "docs/reference/options.md";

/** The page's text. */
export async function optionsPage(): Promise<string> {
  const parts: string[] = [];
  for (const load of Object.values(COMMANDS)) {
    const { name, summary, words = [], options } = await load();
    const title = ["petalgrad", name, ...words].join(" ");
    parts.push(`## ${title}`, `${capital(summary)}.`);
    const groups = grouped(options);
    for (const [heading, rows] of groups) {
      if (groups.length > 1) parts.push(`### ${heading}`);
      parts.push(table(["option", "default", "what it does", "who says so"], rows.map(optionRow)));
    }
  }
  return `${[HEAD, "## Presets", presetText(), presetTable(), ...parts].join("\n\n")}\n`;
}

const HEAD = `# Options

<!-- Made by \`npm run docs:options\` from the tables in src; change those. -->

Every command and its options, as \`--help\` shows them. In code and in a run's \`config.json\`, \`--learning-rate\` is \`learningRate\`. What is on
or off is \`--name\` or \`--no-name\` (\`--name on\` and \`--name off\` are read too), and a boolean in code. Sections, equations and lines of
algorithms without a name are those of Reed et al. 2016: of "Generative Adversarial Text to Image Synthesis", for \`train-text\` of "Learning
Deep Representations of Fine-Grained Visual Descriptions".`;

const presetText =
  (): string => `What \`train --preset\` decides where the option itself is not given. \`coco-paper\` also sets what the authors' code for MS-COCO does
otherwise than for flowers: ${Object.entries(PRESET_SETTINGS["coco-paper"].authors)
    .map(([key, value]) => code(`--${flagName(key)} ${valueWord(value)}`))
    .join(", ")}; with \`--recipe paper\` the variant alone.`;

const presetTable = (): string =>
  table(
    ["option", ...PRESETS],
    PRESET_KEYS.map((key) => [code(`--${flagName(key)}`), ...PRESETS.map((preset) => String(PRESET_VALUES[preset][key]))]),
  );

function optionRow([key, spec]: readonly [key: string, spec: OptionSpec]): string[] {
  const range = rangeText(spec).trim();
  const repeated = spec.type === "texts" ? "; may be repeated" : "";
  const what = spec.type === "flag" && spec.default === true ? `without: ${spec.description}` : spec.description;
  return [code(flagColumn(key, spec)) + (range && ` ${range}`), defaultOf(spec) ?? "", what + repeated, spec.source ?? ""].map((cell) =>
    cell.replaceAll("|", "\\|"),
  );
}

const code = (text: string): string => `\`${text}\``;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(OPTIONS_PAGE, await optionsPage());
