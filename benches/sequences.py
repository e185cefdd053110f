"""A merged sweep of a sequence of tasks as a stored result: means, 95 % intervals, and methods beside each other, seed by seed.

    neuropil sweep gating/permuted-digits --seeds 1..5 --set method=none,si,xdg,xdg+si --set stabilise.strength=0.5 --out digits
    neuropil sweep merge digits
    python benches/sequences.py digits benches/results/gating-permuted-digits.json

Reads FOLDER/table.json. Writes OUT.json and OUT.md beside it. Only combinations whose runs are all finished are compared.
"""
import json, pathlib, statistics, sys

folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
table = json.loads((folder / "table.json").read_text())
MEASURES = {"average_accuracy": "mean over tasks, %", "first_task": "first task, %", "newest_task": "newest task, %",
            "forgetting": "forgetting"}
# Student's t at 0.975, by degrees of freedom.
T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def interval(values):
    mean = statistics.mean(values)
    if len(values) < 2:
        return mean, None, None
    half = T[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    return mean, mean - half, mean + half


def shown(mean, low, high, digits):
    return f"{mean:.{digits}f}" + ("" if low is None else f" ({low:.{digits}f} to {high:.{digits}f})")


cells = {}
for run in table["runs"]:
    name = ", ".join(str(value) for value in run["settings"].values())
    cells.setdefault(name, {})[run["seed"]] = run["measures"]
rows, lines = [], []
lines.append("| " + " | ".join(["settings", "seeds", *MEASURES.values()]) + " |")
lines.append("|---" * (2 + len(MEASURES)) + "|")
for name, seeds in cells.items():
    row = {"settings": name, "seeds": sorted(seeds)}
    texts = []
    for key in MEASURES:
        values = [seeds[seed][key] for seed in sorted(seeds)]
        found = interval(values)
        row[key] = {"values": values, "mean": found[0], "interval": found[1:]}
        texts.append(shown(*found, 3 if key == "forgetting" else 1))
    rows.append(row)
    lines.append(f"| {name} | {len(seeds)} | " + " | ".join(texts) + " |")
lines += ["", "| better | than | mean difference, points (95 % interval) | seeds in which it is |", "|---|---|---|---|"]
pairs = []
names = list(cells)
for better, worse in [(b, w) for i, w in enumerate(names) for b in names[i + 1:]]:
    seeds = sorted(set(cells[better]) & set(cells[worse]))
    if not seeds:
        continue
    gaps = [cells[better][s]["average_accuracy"] - cells[worse][s]["average_accuracy"] for s in seeds]
    found = interval(gaps)
    pairs.append({"better": better, "worse": worse, "gaps": gaps, "mean": found[0], "interval": found[1:]})
    lines.append(f"| {better} | {worse} | {shown(*found, 1)} | {sum(g > 0 for g in gaps)} of {len(gaps)} |")
lines += ["", "95 % intervals are Student's t over seeds."]
text = "\n".join(lines) + "\n"
print(text)
out.write_text(json.dumps({"experiment": table["experiment"], "rows": rows, "pairs": pairs}, indent=1) + "\n")
out.with_suffix(".md").write_text(text)
