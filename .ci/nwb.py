"""Checks an exported session: python nwb.py FILE.nwb FILE.npz"""

import sys

import numpy as np
import pynwb
from nwbinspector import Importance, inspect_nwbfile

nwb, npz = sys.argv[1:]
errors = pynwb.validate(path=nwb)
errors = errors[0] if isinstance(errors, tuple) else errors
assert not errors, errors

arrays = np.load(npz)
with pynwb.NWBHDF5IO(nwb, "r") as io:
    session = io.read()
    trials = session.trials.to_dataframe()
    assert len(trials) == len(arrays["reward"])
    np.testing.assert_allclose(trials["reward"], arrays["reward"], rtol=1e-6)
    np.testing.assert_allclose(trials["coherence"], arrays["cond_coherence"], rtol=1e-6)
    assert set(trials["wager"]) == {"yes", "no"}
    assert trials["chosen"].dtype == bool, trials["chosen"].dtype
    rates = session.processing["misc"]["rates"]
    kept = arrays["n_steps"]
    assert rates.data.shape == (kept.sum(), arrays["rates"].shape[2])
    laid = np.concatenate([arrays["rates"][k, :n] for k, n in enumerate(kept)])
    np.testing.assert_array_equal(rates.data[:], laid)
    # A trial begins at the sample that its start time says.
    first = np.round(trials["start_time"] * rates.rate).astype(int)
    np.testing.assert_array_equal(first, np.concatenate([[0], np.cumsum(kept)[:-1]]))
    assert session.stimulus["inputs"].data.shape[1] == arrays["inputs"].shape[2]
    assert session.subject is None, "no animal is claimed"

# That there is no subject is what the archive objects to; networks have none.
found = [m for m in inspect_nwbfile(nwbfile_path=nwb, importance_threshold=Importance.BEST_PRACTICE_VIOLATION)]
found = [m for m in found if m.check_function_name != "check_subject_exists"]
assert not found, [(m.check_function_name, m.object_name, m.message) for m in found]
print(f"{len(trials)} trials and {laid.shape[0]} × {laid.shape[1]} rates agree; valid NWB")
