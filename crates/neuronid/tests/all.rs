//! The neuronid system against reference numbers.

mod faults;
mod golden;
mod matching;
mod readers;
mod training;
