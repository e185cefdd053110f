"""Speed of a step of learning in `neuropil train gating/…` beside the same step in PyTorch, measured in one run and stored.

    cargo build --release -p neuropil
    pip install torch numpy
    python benches/peers/gating.py benches/results/gating-speed.json

Images: 784-2000-2000-10, batch 256, synaptic intelligence (gradient, penalty, Adam, path of every weight). Recurrent: LSTM of
256 units, 100 steps, 256 trials, the gate in the recurrence, supervised, synaptic intelligence. Ours is the shipped command:
the time of many updates less that of few, which takes reading and starting away. Gathered: `xdg+si`, 400 or 51 active units
of a task; dense: `si`. PyTorch: eager, dense, a gate as a factor, at one and at two threads. Prints a Markdown table and
stores it beside OUT.json as OUT.md. $NEUROPIL names another binary; without torch only ours is measured, and the table says so.
"""
import json, os, pathlib, struct, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
out = pathlib.Path(sys.argv[1])
binary = os.environ.get("NEUROPIL", str(root / "target/release/neuropil"))
REPEATS = int(os.environ.get("REPEATS", "3"))
PERMUTED = ("gating/permuted-mnist", "--set", "tasks.n=2")
COGNITIVE = ("gating/cognitive", "--set", "tasks.test_trials=16")


def pictures(folder):
    """Files like MNIST's: what is in them does not matter for speed."""
    for name, n in (("train", 2560), ("t10k", 256)):
        pixels = bytes((i * 2654435761 >> 13) & 255 for i in range(784 * n))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, n, 28, 28) + pixels)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, n) + bytes(i % 10 for i in range(n)))


def seconds(folder, what, method, threads, updates):
    place = tempfile.mkdtemp(dir=folder)
    data = ("--set", f"data.path={folder}") if "mnist" in what[0] else ()
    command = [binary, "-q", "train", *what, *data, "--set", f"method={method}", "--threads", str(threads),
               "--updates", str(updates), "--only", "--out", place + "/run"]
    clock = time.perf_counter()
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode:
        sys.exit(child.stderr)
    return time.perf_counter() - clock


def ours(folder, what, method, threads, few, many):
    """Seconds a step, the least of some repeats: what else the machine does only adds."""
    few_s = min(seconds(folder, what, method, threads, few) for _ in range(REPEATS))
    many_s = min(seconds(folder, what, method, threads, many) for _ in range(REPEATS))
    return (many_s - few_s) / (many - few)


def best(step, n):
    step()
    found = []
    for _ in range(REPEATS):
        clock = time.perf_counter()
        for _ in range(n):
            step()
        found.append((time.perf_counter() - clock) / n)
    return min(found)


def si_step(torch, params, loss):
    """One update with Adam (update clipped to length 1, frozen correction), the penalty and the path of every weight."""
    rate = 1e-3 * 0.001**0.5 / 0.1
    state = [[torch.zeros_like(p) for _ in range(4)] + [p.detach().clone()] for p in params]

    def step():
        gradients = torch.autograd.grad(loss(), params)
        with torch.no_grad():
            for p, g, (m, v, path, omega, anchor) in zip(params, gradients, state):
                whole = g + 0.2 * omega * (p - anchor)
                m.mul_(0.9).add_(whole, alpha=0.1)
                v.mul_(0.999).addcmul_(whole, whole, value=0.001)
                update = m / (v.sqrt() + 1e-8) * -rate
                update.mul_((1 / update.norm()).clamp(max=1.0))
                p.add_(update)
                path.addcmul_(update, g, value=-1.0)
    return step


def torch_images(torch):
    F = torch.nn.functional
    shapes = [(784, 2000), (2000,), (2000, 2000), (2000,), (2000, 10), (10,)]
    params = [((torch.rand(s) - 0.5) * 2 / s[0] ** 0.5).requires_grad_() for s in shapes]
    x, y = torch.rand(256, 784), torch.randint(10, (256,))

    def loss():
        h = F.dropout(x, 0.2)
        h = F.dropout(F.relu(h @ params[0] + params[1]), 0.5)
        h = F.dropout(F.relu(h @ params[2] + params[3]), 0.5)
        return F.cross_entropy(h @ params[4] + params[5], y)
    return si_step(torch, params, loss)


def torch_recurrent(torch):
    F = torch.nn.functional
    shapes = [(68, 1024), (256, 1024), (1024,), (256, 9), (9,)]
    params = [((torch.rand(s) - 0.5) * 0.1).requires_grad_() for s in shapes]
    x, y = torch.rand(100, 256, 68), torch.randint(9, (25600,))
    gate = (torch.rand(256) < 0.2).float()

    def loss():
        w, u, b, r, c = params
        h, cell, states = torch.zeros(256, 256), torch.zeros(256, 256), []
        inputs = x @ w + b
        for t in range(100):
            f, i, o, new = (inputs[t] + h @ u).chunk(4, 1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(new)
            h = gate * torch.sigmoid(o) * torch.tanh(cell)
            states.append(h)
        return F.cross_entropy(torch.stack(states).reshape(25600, 256) @ r + c, y)
    return si_step(torch, params, loss)


load = os.getloadavg()[0]
found = {}
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    pictures(folder)
    for threads in (1, 2):
        found[f"images, dense, {threads}"] = ours(folder, PERMUTED, "si", threads, 5, 45)
        found[f"images, gathered, {threads}"] = ours(folder, PERMUTED, "xdg+si", threads, 10, 210)
        found[f"recurrent, dense, {threads}"] = ours(folder, COGNITIVE, "si", threads, 1, 4)
        found[f"recurrent, gathered, {threads}"] = ours(folder, COGNITIVE, "xdg+si", threads, 2, 22)
try:
    import torch
except ImportError:
    torch = None
if torch:
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found[f"images, PyTorch, {threads}"] = best(torch_images(torch), 10)
        found[f"recurrent, PyTorch, {threads}"] = best(torch_recurrent(torch), 2)
lines = ["| network | path | 1 thread, ms a step | 2 threads, ms a step |", "|---|---|---|---|"]
for network in ("images", "recurrent"):
    for path in ("dense", "gathered", "PyTorch"):
        if f"{network}, {path}, 1" in found:
            one, two = (1e3 * found[f"{network}, {path}, {threads}"] for threads in (1, 2))
            lines.append(f"| {network} | {path} | {one:.1f} | {two:.1f} |")
least = lambda network, path: min(found[f"{network}, {path}, {threads}"] for threads in (1, 2))
ratios = {"images: gathered against our dense": least("images", "dense") / least("images", "gathered")}
if torch:
    ratios["images: our dense against PyTorch"] = least("images", "PyTorch") / least("images", "dense")
    ratios["recurrent: gathered against PyTorch"] = least("recurrent", "PyTorch") / least("recurrent", "gathered")
    ratios["recurrent: our dense against PyTorch"] = least("recurrent", "PyTorch") / least("recurrent", "dense")
lines += ["", "| each at its better of 1 and 2 threads | times as fast |", "|---|---|"]
lines += [f"| {what} | {ratio:.1f} |" for what, ratio in ratios.items()]
lines += ["", f"The load of the machine was {load:.1f} at the start; " + (f"PyTorch {torch.__version__}." if torch else "PyTorch was not there: not measured.")]
text = "\n".join(lines) + "\n"
print(text)
out.write_text(json.dumps({"seconds_per_step": found, "ratios": ratios, "load": load, "torch": torch and torch.__version__}, indent=1) + "\n")
out.with_suffix(".md").write_text(text)
