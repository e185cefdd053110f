"""Everything that is said about the speed of `neuropil connectome`, measured in one run and stored.

usage: python connectome.py EDGES.csv NEURONS.csv OUT.json [GRASPOLOGIC.jsonl]

Ours: the example `speed` on the folder of EDGES, and on a generated graph of 139 000 neurons and 15 million edges; seconds
and memory of the report. Peers, one thread: NumPy (cascades), graspologic (spectral embedding, divisive clustering),
NumPy's pseudo-inverse (signal flow).
Clustering takes graspologic minutes: what connectome_graspologic.py printed before, on the same machine, may be given.
Prints the ratios as a Markdown table and stores it beside OUT.json, as OUT.md.
NEUROPIL names the command (default `neuropil`), NEUROPIL_SPEED the compiled example.
"""
import json, os, pathlib, platform, subprocess, sys, tempfile, time

edges, neurons, out = sys.argv[1:4]
before = sys.argv[4] if len(sys.argv) > 4 else None
here = pathlib.Path(__file__).parent
neuropil = os.environ.get("NEUROPIL", "neuropil")
speed = os.environ.get("NEUROPIL_SPEED", "target/release/examples/speed")
data = str(pathlib.Path(edges).parent)


def measured(work, *command):
    """Seconds and most resident memory of a command, as a line of ours."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, command
    return [dict(work=work, seconds=time.perf_counter() - began), {"memory at most, MB": round(usage.ru_maxrss / 1024)}]


def lines(*command):
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


# Work, what ours and the peer's begins with, factor on the peer's seconds (runs of NumPy × 50 are 1 000).
COMPARED = [
    ("olfactory cascade, 1 000 runs", "olfactory cascade", "20 cascades", 50),
    ("signal flow", "signal flow", "signal flow", 1),
    ("pass to ranks", "pass to ranks", "pass to ranks", 1),
    ("spectral embedding, d = 24", "spectral embedding of the sum",
     "spectral embedding of the sum, d = 24, truncated", 1),
    ("spectral embedding, d = 24", "spectral embedding of the sum",
     "spectral embedding of the sum, d = 24, randomized", 1),
    ("divisive clustering, 8 levels", "divisive clustering", "divisive clustering", 1),
]


def ratios(ours, peers):
    find = lambda lines, start: next((line for line in lines if line.get("work", "").startswith(start)), None)
    for name, here, there, factor in COMPARED:
        mine, peer = find(ours, here), find(peers, there)
        if mine and peer:
            seconds = peer["seconds"] * factor
            yield dict(work=name, here=mine["seconds"], threads=mine["threads"],
                       peer=f"{peer['peer']} {peer['version']}: {peer['work']}", peer_seconds=seconds, peer_threads=peer["threads"], ratio=seconds / mine["seconds"])


def page(result):
    load = " ".join(f"{x:.1f}" for x in result["load"])
    yield "# Speed of the connectome system\n"
    yield f"{result['cpu']}, {result['threads']} threads, load before the run {load}; one run of"
    yield "`python benches/peers/connectome.py edges.csv.gz neurons.csv.gz benches/results/connectome-speed.json`.\n"
    yield "| work | here, s (threads) | peer, s (threads) | ratio |\n|---|---|---|---|"
    for r in result["ratios"]:
        ratio = f"{r['ratio']:.0f}" if r["ratio"] >= 10 else f"{r['ratio']:.1f}"
        yield (f"| {r['work']} | {r['here']:.3g} ({r['threads']}) "
               f"| {r['peer_seconds']:.3g} ({r['peer_threads']}; {r['peer']}) | {ratio} |")
    for title, lines in (("Ours alone", result["ours"]), ("Report", result["report"]), ("139 000 neurons, 15 million edges", result["scale"])):
        yield f"\n{title}:\n\n| | |\n|---|---|"
        for line in lines:
            if "work" in line:
                yield f"| {line['work']} | {line['seconds']:.3g} s |"
            else:
                yield "| " + "; ".join(f"{k} {v}" for k, v in line.items()) + " | |"


def cpu():
    try:
        info = open("/proc/cpuinfo").read()
        return next(line.split(": ")[1] for line in info.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


with tempfile.TemporaryDirectory() as folder:
    positions = os.path.join(folder, "types.json")
    with open(positions, "w") as file:
        subprocess.run([neuropil, "connectome", "types", data, "--json"], check=True, stdout=file)
    result = dict(
        cpu=cpu(), threads=os.cpu_count(), load=os.getloadavg(),
        ours=lines(speed, data),
        report=measured("neuropil connectome report", neuropil, "connectome", "report", data, "--out", os.path.join(folder, "report")),
        scale=lines(speed, "scale", "139000", "15000000"),
        numpy=lines(sys.executable, str(here / "connectome_numpy.py"), edges, neurons, "olfactory", "20"),
        graspologic=[json.loads(line) for line in open(before) if line.startswith("{")] if before
        else lines(sys.executable, str(here / "connectome_graspologic.py"), edges, neurons, positions),
    )
result["ratios"] = list(ratios(result["ours"], result["numpy"] + result["graspologic"]))
pathlib.Path(out).write_text(json.dumps(result, indent=1) + "\n")
text = "\n".join(page(result)) + "\n"
pathlib.Path(out).with_suffix(".md").write_text(text)
print(text)
