/** A report on text encoders as a table of text and as a chart of their measures by the number of sentences. */
import { curvesSvg } from "../pictures/line-chart.js";
import { RANKS, type Recall } from "../metrics/retrieval.js";
import type { EncoderReport, TextReport } from "./text-encoders.js";

const NONE = "-";
const percent = (share: number | undefined): string => (share === undefined ? NONE : `${(100 * share).toFixed(1)} %`);

const ATTRIBUTES = [
  ["petalColour", "petal colour"],
  ["petalCount", "petal count"],
  ["centreColour", "centre colour"],
] as const;

/** Lines of the table: a title over a group, or a measure with its values: chance, then every encoder. */
type Line = string | readonly [label: string, chance: number | undefined, of: (encoder: EncoderReport) => number | undefined];

export function encoderTable(report: TextReport): string {
  const { dataset, language, classless, classes, images, captions, chance, encoders } = report;
  const unseen = classless ? `${images} held-out images` : `${classes} unseen classes, ${images} images`;
  const recall = (title: string, by: Recall, of: (encoder: EncoderReport) => Recall | undefined): Line[] => [
    title,
    ...RANKS.map((k): Line => [`  recall@${k}`, by[k], (encoder) => of(encoder)?.[k]]),
  ];
  const counts = encoders.find((encoder) => encoder.bySentences)?.bySentences?.map(({ sentences }) => sentences) ?? [];
  const sentences = (key: "top1" | "ap50") =>
    counts.slice(0, -1).map((count, i): Line => [`  ${count}`, chance.zeroShot?.[key], (encoder) => encoder.bySentences?.[i]?.[key]]);
  const lines: Line[] = [
    ...(chance.zeroShot ? ["zero-shot, all captions of a class"] : []),
    ...(["top1", "ap50"] as const).flatMap((key): Line[] =>
      chance.zeroShot ? [[`  ${key === "top1" ? "top-1" : "AP@50"}`, chance.zeroShot[key], (encoder) => encoder.zeroShot?.[key]]] : [],
    ),
    ...(counts.length > 1 ? ["top-1 by sentences a class", ...sentences("top1"), "AP@50 by sentences a class", ...sentences("ap50")] : []),
    ...recall("caption to its image", chance.captionToImage, (encoder) => encoder.captionToImage),
    ...recall("image to a caption of it", chance.imageToCaption, (encoder) => encoder.imageToCaption),
    ...recall("caption to another of its image", chance.captionToCaption, (encoder) => encoder.captionToCaption),
    ...(chance.attributes ? ["read in a caption that names it"] : []),
    ...ATTRIBUTES.flatMap(([key, label]): Line[] =>
      chance.attributes ? [[`  ${label}`, chance.attributes[key], (encoder) => encoder.attributes?.[key]]] : [],
    ),
  ];
  const labels = Math.max(...lines.map((line) => (typeof line === "string" ? line : line[0]).length)) + 2;
  const columns = ["chance", ...encoders.map(({ name }) => name)];
  const widths = columns.map((name) => Math.max(8, name.length) + 2);
  const row = (label: string, cells: readonly string[]) =>
    label.padEnd(labels) + cells.map((cell, i) => cell.padStart(widths[i]!)).join("");
  const rates = encoders.map(({ name, captionsPerSecond }) => `${name}: ${captionsPerSecond.toFixed(0)} captions a second`);
  const limit = report.mostAp50 < 1 ? [`AP@50 can be ${percent(report.mostAp50)} at most: some classes have fewer than 50 images`] : [];
  return [
    `${dataset}${language === null ? "" : `, captions ${language}`}: ${unseen}, ${captions} captions`,
    "",
    row("", columns),
    ...lines.map((line) => (typeof line === "string" ? line : row(line[0], [line[1], ...encoders.map(line[2])].map(percent)))),
    "",
    ...encoders.map((encoder) => `${encoder.name}: ${describe(encoder)}`),
    ...limit,
    ...(classless ? ["no classes: zero-shot classification and AP@50 are not measured"] : []),
    ...rates,
  ].join("\n");
}

/** "char-cnn-rnn (gru, mean), width 256, 201 of 70 characters, embedding 512, by cosine". */
function describe({ encoder, unit, similarity }: EncoderReport): string {
  const { form, cell, state, width, length, alphabet, embedding } = encoder;
  const recurrent = form.endsWith("-rnn") ? ` (${cell}, ${state})` : "";
  const symbols = `${length} of ${alphabet} ${unit}`;
  return `${form}${recurrent}${form === "bag-of-words" ? "" : `, width ${width}`}, ${symbols}, embedding ${embedding}, by ${similarity}`;
}

/** Top-1 and AP@50 by the number of sentences that describe a class (Reed et al. 2016, "Learning Deep Representations", figure 4). */
export function encoderChart(report: TextReport): string {
  const shown = report.encoders.filter((encoder) => encoder.bySentences);
  const counts = shown[0]?.bySentences?.map(({ sentences }) => sentences) ?? [];
  // One step to the right is twice as many; all of them stand one step further.
  const ticks = counts.map((count, i) => [i, i === counts.length - 1 ? "all" : String(count)] as const);
  const panel = (title: string, key: "top1" | "ap50") => ({
    ...{ title, exact: true },
    series: [
      ...shown.map(({ name, bySentences }) => ({
        name,
        points: bySentences!.map((result, i): [number, number] => [i, 100 * result[key]]),
      })),
      { name: "chance", points: counts.map((_, i): [number, number] => [i, 100 * (report.chance.zeroShot?.[key] ?? 0)]) },
    ],
  });
  const heading = `${report.dataset}: ${report.classes} unseen classes`;
  return curvesSvg(heading, [panel("zero-shot top-1, %", "top1"), panel("AP@50, %", "ap50")], { name: "sentences of a class", ticks });
}
