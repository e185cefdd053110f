//! Numbers aligned to cache lines.

use neuropil_math::real::Real;
use std::any::Any;
use std::cell::RefCell;
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

thread_local! {
    /// What this thread has borrowed and given back, the outermost last.
    static SPARE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `len` numbers of any value to `work`: networks ask for the same room layer after layer, and fresh memory would cost
/// as much as packing a matrix. Work within work gets room of its own.
///
/// ```
/// use neuropil_nn::buffer::lend;
/// let sum = lend(3, |room: &mut [f32]| {
///     room.fill(1.0);
///     room.iter().sum::<f32>()
/// });
/// assert_eq!(sum, 3.0);
/// ```
pub fn lend<R: Real, T>(len: usize, work: impl FnOnce(&mut [R]) -> T) -> T {
    let kept = SPARE
        .with_borrow_mut(Vec::pop)
        .and_then(|kept| kept.downcast::<Buffer<R>>().ok());
    let mut room = kept
        .filter(|kept| kept.len() >= len)
        .unwrap_or_else(|| Box::new(Buffer::zeros(len)));
    let done = work(&mut room[..len]);
    SPARE.with_borrow_mut(|spare| spare.push(room));
    done
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
