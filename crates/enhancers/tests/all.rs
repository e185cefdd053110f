//! The enhancers system from outside: reference numbers and inputs that users bring. One binary, since each links
//! everything.

mod attribution;
mod faults;
mod golden;
mod invariances;
mod learning;
mod rounds;
mod support;
