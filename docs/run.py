"""Runs the commands of a chapter and writes what they print below them.

    python docs/run.py CHAPTER.md [WORKING-FOLDER]

A command is a line `$ …` in a `console` block, with lines `> …` that continue it; the rest of the block is its output.
Commands of one chapter share a folder, a new one unless it is given. `neuropil` must be on the PATH. Fails on the first command that fails, unless its
line ends in `# fails`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

chapter = Path(sys.argv[1])
folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
folder.mkdir(parents=True, exist_ok=True)


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


text = chapter.read_text()
chapter.write_text(re.sub(r"```console\n(.*?)\n```", block, text, flags=re.S))
