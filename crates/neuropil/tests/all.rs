//! The command as its users run it. One binary, since each links everything.

mod architecture;
mod bad_input;
mod circles;
mod connectome;
mod keeping;
mod pipes;
mod runs;
mod support;
mod transfer;
mod wiring;
