/** The curves of a run: losses, what the discriminator believes, speed. */
import { curvesSvg, type Panel } from "../../pictures/line-chart.js";
import type { TrainOptions } from "./options.js";
import { lastPart } from "../run/events.js";
import type { MetricsRecord } from "../run/metrics-file.js";

/** Draws curves.svg from the records of metrics.jsonl. */
export function runCurves(options: TrainOptions, records: readonly MetricsRecord[]): string {
  const series = (stage: MetricsRecord["stage"], key: string, name: string) => ({
    name,
    points: records.flatMap((r): [number, number][] => (r.stage === stage && typeof r[key] === "number" ? [[r.step, r[key]]] : [])),
  });
  const panels: Panel[] = [
    { title: "GAN losses", series: [series("GAN", "lossD", "discriminator"), series("GAN", "lossG", "generator")] },
    {
      title: "discriminator loss by pair",
      series: [series("GAN", "lossReal", "real"), series("GAN", "lossWrong", "mismatching"), series("GAN", "lossFake", "generated")],
    },
    {
      title: "mean probability the discriminator gives",
      range: [0, 1],
      series: [series("GAN", "real", "real"), series("GAN", "wrong", "mismatching"), series("GAN", "fake", "generated")],
    },
    { title: "directions of the noise read from the border's colour", series: [series("GAN", "noiseRead", "‖z‖² − ‖z − Q(G(z, t))‖²")] },
    { title: "how far two images of one text are apart", series: [series("GAN", "diversity", "|G(z₁, t) − G(z₂, t)| / |z₁ − z₂|")] },
    { title: "text encoder loss (InfoNCE)", series: [series("text encoder", "loss", "loss")] },
  ];
  return curvesSvg(`${lastPart(options.dataset)}, ${options.variant}, preset ${options.preset}`, panels);
}
