//! Networks as forward and backward passes over flat parameter buffers.
