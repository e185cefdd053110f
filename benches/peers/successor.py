"""Everything that is said about the speed of `neuropil successor`, measured in one run and stored.

    cargo build --release -p neuropil-successor --example successor_speed
    python benches/peers/successor.py benches/results/successor-speed.json

One thread each. Ours: the example `successor_speed`. Peers: the same algorithms in plain NumPy (peers/successor_numpy.py),
and the agent of RatInABox (George et al., eLife 13:e85274, 2024), if it is installed: pip install ratinabox.
Prints the ratios as a Markdown table and stores it beside OUT.json, as OUT.md.
"""
import json, os, pathlib, platform, subprocess, sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
root = pathlib.Path(__file__).resolve().parents[2]
out = pathlib.Path(sys.argv[1])
speed = os.environ.get("NEUROPIL_SPEED", str(root / "target/release/examples/successor_speed"))

RATINABOX = """
import json, time, numpy as np, ratinabox
from ratinabox.Environment import Environment
from ratinabox.Agent import Agent
ratinabox.verbose = False
np.random.seed(1)
agent = Agent(Environment(), params={"dt": 1 / 3})
for _ in range(200): agent.update()
clock = time.perf_counter()
for _ in range(3000): agent.update()
print(json.dumps({"peer": "RatInABox " + getattr(ratinabox, "__version__", ""), "work": "environment step", "n": 196,
                  "seconds_per_step": (time.perf_counter() - clock) / 3000}))
"""


def lines(*command):
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode:
        print(child.stderr.strip().splitlines()[-1] if child.stderr.strip() else command, file=sys.stderr)
        return []
    return [json.loads(line) for line in child.stdout.splitlines() if line.startswith("{")]


def cpu():
    try:
        info = open("/proc/cpuinfo").read()
        return next(line.split(": ")[1] for line in info.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def shown(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


load = os.getloadavg()
ours = lines(speed)
peers = lines(sys.executable, str(root / "peers/successor_numpy.py")) + lines(sys.executable, "-c", RATINABOX)
rows = []
for own in ours:
    for peer in peers:
        if (peer["work"], peer["n"]) == (own["work"], own["n"]):
            ratio = peer["seconds_per_step"] / own["seconds_per_step"]
            rows.append(dict(work=own["work"], n=own["n"], here=own["seconds_per_step"], peer=peer["peer"],
                             peer_seconds=peer["seconds_per_step"], ratio=ratio))
text = ["# Speed of the successor system", "",
        f"{cpu()}, one thread, load before the run {' '.join(f'{x:.1f}' for x in load)}; one run of",
        "`python benches/peers/successor.py benches/results/successor-speed.json`.", "",
        "| work | states | here | peer | ratio |", "|---|---|---|---|---|"]
text += [f"| {r['work']} | {r['n']} | {shown(r['here'])} | {shown(r['peer_seconds'])} ({r['peer'].strip()}) "
         f"| {r['ratio']:.0f} |" for r in rows]
alone = [own for own in ours if not any(r["work"] == own["work"] and r["n"] == own["n"] for r in rows)]
text += ["", "Ours alone:", "", "| | | |", "|---|---|---|"]
text += [f"| {own['work']} | {own['n']} | {shown(own['seconds_per_step'])} |" for own in alone]
out.write_text(json.dumps(dict(cpu=cpu(), load=load, ours=ours, peers=peers, ratios=rows), indent=1) + "\n")
out.with_suffix(".md").write_text("\n".join(text) + "\n")
print("\n".join(text))
