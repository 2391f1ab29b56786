/** A line chart that grows while a training runs: uPlot in the page's colours, with a legend of buttons, and a table for who cannot see it. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";

export interface ChartSeries {
  readonly name: string;
  /** By rising x. A y that is not finite leaves a gap. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

interface Props {
  /** What the chart shows, for a screen reader. */
  readonly label: string;
  readonly series: readonly ChartSeries[];
  /** What the axes count. */
  readonly x?: string;
  readonly y?: string;
}

const COLOURS = 6;
/** Series past the last colour begin at the first again, in dashes. */
const colourOf = (i: number): string => `--series-${(i % COLOURS) + 1}`;
const dashOf = (i: number): number[] | undefined => (i < COLOURS ? undefined : i < 2 * COLOURS ? [6, 4] : [2, 3]);

export function Chart({ label, series, x = "step", y }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  /** Colours by their variables, as a canvas understands them. */
  const palette = useRef(new Map<string, string>());
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  /** Where the pointer is among the joined points. */
  const [at, setAt] = useState<number>();
  const names = series.map(({ name }) => name).join("\n");
  const filled = series.some(({ points }) => points.length > 0);

  useLayoutEffect(() => {
    const box = frame.current!;
    const made = new uPlot(optionsOf(box, palette.current, series, hidden, x, y, setAt), joined(series), box);
    plot.current = made;
    const sizes = new ResizeObserver(() => {
      const { width, height } = sizeOf(box);
      if (width > 0 && (made.width !== width || made.height !== height)) made.setSize({ width, height });
    });
    sizes.observe(box);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => {
      palette.current.clear();
      made.redraw(false, true);
    };
    dark.addEventListener("change", recolour);
    return () => {
      dark.removeEventListener("change", recolour);
      sizes.disconnect();
      made.destroy();
      plot.current = undefined;
      setAt(undefined);
    };
    // Other points need no other chart: the next effect hands them over.
  }, [names, x, y]);

  useEffect(
    () =>
      inItsTurn(() => {
        const chart = plot.current;
        if (!chart) return;
        // Who has looked closer at a part goes on seeing that part.
        const zoomed = isZoomed(chart);
        chart.setData(joined(series), !zoomed);
        if (zoomed) chart.redraw();
      }),
    [series],
  );

  const toggle = (name: string, i: number) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
    plot.current?.setSeries(i + 1, { show: !next.has(name) });
  };

  return (
    <figure class="chart">
      <div class="chart-plot" ref={frame} role="img" aria-label={label} />
      {!filled && <p class="chart-empty">Nothing to draw yet.</p>}
      <ul class="chart-legend" aria-label={`Lines of: ${label}`}>
        {series.map(({ name, points }, i) => (
          <li key={name}>
            <button type="button" aria-pressed={!hidden.has(name)} onClick={() => toggle(name, i)}>
              <svg viewBox="0 0 18 6" width="18" height="6" aria-hidden="true">
                <line
                  x1="0"
                  y1="3"
                  x2="18"
                  y2="3"
                  stroke={`var(${colourOf(i)})`}
                  stroke-width="3"
                  stroke-dasharray={dashOf(i)?.join(" ")}
                />
              </svg>
              {name}
              <span class="chart-value">{shown(at === undefined ? points.at(-1)?.[1] : plot.current?.data[i + 1]?.[at])}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="chart-numbers">
        <Numbers label={label} series={series} x={x} />
      </div>
    </figure>
  );
}

const turns = new Set<() => void>();

/** Does a chart's work between what else the page has to do: a room of charts that all grow would else hold it up. @returns what calls it off */
function inItsTurn(work: () => void): () => void {
  if (turns.size === 0) setTimeout(takeTurn);
  turns.add(work);
  return () => void turns.delete(work);
}

function takeTurn(): void {
  const [first] = turns;
  if (!first) return;
  turns.delete(first);
  first();
  if (turns.size > 0) setTimeout(takeTurn);
}

/** What the lines say, in a few numbers each. */
function Numbers({ label, series, x }: Required<Pick<Props, "label" | "series" | "x">>) {
  return (
    <table>
      <caption>{label}</caption>
      <thead>
        <tr>
          {["line", `last ${x}`, "first", "lowest", "highest", "last"].map((head) => (
            <th scope="col">{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {series.map(({ name, points }) => {
          const ys = points.map(([, value]) => value).filter(Number.isFinite);
          const lowest = ys.reduce((least, value) => Math.min(least, value), Infinity);
          const highest = ys.reduce((most, value) => Math.max(most, value), -Infinity);
          return (
            <tr>
              <th scope="row">{name}</th>
              {[points.at(-1)?.[0], ys[0], lowest, highest, ys.at(-1)].map((value) => (
                <td>{shown(value) || "none"}</td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The chart's height follows its width, within what is read well. */
function sizeOf(box: HTMLElement): { width: number; height: number } {
  const width = Math.floor(box.clientWidth);
  return { width, height: Math.round(Math.min(300, Math.max(180, width * 0.45))) };
}

function optionsOf(
  box: HTMLElement,
  palette: Map<string, string>,
  series: readonly ChartSeries[],
  hidden: ReadonlySet<string>,
  x: string,
  y: string | undefined,
  onCursor: (index: number | undefined) => void,
): uPlot.Options {
  const colour = (name: string) => () => {
    const known = palette.get(name) ?? resolved(box, name);
    palette.set(name, known);
    return known;
  };
  const { fontFamily } = getComputedStyle(box);
  const axis = (label: string | undefined, size?: number): uPlot.Axis => ({
    stroke: colour("--muted"),
    font: `12px ${fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1, size: 4 },
    ...(size !== undefined && { size }),
    ...(label !== undefined && { label, labelFont: `12px ${fontFamily}`, labelSize: 18, labelGap: 0 }),
  });
  return {
    ...sizeOf(box),
    // The last number of the axis stands half beside the plot.
    padding: [8, 18, 0, 0],
    legend: { show: false },
    scales: { x: { time: false } },
    axes: [axis(x, 30), axis(y, 52)],
    cursor: { y: false, points: { size: 7 } },
    series: [
      {},
      ...series.map(({ name }, i): uPlot.Series => {
        const dash = dashOf(i);
        return {
          label: name,
          stroke: colour(colourOf(i)),
          width: 1.75,
          show: !hidden.has(name),
          points: { show: (chart) => chart.data[0].length < 3 },
          ...(dash && { dash }),
        };
      }),
    ],
    hooks: { setCursor: [(chart) => onCursor(chart.cursor.idx ?? undefined)] },
  };
}

/** A colour as a canvas understands it: the variable may hold `light-dark()` or other variables. */
function resolved(box: HTMLElement, variable: string): string {
  const probe = box.appendChild(document.createElement("i"));
  probe.style.color = `var(${variable}, currentColor)`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** All series over the union of their x. */
function joined(series: readonly ChartSeries[]): uPlot.AlignedData {
  if (series.length === 0) return [[]];
  const tables = series.map(({ points }): uPlot.AlignedData => {
    return [points.map(([x]) => x), points.map(([, y]) => (Number.isFinite(y) ? y : null))];
  });
  return uPlot.join(tables);
}

function isZoomed({ data, scales }: uPlot): boolean {
  const [xs] = data;
  const { min, max } = scales.x ?? {};
  if (xs.length < 2 || typeof min !== "number" || typeof max !== "number") return false;
  return min > xs[0]! || max < xs.at(-1)!;
}

/** Four digits are enough for an eye. */
function shown(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
