/** How a GAN step's time grows with batch, width and image size: points, and the exponent of a power law through the larger ones. */
import { type Row, row } from "./report.js";
import type { Session } from "./session.js";
import { ganStep, type StepCase, timeStep } from "./steps.js";

export interface Axis {
  readonly name: "batch" | "width" | "image area";
  readonly cases: readonly { readonly x: number; readonly step: StepCase }[];
}

/** Each axis around the sizes of the preset for CPUs. */
export function scalingAxes(): Axis[] {
  return [
    { name: "batch", cases: [4, 8, 16, 32, 64, 128].map((batch) => ({ x: batch, step: ganStep("small", { batch }) })) },
    {
      name: "width",
      cases: [16, 32, 64, 128].map((width) => ({ x: width, step: ganStep("small", { generatorWidth: width, discriminatorWidth: width }) })),
    },
    { name: "image area", cases: [32, 64, 128].map((imageSize) => ({ x: imageSize ** 2, step: ganStep("small", { imageSize }) })) },
  ];
}

export async function* benchScaling(session: Session, axes = scalingAxes()): AsyncGenerator<Row> {
  for (const { name, cases } of axes) {
    const points: Row[] = [];
    for (const { x, step } of cases) {
      if (!session.wants("scaling", name, step.shape)) continue;
      if (!(await session.allows(`scaling, ${name}`, step.shape, step.flops))) continue;
      const { more, ...figures } = await timeStep(session, step, 2 * session.duration);
      const point = row(session.device, { suite: "scaling", name, shape: step.shape, variant: "", ...figures, more: { ...more, x } });
      points.push(point);
      yield point;
    }
    // Below, what a step costs at any size (its dispatches) shows more than how it grows.
    const larger = points.slice(Math.floor(points.length / 2));
    if (larger.length < 2) continue;
    const of = (figure: (r: Row) => number) => exponent(larger.map((r) => [r.more.x!, figure(r)]));
    yield row(session.device, {
      ...{ suite: "scaling", name: `${name}, all`, shape: `${larger[0]!.more.x} to ${larger.at(-1)!.more.x}`, variant: "power law" },
      ms: larger.at(-1)!.ms,
      // Time counted in the limit's own, which took turns with it: a machine that is slow for one of the points does not count.
      more: { exponent: of((r) => r.more.gflop! / r.more.share!), arithmeticExponent: of((r) => r.more.gflop!) },
    });
  }
}

/** The p of y = c·x^p nearest to the points, by least squares of logarithms. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (i: 0 | 1) => logs.reduce((sum, pair) => sum + pair[i], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const [covariance, variance] = logs.reduce(([c, v], [x, y]) => [c + (x - mx) * (y - my), v + (x - mx) ** 2] as const, [0, 0] as const);
  return covariance / variance;
}
