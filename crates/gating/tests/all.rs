//! Integration tests of the crate, in one binary.

mod cognitive;
mod course;
mod faults;
mod front;
mod golden;
mod masse;
mod recurrent;
mod support;
