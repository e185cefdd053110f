//! What the tests of whole commands share.

/// A run small enough for a test.
pub(crate) const SMALL: &[&str] = &[
    "--only",
    "--dt",
    "50",
    "--set",
    "policy.units=20",
    "--set",
    "value.units=20",
    "--set",
    "training.check_every=5",
    "--set",
    "training.validation_trials=40",
];
