//! Task files: draws, messages, golden tables. One binary, since each links everything.

mod bad_input;
mod draws;
mod extends;
mod golden;
mod language;
