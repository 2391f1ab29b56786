/** A chart of power laws as SVG: panels side by side, both axes logarithmic, points joined by lines, dashed where only an exponent is drawn. */

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

export interface LogPanel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const [PANEL, HEIGHT, GAP] = [300, 260, 70];
const MARGIN = { left: 64, top: 64, right: 20, bottom: 48 };
/** Colours that stay apart for most eyes (after Okabe and Ito), and on white. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const STYLE =
  "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;font-size:12px;fill:#444}.title{font-size:14px;font-weight:600;fill:#222}" +
  ".grid{stroke:#e6e6e6}.axis{stroke:#999}.line{fill:none;stroke-width:2}";

/** Panels whose lines have no points are left out. */
export function powerChart(panels: readonly LogPanel[]): string {
  const shown = panels.filter(({ lines }) => lines.some(({ points }) => points.length > 0));
  const width = MARGIN.left + shown.length * (PANEL + GAP) - GAP + MARGIN.right;
  const height = MARGIN.top + HEIGHT + MARGIN.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    ...shown.map((panel, i) => draw(panel, MARGIN.left + i * (PANEL + GAP))),
    "</svg>\n",
  ].join("\n");
}

function draw({ title, x, y, lines }: LogPanel, left: number): string {
  const points = lines.flatMap((line) => line.points);
  const across = axis(points.map(([value]) => value));
  const up = axis(points.map(([, value]) => value));
  const [px, py] = [(value: number) => left + PANEL * across.place(value), (value: number) => MARGIN.top + HEIGHT * (1 - up.place(value))];
  const bottom = MARGIN.top + HEIGHT;
  return [
    text(left, 24, title, 'class="title"'),
    ...lines.map(({ name }, i) => {
      const key = `<line x1="${left + i * 130}" x2="${left + i * 130 + 16}" y1="42" y2="42" stroke="${COLOURS[i]}" stroke-width="3"/>`;
      return key + text(left + i * 130 + 22, 46, name);
    }),
    ...up.ticks.map((tick) => {
      const grid = `<line class="grid" x1="${left}" x2="${left + PANEL}" y1="${fixed(py(tick))}" y2="${fixed(py(tick))}"/>`;
      return grid + text(left - 8, py(tick) + 4, label(tick), 'text-anchor="end"');
    }),
    // Every measured x is marked; there are few.
    ...[...new Set(points.map(([value]) => value))].map((value) => {
      const mark = `<line class="axis" x1="${fixed(px(value))}" x2="${fixed(px(value))}" y1="${bottom}" y2="${bottom + 4}"/>`;
      return mark + text(px(value), bottom + 18, label(value), 'text-anchor="middle"');
    }),
    text(left + PANEL, bottom + 36, x, 'text-anchor="end"'),
    text(left - 8, MARGIN.top - 6, y, 'text-anchor="end"'),
    `<line class="axis" x1="${left}" x2="${left + PANEL}" y1="${bottom}" y2="${bottom}"/>`,
    ...lines.map((line, i) => {
      const path = line.points.map(([a, b], k) => `${k === 0 ? "M" : "L"}${fixed(px(a))} ${fixed(py(b))}`).join("");
      const dots = line.points.map(([a, b]) => `<circle cx="${fixed(px(a))}" cy="${fixed(py(b))}" r="3.5" fill="${COLOURS[i]}"/>`).join("");
      return `<path class="line" stroke="${COLOURS[i]}"${line.dashed ? ' stroke-dasharray="5 4"' : ""} d="${path}"/>${line.dashed ? "" : dots}`;
    }),
  ].join("\n");
}

/** Logarithmic between powers of ten of a half or a whole, so that a panel is neither empty nor full. */
function axis(values: readonly number[]): { ticks: number[]; place: (value: number) => number } {
  const logs = values.map(Math.log10);
  const low = Math.floor(2 * Math.min(...logs) - 1e-9) / 2;
  const high = Math.max(low + 0.5, Math.ceil(2 * Math.max(...logs) + 1e-9) / 2);
  const powers = Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => 10 ** (Math.ceil(low) + i));
  const ticks = powers.flatMap((power) => [power, 3 * power]).filter((tick) => Math.log10(tick) <= high);
  return { ticks, place: (value) => (Math.log10(value) - low) / (high - low) };
}

const label = (value: number): string => String(Number(value.toPrecision(5)));
const fixed = (value: number): string => String(Number(value.toFixed(1)));

function text(x: number, y: number, words: string, attributes = ""): string {
  const escaped = words.replace(/[&<>]/g, (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[mark]!);
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped}</text>`;
}
