//! Networks as forward and backward passes over flat parameter buffers.

pub mod buffer;
pub mod cell;
pub mod check;
pub mod init;
pub mod layer;
pub mod loss;
pub mod matmul;
pub mod network;
pub mod optim;
pub mod params;
pub mod product;
mod readout;
pub mod softmax;
pub mod synapse;
pub mod ties;
