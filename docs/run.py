"""Runs the commands of chapters and writes what they print below them, or checks that it stands there already.

    python docs/run.py [--check] CHAPTER.md…

A command is a line `$ …` in a `console` block, with lines `> …` that continue it; the rest of the block is its output.
Chapters that are given together share a folder, which is new: later ones go on with the runs of earlier ones. `neuropil` must be on
the PATH. Fails on the first command that fails, unless its line ends in `# fails`. With `--check` nothing is written: what differs is
shown, and the exit code is 1. How long something took may differ.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--check", action="store_true")
parser.add_argument("chapters", nargs="+", type=Path)
args = parser.parse_args()
folder = Path(tempfile.mkdtemp())

# What depends on the machine and the hour.
TIMES = [r"\b[\d.]+ (h|min|s|ms)\b", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?", r"(?m)^ *\d+ (?=\S+\.(npz|csv)$)"]


def output(command: str) -> str:
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0 and not command.endswith("# fails"):
        sys.exit(f"{command}\n{done.stdout}exit code {done.returncode}")
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())


def commands(lines: list[str]) -> list[list[str]]:
    found: list[list[str]] = []
    open_ = False
    for line in lines:
        if line.startswith("$ "):
            found.append([line])
            open_ = True
        elif open_ and line.startswith("> "):
            found[-1].append(line)
        else:
            open_ = False
    return found


def block(match: re.Match) -> str:
    printed = []
    for lines in commands(match[1].splitlines()):
        command = "\n".join(line[2:] for line in lines)
        print(command, file=sys.stderr)
        printed.append("\n".join([*lines, output(command)]).rstrip())
    return "```console\n" + "\n".join(printed) + "\n```"


def timeless(text: str) -> list[str]:
    for pattern in TIMES:
        text = re.sub(pattern, "T", text)
    return [line for line in text.splitlines() if "trials/s" not in line]  # progress comes when it comes


differing = 0
for chapter in args.chapters:
    text = chapter.read_text()
    now = re.sub(r"```console\n(.*?)\n```", block, text, flags=re.S)
    if not args.check:
        chapter.write_text(now)
        continue
    found = list(difflib.unified_diff(timeless(text), timeless(now), str(chapter), "now", lineterm="", n=1))
    print("\n".join(found) if found else f"{chapter}: as it stands there")
    differing += bool(found)
sys.exit(1 if differing else 0)
