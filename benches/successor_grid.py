"""The whole grid of figures 5 and 6 of Fang et al. 2023 as a sweep: 260 features, three gains, two models, ten walks.

    python benches/successor_grid.py > grid.toml
    neuropil sweep grid.toml --out grid          # 15 600 runs; `--slurm` on a cluster; goes on where it stopped
    neuropil sweep merge grid
    neuropil successor figure 5 --sweep grid     # maps of every gain, both models
"""

# Blur σ in bins and the largest initial sparsity p of its row (crates/successor/src/fang2023.rs).
ROWS = [
    (0.0, 0.2), (0.25, 0.19), (0.5, 0.15), (1.0, 0.1), (1.25, 0.09), (1.5, 0.05), (1.75, 0.045),
    (2.0, 0.04), (2.25, 0.037), (2.5, 0.03), (2.75, 0.025), (3.0, 0.023), (3.25, 0.021),
]  # fmt: skip
LEAST, POINTS = 0.001, 20
GAINS = [0.4, 0.6, 0.75]

print('experiment = "successor/features"\nseeds = "1..10"\n\n[grid]\nmodel.kind = ["rnn-s", "ff-td"]')
for gain in GAINS:
    for sigma, most in ROWS:
        for point in range(POINTS):
            p = LEAST + (most - LEAST) * point / (POINTS - 1)
            print(f"\n[[list]]\nmodel = {{ gain = {gain}, retrieval_gain = {gain},", end=" ")
            print(f"features = {{ sigma = {sigma}, p = {p:.6g} }} }}")
