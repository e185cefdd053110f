//! Learning loops from outside. One binary, since each links everything.

mod actor_critic;
mod continuous;
mod course;
mod curriculum;
mod objective;
mod restart;
mod supervised;
mod support;
mod value_input;
