"""Times the network of Yu et al. (2021) in PyTorch and drift in pycpd, for `cargo bench -p neuropil-neuronid`.

One line of JSON in: {"work": "pair", "width": 128, "layers": 6, "heads": 8, "hidden": 2048, "template": 130, "test": 130,
"worms": 1, "repeats": 5}; one line out: {"ms": 12.3}, the least of the repeats. The number of threads is the first argument.
"""
import json
import os
import sys
import time

THREADS = int(sys.argv[1])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(THREADS)

import numpy as np

try:
    import torch
    from torch import nn

    torch.set_num_threads(THREADS)
    Module = nn.Module
except ImportError:
    Module = object


class Network(Module):
    def __init__(self, width, layers, heads, hidden):
        super().__init__()
        self.embed = nn.Conv1d(3, width, 1)
        self.norm = nn.BatchNorm1d(width)
        layer = nn.TransformerEncoderLayer(width, heads, hidden, batch_first=True, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.outlier = nn.Linear(width, 1)

    def forward(self, template, tests):
        """template (n, 3), tests (b, m, 3): log P (b, m, n + 1)."""
        n, b = len(template), len(tests)
        worms = torch.cat([template.expand(1, -1, -1).reshape(1, -1, 3), tests.reshape(1, -1, 3)], 1)
        rows = self.norm(self.embed(worms.transpose(1, 2))).transpose(1, 2)[0]
        marked = (rows[:n] + 1).expand(b, -1, -1)
        encoded = self.encoder(torch.cat([marked, rows[n:].reshape(b, -1, rows.shape[1])], 1))
        return self.compare(encoded[:, :n], encoded[:, n:])

    def encode(self, worm):
        """worm (1, m, 3) by itself."""
        return self.encoder(self.norm(self.embed(worm.transpose(1, 2))).transpose(1, 2))

    def compare(self, template, own):
        scores = torch.cat([own @ template.transpose(1, 2), self.outlier(own)], 2)
        return torch.log_softmax(scores, 2)


def least(repeats, once):
    once()
    times = []
    for _ in range(repeats):
        clock = time.perf_counter()
        once()
        times.append(time.perf_counter() - clock)
    return 1e3 * min(times)


def network(ask):
    torch.manual_seed(1)
    return Network(ask["width"], ask["layers"], ask["heads"], ask["hidden"])


def pair(ask):
    model = network(ask).eval()
    template, test = torch.randn(ask["template"], 3), torch.randn(1, ask["test"], 3)
    with torch.inference_mode():
        return least(ask["repeats"], lambda: model(template, test))


def volume(ask):
    model = network(ask).eval()
    with torch.inference_mode():
        template, test = model.encode(torch.randn(1, ask["template"], 3)), torch.randn(1, ask["test"], 3)
        return least(ask["repeats"], lambda: model.compare(template, model.encode(test)))


def step(ask):
    model = network(ask).train()
    adam = torch.optim.Adam(model.parameters(), 2e-4)
    template, tests = torch.randn(ask["template"], 3), torch.randn(ask["worms"], ask["test"], 3)
    truth = torch.arange(ask["test"]).expand(ask["worms"], -1)

    def once():
        adam.zero_grad()
        loss = nn.functional.nll_loss(model(template, tests).transpose(1, 2), truth)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()

    return least(ask["repeats"], once)


def registration(ask, kind, **how):
    rng = np.random.default_rng(1)
    fixed = rng.normal(0, 0.2, (ask["template"], 3))
    moving = rng.normal(0, 0.2, (ask["test"], 3))
    return least(ask["repeats"], lambda: kind(X=fixed, Y=moving, w=0.1, tolerance=0.0, **how).register())


def drift(ask):
    from pycpd import DeformableRegistration

    return registration(ask, DeformableRegistration, alpha=4000.0, beta=0.25, max_iterations=150)


def rigid(ask):
    from pycpd import RigidRegistration

    return registration(ask, RigidRegistration, max_iterations=60)


for line in sys.stdin:
    ask = json.loads(line)
    try:
        work = {"pair": pair, "volume": volume, "step": step, "drift": drift, "rigid": rigid}[ask["work"]]
        answer = {"ms": work(ask)}
    except (ImportError, NameError) as error:
        answer = {"absent": str(error)}
    print(json.dumps(answer), flush=True)
