//! The successor system from outside. One binary, since each links everything.

mod faults;
mod forms;
mod golden;
mod runs;
