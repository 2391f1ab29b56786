/** The form of a new run: preset, variant with its formula, and the options that few need. */
import { signal } from "@preact/signals";
import { flagName, type OptionSpec } from "../../src/option-spec.js";
import type { GivenOptions, TrainOptions } from "../../src/train/gan/options.js";
import { adapter } from "../model.js";
import { Pictures } from "../pictures/pictures.js";
import { data } from "../pictures/state.js";
import type { FormOptions } from "./shelf.js";
import { begin, training } from "./state.js";
import { LETTERS, PAPER, VARIANT_TEXTS } from "./variants.js";

const PRESETS = {
  tiny: "tiny: images of 16×16, 100 steps; seconds on a graphics card, a minute or so on a processor",
  small: "small: images of 64×64, 3,000 steps; minutes on a graphics card, days on a processor",
} as const;
type TabPreset = keyof typeof PRESETS;

/** Options that have a field under "More options". */
const MORE = [
  ...([
    "batch",
    "textForm",
    "textSteps",
    "sampleEvery",
    "checkpointEvery",
    "learningRate",
    "ema",
    "clsWeight",
    "interpWeight",
    "interpBeta",
  ] as const),
  ...(["generatorWidth", "discriminatorWidth", "discriminatorBatches", "infoWeight", "tune", "recipe"] as const),
] satisfies readonly (keyof TrainOptions)[];
type More = (typeof MORE)[number];

/** Options of some variants only. */
const ONLY: Partial<Record<More, "cls" | "int">> = { clsWeight: "cls", interpWeight: "int", interpBeta: "int" };

// The form keeps what was typed while another room is shown.
const preset = signal<TabPreset | undefined>(undefined);
const variant = signal<TrainOptions["variant"]>("gan-int-cls");
const typed = signal<Readonly<Partial<Record<More | "steps" | "seed", string>>>>({});
const name = signal("");

/** A processor trains tiny; whoever has a graphics card wants to see petals. */
const chosenPreset = (): TabPreset => preset.value ?? (adapter.value?.software === false ? "small" : "tiny");

/** What the form says, as training takes it. */
function given({ specs }: FormOptions): GivenOptions {
  const unused = (key: string) => ONLY[key as More] !== undefined && !variant.peek().includes(ONLY[key as More]!);
  const values = Object.entries(typed.peek()).flatMap(([key, text]) => {
    if (text.trim() === "" || unused(key)) return [];
    const { type } = specs[key as More];
    return [[key, type === "integer" || type === "number" ? Number(text) : text]];
  });
  return { dataset: data.peek(), preset: chosenPreset(), variant: variant.peek(), ...Object.fromEntries(values) } as GivenOptions;
}

export function NewRun({ open, form }: { readonly open: boolean; readonly form: FormOptions }) {
  const busy = training.value !== undefined;
  const size = chosenPreset();
  const type = (key: keyof typeof typed.value, text: string) => (typed.value = { ...typed.peek(), [key]: text });
  return (
    <details class="panel new-run" open={open}>
      <summary>
        <h2>A new run</h2>
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void begin(given(form), name.peek().trim());
          name.value = "";
        }}
      >
        <p class="muted">Everything is computed on this computer; nothing leaves it.</p>
        <Pictures />
        <label>
          Preset
          <select value={size} onChange={(event) => (preset.value = event.currentTarget.value as TabPreset)}>
            {Object.entries(PRESETS).map(([value, text]) => (
              <option value={value}>{text}</option>
            ))}
          </select>
        </label>
        <Variants />
        <div class="fields">
          <label>
            Name
            <input
              type="text"
              value={name.value}
              placeholder={`${data.value}-1`}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </label>
          <Field
            key="steps"
            option="steps"
            text={typed.value.steps}
            spec={form.specs.steps}
            placeholder={String(form.presets[size]["steps"])}
            onText={type}
          />
          <Field key="seed" option="seed" spec={form.specs.seed} text={typed.value.seed} placeholder="0" onText={type} />
          <button class="primary" type="submit" disabled={busy}>
            Start
          </button>
        </div>
        <details>
          <summary>More options</summary>
          <div class="options">
            {MORE.filter((key) => ONLY[key] === undefined || variant.value.includes(ONLY[key])).map((key) => (
              <Field
                key={key}
                option={key}
                spec={form.specs[key]}
                text={typed.value[key]}
                placeholder={defaultOf(key, size, form)}
                onText={type}
              />
            ))}
          </div>
        </details>
        {busy && <p class="note">One run at a time is trained in a tab: stop the other first.</p>}
      </form>
    </details>
  );
}

/** The default of an option, as a field shows it. */
function defaultOf(key: More, size: TabPreset, { specs, presets }: FormOptions): string {
  const spec = specs[key];
  const ofPreset = presets[size][key];
  return String(ofPreset ?? ("default" in spec ? spec.default : key === "textForm" ? "as suits the pictures" : "by the adapter"));
}

/** "Sample every" of sampleEvery. */
const wordsOf = (key: string): string => {
  const words = flagName(key).replaceAll("-", " ");
  return words[0]!.toUpperCase() + words.slice(1);
};

interface FieldProps {
  readonly option: More | "steps" | "seed";
  readonly spec: OptionSpec;
  readonly text: string | undefined;
  readonly placeholder: string;
  onText(option: FieldProps["option"], text: string): unknown;
}

function Field({ option, spec, text = "", placeholder, onText }: FieldProps) {
  const help = `help-${option}`;
  const more = option !== "steps" && option !== "seed";
  return (
    <div class="option">
      <label>
        {wordsOf(option)}
        {spec.type === "choice" ? (
          <select value={text} aria-describedby={help} onChange={(event) => onText(option, event.currentTarget.value)}>
            <option value="">{placeholder}</option>
            {spec.choices
              .filter((choice) => choice !== placeholder)
              .map((choice) => (
                <option value={choice}>{choice}</option>
              ))}
          </select>
        ) : (
          <input
            type="number"
            {...("min" in spec && { min: spec.min })}
            {...("max" in spec && { max: spec.max })}
            step={spec.type === "integer" ? "1" : "any"}
            value={text}
            placeholder={placeholder}
            {...(more ? { "aria-describedby": help } : { title: spec.description })}
            onInput={(event) => onText(option, event.currentTarget.value)}
          />
        )}
      </label>
      {more && (
        <p class="help" id={help}>
          {spec.description}
          {spec.source !== undefined && ` (${spec.source})`}
        </p>
      )}
    </div>
  );
}

function Variants() {
  return (
    <fieldset class="variants">
      <legend>
        Losses of{" "}
        <a href={PAPER.address} rel="noreferrer">
          {PAPER.title}
        </a>
      </legend>
      {VARIANT_TEXTS.map(({ variant: value, title, about, formulas, source }) => (
        <label class="variant">
          <input type="radio" name="variant" value={value} checked={variant.value === value} onChange={() => (variant.value = value)} />
          <span>
            <strong>{title}</strong> <span class="muted">{source}</span>
            <span class="about">{about}</span>
            {formulas.map((formula) => (
              <Formula text={formula} />
            ))}
          </span>
        </label>
      ))}
      <p class="help">
        <Formula text={LETTERS} />
      </p>
    </fieldset>
  );
}

/** "L_D" with its letter below the line. */
function Formula({ text }: { readonly text: string }) {
  return (
    <span class="formula">{text.split(/(_[DG])/).map((part) => (part[0] === "_" && part.length === 2 ? <sub>{part[1]}</sub> : part))}</span>
  );
}
