//! Numbers aligned to cache lines.

use neuropil_math::real::Real;
use std::ops::{Deref, DerefMut};

const LINE: usize = 64;

/// A fixed-length array whose first number starts a 64-byte cache line, so that no vector straddles two.
#[derive(Debug)]
pub struct Buffer<R> {
    storage: Vec<R>,
    start: usize,
    len: usize,
}

impl<R: Real> Buffer<R> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let storage = vec![R::ZERO; len + LINE / size_of::<R>()];
        let start = storage.as_ptr().align_offset(LINE);
        assert!(start + len <= storage.len(), "numbers divide a cache line evenly");
        Self { storage, start, len }
    }
}

impl<R: Real> Default for Buffer<R> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<R: Real> Clone for Buffer<R> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<R> Deref for Buffer<R> {
    type Target = [R];
    fn deref(&self) -> &[R] {
        &self.storage[self.start..][..self.len]
    }
}

impl<R> DerefMut for Buffer<R> {
    fn deref_mut(&mut self) -> &mut [R] {
        &mut self.storage[self.start..][..self.len]
    }
}
