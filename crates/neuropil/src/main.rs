//! The `neuropil` command.

fn main() {}
