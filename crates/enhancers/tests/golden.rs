//! Reference numbers of R's phylolm, NumPy, PyTorch and scikit-learn.

mod association;
mod cnn;
mod metrics;
mod regression;
mod sequences;
