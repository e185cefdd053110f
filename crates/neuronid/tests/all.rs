//! The neuronid system against reference numbers.

mod faults;
mod golden;
