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
    [
      "conv2d's stride",
      () => g.conv2d(x(1, 3, 4, 4), x(4, 3, 3, 3), { stride: 0 }),
      "conv2d: stride must be a whole number of at least 1, or two of them, not 0",
    ],
    [
      "conv2d's padding",
      () => g.conv2d(x(1, 3, 4, 4), x(4, 3, 3, 3), { padding: -1 }),
      "conv2d: padding must be a whole number of at least 0, or two of them, not -1",
    ],
    [
      "a word for a padding",
      () => g.conv2d(x(1, 3, 4, 4), x(4, 3, 3, 3), { padding: "same" as unknown as number }),
      'conv2d: padding must be a whole number of at least 0, or two of them, not "same"',
    ],
    [
      "three strides",
      () => g.convTranspose2d(x(1, 3, 4, 4), x(3, 4, 3, 3), { stride: [1, 1, 1] as unknown as [number, number] }),
      "convTranspose2d: stride must be a whole number of at least 1, or two of them, not [1, 1, 1]",
    ],
    ...([[4], [1], [2, 2], [5], [1, 8], []] as const).flatMap((shape): [string, () => Tensor, string][] => {
      const bias = x(...shape);
      const message = `bias x[${shape.join(", ")}] for 8 channels: wants [8]`;
      return [
        [`conv2d's bias [${shape.join()}]`, () => g.conv2d(x(1, 3, 4, 4), x(8, 3, 3, 3), { bias }), `conv2d: ${message}`],
        [`conv1d's bias [${shape.join()}]`, () => g.conv1d(x(1, 3, 4), x(8, 3, 3), { bias }), `conv1d: ${message}`],
        [
          `convTranspose2d's bias [${shape.join()}]`,
          () => g.convTranspose2d(x(1, 3, 4, 4), x(3, 8, 3, 3), { bias }),
          `convTranspose2d: ${message}`,
        ],
      ];
    }),
    ["a loss of a column and a row", () => g.mse(x(3, 1), x(1, 3)), "mse: x[1, 3] and x[3, 1] must have one shape"],
    ["a target that would broadcast", () => g.bceWithLogits(x(4, 1), x(4)), "bceWithLogits: target x[4] and x[4, 1] must have one shape"],
    ["weights that would broadcast", () => g.bceWithLogits(x(4), 1, x(1)), "bceWithLogits: weights x[1] and x[4] must have one shape"],
    ["a scale for each row", () => g.infoNce(x(4, 2), x(4, 2), x(4, 1)), "infoNce: scale x[4, 1] must have one element"],
    ["minimum", () => g.minimum(x(2), x(3)), "minimum: shapes [2] and [3] do not broadcast (dimension 0)"],
    ["stack", () => g.stack([x(2), x(3)]), "stack: x[2] and x[3] must have one shape"],
    ["logSumExp", () => g.logSumExp(x(2, 3), 2), "logSumExp: dimension 2 of a tensor of rank 2"],
    ["linear", () => g.linear(x(2, 3), x(4, 5)), "linear: x[2, 3] with a weight x[4, 5]: wants [N, in] with [out, in]"],
    ["a number for dimensions", () => g.sum(x(2, 3), 1 as unknown as number[]), "sum: dimensions are a list such as [0], not 1"],
    ["an order", () => g.toOrder(x(2, 3), [0, 0]), "toOrder: [0, 0] is no order of the dimensions of [2, 3]"],
    [
      "a variable's order",
      () => new g.Store("net").variable("w", [2, 3], undefined, [0, 2]),
      "net.w: [0, 2] is no order of the dimensions of [2, 3]",
    ],
    [
      "passes that are none",
      () => g.batchNorm(x(2, 3), x(3), x(3), 1e-5, { passes: true }).y,
      "batchNorm: x[2, 3] with x[3], x[3]: wants [P, N, C, ...] with [C] each",
    ],
    [
      "batchNorm of three dimensions",
      () => g.batchNorm(x(4, 2, 3), x(3), x(3)).y,
      "batchNorm: x[4, 2, 3] with x[3], x[3]: wants [N, C, ...] with [C] each",
    ],
    ["rnnCell's state", () => g.rnnCell(x(2, 4), x(2, 3), { weight: x(4, 4), bias: x(4) }), "rnnCell: h must be [2, 4], not x[2, 3]"],
    ["rnnCell's bias", () => g.rnnCell(x(2, 4), x(2, 4), { weight: x(4, 4), bias: x(1) }), "rnnCell: hidden bias must be [4], not x[1]"],
    [
      "gruCell's gate",
      () => {
        const hidden = { weight: x(4, 4), bias: x(4) };
        const gates = { update: hidden, reset: { ...hidden, weight: x(4, 3) }, candidate: hidden };
        return g.gruCell({ update: x(2, 4), reset: x(2, 4), candidate: x(2, 4) }, x(2, 4), gates);
      },
      "gruCell: hidden reset weight must be [4, 4], not x[4, 3]",
    ],
    [
      "lstmCell's gates",
      () => g.lstmCell(x(2, 6), undefined, { weight: x(6, 2), bias: x(6) }).h,
      "lstmCell: a must be [N, 4H], not x[2, 6]",
    ],
    [
      "lstmCell's weight",
      () => g.lstmCell(x(2, 8), { h: x(2, 2), c: x(2, 2) }, { weight: x(8, 3), bias: x(8) }).h,
      "lstmCell: hidden weight must be [8, 2], not x[8, 3]",
    ],
    [
      "lstmCell's cell",
      () => g.lstmCell(x(2, 8), { h: x(2, 2), c: x(1, 2) }, { weight: x(8, 2), bias: x(8) }).h,
      "lstmCell: c must be [2, 2], not x[1, 2]",
    ],
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
    ["a random key", () => g.randomUniform([3], x(3), 0), "random: the key must be u32 [3], or [4] with a rank, not x[3]"],
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

describe("whole numbers (u32)", () => {
  const refused = (operation: string, shown: string) =>
    new UserError(`${operation}: ${shown} holds whole numbers (u32), which only look-ups and random numbers take`);
  const hidden = { weight: x(3, 3), bias: x(3) };
  const cases: [string, () => unknown, string][] = [
    ["conv1d", () => g.conv1d(index(1, 3, 5), x(4, 3, 2)), "index[1, 3, 5] u32"],
    ["conv1d", () => g.conv1d(x(1, 3, 5), index(4, 3, 2)), "index[4, 3, 2] u32"],
    ["conv2d", () => g.conv2d(index(1, 3, 5, 5), x(4, 3, 2, 2)), "index[1, 3, 5, 5] u32"],
    ["convTranspose2d", () => g.convTranspose2d(x(1, 3, 5, 5), index(3, 4, 2, 2)), "index[3, 4, 2, 2] u32"],
    ["conv2d", () => g.conv2d(x(1, 3, 5, 5), x(4, 3, 2, 2), { bias: index(4) }), "index[4] u32"],
    ["gather", () => g.gather(index(4, 3), index(2)), "index[4, 3] u32"],
    ["oneHotConv1d", () => g.oneHotConv1d(index(2, 5), index(4, 3, 2)), "index[4, 3, 2] u32"],
    ["maxPool1d", () => g.maxPool1d(index(1, 3, 6), 2), "index[1, 3, 6] u32"],
    ["batchNorm", () => g.batchNorm(index(4, 3), x(3), x(3)), "index[4, 3] u32"],
    ["mse", () => g.mse(index(3), x(3)), "index[3] u32"],
    ["logSumExp", () => g.logSumExp(index(2, 3), 1), "index[2, 3] u32"],
    ["minimum", () => g.minimum(index(3), 1), "index[3] u32"],
    ["rnnCell", () => g.rnnCell(index(2, 3), x(2, 3), hidden), "index[2, 3] u32"],
    [
      "pack",
      () => {
        const s = new g.Store("s");
        s.variable("v", [2]);
        return g.pack(s, [index(2)]);
      },
      "index[2] u32",
    ],
  ];
  it.each(cases)("%s refuses them by its own name", (operation, build, shown) => {
    expect(build).toThrow(refused(operation, shown));
  });
});

describe("options and numbers, as plain JavaScript may give them", () => {
  const strange = (options: object) => options as never;
  const image = () => x(1, 1, 5, 5);
  const kernel = () => x(1, 1, 3, 3);
  const cases: [string, () => unknown, string][] = [
    [
      "conv2d",
      () => g.conv2d(image(), kernel(), strange({ dilation: 2 })),
      'conv2d has no option "dilation" (it has stride, padding, bias)',
    ],
    [
      "conv1d",
      () => g.conv1d(x(1, 1, 5), x(1, 1, 3), strange({ groups: 2 })),
      'conv1d has no option "groups" (it has stride, padding, bias)',
    ],
    ["conv1d", () => g.conv1d(x(1, 1, 5), x(1, 1, 3), { padding: -1 }), "conv1d: padding must be a whole number of at least 0, not -1"],
    ["conv1d", () => g.conv1d(x(1, 1, 5), x(1, 1, 3), { stride: 1.5 }), "conv1d: stride must be a whole number of at least 1, not 1.5"],
    [
      "convTranspose2d",
      () => g.convTranspose2d(image(), kernel(), strange({ output_padding: 1 })),
      'convTranspose2d has no option "output_padding"',
    ],
    ["options", () => g.conv2d(image(), kernel(), 2 as never), "conv2d: options are given by name (stride, padding, bias), not as 2"],
    ["sum", () => g.sum(x(2, 3), [0], strange({ keepdim: true })), 'sum has no option "keepdim" (it has keepDims)'],
    ["mean", () => g.mean(x(2, 3), [0], strange({ keepdim: true })), 'mean has no option "keepdim" (it has keepDims)'],
    ["max", () => g.max(x(2, 1), [1], strange({ keepdim: true })), 'max has no option "keepdim" (it has keepDims)'],
    ["leakyRelu", () => g.leakyRelu(x(3), NaN), "leakyRelu: slope must be a finite number, not NaN"],
    ["leakyRelu", () => g.leakyRelu(x(3), "0.2" as never), 'leakyRelu: slope must be a finite number, not "0.2"'],
    ["where", () => g.where(x(3), 1, 0, "==" as never), 'where: comparison must be ">" or ">=" or "<" or "<=", not "=="'],
    ["maxPool1d", () => g.maxPool1d(x(1, 1, 6), 2.5), "maxPool1d: kernel must be a whole number of at least 1, not 2.5"],
    ["maxPool1d", () => g.maxPool1d(x(1, 1, 6), 2, 0), "maxPool1d: stride must be a whole number of at least 1, not 0"],
    ["dropout", () => g.dropout(x(3), 1.5, index(3), 0), "dropout: rate must be a finite number of at least 0 and below 1, not 1.5"],
    [
      "a stream",
      () => g.randomNormal([2], index(3), -1),
      "random: stream must be a whole number of at least 0 and below 4294967296, not -1",
    ],
    ["a seed", () => g.randomKey(-1, 0), "randomKey: seed must be a whole number of at least 0"],
    ["batchNorm", () => g.batchNorm(x(2, 3), x(3), x(3), NaN), "batchNorm: epsilon must be a finite number of at least 0, not NaN"],
    [
      "batchNorm",
      () => g.batchNorm(x(2, 3), x(3), x(3), 1e-5, strange({ training: true })),
      'batchNorm has no option "training" (it has passes)',
    ],
    [
      "Adam",
      () => new g.Adam(new g.Store("s"), { epsilon: undefined } as never),
      "Adam: epsilon must be a finite number of at least 0, not undefined",
    ],
    ["Adam", () => new g.Adam(new g.Store("s"), { beta1: 1 }), "Adam: beta1 must be a finite number of at least 0 and below 1, not 1"],
    ["Adam", () => new g.Adam(new g.Store("s"), strange({ lr: 1e-3 })), 'Adam has no option "lr" (it has beta1, beta2, epsilon, form)'],
    [
      "RmsProp",
      () => new g.RmsProp(new g.Store("s"), { epsilon: undefined } as never),
      "RmsProp: epsilon must be a finite number of at least 0, not undefined",
    ],
    [
      "a hinge",
      () => g.jointEmbeddingHinge(x(2, 3), x(2, 3), { others: "mean" as never }),
      'jointEmbeddingHinge: others must be "sum" or "max", not "mean"',
    ],
  ];
  it.each(cases)("%s: %#", (_, build, message) => {
    expect(build).toThrow(UserError);
    expect(build).toThrow(message);
  });

  it("of compile, openDevice and gradcheck", async () => {
    await expect(openDevice(strange({ powerPreference: "low-power" }))).rejects.toThrow('openDevice has no option "powerPreference"');
    const device = await openDevice();
    const build = () => ({ y: full([1], 1) });
    await expect(g.compile(device, build, strange({ storge: "f16" }))).rejects.toThrow('compile has no option "storge"');
    await expect(g.compile(device, build, { storage: "f64" as never })).rejects.toThrow(
      'compile: storage must be "f32" or "f16", not "f64"',
    );
    await expect(g.gradcheck(device, g.exp, [], strange({ eps: 1 }))).rejects.toThrow('gradcheck has no option "eps"');
    device.destroy();
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
    await expect(g.compile(device, large)).rejects.toThrow(
      /^mul\[\d+, 1024\] needs \d+ (MiB|bytes) in one binding, this adapter allows \d+ (MiB|bytes)$/,
    );
    if (most < maxBufferSize) {
      await expect(g.compile(device, () => ({ y: g.exp(input("images", [rows, 1024])) }))).rejects.toThrow(
        /^(images|exp)\[\d+, 1024\] needs/,
      );
    }
    const beyond = Math.ceil(maxBufferSize / 4) + 4;
    if (Number.isSafeInteger(beyond)) {
      await expect(g.compile(device, () => ({ y: g.sum(input("huge", [beyond])) }))).rejects.toThrow(
        /^huge\S* needs \d+ (MiB|bytes), this adapter's buffers end at/,
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
