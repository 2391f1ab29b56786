/** Line charts of a run as an SVG file: panels below one another over a common step axis; faint raw values, a smoothed line on them. */

export interface Series {
  readonly name: string;
  /** (step, value), steps ascending; values that are not finite leave a gap. */
  readonly points: readonly (readonly [step: number, value: number])[];
}

/** One chart of several below one another. */
export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Default "linear". On a log axis, values that are not positive leave a gap. */
  readonly scale?: "linear" | "log";
  /** A fixed range of the axis, e.g. [0, 1] for probabilities; default: what the values need. */
  readonly range?: readonly [number, number];
  /** Draw the values only, no smoothed line: for what has no noise, such as a learning rate. Default false. */
  readonly exact?: boolean;
}

const WIDTH = 840;
const MARGIN = { left: 64, right: 24, top: 76, bottom: 40 };
const PANEL_HEIGHT = 220;
const PANEL_GAP = 52;
const PLOT_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
/** At most this many points of a series are drawn; more cannot be told apart and would only make the file large. */
const MAX_POINTS = 600;

/** Colours that stay apart for most eyes (after Okabe and Ito), and on white. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a4d9f", "#555555"];
/** The looks of all charts. */
export const STYLE =
  "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;font-size:12px;fill:#444}" +
  ".title{font-size:14px;font-weight:600;fill:#222}.heading{font-size:17px;font-weight:600;fill:#111}" +
  ".grid{stroke:#e6e6e6}.axis{stroke:#999}.raw{fill:none;stroke-width:1;opacity:.28}.line{fill:none;stroke-width:2;stroke-linejoin:round}";

/** The axis that all panels share. */
export interface CommonAxis {
  readonly name: string;
  /** Places and labels of the ticks; default: round numbers. */
  readonly ticks?: readonly (readonly [place: number, label: string])[];
}

/**
 * Draws the panels that have anything to show.
 * @param heading stands over the chart
 */
export function curvesSvg(heading: string, panels: readonly Panel[], axis: CommonAxis = { name: "step" }): string {
  const shown = panels.filter((panel) => panel.series.some(({ points }) => points.length > 0));
  const steps = shown.flatMap((panel) => panel.series.flatMap(({ points }) => points.map(([step]) => step)));
  const lastStep = steps.reduce((most, step) => Math.max(most, step), 1);
  const height = MARGIN.top + shown.length * (PANEL_HEIGHT + PANEL_GAP) - (shown.length > 0 ? PANEL_GAP : 0) + MARGIN.bottom;
  const body = shown.map((panel, i) =>
    drawPanel(panel, MARGIN.top + i * (PANEL_HEIGHT + PANEL_GAP), lastStep, axis, i === shown.length - 1),
  );
  const empty = shown.length === 0 ? text(MARGIN.left, MARGIN.top, "no values yet") : "";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    text(MARGIN.left, 26, heading, 'class="heading"'),
    ...body,
    empty,
    "</svg>\n",
  ].join("\n");
}

function drawPanel(panel: Panel, top: number, lastStep: number, common: CommonAxis, isLast: boolean): string {
  const log = panel.scale === "log";
  const usable = (value: number): boolean => Number.isFinite(value) && (!log || value > 0);
  const axis = valueAxis(panel, usable);
  const x = (step: number): number => MARGIN.left + (step / lastStep) * PLOT_WIDTH;
  const y = (value: number): number => top + PANEL_HEIGHT - axis.place(value) * PANEL_HEIGHT;

  const grid = axis.ticks.map(
    (tick) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${MARGIN.left + PLOT_WIDTH}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}"/>` +
      text(MARGIN.left - 8, y(tick) + 4, tickLabel(tick), 'text-anchor="end"'),
  );
  const round = linearTicks(0, lastStep, 8).filter((tick) => Number.isInteger(tick));
  const stepTicks = common.ticks ?? round.map((tick) => [tick, tickLabel(tick)] as const);
  const below = stepTicks.map(
    ([tick, label]) =>
      `<line class="axis" x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${top + PANEL_HEIGHT}" y2="${top + PANEL_HEIGHT + 4}"/>` +
      text(x(tick), top + PANEL_HEIGHT + 18, label, 'text-anchor="middle"'),
  );
  if (isLast) below.push(text(MARGIN.left + PLOT_WIDTH, top + PANEL_HEIGHT + 34, common.name, 'text-anchor="end"'));

  const clip = `clip-${top}`;
  const lines = panel.series.map((series, i) => {
    const colour = COLOURS[i % COLOURS.length] as string;
    const raw = thin(series.points, usable);
    if (panel.exact) return `<path class="line" stroke="${colour}" d="${path(raw, x, y)}"/>`;
    const smooth = thin(smoothed(series.points, usable), usable);
    return `<path class="raw" stroke="${colour}" d="${path(raw, x, y)}"/><path class="line" stroke="${colour}" d="${path(smooth, x, y)}"/>`;
  });
  return [
    text(MARGIN.left, top - 12, panel.title + (log ? " (log)" : ""), 'class="title"'),
    legend(panel.series, top - 12),
    ...grid,
    ...below,
    `<line class="axis" x1="${MARGIN.left}" x2="${MARGIN.left + PLOT_WIDTH}" y1="${top + PANEL_HEIGHT}" y2="${top + PANEL_HEIGHT}"/>`,
    `<clipPath id="${clip}"><rect x="${MARGIN.left}" y="${top - 2}" width="${PLOT_WIDTH}" height="${PANEL_HEIGHT + 4}"/></clipPath>`,
    `<g clip-path="url(#${clip})">${lines.join("\n")}</g>`,
  ].join("\n");
}

/** Names beside their colours, right-aligned over the panel. Letters are reckoned at 6.6 pixels. */
function legend(series: readonly Series[], y: number): string {
  let right = MARGIN.left + PLOT_WIDTH;
  const items: string[] = [];
  for (const [i, { name }] of [...series.entries()].reverse()) {
    right -= name.length * 6.6;
    items.push(text(right, y, name));
    items.push(
      `<line x1="${fixed(right - 20)}" x2="${fixed(right - 5)}" y1="${y - 4}" y2="${y - 4}" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="3"/>`,
    );
    right -= 36;
  }
  return items.join("");
}

interface Axis {
  readonly ticks: readonly number[];
  /** 0 at the bottom, 1 at the top. */
  place(value: number): number;
}

function valueAxis(panel: Panel, usable: (value: number) => boolean): Axis {
  const values = panel.series.flatMap(({ points }) => points.map(([, value]) => value)).filter(usable);
  const log = panel.scale === "log";
  let [low, high] = panel.range ?? [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  if (low > high) [low, high] = log ? [0.1, 1] : [0, 1];
  if (log) {
    const bottom = Math.floor(Math.log10(low) + 1e-9);
    const top = Math.max(Math.ceil(Math.log10(high) - 1e-9), bottom + 1);
    const stride = Math.ceil((top - bottom) / 8);
    const ticks = Array.from({ length: Math.floor((top - bottom) / stride) + 1 }, (_, i) => Number(`1e${bottom + i * stride}`));
    return { ticks, place: (value) => (Math.log10(value) - bottom) / (top - bottom) };
  }
  if (low === high) [low, high] = [low - Math.max(Math.abs(low) * 0.1, 1e-6), high + Math.max(Math.abs(high) * 0.1, 1e-6)];
  // Losses near zero read better against zero.
  if (!panel.range && low > 0 && low < high / 2) low = 0;
  const ticks = linearTicks(low, high, 6);
  const step = (ticks[1] ?? high) - (ticks[0] ?? low);
  const bottom = panel.range ? low : Math.floor(low / step + 1e-9) * step;
  const top = panel.range ? high : Math.ceil(high / step - 1e-9) * step;
  return { ticks: linearTicks(bottom, top, 6), place: (value) => (value - bottom) / (top - bottom) };
}

/** About `count` round numbers from `low` to `high`. */
function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Multiplied, not added up: 0.1 + 0.2 is not 0.3.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * Each point's neighbours on both sides, weighted by exp(-distance / memory), the memory being a hundredth of the series. Looking both
 * ways, it neither lags behind a trend nor favours an end. The gaps of the raw series stay gaps.
 */
function smoothed(points: Series["points"], usable: (value: number) => boolean): [number, number][] {
  const decay = Math.exp(-1 / Math.max(1, points.length / 100));
  const sums = new Float64Array(points.length);
  const weights = new Float64Array(points.length);
  const sweep = (order: Iterable<number>): void => {
    let sum = 0;
    let weight = 0;
    for (const i of order) {
      const value = points[i]?.[1] as number;
      sum = decay * sum + (usable(value) ? value : 0);
      weight = decay * weight + (usable(value) ? 1 : 0);
      sums[i] = (sums[i] as number) + sum;
      weights[i] = (weights[i] as number) + weight;
    }
  };
  sweep(points.keys());
  sweep([...points.keys()].reverse());
  return points.map(([step, value], i) => [step, usable(value) ? (sums[i] as number) / (weights[i] as number) : NaN]);
}

/** Of each stretch of a long series the lowest and the highest point, so that spikes stay visible. */
function thin(points: Series["points"], usable: (value: number) => boolean): Series["points"] {
  if (points.length <= MAX_POINTS) return points;
  const stretch = Math.ceil(points.length / (MAX_POINTS / 2));
  const kept: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += stretch) {
    const part = points.slice(i, i + stretch).filter(([, value]) => usable(value));
    if (part.length === 0) {
      kept.push([points[i]?.[0] as number, NaN]);
      continue;
    }
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] <= high[0] ? [low, high] : [high, low]).slice(0, low === high ? 1 : 2));
  }
  return kept;
}

function path(points: Series["points"], x: (step: number) => number, y: (value: number) => number): string {
  let pen = "M";
  const parts: string[] = [];
  for (const [step, value] of points) {
    const height = y(value);
    if (!Number.isFinite(height)) {
      pen = "M";
      continue;
    }
    parts.push(`${pen}${fixed(x(step))} ${fixed(height)}`);
    pen = "L";
  }
  return parts.join("");
}

function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e4 && value % 1000 === 0) return `${value / 1000}k`;
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential().replace("e+", "e") : String(Number(value.toPrecision(6)));
}

/** A coordinate, to a tenth of a pixel. */
export const fixed = (value: number): string => String(Number(value.toFixed(1)));

/** Words at a place, with what XML keeps for itself written out. */
export function text(x: number, y: number, words: string, attributes = ""): string {
  const escaped = words.replace(/[&<>"]/g, (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[mark] as string);
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped}</text>`;
}
