"""The same algorithms in plain NumPy, one thread, for the speed of the successor system.

Run: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python peers/successor_numpy.py; prints one JSON line per measurement:
{peer, work, n, seconds_per_step}. Compare with `cargo run --release -p neuropil-successor --example successor_speed`.
"""
import json
import time

import numpy as np


def ring_walk(n, steps, rng):
    moves = rng.choice([-1, 0, 1], size=steps, p=[5 / 7, 1 / 7, 1 / 7])
    return np.cumsum(moves) % n


def rnn_s_linear(n, steps, gain=0.4, forgetting=0.99999):
    states = ring_walk(n, steps, np.random.default_rng(1))
    weights, count, before = np.zeros((n, n)), np.full(n, 1e-4), None
    eye = np.eye(n)
    start = time.perf_counter()
    for state in states:
        x = np.clip(np.linalg.solve(eye - gain * weights, eye[state]), -10, 10)
        if before is not None:
            count = x + forgetting * count
            rate = np.maximum(np.clip(1 / count, 0, 1), 1e-3)
            weights += np.outer(x - weights @ before, rate * before)
        before = x
    return (time.perf_counter() - start) / steps


def hamming(n):
    return 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(n) / (n - 1))


def smoothed(rate, kernel):
    side, half = len(rate), len(kernel) // 2
    padded = np.pad(rate, half)
    known = np.isfinite(padded)
    values = np.where(known, padded, 0)
    out = np.zeros_like(rate)
    for i in range(side):
        for j in range(side):
            w = kernel * known[i:i + 2 * half + 1, j:j + 2 * half + 1]
            out[i, j] = (w * values[i:i + 2 * half + 1, j:j + 2 * half + 1]).sum() / w.sum()
    return out


def place_fields(neurons, frames=5001, side=14, shuffles=40):
    rng = np.random.default_rng(2)
    xs, ys = rng.integers(0, side, frames), rng.integers(0, side, frames)
    activity = rng.random((frames, neurons))
    kernel = np.outer(hamming(5), hamming(5))
    kernel /= kernel.sum()
    start = time.perf_counter()
    for j in range(neurons):
        own, above = None, np.zeros((side, side))
        for shift in [0, *rng.integers(1, frames, shuffles)]:
            a = np.roll(activity[:, j], shift)
            n, s = np.zeros((side, side)), np.zeros((side, side))
            np.add.at(n, (xs, ys), 1)
            np.add.at(s, (xs, ys), a)
            with np.errstate(invalid="ignore"):
                rate = smoothed(np.where(n > 0, s / n, np.nan), kernel)
            if own is None:
                own = rate
            else:
                above += own > rate
    return (time.perf_counter() - start) / neurons


if __name__ == "__main__":
    for n, steps in [(25, 3000), (196, 600), (1000, 40)]:
        print(json.dumps({"peer": "numpy", "work": "RNN-S linear step", "n": n, "seconds_per_step": rnn_s_linear(n, steps)}))
    print(json.dumps({"peer": "numpy", "work": "place fields of a neuron, 40 shuffles", "n": 196, "seconds_per_step": place_fields(8)}))
