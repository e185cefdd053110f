//! Laws that durations and continuous factors are drawn from; their parameters are expressions.

use crate::expr::{Expr, ExprError, Known};
use neuropil_math::stats::normal;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, Normal};

/// Share of a law within its bounds above which draws are repeated until one falls there, and below which the law is
/// inverted. Both give the same law; the first is how the published tasks were always drawn.
const LIKELY: f64 = 0.01;

/// A random number: `fixed` + a draw.
#[derive(Clone, Debug)]
pub(crate) struct Law {
    pub(crate) fixed: Expr,
    pub(crate) shape: Shape,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Nothing is drawn.
    Fixed,
    /// In [`bounds[0]`, `bounds[1]`).
    Uniform { bounds: [Expr; 2] },
    /// Truncated to [`min`, `max`).
    Exponential {
        mean: Expr,
        min: Expr,
        max: Option<Expr>,
    },
    /// Truncated to [`min`, `max`).
    Normal {
        mean: Expr,
        sd: Expr,
        min: Option<Expr>,
        max: Option<Expr>,
    },
    /// One of these, equally likely.
    OneOf(Vec<Expr>),
}

impl Law {
    /// Always the value of an expression.
    pub(crate) fn fixed(fixed: Expr) -> Self {
        Self {
            fixed,
            shape: Shape::Fixed,
        }
    }

    fn parameters(&self) -> Vec<&Expr> {
        let mut all = vec![&self.fixed];
        match &self.shape {
            Shape::Fixed => {}
            Shape::Uniform { bounds } => all.extend(bounds),
            Shape::Exponential { mean, min, max } => all.extend([mean, min].into_iter().chain(max)),
            Shape::Normal { mean, sd, min, max } => {
                all.extend([mean, sd].into_iter().chain(min).chain(max));
            }
            Shape::OneOf(values) => all.extend(values),
        }
        all
    }

    /// Does a parameter use a name for whose position `name` holds?
    pub(crate) fn uses(&self, name: impl Fn(usize) -> bool + Copy) -> bool {
        self.parameters().iter().any(|expr| expr.uses(name))
    }

    /// Smallest and largest draw; infinite where there is no bound.
    ///
    /// # Errors
    /// A parameter that is not finite, or not one of such a law.
    pub(crate) fn bounds(&self, known: Known<'_>) -> Result<(f64, f64), ExprError> {
        let number = |expr: &Expr| expr.number(known);
        let or = |expr: &Option<Expr>, otherwise: f64| expr.as_ref().map_or(Ok(otherwise), number);
        let wrong = |message: String, hint: &str| {
            Err(ExprError {
                message,
                hint: Some(hint.to_owned()),
                at: None,
            })
        };
        let fixed = number(&self.fixed)?;
        let (low, high) = match &self.shape {
            Shape::Fixed => (0.0, 0.0),
            Shape::Uniform { bounds: [low, high] } => {
                let (low, high) = (number(low)?, number(high)?);
                if low >= high {
                    let message = format!("uniform from {low} to {high}, expected LOW < HIGH");
                    return wrong(message, "write `{ uniform = [LOW, HIGH] }`");
                }
                (low, high)
            }
            Shape::Exponential { mean, min, max } => {
                let (mean, min, max) = (number(mean)?, number(min)?, or(max, f64::INFINITY)?);
                if mean <= 0.0 || min >= max || min < 0.0 {
                    let message = format!("an exponential of mean {mean} in [{min}, {max})");
                    return wrong(message, "expected a mean > 0 and 0 ≤ `min` < `max`");
                }
                (min, max)
            }
            Shape::Normal { mean, sd, min, max } => {
                let (mean, sd) = (number(mean)?, number(sd)?);
                let (min, max) = (or(min, f64::NEG_INFINITY)?, or(max, f64::INFINITY)?);
                if sd <= 0.0 || min >= max {
                    let message = format!("a normal of mean {mean} and sd {sd} in [{min}, {max})");
                    return wrong(message, "expected an sd > 0 and `min` < `max`");
                }
                (min, max)
            }
            Shape::OneOf(values) => {
                let mut bounds = (f64::INFINITY, f64::NEG_INFINITY);
                for value in values {
                    let x = number(value)?;
                    bounds = (bounds.0.min(x), bounds.1.max(x));
                }
                bounds
            }
        };
        Ok((fixed + low, fixed + high))
    }

    /// A draw; its random part goes through `round`.
    pub(crate) fn draw(&self, known: Known<'_>, round: impl Fn(f64) -> f64, stream: &mut ChaCha8Rng) -> f64 {
        let number = |expr: &Expr| expr.value(known);
        let or = |expr: &Option<Expr>, otherwise: f64| expr.as_ref().map_or(otherwise, number);
        let fixed = number(&self.fixed);
        let drawn = match &self.shape {
            Shape::Fixed => return fixed,
            Shape::Uniform { bounds: [low, high] } => {
                let (low, high) = (number(low), number(high));
                if low < high {
                    stream.random_range(low..high)
                } else {
                    f64::NAN
                }
            }
            Shape::Exponential { mean, min, max } => {
                exponential(number(mean), number(min), or(max, f64::INFINITY), stream)
            }
            Shape::Normal { mean, sd, min, max } => {
                let bounds = (or(min, f64::NEG_INFINITY), or(max, f64::INFINITY));
                truncated_normal(number(mean), number(sd), bounds, stream)
            }
            Shape::OneOf(values) => number(&values[stream.random_range(0..values.len())]),
        };
        fixed + round(drawn)
    }
}

/// An exponential of the given mean, truncated to [`min`, `max`).
fn exponential(mean: f64, min: f64, max: f64, stream: &mut ChaCha8Rng) -> f64 {
    let share = (-min / mean).exp() - (-max / mean).exp();
    if share >= LIKELY
        && let Ok(law) = Exp::new(1.0 / mean)
    {
        loop {
            let x: f64 = law.sample(stream);
            if (min..max).contains(&x) {
                return x;
            }
        }
    }
    // Beyond `min` an exponential is itself again: 1 − e^(−(x − min)/mean) is uniform below its value at `max`.
    let u: f64 = stream.random();
    let below = -(-(max - min) / mean).exp_m1();
    let x = min - mean * (-u * below).ln_1p();
    x.min(max.next_down())
}

/// A normal truncated to [`bounds.0`, `bounds.1`).
fn truncated_normal(mean: f64, sd: f64, bounds: (f64, f64), stream: &mut ChaCha8Rng) -> f64 {
    let (low, high) = ((bounds.0 - mean) / sd, (bounds.1 - mean) / sd);
    // In the lower half both tails are as accurate as they can be.
    let mirrored = low > 0.0;
    let (a, b) = if mirrored { (-high, -low) } else { (low, high) };
    let (from, to) = (normal::cdf(a), normal::cdf(b));
    if to - from >= LIKELY
        && let Ok(law) = Normal::new(mean, sd)
    {
        loop {
            let x: f64 = law.sample(stream);
            if (bounds.0..bounds.1).contains(&x) {
                return x;
            }
        }
    }
    let u: f64 = stream.random();
    let z = normal::quantile(from + u * (to - from));
    let z = if z.is_finite() { z.clamp(a, b) } else { b };
    let x = mean + sd * if mirrored { -z } else { z };
    x.clamp(bounds.0, bounds.1.next_down())
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    fn mean(n: usize, draw: impl Fn(&mut ChaCha8Rng) -> f64) -> f64 {
        let mut stream = Key::new(3).stream(Purpose::Test, 0);
        (0..n).map(|_| draw(&mut stream)).sum::<f64>() / n as f64
    }

    #[test]
    fn windows_that_the_law_hardly_reaches_are_drawn_from_all_the_same() {
        // Of an exponential of mean 10 beyond 200, 2e-9 is left: its mean there is 210.
        let found = mean(20_000, |stream| exponential(10.0, 200.0, 300.0, stream));
        assert!((found - 210.0).abs() < 0.5, "{found}");
        let found = mean(20_000, |stream| exponential(1e-300, 0.0, 1.0, stream));
        assert!((0.0..1e-290).contains(&found), "{found}");
        // Beyond 5 sd the mean of a normal is φ(5)/Φ(−5) = 5.186504.
        for side in [1.0, -1.0] {
            let bounds = if side > 0.0 {
                (5.0, f64::INFINITY)
            } else {
                (f64::NEG_INFINITY, -5.0)
            };
            let found = mean(20_000, |stream| truncated_normal(0.0, 1.0, bounds, stream));
            assert!((found * side - 5.186_504).abs() < 0.01, "{found}");
        }
        let far = mean(100, |stream| truncated_normal(0.0, 1.0, (60.0, 61.0), stream));
        assert!((60.0..61.0).contains(&far), "{far}");
    }

    #[test]
    fn both_ways_of_drawing_have_the_same_law() {
        // Just above and just below the share at which the way changes, the mean beyond `min` is min + mean.
        for min in [45.0, 47.0] {
            let found = mean(50_000, |stream| exponential(10.0, min, f64::INFINITY, stream));
            assert!((found - min - 10.0).abs() < 0.25, "{min}: {found}");
        }
    }
}
