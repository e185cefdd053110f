"""Disks that are full, files that may not be read or written.

    python3 benches/faults/disks.py [--program PROGRAM] [--n SIZES]        as root: file systems of a size are mounted

On a full disk a command must say so and exit with 2, leave what was there before, and end as if nothing had been once
there is room. Without the permission to write it must say so and touch nothing; a run that may only be read is analysed,
reported and tested into another folder.
"""

import os
import shutil
import subprocess

from runs import SMALL, Harness, died, differences

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Disk:
    """A file system of so many KiB."""

    def __init__(self, path, kib):
        self.path, self.kib = path, kib

    def __enter__(self):
        os.makedirs(self.path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.kib}k", "tmpfs", self.path], check=True)
        return self

    def grow(self):
        subprocess.run(["mount", "-o", "remount,size=100m", self.path], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)


def full_disks(harness, sizes):
    train = ["-q", "train", "rdm", *SMALL, "--out"]
    harness.run([*train, "whole"])
    need = sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(harness.path("whole")) for name in names)
    refused = ended = bad = 0
    for i in range(sizes):
        kib = 8 + i * (need // 1024 + 64) // sizes // 4 * 4
        with Disk(harness.path("disk"), kib) as disk:
            code, _, words = harness.run([*train, "disk/run"])
            ended += code in (0, 1)
            refused += code == 2 and b"No space left" in words
            if died(code, words) or (code == 2 and b"No space left" not in words):
                bad += 1
                harness.fault("full disk", f"{kib} KiB", words.decode(errors="replace"))
                continue
            disk.grow()
            code, _, words = harness.run([*train, "disk/run", "--resume"])
            differ = [name for name in differences(harness.path("whole"), harness.path("disk/run")) if "report.html" not in name]
            if code not in (0, 1) or differ:
                bad += 1
                harness.fault("full disk", f"{kib} KiB, then room", f"exit {code} {differ[:6]} {words.decode(errors='replace')}")
    harness.keep({"case": "full disks", "sizes": sizes, "refused": refused, "ended": ended, "bad": bad})


def expect(harness, case, args, code, holds=b"", before=NOBODY):
    found, out, words = harness.run(args, before=before)
    good = found == code and holds in out + words and not died(found, words)
    if not good:
        harness.fault(case, " ".join(args), f"exit {found} {words.decode(errors='replace')}")
    harness.keep({"case": case, "command": " ".join(args), "exit": found, "bad": int(not good)})


def permissions(harness):
    """As a user who owns nothing here."""
    os.chmod(harness.work, 0o755)
    parent = harness.work
    while parent != "/":  # the harness's own folders must be passable, as a colleague's are
        if not os.stat(parent).st_mode & 0o001:
            harness.keep({"case": "permissions", "command": f"left out: {parent} is closed to others", "exit": None, "bad": 0})
            return
        parent = os.path.dirname(parent)
    harness.fresh("whole", "archived")
    os.makedirs(harness.path("mine"))
    os.chown(harness.path("mine"), 65534, 65534)
    before = sorted(os.listdir(harness.path("archived")))
    for command in (["analyse", "archived"], ["report", "archived"], ["test", "archived"], ["train", "rdm", "--out", "archived/new"]):
        expect(harness, "a run that may only be read", command, 2)
    for command in (["test", "archived", "--trials-per-condition", "5"], ["analyse", "archived"], ["report", "archived"],
                    ["probe", "archived", "--silence", "1", "--trials-per-condition", "5"]):
        expect(harness, "made beside it", [*command, "--out", "mine/made"], 0)
    for command in (["export", "archived", "--npz", "mine/a.npz"],):
        expect(harness, "exported", command, 0)
    if sorted(os.listdir(harness.path("archived"))) != before:
        harness.fault("a run that may only be read", "its folder", "was written")
    harness.fresh("whole", "closed")
    for root, _, names in os.walk(harness.path("closed")):
        for name in names:
            if name.endswith(".safetensors"):
                os.chmod(os.path.join(root, name), 0)
    expect(harness, "a checkpoint that may not be read", ["test", "closed", "--out", "mine/closed"], 2, b"ermission denied")


def main():
    harness = Harness("disks")
    full_disks(harness, harness.args.n or 20)
    permissions(harness)
    harness.end()


if __name__ == "__main__":
    main()
