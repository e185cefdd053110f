//! An invented system from its settings to its page, through the traits alone.

mod coin;
mod life;
mod sweep;
