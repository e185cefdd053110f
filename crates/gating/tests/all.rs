//! Integration tests of the crate, in one binary.

mod course;
mod faults;
mod golden;
mod support;
