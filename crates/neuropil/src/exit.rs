//! How the command ends when it does not simply end.

/// The run finished, but a check that was asked for failed.
pub(crate) const CHECK_FAILED: u8 = 1;
/// Bad input or usage.
pub(crate) const BAD_INPUT: u8 = 2;
