//! The linear read-out z = r W_out + b_out and its gradient.

use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

vectorised! {
    /// `z` \[outputs\]\[L\] from `r` \[units\]\[L\], `w` \[units\]\[outputs\] and `b` \[outputs\].
    pub(crate) fn forward<F>[R: Real, const L: usize][R, L](r: &[R], w: &[R], b: &[R], z: &mut [R]) {
        let outputs = b.len();
        let r = r.as_chunks::<L>().0;
        for (o, z) in z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
            // Four partial sums hide the latency of the additions.
            let mut sum = [[R::ZERO; L]; 4];
            let (quads, rest) = r.as_chunks::<4>();
            for (q, quad) in quads.iter().enumerate() {
                for k in 0..4 {
                    let weight = w[(4 * q + k) * outputs + o];
                    for l in 0..L {
                        sum[k][l] = R::fma::<F>(weight, quad[k][l], sum[k][l]);
                    }
                }
            }
            for (k, row) in rest.iter().enumerate() {
                let weight = w[(4 * quads.len() + k) * outputs + o];
                for l in 0..L {
                    sum[0][l] = R::fma::<F>(weight, row[l], sum[0][l]);
                }
            }
            for l in 0..L {
                z[l] = (sum[0][l] + sum[1][l]) + (sum[2][l] + sum[3][l]) + b[o];
            }
        }
    }
}

vectorised! {
    /// Adds the read-out's gradient: to `dr` \[units\]\[L\], and lane by lane to `dw` \[units\]\[outputs\]\[L\] and
    /// `db` \[outputs\]\[L\].
    ///
    /// The read-out saw max(`floor`, x).
    pub(crate) fn backward<F>[R: Real, const L: usize][R, L](
        x: &[R], floor: R, w: &[R], dz: &[R], dr: &mut [R], dw: &mut [R], db: &mut [R],
    ) {
        let dz = dz.as_chunks::<L>().0;
        let outputs = dz.len();
        for (db, dz) in db.as_chunks_mut::<L>().0.iter_mut().zip(dz) {
            for l in 0..L {
                db[l] += dz[l];
            }
        }
        let rows = x.as_chunks::<L>().0.iter().zip(dr.as_chunks_mut::<L>().0);
        let weights = w.chunks_exact(outputs).zip(dw.as_chunks_mut::<L>().0.chunks_exact_mut(outputs));
        for ((x, dr), (w, dw)) in rows.zip(weights) {
            let mut sum = *dr;
            let mut r = *x;
            for l in 0..L {
                r[l] = r[l].larger(floor);
            }
            for o in 0..outputs {
                for l in 0..L {
                    sum[l] = R::fma::<F>(w[o], dz[o][l], sum[l]);
                    dw[o][l] = R::fma::<F>(r[l], dz[o][l], dw[o][l]);
                }
            }
            *dr = sum;
        }
    }
}
