/**
 * An operation that petalgrad lacks, written as a kernel: running sums along rows,
 *
 *   y[i, j] = x[i, 0] + ... + x[i, j]
 *
 * x[i, k] goes into every y[i, j] with j ≥ k, so its gradient is the sum of g[i, j] over j ≥ k: running sums from the other end.
 * `gradcheck` compares that with differences. Run: npx tsx examples/custom-kernel.ts
 */
import { customKernel, gradcheck, openDevice, type Tensor, tensor } from "petalgrad";

/** Bindings: 0 x [R, C], 1 y [R, C]. One invocation a row; 64 a workgroup. */
const wgsl = (rows: number, columns: number, backwards: boolean) => `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${rows}u) { return; }
  var sum = 0.0;
  for (var j = 0u; j < ${columns}u; j++) {
    let at = id.x * ${columns}u + ${backwards ? `${columns - 1}u - j` : "j"};
    sum += x[at];
    y[at] = sum;
  }
}`;

function runningSum(x: Tensor, backwards = false): Tensor {
  const [rows, columns] = x.shape as [number, number];
  return customKernel("runningSum", [x], {
    shape: x.shape,
    code: wgsl(rows, columns, backwards),
    workgroups: [Math.ceil(rows / 64), 1, 1],
    vjp: (g) => [runningSum(g, !backwards)],
  });
}

const device = await openDevice();
const x = tensor([1, 2, 3, 4, 10, 20, 30, 40], [2, 4]);
console.log("running sums:", [...(await runningSum(x).read())].join(" "));

const { checked } = await gradcheck(device, (t) => runningSum(t!), [{ shape: [2, 4], values: [1, 2, 3, 4, 10, 20, 30, 40] }]);
console.log(`gradcheck: ${checked} derivatives agree`);
device.destroy();
