/** What a user who made a mistake is told: where the mistake is made, in one line that names the operation and what it got. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import {
  type Device,
  DeviceLostError,
  full,
  input,
  KernelError,
  LimitError,
  openDevice,
  ShapeError,
  type Tensor,
  UserError,
} from "../../src/index.js";

const x = (...shape: number[]) => input("x", shape);
const index = (...shape: number[]) => input("index", shape, "u32");

describe("shapes, when the expression is built", () => {
  const mistakes: [string, () => Tensor | Tensor[], string][] = [
    ["broadcasting", () => g.add(x(2, 3), x(4, 3)), "add: shapes [2, 3] and [4, 3] do not broadcast (dimension 0)"],
    ["three operands", () => g.where(x(2), x(2, 3), x(3)), "where: shapes [2] and [2, 3] and [3] do not broadcast (dimension 1)"],
    ["broadcastTo", () => g.broadcastTo(x(2, 3), [2, 1]), "broadcastTo: x[2, 3] does not broadcast to [2, 1]"],
    ["a reduction", () => g.sum(x(2, 3), [2]), "sum: dimension 2 of a tensor of rank 2"],
    ["a mean", () => g.mean(x(2, 3), [-3]), "mean: dimension -3 of a tensor of rank 2"],
    ["matmul", () => g.matmul(x(2, 3), x(4, 5)), "matmul: x[2, 3] by x[4, 5]"],
    ["batches", () => g.matmul(x(2, 3, 4), x(3, 4, 5)), "matmul: x[2, 3, 4] by x[3, 4, 5]"],
    ["a vector in matmul", () => g.matmul(x(3), x(3, 4)), "matmul: x[3] by x[3, 4]"],
    ["whole numbers in matmul", () => g.matmul(index(3, 4), x(4, 4)), "matmul: index[3, 4] u32 by x[4, 4]"],
    ["conv2d's channels", () => g.conv2d(x(1, 3, 8, 8), x(4, 2, 3, 3)), "conv2d: input [1, 3, 8, 8], weight [4, 2, 3, 3]"],
    [
      "conv2d's kernel",
      () => g.conv2d(x(1, 3, 4, 4), x(4, 3, 5, 5)),
      "conv2d: kernel [4, 3, 5, 5] is larger than the padded input [1, 3, 4, 4]",
    ],
    ["conv2d's stride", () => g.conv2d(x(1, 3, 4, 4), x(4, 3, 3, 3), { stride: 0 }), "conv2d: stride 0x0, padding 0x0"],
    [
      "convTranspose2d's channels",
      () => g.convTranspose2d(x(1, 3, 8, 8), x(4, 3, 3, 3)),
      "convTranspose2d: input [1, 3, 8, 8], weight [4, 3, 3, 3]",
    ],
    [
      "convTranspose2d's output padding",
      () => g.convTranspose2d(x(1, 3, 8, 8), x(3, 4, 3, 3), { stride: 2, outputPadding: 2 }),
      "convTranspose2d: outputPadding 2x2 must be at least 0 and smaller than the stride 2x2",
    ],
    [
      "convTranspose2d's padding",
      () => g.convTranspose2d(x(1, 3, 1, 1), x(3, 4, 3, 3), { padding: 2 }),
      "convTranspose2d: nothing is left of [1, 3, 1, 1] with padding 2x2",
    ],
    ["conv1d's channels", () => g.conv1d(x(1, 3, 8), x(4, 2, 3)), "conv1d: input [1, 3, 8], weight [4, 2, 3]"],
    [
      "conv1d's kernel",
      () => g.conv1d(x(1, 3, 4), x(4, 3, 7), { padding: 1 }),
      "conv1d: kernel [4, 3, 7] is larger than the padded input [1, 3, 4]",
    ],
    ["maxPool1d", () => g.maxPool1d(x(1, 3, 4), 5), "maxPool1d: kernel 5, stride 5 on x[1, 3, 4]"],
    ["reshape", () => g.reshape(x(2, 3), [4, 2]), "reshape: x[2, 3] has 6 elements, [4, 2] has not"],
    ["reshape with two open sizes", () => g.reshape(x(2, 3), [-1, -1]), "reshape: x[2, 3] has 6 elements, [-1, -1] has not"],
    ["reshape with an open size that does not come out", () => g.reshape(x(2, 3), [4, -1]), "reshape: impossible shape [4, 1.5]"],
    ["permute", () => g.permute(x(2, 3), [0, 0]), "permute: [0, 0] is no permutation of the dimensions of x[2, 3]"],
    ["concat", () => g.concat([x(2, 3), x(2, 4)], 0), "concat: x[2, 3] and x[2, 4] differ beside dimension 0"],
    ["concat of nothing", () => g.concat([], 0), "concat: no tensors"],
    ["slice", () => g.slice(x(2, 3), 1, 2, 4), "slice: 2 to 4 along dimension 1 of x[2, 3]"],
    ["slice between elements", () => g.slice(x(2, 3), 1, 0.5, 1.5), "slice: 0.5 to 1.5 along dimension 1 of x[2, 3]"],
    ["pad", () => g.pad(x(2, 3), 1, -1, 0), "pad: -1 before and 0 after x[2, 3]"],
    ["gather", () => g.gather(x(4, 3), x(2)), "gather: x[4, 3] at x[2]: wants [V, D] at u32 [N]"],
    [
      "oneHotConv1d",
      () => g.oneHotConv1d(index(2, 3), x(4, 5, 6)),
      "oneHotConv1d: index[2, 3] u32 by x[4, 5, 6]: wants u32 [N, L] by [D, V, K], K at most L",
    ],
    ["a random key", () => g.randomUniform([3], x(3), 0), "random: the key must be u32 [3], not x[3]"],
    ["data", () => g.tensor([1, 2, 3], [2, 2]), "tensor: 3 values for shape [2, 2]"],
    ["an empty shape", () => x(2, 0), "x: impossible shape [2, 0]"],
    ["grad of a vector", () => g.grad(x(3), []), "grad: x[3] is not a scalar"],
    ["a gradient that does not fit", () => g.grad(x(3), [], full([4], 1)), "grad: a gradient full[4] for x[3]"],
  ];
  it.each(mistakes)("%s", (_, build, message) => {
    expect(build).toThrow(new ShapeError(message));
    expect(build).toThrow(ShapeError);
  });

  it("arithmetic with whole numbers, and numbers that are none", () => {
    expect(() => g.add(index(3), 1)).toThrow(
      new UserError("add: index[3] u32 holds whole numbers (u32), which only look-ups and random numbers take"),
    );
    expect(() => g.sum(index(3))).toThrow(UserError);
    expect(() => g.mul(x(3), NaN)).toThrow(new UserError("full: NaN is no finite float32 number"));
    expect(() => full([2], -Infinity)).toThrow(UserError);
    expect(() => full([2], 1e39)).toThrow(UserError);
  });
});

describe("on a device", () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.destroy());

  it("inputs that the program does not have, or of another size", async () => {
    const program = await g.compile(device, () => ({ y: g.add(input("a", [2]), input("b", [2, 1])) }));
    await expect(program.run({ a: [1, 2], c: [3] })).rejects.toThrow(new UserError('run: the program has no input "c" (it has a, b)'));
    await expect(program.run({ a: [1, 2, 3] })).rejects.toThrow(new ShapeError("run: 3 values for input a[2]"));
    expect(() => program.launch({ d: [1] })).toThrow(UserError);
    // It still runs.
    expect([...(await program.run({ a: [1, 2], b: [10, 20] })).y]).toEqual([11, 12, 21, 22]);
    program.destroy();
  });

  it("two inputs of one name, a recording within a recording", async () => {
    await expect(g.compile(device, () => ({ y: g.add(input("a", [2]), input("a", [2])) }))).rejects.toThrow(
      'compile: two inputs are named "a"',
    );
    let inner: Promise<unknown> | undefined;
    await g.compile(device, () => {
      inner = g.compile(device, () => ({ z: g.exp(input("a", [1])) }));
      inner.catch(() => undefined);
      return { y: g.exp(input("a", [1])) };
    });
    await expect(inner).rejects.toThrow("compile: a program is being recorded already");
    await expect(g.exp(input("a", [1])).read()).rejects.toThrow(
      new UserError('read: exp[1] depends on the input "a", whose values a program\'s run gives'),
    );
  });

  it("a kernel that does not compile: its name, the compiler's message, the numbered source", async () => {
    const code = "@compute @workgroup_size(1)\nfn main() {\n  let a: f32 = 1u;\n}\n";
    const broken = device.pipeline({ name: "broken kernel", code, workgroups: [1, 1, 1] }, 1);
    await expect(broken).rejects.toThrow(KernelError);
    await expect(broken).rejects.toThrow(/^kernel broken kernel does not compile:\n {2}3:\d+ error: .*\n( {2}.*\n)* {3}1 \| @compute/);
    await expect(broken).rejects.toThrow(/\n {3}3 \| {3}let a: f32 = 1u;\n/);
    // The kernel of a program, too.
    const bad = new g.Tensor("bad", [4], { kind: "map", expression: (a) => `nonsense(${a})` }, [x(4)]);
    await expect(g.compile(device, () => ({ bad }))).rejects.toThrow(/^kernel bad does not compile:\n.*nonsense/s);
    device.check();
  });

  it("more memory than one binding may have: said before anything is allocated", async () => {
    const { maxStorageBufferBindingSize: most, maxBufferSize } = device.gpu.limits;
    const before = device.allocatedBytes;
    const rows = Math.ceil(most / 4 / 1024) + 1;
    const large = () => ({ y: g.mul(g.tanh(g.add(full([rows, 1024], 1), input("small", [1024]))), 2) });
    await expect(g.compile(device, large)).rejects.toThrow(LimitError);
    await expect(g.compile(device, large)).rejects.toThrow(/^mul\[\d+, 1024\] needs \d+ MiB in one binding, this adapter allows \d+ MiB$/);
    if (most < maxBufferSize) {
      await expect(g.compile(device, () => ({ y: g.exp(input("images", [rows, 1024])) }))).rejects.toThrow(
        /^(images|exp)\[\d+, 1024\] needs/,
      );
    }
    const beyond = Math.ceil(maxBufferSize / 4) + 4;
    if (Number.isSafeInteger(beyond)) {
      await expect(g.compile(device, () => ({ y: g.sum(input("huge", [beyond])) }))).rejects.toThrow(
        /^huge\S* needs \d+ MiB, this adapter's buffers end at/,
      );
    }
    expect(device.allocatedBytes).toBe(before);
    device.check();
  });

  it("a kernel with more bindings or workgroups than the adapter has", async () => {
    const kernel = { name: "wide", code: "@compute @workgroup_size(1)\nfn main() {}\n" };
    await expect(device.pipeline({ ...kernel, workgroups: [70000, 1, 1] }, 1)).rejects.toThrow(LimitError);
    const most = device.gpu.limits.maxStorageBuffersPerShaderStage;
    await expect(device.pipeline({ ...kernel, code: `${kernel.code}\n`, workgroups: [1, 1, 1] }, most + 1)).rejects.toThrow(LimitError);
  });

  it("variables that live on another device", async () => {
    const store = new g.Store("network");
    const v = store.variable("v", [2]);
    await g.compile(device, () => ({ v: g.exp(v) }));
    const other = await openDevice();
    await expect(g.compile(other, () => ({ v: g.exp(v) }))).rejects.toThrow(new UserError("network: its variables live on another device"));
    other.destroy();
  });

  it("errors that WebGPU reports late surface at the next call", async () => {
    device.gpu.createBuffer({ size: 16, usage: 0xffff });
    await device.gpu.queue.onSubmittedWorkDone();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(() => device.check()).toThrow(/^WebGPU: /);
    device.check();
  });
});

describe("a lost device", () => {
  it.each(["destroy", "gpu.destroy"])("%s while a result is under way and after it", async (how) => {
    const device = await openDevice();
    const store = new g.Store("kept");
    const v = store.variable("v", [4]);
    const program = await g.compile(device, () => {
      g.assign(v, g.add(v, 1));
      return { y: g.exp(v) };
    });
    await program.run();
    const pending = program.run();
    if (how === "destroy") device.destroy();
    else device.gpu.destroy();
    // The result may have been ready before the loss.
    const outcome = await pending.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (outcome !== undefined) expect(outcome).toBeInstanceOf(DeviceLostError);
    await device.gpu.lost;
    await expect(program.run()).rejects.toThrow(DeviceLostError);
    await expect(program.run()).rejects.toThrow(/^the GPU device was lost \(destroyed\)/);
    expect(() => program.launch()).toThrow(DeviceLostError);
    await expect(store.read()).rejects.toThrow(DeviceLostError);
    await expect(g.compile(device, () => ({ z: g.exp(input("z", [3])) }))).rejects.toThrow(DeviceLostError);
    // `read` opens a new device.
    expect([...(await g.add(g.tensor([1, 2]), 1).read())]).toEqual([2, 3]);
  });
});
