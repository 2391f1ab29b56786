/** A report's charts as SVG files: bars of every measure, and the ROC curves of style verification. */
import { COLOURS, fixed, STYLE, text } from "../pictures/line-chart.js";
import { format, type Report, SECTIONS, type StyleCurve } from "./report.js";

const WIDTH = 840;
const GREY = "#b5b5b5";

const svg = (height: number, heading: string, body: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    text(24, 32, heading, 'class="heading"'),
    ...body,
    "</svg>\n",
  ].join("\n");

/** Real images and noise are grey, generators coloured. */
const colourOf = (column: number): string => (column < 2 ? GREY : COLOURS[(column - 2) % COLOURS.length]!);

/** A panel for each measure, a bar for each column; the longest bar of a panel fills it, but where noise would dwarf the others. */
export function barsSvg({ dataset, columns }: Report): string {
  const [left, labels, bar, step] = [24, 190, 480, 17];
  const parts: string[] = [];
  let y = 56;
  for (const { id, title, unit, better } of SECTIONS.flatMap(({ rows }) => rows)) {
    const shown = columns.flatMap(({ label, values }, i) => {
      const value = values[id];
      return value && Number.isFinite(value.value) ? [{ label, value, colour: colourOf(i) }] : [];
    });
    if (shown.length === 0) continue;
    y += 30;
    parts.push(text(left, y, better ? `${title} (${better} is better)` : title, 'class="title"'));
    const compared = shown.filter(({ label }) => better !== "lower" || label !== "noise");
    const most = unit === "area" ? 1 : Math.max(...compared.map(({ value }) => value.value), 1e-12);
    for (const { label, value, colour } of shown) {
      y += step;
      const length = Math.min(bar, Math.max(0, (bar * value.value) / most));
      parts.push(
        text(left + labels - 8, y + 10, label, 'text-anchor="end"'),
        `<rect x="${left + labels}" y="${fixed(y)}" width="${fixed(length)}" height="${step - 4}" fill="${colour}"/>`,
        text(left + labels + length + 6, y + 10, format(value, unit)),
      );
    }
    y += 12;
  }
  return svg(y + 30, `Evaluation on ${dataset}`, parts);
}

/** A square for each task, a curve for each run's style encoder and, dashed, its text baseline. */
export function rocSvg(curves: readonly StyleCurve[]): string {
  const tasks = [...new Set(curves.map(({ task }) => task))];
  const [side, left, top, gap] = [340, 60, 80, 60];
  const longest = Math.max(...tasks.map((task) => curves.filter((curve) => curve.task === task).length));
  const parts = tasks.flatMap((task, panel) => {
    const x0 = left + panel * (side + gap);
    const x = (rate: number) => fixed(x0 + rate * side);
    const y = (rate: number) => fixed(top + (1 - rate) * side);
    const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
    const own = curves.filter((curve) => curve.task === task);
    return [
      text(x0, top - 14, `same ${task} or not`, 'class="title"'),
      ...ticks.map((t) => `<path class="grid" fill="none" d="M${x(t)} ${y(0)}L${x(t)} ${y(1)}M${x(0)} ${y(t)}L${x(1)} ${y(t)}"/>`),
      ...ticks.map((t) => text(Number(x(t)), top + side + 18, String(t), 'text-anchor="middle"')),
      ...(panel === 0 ? ticks.map((t) => text(x0 - 8, Number(y(t)) + 4, String(t), 'text-anchor="end"')) : []),
      text(x0 + side, top + side + 36, "false positives", 'text-anchor="end"'),
      ...own.map(({ points, baseline }, i) => {
        const path = thinned(points).map(([a, b]) => `${x(a)} ${y(b)}`).join("L"); // prettier-ignore
        const dashes = baseline ? ' stroke-dasharray="5 4"' : "";
        return `<path class="line" stroke="${COLOURS[i % COLOURS.length]}"${dashes} d="M${path}"/>`;
      }),
      ...own.map(({ label }, i) => text(x0 + 4, top + side + 58 + 18 * i, label, `style="fill:${COLOURS[i % COLOURS.length]}"`)),
    ];
  });
  return svg(top + side + 74 + 18 * longest, "Style verification: true positives over false positives", parts);
}

/** So many points as can be told apart. */
function thinned<T>(points: readonly T[]): T[] {
  const every = Math.max(1, Math.floor(points.length / 400));
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
