//! Integration tests of the crate, in one binary.

mod brought;
mod cognitive;
mod course;
mod faults;
mod front;
mod golden;
mod masse;
mod recurrent;
mod reproduction;
mod support;
