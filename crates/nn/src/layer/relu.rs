//! The rectifier y = max(x, 0), in place.

use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;

vectorised! {
    /// `x` to `y` in its place.
    ///
    /// ```
    /// let mut x = [-1.0_f32, 2.0];
    /// neuropil_nn::layer::relu::forward(&mut x);
    /// assert_eq!(x, [0.0, 2.0]);
    /// ```
    pub fn forward<F>[R: Real][R](x: &mut [R]) {
        for x in x.iter_mut() {
            *x = x.larger(R::ZERO);
        }
    }
}

vectorised! {
    /// The gradient of `y` to that of `x` in its place, times `factor`: what came out as 0 passes nothing.
    pub fn backward<F>[R: Real][R](y: &[R], factor: R, dy: &mut [R]) {
        for (dy, &y) in dy.iter_mut().zip(y) {
            *dy = if y > R::ZERO { *dy * factor } else { R::ZERO };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_pass_where_something_came_out() {
        let mut x = [-1.0, 0.5, 0.0, 3.0];
        forward(&mut x);
        assert_eq!(x, [0.0, 0.5, 0.0, 3.0]);
        let mut dy = [1.0, 2.0, 3.0, -4.0];
        backward(&x, 2.0, &mut dy);
        assert_eq!(dy, [0.0, 4.0, 0.0, -8.0]);
    }
}
