/** A field for sentences, one a line, in any language; what the model does not read of them is marked. */
import { useEffect, useState } from "preact/hooks";
import { drawingDesk, model } from "../model.js";
import type { Reading } from "../workers/drawing-desk.js";

interface Props {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly label?: string;
  readonly rows?: number;
}

/** The sentences of a field: its lines, without blank ones. */
export const sentencesOf = (value: string): string[] =>
  value
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

export function Sentences({ value, onInput, label = "Sentences, one a line", rows = 3 }: Props) {
  const [readings, setReadings] = useState<ReadonlyMap<string, Reading>>(new Map());
  const state = model.value;
  const open = state.kind === "open" ? state.report : undefined;
  const texts = sentencesOf(value);
  useEffect(() => {
    if (!open) return;
    let current = true;
    const later = setTimeout(() => {
      drawingDesk()
        .read(texts)
        .then(
          (found) => current && setReadings(new Map(texts.map((text, i) => [text, found[i]!]))),
          () => undefined,
        );
    }, 150);
    return () => {
      current = false;
      clearTimeout(later);
    };
  }, [value, open]);
  const notes = texts.map((text) => ({ text, reading: readings.get(text) })).filter(({ reading }) => reading && isNotable(reading));
  return (
    <div class="sentences">
      <label>
        {label}
        <textarea dir="auto" rows={rows} value={value} spellcheck={false} onInput={(event) => onInput(event.currentTarget.value)} />
      </label>
      <ul class="notes" aria-live="polite">
        {notes.map(({ text, reading }) => (
          <li>
            <span dir="auto">
              <Marked text={text} unknown={reading!.unknown} />
            </span>{" "}
            <span class="muted">{noteOn(reading!, open!.unit, open!.length)}</span>
          </li>
        ))}
      </ul>
      {open && open.examples.length > 0 && (
        <p class="examples">
          <span class="muted">For example:</span>{" "}
          {[...new Set(open.examples)].slice(0, 4).map((example) => (
            <button
              type="button"
              class="plain example"
              dir="auto"
              onClick={() => onInput(texts.includes(example) ? value : [...texts, example].join("\n"))}
            >
              {example}
            </button>
          ))}
        </p>
      )}
    </div>
  );
}

const isNotable = ({ unknown, cut, blank }: Reading): boolean => unknown.length > 0 || cut || blank;

function noteOn({ unknown, cut, blank }: Reading, unit: string, length: number): string {
  if (blank) return `There is nothing in it that the model reads.`;
  const parts = [
    ...(unknown.length > 0 ? [`The model does not know the marked ${unit}; it leaves them out.`] : []),
    ...(cut ? [`Only the first ${length} ${unit} are read.`] : []),
  ];
  return parts.join(" ");
}

/** The sentence with what is unknown marked. */
function Marked({ text, unknown }: { readonly text: string; readonly unknown: readonly string[] }) {
  if (unknown.length === 0) return <>{text}</>;
  const escaped = [...unknown].sort((a, b) => b.length - a.length).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // Whole words where words are meant: "red" is no part of "bored".
  const bounded = escaped.map((word) => (/^[\p{L}\p{N}]{2,}$/u.test(word) ? `(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])` : word));
  return <>{text.split(new RegExp(`(${bounded.join("|")})`, "giu")).map((part, i) => (i % 2 ? <mark>{part}</mark> : part))}</>;
}
