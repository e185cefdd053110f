//! Exponentials of many values at once, in a form that compilers turn into vector instructions.

use crate::real::Real;
use crate::simd::Fused;

/// 1.5 · 2⁵²: added, it leaves the whole part in the last bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// eˣ for every lane, relative error below 3e-16; below −708 it is 3e-308, above 709 it is 8e307.
///
/// Products and sums are rounded one by one, so that every machine gives the same bits: searches that stop early turn a last
/// bit into another result.
///
/// ```
/// use neuropil_math::exponential::exp;
///
/// assert_eq!(exp([0.0, -1e9]), [1.0, exp([-708.0])[0]]);
/// ```
#[inline(always)]
pub fn exp<const L: usize>(x: [f64; L]) -> [f64; L] {
    // Taylor to degree 13 on |r| ≤ ln 2 / 2 after the integer part of x / ln 2 is taken into the exponent.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const C: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    let mut out = [0.0; L];
    for l in 0..L {
        let x = x[l].clamp(-708.0, 709.0);
        let shifted = x * std::f64::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = (x - k * LN2_HIGH) - k * LN2_LOW;
        let mut p = C[0];
        for &c in &C[1..] {
            p = p * r + c;
        }
        let m = 1.0 + (r + r * r * p);
        let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023_u64 << 52));
        out[l] = m * power;
    }
    out
}

/// 2ˣ for every lane, relative error below 4e-16; below −1022 it is 2e-308, above 1023 it is 9e307.
///
/// Half the work of [`exp`] where products and sums may be one instruction; last bits differ from machine to machine.
///
/// ```
/// use neuropil_math::{exponential::exp2, simd::WithoutFma};
///
/// assert_eq!(exp2::<WithoutFma, 3>([0.0, 3.0, -1.0]), [1.0, 8.0, 0.5]);
/// ```
#[inline(always)]
pub fn exp2<F: Fused, const L: usize>(x: [f64; L]) -> [f64; L] {
    // The polynomial of degree 10 that meets 2ʳ at the Chebyshev points of |r| ≤ 1/2; the whole part goes into the exponent.
    const C: [f64; 10] = [
        1.020_869_029_995_830_6e-7,
        1.321_544_258_792_169e-6,
        1.525_265_726_020_083_7e-5,
        1.540_353_044_173_605e-4,
        1.333_355_823_016_497_4e-3,
        9.618_129_107_606_888e-3,
        5.550_410_866_444_772e-2,
        2.402_265_069_591_009_7e-1,
        6.931_471_805_599_5e-1,
        1.0,
    ];
    let mut out = [0.0; L];
    for l in 0..L {
        let x = x[l].clamp(-1022.0, 1023.0);
        let shifted = x + ROUND;
        let r = x - (shifted - ROUND);
        let mut p = 7.072_585_949_269_223e-9;
        for c in C {
            p = f64::fma::<F>(p, r, c);
        }
        out[l] = f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{WithFma, WithoutFma};

    #[test]
    fn powers_of_two_agree_with_the_library() {
        for i in -10_210..10_230 {
            let x = f64::from(i) * 0.1 + 0.003;
            for ours in [exp2::<WithFma, 1>([x])[0], exp2::<WithoutFma, 1>([x])[0]] {
                assert!((ours / x.exp2() - 1.0).abs() < 6e-16, "{x}: {ours} {}", x.exp2());
            }
        }
        assert!(exp2::<WithoutFma, 1>([-1e300])[0] < 1e-300 && exp2::<WithoutFma, 1>([f64::NAN])[0].is_nan());
    }

    #[test]
    fn agrees_with_the_library() {
        for i in -7000..7080 {
            let x = f64::from(i) * 0.1 + 0.003;
            let [ours] = exp([x]);
            assert!((ours / x.exp() - 1.0).abs() < 4e-16, "{x}: {ours} {}", x.exp());
        }
        assert_eq!(exp([0.0]), [1.0]);
        assert!(exp([-1e300])[0] < 1e-300 && exp([f64::NAN])[0].is_nan());
    }
}
