//! Networks as forward and backward passes over flat parameter buffers.

pub mod adam;
pub mod buffer;
pub mod cell;
pub mod init;
pub mod network;
pub mod params;
pub mod product;
mod readout;
pub mod softmax;
pub mod ties;
