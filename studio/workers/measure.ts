/** How fast this adapter is at what petalgrad does: a product of matrices, a pass over memory, a training step. */
import type { Device } from "../../src/gpu/device.js";
import { RandomStream } from "../../src/random/philox.js";
import { compile } from "../../src/tensor/compile.js";
import { add } from "../../src/tensor/elementwise.js";
import { slice } from "../../src/tensor/layout.js";
import { matmul } from "../../src/tensor/matmul.js";
import type { InputValues, Program } from "../../src/tensor/program.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";
import { assign, Store } from "../../src/tensor/variables.js";
import { Gan } from "../../src/train/gan/gan.js";
import type { MeasureName } from "./measures.js";
import { resolveOptions } from "../../src/train/gan/resolve-options.js";

/** Milliseconds that each measure takes at least, and how often at most it is repeated. */
const [LONG_ENOUGH, MOST_RUNS] = [250, 200];

/** One line of the report. */
export async function measure(device: Device, name: MeasureName): Promise<string> {
  switch (name) {
    case "matmul": {
      const n = 512;
      const program = await compile(device, () => ({ y: matmul(input("a", [n, n]), input("b", [n, n])) }));
      const seconds = await timed(program);
      return `${(2e-9 * (n ** 3 / seconds)).toPrecision(3)} GFLOP/s (${milliseconds(seconds)})`;
    }
    case "copy": {
      const elements = 2 ** 24;
      const store = new Store("measure");
      const x = store.variable("x", [elements]);
      const program = await compile(device, () => {
        assign(x, add(x, 1));
        return { first: slice(x, 0, 0, 1) };
      });
      const seconds = await timed(program);
      store.destroy();
      return `${((2 * 4 * elements) / seconds / 1e9).toPrecision(3)} GB/s (${milliseconds(seconds)})`;
    }
    default: {
      const options = resolveOptions({ preset: name }, device.traits);
      const start = performance.now();
      const gan = new Gan(options, new RandomStream(0));
      const program = await gan.compile(device, { storage: "f32" });
      await program.run(program.zeros());
      const compiled = (performance.now() - start) / 1000;
      const seconds = await timed(program);
      return `${milliseconds(seconds)}, ${(options.batch / seconds).toPrecision(3)} images/s (compiled in ${compiled.toFixed(1)} s)`;
    }
  }
}

/** Seconds a run, the work queued and waited for together; the program is freed. */
async function timed<Outputs extends Record<string, Tensor>>(program: Program<Outputs>): Promise<number> {
  try {
    const zeros: InputValues = program.zeros();
    await program.run(zeros);
    let [runs, spent] = [1, 0];
    for (;;) {
      const start = performance.now();
      for (let i = 1; i < runs; i++) program.launch(zeros);
      await program.run(zeros);
      spent = performance.now() - start;
      if (spent >= LONG_ENOUGH || runs >= MOST_RUNS) return spent / runs / 1000;
      runs = Math.min(MOST_RUNS, Math.ceil((runs * 1.3 * LONG_ENOUGH) / Math.max(1, spent)));
    }
  } finally {
    program.destroy();
  }
}

const milliseconds = (seconds: number): string => `${(1000 * seconds).toPrecision(3)} ms`;
