//! The two floating-point types that the engine runs in: `f32` to train, `f64` to prove the same code right.

use crate::simd::Fused;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A real number: `f32` or `f64`.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;

    /// Nearest value.
    fn of(x: f64) -> Self;
    /// Value of a single-precision number.
    fn of32(x: f32) -> Self;
    /// Exact value.
    fn f64(self) -> f64;
    /// a·b + c, rounded once where the machine has the instruction.
    fn fma<F: Fused>(a: Self, b: Self, c: Self) -> Self;
    /// The larger of two numbers (either, if one is NaN).
    fn larger(self, other: Self) -> Self;
    /// The smaller of two numbers (either, if one is NaN).
    fn smaller(self, other: Self) -> Self;
    /// e^x; in `f32` relative error 2.5e-7 + 1.2e-7·|x| for |x| ≤ 41, clamped outside, without a library call.
    fn exp<F: Fused>(self) -> Self;
    /// Two logistic functions 1/(1 + e^−x) for the price of one division.
    fn logistic_pair<F: Fused>(x: Self, y: Self) -> (Self, Self);
    /// Hyperbolic tangent, 2σ(2x) − 1: the absolute error is that of σ.
    #[inline(always)]
    fn tanh<F: Fused>(self) -> Self {
        let half = Self::logistic_pair::<F>(self + self, self + self).0;
        half + half - Self::ONE
    }
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

/// Bound of the exponent of 2: its square still fits an `f32`, and σ saturates at 1e-18.
const MAX_EXPONENT: f32 = 60.0;
/// 1.5·2²³: adding it to |x| < 2²² leaves the nearest whole number in the low bits of the sum.
const ROUNDER: f32 = 12_582_912.0;

/// 2^y for |y| ≤ 60. Minimax polynomial of degree 5 on [−½, ½], relative error 7.5e-8.
#[inline(always)]
fn exp2<F: Fused>(y: f32) -> f32 {
    const C: [f32; 6] = [
        1.000_000_1,
        0.693_146_97,
        0.240_221_2,
        0.055_507_133,
        0.009_675_541,
        0.001_327_646_9,
    ];
    let y = y.larger(-MAX_EXPONENT).smaller(MAX_EXPONENT);
    let shifted = y + ROUNDER;
    let f = y - (shifted - ROUNDER);
    let mut p = C[5];
    p = f32::fma::<F>(p, f, C[4]);
    p = f32::fma::<F>(p, f, C[3]);
    p = f32::fma::<F>(p, f, C[2]);
    p = f32::fma::<F>(p, f, C[1]);
    p = f32::fma::<F>(p, f, C[0]);
    // The low bits of `shifted` are the whole part of y: add it to the exponent of p.
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn of32(x: f32) -> Self {
        x
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn fma<F: Fused>(a: Self, b: Self, c: Self) -> Self {
        if F::FMA { a.mul_add(b, c) } else { a * b + c }
    }
    // `f32::max` treats NaN in a way that costs two instructions more: comparisons map to one.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    #[inline(always)]
    fn exp<F: Fused>(self) -> Self {
        exp2::<F>(self * std::f32::consts::LOG2_E)
    }
    #[inline(always)]
    fn logistic_pair<F: Fused>(x: Self, y: Self) -> (Self, Self) {
        let a = 1.0 + exp2::<F>(x * -std::f32::consts::LOG2_E);
        let b = 1.0 + exp2::<F>(y * -std::f32::consts::LOG2_E);
        let inverse = 1.0 / (a * b);
        (b * inverse, a * inverse)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f32::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn of32(x: f32) -> Self {
        f64::from(x)
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn fma<F: Fused>(a: Self, b: Self, c: Self) -> Self {
        if F::FMA { a.mul_add(b, c) } else { a * b + c }
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    #[inline(always)]
    fn exp<F: Fused>(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn logistic_pair<F: Fused>(x: Self, y: Self) -> (Self, Self) {
        (1.0 / (1.0 + f64::exp(-x)), 1.0 / (1.0 + f64::exp(-y)))
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f64::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f64::abs(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{WithFma, WithoutFma};

    #[test]
    fn fast_exponential_keeps_its_error_bound() {
        for i in -4100..=4100 {
            let x = i as f32 * 0.01;
            let exact = f64::from(x).exp();
            for fast in [Real::exp::<WithFma>(x), Real::exp::<WithoutFma>(x)] {
                // The product x·log2 e is rounded, as is log2 e: the error grows with |x|.
                let bound = 2.5e-7 + 1.2e-7 * f64::from(x).abs();
                assert!(
                    (f64::from(fast) / exact - 1.0).abs() < bound,
                    "exp({x}) = {fast}, not {exact}"
                );
            }
        }
    }

    #[test]
    fn logistic_pair_saturates_without_nan() {
        for x in [-1e30_f32, -200.0, -5.0, 0.0, 0.3, 50.0, 1e30] {
            let (a, b) = f32::logistic_pair::<WithFma>(x, -x);
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(a) - exact).abs() < 3e-7, "σ({x}) = {a}");
            assert!((f64::from(b) - (1.0 - exact)).abs() < 3e-7, "σ(−{x}) = {b}");
        }
    }

    #[test]
    fn tanh_keeps_the_error_of_the_logistic_function() {
        for x in [-1e30_f32, -20.0, -1.5, -1e-3, 0.0, 0.3, 2.0, 1e30] {
            let (fast, exact) = (Real::tanh::<WithFma>(x), f64::from(x).tanh());
            assert!((f64::from(fast) - exact).abs() < 6e-7, "tanh {x} = {fast}");
            assert!((Real::tanh::<WithFma>(f64::from(x)) - exact).abs() < 1e-15);
        }
    }
}
