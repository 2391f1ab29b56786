/** The curves of the chosen runs: of one run those that belong together, of several each curve over the others'. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart, type ChartSeries } from "../parts/chart.js";
import { chosen, smooth, smoothing } from "./chosen.js";
import type { RunCurves } from "./run-curves.js";
import { curves } from "./server.js";

interface Panel {
  readonly title: string;
  readonly lines: readonly (readonly [key: string, name: string])[];
  /** Shown where somebody asks for more. */
  readonly more?: true;
}

const PANELS: readonly Panel[] = [
  {
    title: "Loss",
    lines: [
      ["GAN/lossD", "discriminator"],
      ["GAN/lossG", "generator"],
    ],
  },
  {
    title: "Probability that the discriminator gives",
    lines: [
      ["GAN/real", "real images"],
      ["GAN/wrong", "mismatching sentences"],
      ["GAN/fake", "generated images"],
    ],
  },
  { title: "Style encoder, squared error of the noise", lines: [["style encoder/loss", "loss"]] },
  { title: "Style encoder, recovered noise", lines: [["style encoder/recovered", "mean R²"]] },
  { title: "Text encoder, loss", lines: [["text encoder/loss", "loss"]] },
  {
    title: "Discriminator's loss by pair",
    lines: [
      ["GAN/lossReal", "real"],
      ["GAN/lossWrong", "mismatching"],
      ["GAN/lossFake", "generated"],
    ],
    more: true,
  },
  { title: "Noise read from the border's colour", lines: [["GAN/noiseRead", "directions"]], more: true },
  { title: "How far two images of one text are apart", lines: [["GAN/diversity", "by their noises' distance"]], more: true },
  {
    title: "Images a second",
    lines: [
      ["GAN/imagesPerSecond", "GAN"],
      ["style encoder/imagesPerSecond", "style encoder"],
    ],
    more: true,
  },
  { title: "Learning rate", lines: [["GAN/learningRate", "GAN"], ["style encoder/learningRate", "style encoder"]], more: true },
];

export function Curves() {
  const more = useSignal(false);
  const names = chosen.value.map(({ name }) => name);
  const known = names.map((name) => curves.value.get(name));
  const share = smoothing.value;
  const charts = useMemo(() => chartsOf(names, known, share), [names.join("\n"), share, ...pad(known)]);
  const rest = charts.filter((chart) => chart.more);
  return (
    <section class="panel" aria-label="Curves">
      <div class="runs-head">
        <h2>Curves</h2>
        <label class="runs-slider">
          Smoothing
          <input type="range" min="0" max="0.99" step="0.01" value={share} onInput={(event) => smooth(event.currentTarget.valueAsNumber)} />
        </label>
      </div>
      {charts.length === 0 && <p class="note">{known.some((one) => !one) ? "Reading the curves …" : "There are no curves yet."}</p>}
      <div class="runs-charts">
        {charts
          .filter((chart) => !chart.more || more.value)
          .map(({ title, series }) => (
            <div key={title}>
              <h3>{title}</h3>
              <Chart label={title} series={series} />
            </div>
          ))}
      </div>
      {rest.length > 0 && (
        <button type="button" class="plain example" aria-expanded={more.value} onClick={() => (more.value = !more.value)}>
          {more.value ? "Fewer curves" : `${rest.length} more`}
        </button>
      )}
    </section>
  );
}

/** A hook's list of what it depends on keeps its length. */
const pad = (known: readonly (RunCurves | undefined)[]): (RunCurves | undefined)[] => Array.from({ length: 32 }, (_, i) => known[i]);

interface DrawnChart {
  readonly title: string;
  readonly more: boolean;
  readonly series: readonly ChartSeries[];
}

function chartsOf(names: readonly string[], known: readonly (RunCurves | undefined)[], share: number): DrawnChart[] {
  // What a variant has not is 0 at every step, such as the loss of mismatching pairs.
  const points = (run: number, key: string) => (known[run]?.isUsed(key) ? known[run].curve(key, share) : []);
  return PANELS.flatMap(({ title, lines, more = false }): DrawnChart[] => {
    if (names.length === 1) {
      const series = lines.map(([key, name]) => ({ name, points: points(0, key) })).filter(({ points }) => points.length > 0);
      return series.length > 0 ? [{ title, more, series }] : [];
    }
    return lines.flatMap(([key, name]): DrawnChart[] => {
      // A run without such a curve keeps its place, and so its colour.
      const series = names.map((run, i) => ({ name: run, points: points(i, key) }));
      const own = lines.length > 1 ? `${title}: ${name}` : title;
      return series.some(({ points }) => points.length > 0) ? [{ title: own, more, series }] : [];
    });
  });
}
