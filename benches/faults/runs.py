"""What the harnesses of faults share: a small run, commands, and the comparison of run directories."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

# 12 validations in a second, with every kind of event and all that follows training.
SMALL = (
    "--dt 50 --updates 60 --set policy.units=12 --set value.units=8 --set training.check_every=5 "
    "--set training.validation_trials=40"
).split()


class Harness:
    """A program, a folder to work in, and totals that are kept."""

    def __init__(self, name):
        import argparse

        parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
        parser.add_argument("--program", default="target/release/neuropil")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--n", type=int, default=None, help="size; the default is that of the stored totals")
        parser.add_argument("--only", default="", help="cases whose name contains this")
        parser.add_argument("--out", default=f"benches/results/faults-{name}.json")
        self.args = parser.parse_args()
        self.program = os.path.abspath(self.args.program)
        self.work = os.path.abspath(f"target/faults-{name}")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.rows, self.bad, self.began = [], [], time.time()
        self.env = dict(os.environ, RUST_BACKTRACE="0", NO_COLOR="1")

    def run(self, args, before=(), timeout=120, **more):
        """Exit code (or HANG), standard output, standard error."""
        command = [*before, self.program, *args]
        try:
            done = subprocess.run(
                command, cwd=self.work, env=self.env, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, **more
            )
            return done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            return "HANG", b"", b""

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def fresh(self, source, target):
        """A copy of a folder in the place of another."""
        shutil.rmtree(self.path(target), ignore_errors=True)
        if source:
            shutil.copytree(self.path(source), self.path(target), symlinks=True)

    def keep(self, row):
        self.rows.append(row)
        print("  ".join(f"{key}: {value}" for key, value in row.items()), flush=True)

    def fault(self, case, what, words):
        self.bad.append({"case": case, "what": what, "words": words[-400:]})
        print(f"    BAD {case}: {what}: {words[-400:]}", flush=True)

    def end(self, **facts):
        version = subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.strip()
        document = {
            "command": "python3 " + " ".join(sys.argv),
            "version": version,
            **facts,
            "rows": self.rows,
            "bad": self.bad,
            "seconds": round(time.time() - self.began),
        }
        with open(self.args.out, "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
        print(f"{len(self.bad)} bad; {self.args.out}")
        sys.exit(1 if self.bad else 0)


def snapshot(folder):
    """Bytes of every file, without times and machine."""
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if name in (".lock", "provenance.json") or os.path.islink(path):
                continue
            with open(path, "rb") as file:
                content = file.read()
            if name == "log.jsonl":
                content = re.sub(rb'"at_seconds":[0-9.e+-]+', b"", content)
            if name == "config.toml":  # a run of a sweep says which folder its settings came from
                content = re.sub(rb"# (killed|reference-\d+)/", b"# OUT/", content)
            if name == "result.json":
                content = re.sub(rb'"(wall_seconds|checksum)": *[^,\n]*', b"", content)
            if name.endswith((".html", ".json", ".md")):
                content = re.sub(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"T", content)
            if name.endswith((".html", ".json")):  # of a reproduction: who asked for it, when, and how long it took
                content = re.sub(rb'("|&quot;)(command|date|seconds_of_\w+)("|&quot;): [^\n]*', b"", content)
            if name.endswith(".html"):
                content = re.sub(rb"--out (killed|reference-\d+)", b"--out OUT", content)
                content = re.sub(rb"\{\s*&quot;version&quot;.*?checksum&quot;: &quot;[0-9a-f]*&quot;\s*\}", b"P", content, flags=re.S)
            files[os.path.relpath(path, folder)] = content
    return files


def differences(one, other):
    """Files that differ between two folders, + new, - gone, ~ changed."""
    a, b = snapshot(one), snapshot(other)
    return [
        ("+" if name not in a else "-" if name not in b else "~") + name
        for name in sorted(set(a) | set(b))
        if a.get(name) != b.get(name)
    ]


def died(code, words):
    """Did a command panic, abort or hang?"""
    return code == "HANG" or b"panicked" in words or code < 0 or code >= 100 and code not in (129, 130, 143)
