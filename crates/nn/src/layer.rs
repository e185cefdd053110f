//! Layers without time: pairs of plain functions, one file each.
//!
//! What every file keeps to:
//! - Arrays are slices, row-major, examples first: \[example\]\[feature\], \[example\]\[position\]\[channel\],
//!   \[example\]\[row\]\[column\]\[channel\]. Weights are *from × to*. The first comment of each function gives the shapes.
//! - `forward` writes its result over what is there. `backward` is given what the forward pass saw and the gradient of the
//!   loss with respect to its result, and **adds** to the gradients of input and parameters; whoever does not need that of
//!   the input gives `None`.
//! - No state, no activation inside (the rectifier is a layer of its own, in place): parameters lie in one flat buffer with a [`Layout`](crate::params::Layout), what the
//!   backward pass needs lies with the caller, and randomness comes as a [`Key`](neuropil_math::rng::Key).
//! - Products are [`crate::matmul`]'s, elementwise loops are [`vectorised!`](neuropil_math::simd::vectorised).
//! - The tests hold each pair against sums written as in a textbook, and gradients against
//!   [`check::worst_difference`](crate::check::worst_difference).

pub mod attention;
pub mod conv1d;
pub mod conv2d;
pub mod dense;
pub mod dropout;
pub mod norm;
pub mod pool1d;
pub mod pool2d;
pub mod relu;
