//! Networks against finite differences. One binary, since each links everything.

mod gradients;
mod textbook;
