"""Speed of `neuropil train enhancers/…`, `enhancers predict` and `enhancers associate`, beside PyTorch where it is installed.

    cargo build --release -p neuropil
    pip install torch numpy
    python benches/peers/enhancers.py benches/results/enhancers-speed.json

Networks: `motor-cortex` (five convolutions of 350 filters over 500 bases) and `small`; a step of training is a batch of 32
strands (gradient descent with momentum), scoring is strands forward. Ours is the shipped command: the time of much work less
that of little, which takes reading and starting away. PyTorch: eager, convolutions as torch.nn does them, in the same run, at one
and at two threads. Association: a drawn tree of 222 species, 33,000 regions, whole commands with the reading of the matrix and the
writing of the table; R's times are those of phylolm 2.6.7 on R 4.2.2 on one core of an AMD EPYC, measured before (2.2 ms a linear
fit, 13 ms a logistic fit), since its packages come from CRAN alone. Prints Markdown tables and stores them beside OUT.json as
OUT.md. $NEUROPIL names another binary; without torch only ours is measured, and the table says so.
"""
import json, os, pathlib, random, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
out = pathlib.Path(sys.argv[1])
binary = os.environ.get("NEUROPIL", str(root / "target/release/neuropil"))
REPEATS = int(os.environ.get("REPEATS", "3"))
# Convolutions (filters, width), pooling, dense units, as in the presets.
SHAPES = {"motor-cortex": ([(350, 7)] * 5, 26, 300), "small": ([(32, 11), (32, 7)], 52, 32)}
# Little and much work: updates of a training, sequences that are scored on both strands.
WORK = {"motor-cortex": {"step": (1, 5), "score": (8, 72)}, "small": {"step": (20, 220), "score": (500, 6500)}}
# Sequences of each class: all updates are of one epoch, so that validation counts in neither difference.
SEQUENCES = {"motor-cortex": 90, "small": 6000}
SPECIES, REGIONS = 222, 33_000
R_LINEAR, R_LOGISTIC = 2.2e-3, 13e-3  # s a fit


def seconds(*words):
    """Time of a command, s."""
    clock = time.perf_counter()
    child = subprocess.run([binary, *map(str, words)], capture_output=True, text=True)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{child.stderr}")
    return time.perf_counter() - clock


def least(*words):
    return min(seconds(*words) for _ in range(REPEATS))


def sequences(path, n, seed=1):
    draw = random.Random(seed)
    with open(path, "w") as file:
        for i in range(n):
            bases = "".join(draw.choices("ACGT", k=500))
            file.write(f">chr{1 + i % 9}:{1000 * i}-{1000 * i + 500}\n{bases}\n")


def classes(folder, preset):
    """Options that name sequences of both classes."""
    words = []
    for seed, name in enumerate(("positives", "negatives")):
        path = folder / f"{preset}-{name}.fa"
        if not path.exists():
            sequences(path, SEQUENCES[preset], seed)
        words += ["--set", f"data.{name}={path}"]
    return words


def step(folder, preset, threads):
    """Seconds of one update."""
    few, many = WORK[preset]["step"]

    def trained(updates):
        place = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
        return seconds("-q", "train", f"enhancers/{preset}", "--threads", threads, "--updates", updates, "--only", "--out", place,
                       *classes(folder, preset), "--set", "training.batch=32", "--set", "training.optimiser={kind='sgd', momentum=0.9, nesterov=false}")

    times = [min(trained(updates) for _ in range(REPEATS)) for updates in (few, many)]
    return (times[1] - times[0]) / (many - few)


def score(folder, preset, threads):
    """Seconds a strand."""
    few, many = WORK[preset]["score"]
    times = []
    for n in (few, many):
        sequences(folder / f"{n}.fa", n)
        times.append(least("enhancers", "predict", folder / f"{preset}.safetensors", folder / f"{n}.fa", "--threads", threads,
                           "--out", folder / "scores.tsv"))
    return (times[1] - times[0]) / (2 * (many - few))


def torch_network(torch, preset):
    nn = torch.nn
    convolutions, pool, dense = SHAPES[preset]
    layers, channels, length = [], 4, 500
    for filters, width in convolutions:
        layers += [nn.Conv1d(channels, filters, width), nn.ReLU()] + ([nn.Dropout(0.2)] if preset != "small" else [])
        channels, length = filters, length - width + 1
    layers += [nn.MaxPool1d(pool, pool), nn.Flatten(), nn.Linear(channels * (length // pool), dense), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(dense, 1))


def torch_times(torch, preset):
    """Seconds of an update and of a strand."""
    network, F = torch_network(torch, preset), torch.nn.functional
    x, y = torch.zeros(32, 4, 500), torch.randint(2, (32, 1)).float()
    x.scatter_(1, torch.randint(4, (32, 1, 500)), 1.0)
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)

    def update():
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(network(x), y).backward()
        optimiser.step()

    def forward():
        with torch.inference_mode():
            network(x)

    def best(work, n):
        work()
        found = []
        for _ in range(REPEATS):
            clock = time.perf_counter()
            for _ in range(n):
                work()
            found.append((time.perf_counter() - clock) / n)
        return min(found)

    n = 1 if preset == "motor-cortex" else 20
    times = best(update, n), best(forward, n) / 32
    return times


def study(folder):
    """A drawn tree, a matrix of predictions, and two traits."""
    draw = random.Random(1)
    names = [f"species{i:03}" for i in range(SPECIES)]
    parts = [(name, 0.0) for name in names]
    height = 0.0
    while len(parts) > 1:
        height += draw.expovariate(len(parts))
        (a, at_a), (b, at_b) = (parts.pop(draw.randrange(len(parts))) for _ in range(2))
        parts.append((f"({a}:{height - at_a:.6f},{b}:{height - at_b:.6f})", height))
    (folder / "tree.nwk").write_text(parts[0][0] + ";\n")
    with open(folder / "traits.csv", "w") as file:
        file.write("species,size,vocal\n")
        for i, name in enumerate(names):
            file.write(f"{name},{draw.gauss(0, 1):.5f},{int(i % 7 == 0)}\n")
    with open(folder / "predictions.tsv", "w") as file:
        file.write("region\t" + "\t".join(names) + "\n")
        for i in range(REGIONS):
            file.write(f"region{i}\t" + "\t".join(f"{draw.random():.4f}" for _ in names) + "\n")


def associate(folder, column, kind, *more):
    return seconds("enhancers", "associate", folder / "predictions.tsv", "--tree", folder / "tree.nwk", "--traits",
                   folder / "traits.csv", "--column", column, "--kind", kind, "--threads", 2, "--out", folder / "out.tsv", *more)


def association(folder):
    """Seconds of whole commands on two threads, and of R's fits alone on as many cores."""
    study(folder)
    scan = min(associate(folder, "size", "continuous", "--only-scan") for _ in range(REPEATS))
    logistic = associate(folder, "vocal", "binary", "--only-scan")
    permuted = associate(folder, "size", "continuous", "--totals", 99)
    return {
        "linear regressions of 33,000 regions on 222 species": (scan, REGIONS * R_LINEAR / 2),
        "logistic regressions of the same": (logistic, REGIONS * R_LOGISTIC / 2),
        "the linear ones with 99 permulations each": (permuted, REGIONS * 100 * R_LINEAR / 2),
    }


load = os.getloadavg()[0]
found, associated = {}, {}
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    try:
        import torch
    except ImportError:
        torch = None
    for preset in SHAPES:
        seconds("-q", "train", f"enhancers/{preset}", "--only", "--out", folder / f"run-{preset}", "--set", "training.epochs=1",
                *classes(folder, preset))
        seconds("export", folder / f"run-{preset}", "--safetensors", folder / f"{preset}.safetensors")
        for threads in (1, 2):
            found[f"{preset}, step, neuropil, {threads}"] = step(folder, preset, threads)
            found[f"{preset}, strand, neuropil, {threads}"] = score(folder, preset, threads)
            if torch:
                torch.set_num_threads(threads)
                update, strand = torch_times(torch, preset)
                found[f"{preset}, step, PyTorch, {threads}"] = update
                found[f"{preset}, strand, PyTorch, {threads}"] = strand
    associated = association(folder)

lines = ["| network | work | neuropil, ms at 1 / 2 threads | PyTorch, ms at 1 / 2 threads | times as fast, each at its better |",
         "|---|---|---|---|---|"]
for preset in SHAPES:
    for work, words in (("step", "update on 32 strands"), ("strand", "scoring a strand")):
        pair = lambda who: [1e3 * found[f"{preset}, {work}, {who}, {threads}"] for threads in (1, 2)]
        mine = pair("neuropil")
        theirs = pair("PyTorch") if torch else None
        shown = lambda times: f"{times[0]:.2f} / {times[1]:.2f}" if times else "not installed"
        ratio = f"{min(theirs) / min(mine):.1f}" if theirs else "–"
        lines.append(f"| {preset} | {words} | {shown(mine)} | {shown(theirs)} | {ratio} |")
lines += ["", "| association, two cores | whole command, s | R's fits alone (stored time), s | times as fast |", "|---|---|---|---|"]
for name, (ours, theirs) in associated.items():
    lines.append(f"| {name} | {ours:.1f} | {theirs:,.0f} | {theirs / ours:,.0f} |")
version = f"PyTorch {torch.__version__}" if torch else "PyTorch not installed"
lines += ["", f"The load of the machine was {load:.1f} at the start; {version}. Made by `python benches/peers/enhancers.py OUT.json`."]
text = "\n".join(lines) + "\n"
print(text)
out.write_text(json.dumps({"seconds": found, "associate": associated, "load": load}, indent=1) + "\n")
out.with_suffix(".md").write_text(text)
