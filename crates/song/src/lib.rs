//! Reward-based training of recurrent networks (Song, Yang and Wang 2017).

pub mod analysis;
pub mod behaviour;
