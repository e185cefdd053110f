"""Signal cascades with vectorised NumPy, on the same graph, sources and stop neurons as neuropil.

usage: python connectome_numpy.py EDGES.csv NEURONS.csv ANNOTATION [RUNS]

One run at a time, as analysis scripts do it: at each hop the rows of the active neurons are drawn together.
Prints JSON {peer, version, work, threads, seconds} with the seconds of RUNS runs.
"""
import csv, gzip, json, os, sys, time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

edges, neurons, annotation = sys.argv[1:4]
runs = int(sys.argv[4]) if len(sys.argv) > 4 else 20


def rows(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        yield from csv.DictReader(file)


table = [r for r in rows(neurons) if r.get("in_matrix", "1") == "1"]
place = {r["id"]: i for i, r in enumerate(table)}
n = len(table)
weight = np.zeros((n, n))
for r in rows(edges):
    weight[place[r["pre"]], place[r["post"]]] = float(r["ad"])
probability = 1 - (1 - 0.05) ** weight
sources = np.array([i for i, r in enumerate(table) if r["io"] == "input" and annotation in r["annotations"].split(";")])
stop = np.array([r["io"] == "output" for r in table])
rng = np.random.default_rng(1)
hits = np.zeros((n, 9), int)
began = time.perf_counter()
for _ in range(runs):
    seen = np.zeros(n, bool)
    seen[sources] = True
    front = sources
    for hop in range(9):
        hits[front, hop] += 1
        emitting = front[~stop[front]]
        if hop == 8 or len(emitting) == 0:
            break
        reached = (rng.random((len(emitting), n)) < probability[emitting]).any(axis=0) & ~seen
        seen |= reached
        front = np.flatnonzero(reached)
seconds = time.perf_counter() - began
print(json.dumps(dict(peer="numpy", version=np.__version__, work=f"{runs} cascades, {annotation}", threads=1,
                      seconds=seconds, seconds_per_run=seconds / runs, mean_active=(hits.sum(0) / runs).tolist())))
