"""
PyTorch as a peer: on CUDA where there is one, else on the CPU. `python3 torch_peer.py eager|tf32|compile`.

Requests come as JSON lines on standard input, answers go as lines that begin with "@" to standard output (see serve.mjs).
"""

import json
import os
import pathlib
import sys
import time

MODE = sys.argv[1] if len(sys.argv) > 1 else "eager"
MEASUREMENT = 0.12

sys.dont_write_bytecode = True


def answer(**message):
    print("@" + json.dumps(message), flush=True)


try:
    import numpy
    import torch
    from torch.nn import functional as F
except ImportError as error:
    answer(error=f"{error} (on Debian: apt-get install python3-torch)")
    sys.exit(0)

# The networks that petalgrad's fixtures are made with.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "fixtures"))
from networks import Discriminator, Generator  # noqa: E402

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")


class Unsupported(Exception):
    pass


def input_values(size, multiplier=1, shift=0):
    i = numpy.arange(size, dtype=numpy.int64) * multiplier + shift
    return ((i * 7919) % 1000 / 1000 - 0.5).astype(numpy.float32)


def values(*shape, **how):
    return torch.from_numpy(input_values(int(numpy.prod(shape)), **how).reshape(shape)).to(DEVICE)


def images(n, h, w, c, **how):
    """Given channels-last, kept as PyTorch does."""
    return values(n, h, w, c, **how).permute(0, 3, 1, 2).contiguous()


def last(x):
    """[N, C, H, W] as the problem has it."""
    return x.permute(0, 2, 3, 1)


def matmul(problem):
    n = problem["size"]
    a, b = values(n, n), values(n, n)
    return lambda: {"c": a @ b}


def convolution(problem):
    s = problem["conv"]
    x_shape = s["batch"], s["inHeight"], s["inWidth"], s["inChannels"]
    y_shape = s["batch"], s["outHeight"], s["outWidth"], s["outChannels"]
    stride, padding = (s["strideHeight"], s["strideWidth"]), (s["paddingHeight"], s["paddingWidth"])
    kernel = s["kernelHeight"], s["kernelWidth"], s["inChannels"], s["outChannels"]
    w = values(*kernel).permute(3, 2, 0, 1).contiguous()
    if problem["op"] == "forward":
        x = images(*x_shape)
        return lambda: {"c": last(F.conv2d(x, w, None, stride, padding))}
    if problem["op"] == "dataGrad":
        # In PyTorch a weight [O, I, H, W] is a transposed convolution's [in, out, H, W].
        y = images(*y_shape)
        return lambda: {"c": last(F.conv_transpose2d(y, w, None, stride, padding))}
    x, y = images(*x_shape), images(*y_shape)

    def weight_grad():
        return torch.ops.aten.convolution_backward(
            y, x, w, None, stride, padding, (1, 1), False, (0, 0), 1, (False, True, False)
        )[1]

    return lambda: {"c": weight_grad().permute(2, 3, 1, 0)}


def batch_norm(problem):
    n, h, w, c = problem["shape"]
    x, dy = images(n, h, w, c).requires_grad_(), images(n, h, w, c, multiplier=3, shift=1)
    scale, bias = values(c).requires_grad_(), values(c).requires_grad_()

    def run():
        y = F.batch_norm(x, None, None, scale, bias, True, 0.1, 1e-5)
        dx, d_scale, d_bias = torch.autograd.grad(y, (x, scale, bias), dy)
        return {"y": last(y.detach()), "dx": last(dx), "dScale": d_scale, "dBias": d_bias}

    return run


def read_tensors(folder):
    folder = pathlib.Path(folder)
    all_values = numpy.fromfile(folder / "tensors.bin", dtype=numpy.float32)
    return {
        entry["name"]: torch.from_numpy(all_values[entry["offset"] :][: int(numpy.prod(entry["shape"]))].reshape(entry["shape"])).to(DEVICE)
        for entry in json.loads((folder / "tensors.json").read_text())
    }


def load(tensors, prefix, make):
    """A network of the sizes that its tensors tell."""
    state = {key[len(prefix) + 1 :]: value.clone() for key, value in tensors.items() if key.startswith(prefix + ".")}
    projection, text = state["text.weight"].shape
    network = make(state, text=text, projection=projection, size=64, residual=True).to(DEVICE)
    network.load_state_dict(state, strict=False)
    return network


def load_generator(tensors):
    def make(state, projection, **sizes):
        inputs, _, _, _ = state["deconv1.weight"].shape
        return Generator(width=state["deconv5.weight"].shape[0], noise=inputs - projection, projection=projection, **sizes)

    return load(tensors, "generator", make)


def load_discriminator(tensors):
    def make(state, **sizes):
        return Discriminator(width=state["conv1.weight"].shape[0], missing_leaky_relu="restore", text_batch_norm=True, minibatch_deviation=False, **sizes)

    return load(tensors, "discriminator", make)


def generator(problem):
    tensors = read_tensors(problem["folder"])
    network = load_generator(tensors).eval()
    noise, text = (tensors[name][: problem["batch"]] for name in ("noiseD", "text"))
    draw = torch.compile(network) if MODE == "compile" else network

    @torch.no_grad()
    def run():
        return {"images": last(draw(noise, text))}

    return run


def gan_step(problem):
    tensors = read_tensors(problem["folder"])
    g, d = load_generator(tensors), load_discriminator(tensors)
    adam = [torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999), eps=1e-8) for n in (g, d)]

    def real(logits):
        return F.softplus(-logits).mean()

    def generated(logits):
        return F.softplus(logits).mean()

    def loss_d(images, wrong, fake, text):
        return real(d(images, text)) + 0.5 * generated(d(wrong, text)) + 0.5 * generated(d(fake, text))

    def loss_g(noise, text):
        return real(d(g(noise, text), text))

    if MODE == "compile":
        loss_d, loss_g = torch.compile(loss_d), torch.compile(loss_g)
    # As in the original programs: the discriminator is not trained in the generator's turn.
    d_parameters, g_parameters = list(d.parameters()), list(g.parameters())

    def run():
        text = tensors["text"]
        with torch.no_grad():
            fake = g(tensors["noiseD"], text)
        total = loss_d(tensors["real"], tensors["wrong"], fake, text)
        for p, gradient in zip(d_parameters, torch.autograd.grad(total, d_parameters)):
            p.grad = gradient
        adam[1].step()
        texts = torch.cat([text, sum(text.chunk(2)) / 2]) if problem["interpolate"] else text
        loss = loss_g(tensors["noiseG"], texts)
        for p, gradient in zip(g_parameters, torch.autograd.grad(loss, g_parameters)):
            p.grad = gradient
        adam[0].step()
        return {"lossD": total.detach(), "lossG": loss.detach()}

    def results():
        steps = [run(), run()]
        return {"losses": torch.stack([step[name] for step in steps for name in ("lossD", "lossG")])}

    run.results = results
    return run


PROBLEMS = {"matmul": matmul, "batchNorm": batch_norm, "generator": generator, "ganStep": gan_step}


def wait():
    if CUDA:
        torch.cuda.synchronize()


def sample(x):
    x = x.detach().cpu().contiguous().flatten()
    count = min(256, len(x))
    return [float(x[i * len(x) // count]) for i in range(count)]


class Peer:
    def __init__(self):
        self.run = None
        self.guess = 0.0

    def time(self, times):
        start = time.perf_counter()
        for _ in range(times):
            self.run()
        wait()
        return (time.perf_counter() - start) / times

    def prepare(self, problem):
        self.run = None
        if MODE == "compile" and problem["op"] not in ("generator", "ganStep"):
            raise Unsupported("torch.compile has nothing to fuse in one operation")
        self.run = PROBLEMS.get(problem["op"], convolution)(problem)
        results = {name: sample(x) for name, x in getattr(self.run, "results", self.run)().items()}
        self.time(1)
        self.guess = self.time(1)
        return {"results": results, "ms": self.guess * 1000}

    def measure(self):
        self.guess = self.time(max(1, min(1000, round(MEASUREMENT / self.guess))))
        return {"ms": self.guess * 1000}


def main():
    if MODE == "compile" and not hasattr(torch, "compile"):
        return answer(error=f"PyTorch {torch.__version__} has no torch.compile")
    if MODE != "eager" and not CUDA:
        return answer(error=f"PyTorch {MODE} is compared on CUDA only, and there is none here")
    # TF32 rounds what goes into a product to 10 bits: another thing than f32, and faster.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = MODE == "tf32"
    torch.backends.cudnn.benchmark = True
    torch.set_num_threads(os.cpu_count())
    where = torch.cuda.get_device_name() if CUDA else f"CPU, {torch.get_num_threads()} threads"
    names = {"eager": "", "tf32": " TF32", "compile": " torch.compile"}
    answer(ready=f"PyTorch {torch.__version__}{names[MODE]} ({where})")
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(**(peer.prepare(request["prepare"]) if "prepare" in request else peer.measure()))
        except Exception as error:  # One problem that fails must not end the others.
            answer(unsupported=str(error).split("\n")[0])


main()
