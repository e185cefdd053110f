//! The connectome system from outside: golden values and limits. One binary, since each links everything.

mod golden;
mod limits;
