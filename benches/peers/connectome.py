"""Everything that is said about the speed of `neuropil connectome`, measured in one run and stored.

usage: python connectome.py EDGES.csv NEURONS.csv OUT.json [GRASPOLOGIC.jsonl]

Ours: the example `speed` on the folder of EDGES, and on a generated graph of 139 000 neurons and 15 million edges. Peers, one
thread: NumPy (cascades), graspologic (spectral embedding, divisive clustering), NumPy's pseudo-inverse (signal flow).
Clustering takes graspologic ten minutes: what connectome_graspologic.py printed before, on the same machine, may be given.
NEUROPIL names the command (default `neuropil`), NEUROPIL_SPEED the compiled example.
"""
import json, os, pathlib, platform, subprocess, sys, tempfile

edges, neurons, out = sys.argv[1:4]
before = sys.argv[4] if len(sys.argv) > 4 else None
here = pathlib.Path(__file__).parent
neuropil = os.environ.get("NEUROPIL", "neuropil")
speed = os.environ.get("NEUROPIL_SPEED", "target/release/examples/speed")
data = str(pathlib.Path(edges).parent)


def lines(*command):
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


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
        scale=lines(speed, "scale", "139000", "15000000"),
        numpy=lines(sys.executable, str(here / "connectome_numpy.py"), edges, neurons, "olfactory", "20"),
        graspologic=[json.loads(line) for line in open(before) if line.startswith("{")] if before
        else lines(sys.executable, str(here / "connectome_graspologic.py"), edges, neurons, positions),
    )
pathlib.Path(out).write_text(json.dumps(result, indent=1) + "\n")
