//! Probabilities of actions from logits, lane by lane.

use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

vectorised! {
    /// `z` \[actions\]\[L\] from logits to probabilities, in place; the largest logit is taken off first.
    pub fn softmax<F>[R: Real, const L: usize][R, L](z: &mut [R]) {
        let rows = z.as_chunks_mut::<L>().0;
        let mut largest = rows[0];
        for row in rows.iter() {
            for l in 0..L {
                largest[l] = largest[l].larger(row[l]);
            }
        }
        let mut sum = [R::ZERO; L];
        for row in rows.iter_mut() {
            for l in 0..L {
                row[l] = (row[l] - largest[l]).exp::<F>();
                sum[l] += row[l];
            }
        }
        for row in rows.iter_mut() {
            for l in 0..L {
                row[l] /= sum[l];
            }
        }
    }
}
