"""Spectral embedding and divisive Gaussian clustering with graspologic, signal flow with a pseudo-inverse.

usage: python connectome_graspologic.py EDGES.csv NEURONS.csv [TYPES.json]

Embedding and signal flow of the summed graph of the edge table; clustering of the positions (10 dimensions) in TYPES.json,
which `neuropil connectome types DATA --json` prints. One JSON object a line: {peer, version, work, threads, seconds}.
"""
import csv, gzip, json, os, sys, time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import scipy.linalg, scipy.sparse
import graspologic
from graspologic.cluster import DivisiveCluster
from graspologic.embed import AdjacencySpectralEmbed
from graspologic.utils import pass_to_ranks

edges, neurons = sys.argv[1:3]


def rows(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        yield from csv.DictReader(file)


def timed(peer, work, run, repeats=1):
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - began)
    version = graspologic.__version__ if peer == "graspologic" else np.__version__
    print(json.dumps(dict(peer=peer, version=version, work=work, threads=1, seconds=min(seconds))), flush=True)
    return result


place = {r["id"]: i for i, r in enumerate(r for r in rows(neurons) if r.get("in_matrix", "1") == "1")}
n = len(place)
dense = np.zeros((n, n))
for r in rows(edges):
    dense[place[r["pre"]], place[r["post"]]] = sum(float(r[k]) for k in ("ad", "aa", "dd", "da"))
sparse = scipy.sparse.csr_array(dense)
embed = lambda **how: AdjacencySpectralEmbed(n_components=24, check_lcc=False, diag_aug=False, **how)
timed("graspologic", "spectral embedding of the sum, d = 24, truncated, sparse",
      lambda: embed(algorithm="truncated").fit_transform(sparse), 3)
timed("graspologic", "spectral embedding of the sum, d = 24, randomized, dense",
      lambda: embed(algorithm="randomized").fit_transform(dense), 1)
timed("graspologic", "pass to ranks", lambda: pass_to_ranks(dense), 1)


def flow():
    a = dense - np.diag(np.diag(dense))
    w = (a + a.T) / 2
    b = (w * np.sign(a - a.T)).sum(1)
    return np.linalg.pinv(np.diag(w.sum(1)) - w, hermitian=True) @ b


timed("numpy", "signal flow, Hermitian pinv", flow)
if len(sys.argv) > 3:
    positions = np.array([r["position"][:10] for r in json.load(open(sys.argv[3]))["neurons"]])
    model = DivisiveCluster(max_components=2, min_split=32, max_level=8, cluster_kws=dict(kmeans_n_init=25))
    labels = timed("graspologic", f"divisive clustering, 8 levels, {len(positions)} neurons",
                   lambda: model.fit_predict(positions, fcluster=True))
    print(json.dumps(dict(clusters=[len(set(labels[:, k])) for k in range(labels.shape[1])])))
