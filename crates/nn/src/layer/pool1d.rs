//! The largest value of every channel in windows along one axis.

use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

/// Windows of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Positions of a window.
    pub size: usize,
    /// Positions between the beginnings of neighbouring windows.
    pub stride: usize,
    /// Whether windows may hang over both ends, so that every position is in one; the smaller half of what hangs over
    /// is at the beginning.
    pub same: bool,
}

impl Pool {
    /// Number of windows over `positions`.
    ///
    /// ```
    /// use neuropil_nn::layer::pool1d::Pool;
    /// let mut pool = Pool { size: 26, stride: 26, same: false };
    /// assert_eq!(pool.outputs(470), 18);
    /// pool.same = true;
    /// assert_eq!(pool.outputs(470), 19);
    /// ```
    pub fn outputs(self, positions: usize) -> usize {
        if self.same {
            positions.div_ceil(self.stride)
        } else if positions < self.size {
            0
        } else {
            (positions - self.size) / self.stride + 1
        }
    }

    /// Positions of window `p` of those over `positions`.
    pub fn window(self, p: usize, positions: usize) -> std::ops::Range<usize> {
        let over = if self.same {
            ((self.outputs(positions) - 1) * self.stride + self.size).saturating_sub(positions)
        } else {
            0
        };
        let begin = p * self.stride;
        begin.saturating_sub(over / 2)..(begin + self.size - over / 2).min(positions)
    }
}

/// `y` \[window\]\[channels\] of one example from `x` \[position\]\[channels\], and where each was, `at`
/// \[window\]\[channels\]: the first of equal ones.
pub fn forward<R: Real>(pool: Pool, x: &[R], channels: usize, y: &mut [R], at: &mut [u32]) {
    let positions = x.len() / channels;
    for (p, (y, at)) in y
        .chunks_exact_mut(channels)
        .zip(at.chunks_exact_mut(channels))
        .enumerate()
    {
        let window = pool.window(p, positions);
        y.copy_from_slice(&x[window.start * channels..(window.start + 1) * channels]);
        at.fill(window.start as u32);
        let others = window.start + 1..window.end;
        let rows = &x[others.start * channels..others.end * channels];
        take_larger(rows, others.start as u32, y, at);
    }
}

vectorised! {
    /// Takes what is larger in the rows of a window, of which the first is at position `first`.
    fn take_larger<F>[R: Real][R](rows: &[R], first: u32, y: &mut [R], at: &mut [u32]) {
        for (position, row) in (first..).zip(rows.chunks_exact(y.len())) {
            for ((y, at), &x) in y.iter_mut().zip(at.iter_mut()).zip(row) {
                let larger = x > *y;
                *y = if larger { x } else { *y };
                *at = if larger { position } else { *at };
            }
        }
    }
}

/// Adds `dy` \[window\]\[channels\] to `dx` \[position\]\[channels\] where the largest values were.
pub fn backward<R: Real>(dy: &[R], at: &[u32], channels: usize, dx: &mut [R]) {
    for (i, (&dy, &at)) in dy.iter().zip(at).enumerate() {
        dx[at as usize * channels + i % channels] += dy;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_fit_and_windows_that_hang_over() {
        let x: Vec<f64> = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0].to_vec();
        let run = |pool: Pool| {
            let n = pool.outputs(x.len());
            let (mut y, mut at) = (vec![0.0; n], vec![0; n]);
            forward(pool, &x, 1, &mut y, &mut at);
            (y, at)
        };
        let mut pool = Pool {
            size: 3,
            stride: 3,
            same: false,
        };
        assert_eq!(run(pool), (vec![4.0, 9.0], vec![2, 5]));
        pool.same = true;
        // Nine positions, one before and one behind.
        assert_eq!(run(pool), (vec![3.0, 5.0, 9.0], vec![0, 4, 5]));
        let (y, at) = run(Pool {
            size: 3,
            stride: 2,
            same: false,
        });
        assert_eq!((y, at.clone()), (vec![4.0, 5.0, 9.0], vec![2, 4, 5]));
        let mut dx = vec![0.0; 7];
        backward(&[1.0, 10.0, 100.0], &at, 1, &mut dx);
        assert_eq!(dx, [0.0, 0.0, 1.0, 0.0, 10.0, 100.0, 0.0]);
    }
}
