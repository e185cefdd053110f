//! Bulk noise: one small generator per lane, all lanes advanced together.
//!
//! A lane is a trial. Its stream is seeded from the trial's key alone, so what a trial receives depends neither
//! on the lane it sits in nor on its neighbours. The generator is xoshiro128++ (Blackman & Vigna, ACM Trans.
//! Math. Softw. 47, 36 (2021)); normals come from the Box–Muller transform with polynomial logarithm, sine and
//! cosine, written so that compilers turn the lane loop into vector instructions.

use crate::real::Real;
use crate::rng::{Key, Purpose};
use crate::simd::{Fused, vectorised};

/// `L` independent streams of uniform and normal numbers.
#[derive(Clone, Debug)]
pub struct NoiseLanes<const L: usize> {
    state: [[u32; L]; 4],
}

impl<const L: usize> NoiseLanes<L> {
    /// Streams `trials[lane]` of `purpose` under `key`; lanes beyond the given trials get streams nobody reads.
    pub fn new(key: Key, purpose: Purpose, trials: &[u64]) -> Self {
        let mut lanes = Self { state: [[0; L]; 4] };
        for lane in 0..L {
            lanes.seat(lane, key, purpose, trials.get(lane).copied().unwrap_or(u64::MAX));
        }
        lanes
    }

    /// From now on `lane` draws the stream `trial` of `purpose` under `key`, from its beginning.
    pub fn seat(&mut self, lane: usize, key: Key, purpose: Purpose, trial: u64) {
        let seed = key.lane_seed(purpose, trial);
        for (word, bits) in self.state.iter_mut().zip(seed) {
            word[lane] = bits;
        }
    }

    /// One uniform number in (0, 1) per lane, on a grid of 2⁻²⁴ shifted by half a step.
    #[inline(always)]
    pub fn uniform(&mut self) -> [f32; L] {
        let mut state = self.state;
        let bits = next(&mut state);
        self.state = state;
        bits.map(unit)
    }

    /// Fills `out`, shaped \[rows\]\[L\], with normal numbers of standard deviation `sd` (mean 0); with `sd` 0
    /// nothing is drawn.
    ///
    /// # Panics
    /// When `out` is not a whole number of rows.
    pub fn fill_normal<R: Real>(&mut self, sd: f64, out: &mut [R]) {
        assert_eq!(out.len() % L, 0, "noise needs whole rows of {L} lanes");
        if sd > 0.0 {
            fill_normal(&mut self.state, sd as f32, out);
        } else {
            out.fill(R::ZERO);
        }
    }
}

/// Advances every lane by one xoshiro128++ step.
#[inline(always)]
fn next<const L: usize>(state: &mut [[u32; L]; 4]) -> [u32; L] {
    let mut out = [0; L];
    let [s0, s1, s2, s3] = state;
    for l in 0..L {
        out[l] = s0[l].wrapping_add(s3[l]).rotate_left(7).wrapping_add(s0[l]);
        let t = s1[l] << 9;
        s2[l] ^= s0[l];
        s3[l] ^= s1[l];
        s1[l] ^= s2[l];
        s0[l] ^= s3[l];
        s2[l] ^= t;
        s3[l] = s3[l].rotate_left(11);
    }
    out
}

/// Top 24 bits to (0, 1]; never 0, so that a logarithm can follow.
#[inline(always)]
fn unit(bits: u32) -> f32 {
    ((bits >> 8) as i32 as f32 + 0.5) * (1.0 / 16_777_216.0)
}

/// Natural logarithm on (0, 1], absolute error below 2e-7.
#[inline(always)]
fn log<F: Fused>(x: f32) -> f32 {
    const C: [f32; 8] = [
        0.999_999_9,
        -0.500_003_44,
        0.333_356_08,
        -0.249_715_6,
        0.198_842_4,
        -0.172_124_37,
        0.163_381_17,
        -0.103_786_424,
    ];
    // x = 2^e · m with m in [√½, √2): shift the bits so that the exponent rounds at √½.
    const SQRT_HALF: u32 = 0x3F35_04F3;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (shifted as i32 >> 23) as f32;
    let f = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(SQRT_HALF)) - 1.0;
    let mut p = C[7];
    for &c in C[..7].iter().rev() {
        p = f32::fma::<F>(p, f, c);
    }
    f32::fma::<F>(exponent, std::f32::consts::LN_2, p * f)
}

/// cos(πx/2) and sin(πx/2) for |x| ≤ ½, absolute errors below 3e-8.
#[inline(always)]
fn cos_sin<F: Fused>(x: f32) -> (f32, f32) {
    let z = x * x;
    let mut c = f32::fma::<F>(-0.020_408_353, z, 0.253_598_64);
    c = f32::fma::<F>(c, z, -1.233_697);
    c = f32::fma::<F>(c, z, 1.0);
    let mut s = f32::fma::<F>(-0.004_602_177, z, 0.079_680_23);
    s = f32::fma::<F>(s, z, -0.645_963_5);
    s = f32::fma::<F>(s, z, std::f32::consts::FRAC_PI_2);
    (c, s * x)
}

/// Box–Muller pairs of every lane. Second draw: 24 bits for the angle within a quarter circle, then one bit each
/// to exchange sine and cosine and for the two signs, which together reach the whole circle evenly.
#[inline(always)]
fn pair<F: Fused, const L: usize>(state: &mut [[u32; L]; 4], sd: f32) -> ([f32; L], [f32; L]) {
    let (radius, angle) = (next(state), next(state));
    let (mut first, mut second) = ([0.0; L], [0.0; L]);
    for l in 0..L {
        let r = (-2.0 * log::<F>(unit(radius[l]))).sqrt() * sd;
        let (c, s) = cos_sin::<F>(unit(angle[l]) - 0.5);
        let exchange = angle[l] & 4 != 0;
        let (a, b) = if exchange { (s, c) } else { (c, s) };
        first[l] = r * f32::from_bits(a.to_bits() ^ (angle[l] & 1) << 31);
        second[l] = r * f32::from_bits(b.to_bits() ^ (angle[l] & 2) << 30);
    }
    (first, second)
}

vectorised! {
    fn fill_normal<F>[R: Real, const L: usize][R, L](lanes: &mut [[u32; L]; 4], sd: f32, out: &mut [R]) {
        let mut state = *lanes;
        for rows in out.chunks_mut(2 * L) {
            let (first, second) = pair::<F, L>(&mut state, sd);
            let (head, tail) = rows.split_at_mut(L);
            for (out, &z) in head.iter_mut().zip(&first) {
                *out = R::of32(z);
            }
            for (out, &z) in tail.iter_mut().zip(&second) {
                *out = R::of32(z);
            }
        }
        *lanes = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANES: usize = 8;

    fn draw(rows: usize) -> Vec<f32> {
        let trials: Vec<u64> = (0..LANES as u64).collect();
        let mut noise = NoiseLanes::<LANES>::new(Key::new(7), Purpose::Test, &trials);
        let mut out = vec![0.0_f32; rows * LANES];
        noise.fill_normal(1.0, &mut out);
        out
    }

    #[test]
    fn moments_and_tails_are_normal() {
        let z = draw(200_000);
        let n = z.len() as f64;
        let moment = |k: i32| z.iter().map(|&z| f64::from(z).powi(k)).sum::<f64>() / n;
        // Standard errors of the sample moments of a normal law: 1/√n, √(2/n), √(15/n), √(96/n).
        assert!(moment(1).abs() < 5.0 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!(moment(3).abs() < 5.0 * (15.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
        for (bound, tail) in [
            (1.0, 0.317_310_5),
            (2.0, 0.045_500_26),
            (3.0, 0.002_699_8),
            (4.0, 6.334e-5),
        ] {
            let found = z.iter().filter(|z| z.abs() > bound).count() as f64 / n;
            assert!(
                (found - tail).abs() < 5.0 * (tail / n).sqrt(),
                "P(|z| > {bound}) = {found}"
            );
        }
    }

    #[test]
    fn distribution_passes_kolmogorov_smirnov() {
        let mut z: Vec<f64> = draw(25_000).into_iter().map(f64::from).collect();
        z.sort_by(f64::total_cmp);
        let normal = statrs::distribution::Normal::new(0.0, 1.0).expect("unit normal");
        let n = z.len() as f64;
        let largest = z.iter().enumerate().fold(0.0_f64, |d, (i, &z)| {
            let p = statrs::distribution::ContinuousCDF::cdf(&normal, z);
            d.max((p - i as f64 / n).abs())
                .max((p - (i + 1) as f64 / n).abs())
        });
        assert!(
            largest * n.sqrt() < 2.2,
            "√n·D = {}, p < 1e-4",
            largest * n.sqrt()
        );
    }

    #[test]
    fn rows_lanes_and_pairs_are_uncorrelated() {
        let z = draw(100_000);
        let n = 99_000;
        for (row, lane) in [(1, 0), (2, 0), (3, 0), (4, 0), (0, 1), (1, 1), (0, 5)] {
            let lag = row * LANES + lane;
            let product = |i: usize| f64::from(z[i * LANES]) * f64::from(z[i * LANES + lag]);
            let squares = |i: usize| {
                (f64::from(z[i * LANES]).powi(2) - 1.0) * (f64::from(z[i * LANES + lag]).powi(2) - 1.0)
            };
            let r = (0..n).map(product).sum::<f64>() / (n as f64).sqrt();
            let r2 = (0..n).map(squares).sum::<f64>() / (2.0 * (n as f64).sqrt());
            assert!(
                r.abs() < 5.0 && r2.abs() < 6.0,
                "lag ({row}, {lane}): z = {r}, of squares {r2}"
            );
        }
    }

    #[test]
    fn a_trial_receives_the_same_noise_in_any_lane_and_any_width() {
        let mut wide =
            NoiseLanes::<16>::new(Key::new(3), Purpose::PolicyNoise, &[4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let mut narrow = NoiseLanes::<8>::new(Key::new(3), Purpose::PolicyNoise, &[12, 4]);
        let (mut a, mut b) = (vec![0.0_f32; 5 * 16], vec![0.0_f32; 5 * 8]);
        for _ in 0..3 {
            wide.fill_normal(0.5, &mut a);
            narrow.fill_normal(0.5, &mut b);
            for row in 0..5 {
                assert_eq!(a[row * 16 + 8], b[row * 8]);
                assert_eq!(a[row * 16], b[row * 8 + 1]);
            }
        }
    }

    #[test]
    fn uniforms_are_uniform() {
        let trials: Vec<u64> = (0..16).collect();
        let mut noise = NoiseLanes::<16>::new(Key::new(1), Purpose::Action, &trials);
        let mut counts = [0_u32; 20];
        for _ in 0..20_000 {
            for u in noise.uniform() {
                assert!(u > 0.0 && u <= 1.0);
                counts[((u * 20.0) as usize).min(19)] += 1;
            }
        }
        let expected = 16_000.0;
        let chi2: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - expected).powi(2) / expected)
            .sum();
        assert!(chi2 < 62.0, "χ²(19) = {chi2}, p < 2e-6");
    }
}
