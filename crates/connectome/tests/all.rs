//! The connectome system from outside: golden values, limits, files as users bring them, damaged files. One binary, since each links everything.

mod bad_input;
mod brought;
mod forms;
mod golden;
mod limits;
mod mutation;
