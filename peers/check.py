"""Checks the peers against the reference gradients: `python check.py DIR` with DIR holding net_*.json.

What is compared for speed has to compute the same thing.
"""

import glob
import json
import sys

import numpy as np

import song_jax
import song_torch

NAMES = dict(zip(("x0", "Win", "bin", "Wrec_gates", "Wrec", "Wout", "bout"), song_torch.ARRAYS))


def case_of(reference):
    config = reference["config"]
    plain = (
        config["value_input"] == "lagged" and config["value_type"] == "gru"
        and not any(config[name] for name in ("L2_r", "L1_Wrec", "L2_Wrec"))
    )
    if not plain:
        return None
    arrays = lambda part: {NAMES[name]: np.asarray(value) for name, value in (reference[part] or {}).items()}
    array = lambda name: np.asarray(reference[name])
    return {
        "policy": arrays("policy_params"), "policy_masks": arrays("policy_masks"),
        "value": arrays("value_params"), "value_masks": arrays("value_masks"),
        "alpha": config["alpha"], "immediate": config["t0_return"] == "immediate", "inputs": array("U")[:-1],
        "noise": array("Q")[:-1], "value_noise": array("Qv")[:-1],
        "actions": np.maximum(array("actions"), 0), "rewards": array("R_discounted"), "mask": array("M"),
    }  # fmt: skip


def main(folder):
    checked, worst = 0, 0.0
    for path in sorted(glob.glob(f"{folder}/net_*.json")):
        reference = json.load(open(path))
        case = case_of(reference)
        if case is None:
            continue
        expected = reference["expected"]
        for peer in (song_torch, song_jax):
            policy_loss, value_loss, *gradients = peer.gradients(case)
            errors = [abs(policy_loss - expected["policy_loss"]), abs(value_loss - expected["value_loss"])]
            for found, part in zip(gradients, ("policy_grads", "value_grads")):
                for name, value in expected[part].items():
                    value = np.asarray(value)
                    errors.append(np.abs(np.asarray(found[NAMES[name]]) - value).max() / max(np.abs(value).max(), 1e-12))
            print(f"{peer.__name__:11} {reference['name']:28} largest error {max(errors):.1e}")
            worst, checked = max(worst, *errors), checked + 1
    if not checked:
        sys.exit(f"{folder} holds no reference that the peers cover")
    if worst > 1e-9:
        sys.exit("the peers do not compute what neuropil computes")


if __name__ == "__main__":
    main(*sys.argv[1:])
