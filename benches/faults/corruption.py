"""Damage to every file of a run: flipped bits in every class of bytes, cuts, absence, the same file of another run.

    python3 benches/faults/corruption.py [--program PROGRAM] [--n FLIPS-A-CLASS] [--only FILE]

Every command that reads a run is then asked. It must refuse, or answer exactly as without the damage. What is neither is
silent, and allowed only where this file says why.
"""

import collections
import os
import random
import re

from runs import SMALL, Harness, died, snapshot

# Files in which a change without a refusal is right, and why.
REASONS = {
    "log.jsonl": "seconds since the writer began: the only field that two runs of a seed may differ in",
    "provenance.json": "blanks between words",
    "config.toml": "comments, and blanks between words: they are no settings",
    "report.html": "made from the others, read by nobody",
    "results": "made from the others, read by nobody",
    "figures": "made from the others, read by nobody",
    "state.json": "made for readers beside the program, checked when the run goes on",
}

COMMANDS = {
    "test": ["test", "RUN", "--trials-per-condition", "5", "--json", "--out", "made"],
    "analyse": ["analyse", "RUN", "--json", "--out", "made"],
    "report": ["report", "RUN", "--out", "made"],
    "npz": ["export", "RUN", "--npz", "made.npz"],
    "csv": ["export", "RUN", "--csv", "made-csv"],
    "nwb": ["export", "RUN", "--nwb", "made.nwb"],
    "weights": ["export", "RUN", "--safetensors", "made.safetensors"],
    "probe": ["probe", "RUN", "--silence", "1", "--trials-per-condition", "5", "--json", "--out", "made"],
    "fixed-points": ["fixed-points", "RUN", "--starts", "5", "--json", "--out", "made"],
    "resume": ["-q", "train", "task.toml", *SMALL, "--out", "RUN", "--resume", "--only"],
}


def classes(name, content):
    """Places of a file by the kind of what stands there."""
    places = collections.defaultdict(list)
    if name.endswith(".safetensors"):
        header = 8 + int.from_bytes(content[:8], "little")
        places["length"] = list(range(8))
        for match in re.finditer(rb'\w[\w.]*|[-+.0-9e]+|[^\w]', content[8:header]):
            kind = "numbers" if match.group()[:1] in b"-+.0123456789" else "names" if len(match.group()) > 1 else "marks"
            places[kind].extend(range(8 + match.start(), 8 + match.end()))
        places["values"] = list(range(header, len(content)))
    elif name.endswith(".npz"):
        places["bytes"] = list(range(len(content)))
        places["directory"] = list(range(max(0, len(content) - 400), len(content)))
        for match in re.finditer(rb"PK\x03\x04|PK\x01\x02|\x93NUMPY", content):
            places["headers"].extend(range(match.start(), min(len(content), match.start() + 60)))
    else:
        for match in re.finditer(rb"[A-Za-z_]+|[-+.0-9e]+|\s+|[^\w\s]", content):
            first = match.group()[:1]
            kind = "numbers" if first in b"-+.0123456789" else "blanks" if first.isspace() else "words" if first.isalpha() else "marks"
            places[kind].extend(range(match.start(), match.end()))
    return places


def damages(name, content, other, n, rng):
    """(what, damaged content; None: no file)"""
    for kind, places in classes(name, content).items():
        for place in rng.sample(places, min(n, len(places))):
            bit = rng.randrange(8)
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            yield f"{kind}: bit {bit} of byte {place}", bytes(flipped)
    for length in sorted({0, 1, len(content) // 2, len(content) - 1}):
        yield f"cut to {length} bytes", content[:length]
    yield "no such file", None
    if other is not None and other != content:
        yield "of another run", other


def answer(harness, name):
    """What a command says and leaves."""
    for made in ("made", "made-csv"):
        harness.fresh(None, made)
    for made in ("made.npz", "made.nwb", "made.safetensors"):
        if os.path.exists(harness.path(made)):
            os.remove(harness.path(made))
    code, out, words = harness.run([word.replace("RUN", "damaged") for word in COMMANDS[name]])
    left = {}
    for made in ("made", "made-csv"):
        left[made] = snapshot(harness.path(made)) if os.path.isdir(harness.path(made)) else None
    for made in ("made.npz", "made.safetensors"):
        left[made] = open(harness.path(made), "rb").read() if os.path.exists(harness.path(made)) else None
    if name == "resume":
        whole = snapshot(harness.path("damaged"))
        left["run"] = {file: whole[file] for file in whole if file.startswith("checkpoint") or file == "log.jsonl"}
    for page in [left["made"]] if left["made"] else []:
        page.pop("report.html", None)  # holds the text of provenance and settings
    return code, out, left, words


def files_of(harness, folder):
    for root, _, names in os.walk(harness.path(folder)):
        for name in sorted(names):
            if name != ".lock":
                yield os.path.relpath(os.path.join(root, name), harness.path(folder))


def main():
    harness = Harness("corruption")
    rng = random.Random(harness.args.seed)
    n = harness.args.n or 6
    with open(harness.path("task.toml"), "wb") as file:
        file.write(harness.run(["tasks", "rdm", "--toml"])[1])
    train = ["-q", "train", "task.toml", *SMALL]
    harness.run([*train, "--out", "whole"])
    harness.run([*train, "--out", "other", "--seed", "2"])
    # One that was stopped: it still has to go on.
    harness.run([*train, "--out", "begun", "--only", "--set", "training.max_updates=30"])
    totals = collections.Counter()
    for file in files_of(harness, "whole"):
        if harness.args.only not in file:
            continue
        content = open(harness.path("whole", file), "rb").read()
        twin = harness.path("other", file)
        other = open(twin, "rb").read() if os.path.exists(twin) else None
        made_only = file.startswith(("results/", "figures/")) or file == "report.html"
        commands = ["analyse"] if made_only else list(COMMANDS)
        reference = {}
        for command in commands:
            harness.fresh("whole", "damaged")
            reference[command] = answer(harness, command)
        counts, silent = collections.Counter(), []
        for what, damaged in damages(file, content, other, 1 if made_only else n, rng):
            for command in commands:
                harness.fresh("whole", "damaged")
                path = harness.path("damaged", file)
                if damaged is None:
                    os.remove(path)
                else:
                    open(path, "wb").write(damaged)
                code, out, left, words = answer(harness, command)
                good = reference[command]
                if died(code, words):
                    counts["panicked"] += 1
                    harness.fault(f"{file}, {command}", what, words.decode(errors="replace"))
                elif code == 2:
                    counts["refused"] += 1
                elif (code, out, left) == good[:3]:
                    counts["harmless"] += 1
                else:
                    silent.append((what, command))
        reason = next((why for name, why in REASONS.items() if name in file), None)
        for what, command in silent:
            # A log that goes on keeps the digits of a time as it found them.
            if reason and command == "resume":
                counts["allowed"] += 1
            else:
                counts["silent"] += 1
                harness.fault(f"{file}, {command}", what, "silent")
        totals.update(counts)
        harness.keep({"file": file, **{kind: counts[kind] for kind in ("refused", "harmless", "allowed", "silent", "panicked")}})
    harness.end(seed=harness.args.seed, totals=dict(totals), allowed=REASONS)


if __name__ == "__main__":
    main()
