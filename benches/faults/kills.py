"""Kills at every rename and fsync of long commands, and at random moments; what was killed goes on, and must end as if
left alone, byte for byte.

    python3 benches/faults/kills.py [--program PROGRAM] [--n KILLS-AT-RANDOM] [--only CASE]

Calls are met with strace's fault injection: the program under test is the one that users run, without a hook, and no
call is missed. Random kills count only if the process was still at work; they are repeated until enough have.
"""

import os
import random
import shutil
import subprocess
import time

from runs import SMALL, Harness, died, differences

CALLS = "rename,renameat,renameat2,fsync,fdatasync"
TASK = ["rdm"]


def cases():
    """Name, command with OUT for the folder, command that goes on, commands that may read in between."""
    train = ["-q", "train", *TASK, *SMALL, "--threads", "1", "--out", "OUT"]
    readers = [["report", "OUT"], ["analyse", "OUT", "learning-curve", "--json"]]
    seeds = ["-q", "train", *TASK, "--seeds", "1..3", *SMALL, "--only", "--out", "OUT"]
    sweep = ["-q", "sweep", *TASK, "--seeds", "1..2", "--set", "policy.units=12,16", "--updates", "40", "--dt", "50",
             "--set", "training.check_every=5", "--set", "training.validation_trials=40", "--out", "OUT"]
    further = {
        name: ["-q", "train", *words, "--threads", "1", "--out", "OUT"]
        for name, words in {
            "gating": ["gating/split-digits", "--updates", "200"],
            "successor": ["successor/ring"],
            "neuronid": ["neuronid/small", "--updates", "6", "--set", "training.check_every=3"],
            "enhancers": ["enhancers/small", "--set", "data.invented=100", "--set", "training.epochs=2"],
        }.items()
    }
    reproduce = ["-q", "reproduce", "successor", "2", "--quick", "--out", "OUT"]
    cascades = ["connectome", "integration", "larva", "--runs", "200", "--out", "OUT"]
    report = ["-q", "connectome", "report", "larva", "--runs", "20", "--nulls", "2", "--excisions", "2", "--seeds", "1", "--out", "OUT"]
    return {
        "train": (train, [*train, "--resume"], readers),
        "train --seeds": (seeds, [*seeds, "--resume"], []),
        "sweep": (sweep, sweep, []),
        "test": (["test", "OUT", "--kind", "activity", "--trials-per-condition", "4"],) * 2 + ([],),
        "import": (["import", "rdm", "weights.safetensors", "--dt", "50", "--set", "policy.units=12", "--set",
                    "value.units=8", "--out", "OUT"],) * 2 + ([],),
        **{name: (command, [*command, "--resume"], [["report", "OUT"]]) for name, command in further.items()},
        "reproduce": (reproduce, reproduce, []),
        "unit cascades": (cascades, cascades, []),
        "connectome report": (report, report, []),
    }


def named(command, folder):
    return [word.replace("OUT", folder) for word in command]


def count_calls(harness, command):
    log = harness.path("calls")
    harness.run(command, before=["strace", "-f", "-qq", "-o", log, "-e", "trace=" + CALLS])
    with open(log, errors="replace") as file:
        return sum(" resumed>" not in line and "(" in line and "+++" not in line for line in file)


def begin(harness, case, folder):
    """The folder as the command finds it."""
    harness.fresh("trained" if case == "test" else None, folder)


def judge(harness, case, what, go_on, readers, reference):
    """Goes on with a killed command and compares its end."""
    for reader in readers:
        code, _, words = harness.run(named(reader, "killed"))
        if died(code, words):
            harness.fault(case, f"{what}, then {reader[0]}", words.decode(errors="replace"))
            return False
    code, _, words = harness.run(named(go_on, "killed"))
    if code == 2 and case == "import" and b"--force" in words:
        code = 0  # it had already come to its end
    differ = differences(harness.path(reference), harness.path("killed"))
    if died(code, words) or code not in (0, 1) or differ:
        harness.fault(case, what, f"exit {code}, differ {differ[:6]} {words.decode(errors='replace')}")
        return False
    return True


def at_every_call(harness, case, command, go_on, readers, reference):
    begin(harness, case, "killed")
    calls = count_calls(harness, named(command, "killed"))
    bad = landed = 0
    for n in range(1, calls + 1):
        begin(harness, case, "killed")
        inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + CALLS, "-e", f"inject={CALLS}:signal=SIGKILL:when={n}"]
        code, _, _ = harness.run(named(command, "killed"), before=inject)
        if code == 0:
            continue  # threads make a few calls more or less
        landed += 1
        bad += not judge(harness, case, f"kill at call {n} of {calls}", go_on, readers, reference)
    harness.keep({"case": case, "kills": "every rename and fsync", "landed": landed, "bad": bad})


def at_random(harness, case, command, go_on, reference, wanted, rng):
    began = time.time()
    begin(harness, case, "killed")
    harness.run(named(command, "killed"))
    took = time.time() - began
    landed = tried = bad = rounds = 0
    while landed < wanted and tried < 4 * wanted:
        begin(harness, case, "killed")
        for kill in range(3):
            words = named(command if kill == 0 else go_on, "killed")
            child = subprocess.Popen([harness.program, *words], cwd=harness.work, env=harness.env, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.02, 0.8) * took)
            tried += 1
            landed += child.poll() is None
            child.kill()
            child.wait()
        rounds += 1
        bad += not judge(harness, case, f"random round {rounds}", go_on, [], reference)
    if landed < wanted:
        harness.fault(case, "random kills", f"only {landed} of {tried} landed mid-work")
    harness.keep({"case": case, "kills": f"random, {tried} tried", "landed": landed, "bad": bad})


def main():
    harness = Harness("kills")
    rng = random.Random(harness.args.seed)
    every = harness.args.n or 210
    harness.run(["-q", "train", *TASK, *SMALL, "--out", "trained"])
    harness.run(["export", "trained", "--safetensors", "weights.safetensors"])
    harness.run(["connectome", "simulate", "larva", "--pairs", "60"])
    all_cases = {name: case for name, case in cases().items() if harness.args.only in name}
    for i, (case, (command, go_on, readers)) in enumerate(all_cases.items()):
        reference = f"reference-{i}"
        begin(harness, case, reference)
        code, _, words = harness.run(named(command, reference))
        if code not in (0, 1):
            harness.fault(case, "undisturbed", words.decode(errors="replace"))
            continue
        at_every_call(harness, case, command, go_on, readers, reference)
        at_random(harness, case, command, go_on, reference, -(-every // len(all_cases)), rng)
    harness.end(seed=harness.args.seed)


if __name__ == "__main__":
    main()
