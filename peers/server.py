"""Times a peer on request: `python server.py torch|torch-compiled|jax THREADS`, one JSON object a line.

Request: {"kind": "kernel"|"update"|"validation", "seconds": budget, "data": FILE.npz, "meta": {…}}; with "data" null the
last work goes on.
Answer: {"seconds": least time of one go, "steps": mean steps of a trial}. A go of an update is a pass over all batches.
"""

import json
import os
import sys
import time

import numpy as np


def load(path, meta):
    """Arrays called a/b/c become nested dictionaries."""
    tree = {"meta": meta}
    with np.load(path) as archive:
        for name in archive.files:
            *parents, leaf = name.split("/")
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node[leaf] = archive[name].astype(np.float32)
    for name in ("policy_masks", "value_masks", "net_masks"):
        tree.setdefault(name, {})
    tree["batches"] = [tree["batch"][str(i)] for i in range(len(tree.get("batch", {})))]
    for batch in tree["batches"]:
        batch["ends"] = batch["ends"].astype(bool)
    return tree


def main(framework, threads):
    threads = int(threads)
    if framework == "jax":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        if threads == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        import song_jax as peer

        prepare = peer.prepare
    else:
        import song_torch as peer

        peer.torch.set_num_threads(threads)
        peer.torch.set_flush_denormal(True)
        prepare = lambda kind, data: peer.prepare(kind, data, framework == "torch-compiled")
    go, goes = None, 1
    for line in sys.stdin:
        request = json.loads(line)
        if request["data"]:
            data = load(request["data"], request["meta"])
            go = prepare(request["kind"], data)
            goes = len(data["batches"]) if request["kind"] == "update" else 1
            for warm in range(max(2, goes)):  # compiles every length
                go(warm)
        best, began, count = float("inf"), time.perf_counter(), 0
        while count < 2 or time.perf_counter() - began < request["seconds"]:
            clock = time.perf_counter()
            steps = [go(count * goes + i) for i in range(goes)]
            best = min(best, (time.perf_counter() - clock) / goes)
            count += 1
        print(json.dumps({"seconds": best, "steps": float(np.mean(steps))}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
