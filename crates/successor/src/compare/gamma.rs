//! Gamma laws of field sizes, by maximum likelihood.

use crate::error::SuccessorError;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

/// Which gamma law is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GammaFit {
    /// Shape and scale; location 0, as the recorded sizes were fitted.
    #[default]
    Location0,
    /// Shape, scale and location, of which the location is then dropped, as the models' sizes were fitted in the paper.
    /// The likelihood has no maximum: for a shape below 1 it grows without bound as the location nears the least size.
    Reference,
}

/// A gamma law with location 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GammaLaw {
    /// k
    pub shape: f64,
    /// θ
    pub scale: f64,
}

impl GammaLaw {
    /// Fits positive values.
    ///
    /// # Errors
    /// Fewer than two values, one that is not positive, or all alike: the likelihood then grows without bound.
    pub fn fit(values: &[f64], fit: GammaFit) -> Result<Self, SuccessorError> {
        let n = values.len();
        if n < 2 {
            return Err(SuccessorError::question(
                format!("{n} field sizes fit no gamma law"),
                "at least 2 fields",
            ));
        }
        if let Some(bad) = values.iter().find(|value| !(**value > 0.0 && value.is_finite())) {
            return Err(SuccessorError::setting("a field size", bad, "above 0"));
        }
        if values.iter().all(|value| *value == values[0]) {
            let message = format!(
                "all {n} field sizes are {}: a gamma law fits them without bound",
                values[0]
            );
            return Err(SuccessorError::question(message, "more fields"));
        }
        Ok(match fit {
            GammaFit::Location0 => maximum_likelihood(values),
            GammaFit::Reference => three_parameters(values),
        })
    }
}

/// ln k − ψ(k) = ln x̄ − mean ln x, by Newton's method from the approximation of Minka (2002).
fn maximum_likelihood(values: &[f64]) -> GammaLaw {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let s = mean.ln() - values.iter().map(|x| x.ln()).sum::<f64>() / n;
    let mut k = (3.0 - s + ((s - 3.0).powi(2) + 24.0 * s).sqrt()) / (12.0 * s);
    for _ in 0..100 {
        let h = 1e-5 * k;
        let slope = 1.0 / k - (digamma(k + h) - digamma(k - h)) / (2.0 * h);
        let step = (k.ln() - digamma(k) - s) / slope;
        k = (k - step).max(k / 10.0);
        if step.abs() <= 1e-14 * k {
            break;
        }
    }
    GammaLaw {
        shape: k,
        scale: mean / k,
    }
}

/// Shape, location and scale by the simplex method from the moments, as SciPy's `gamma.fit` does.
fn three_parameters(values: &[f64]) -> GammaLaw {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |p: i32| values.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
    let skew = moment(3) / moment(2).powf(1.5);
    let shape = 4.0 / (1e-8 + skew * skew);
    let scale = (moment(2) / shape).sqrt();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut location = mean - shape * scale;
    if location > least {
        location = least - 0.1 * (most - least);
    }
    let penalty = 100.0 * f64::MAX.ln();
    let objective = |p: [f64; 3]| {
        let [shape, location, scale] = p;
        if !(shape > 0.0 && scale > 0.0) {
            return f64::INFINITY;
        }
        let density = |x: f64| {
            let z = (x - location) / scale;
            if z <= 0.0 {
                None
            } else {
                Some((shape - 1.0) * z.ln() - z - ln_gamma(shape) - scale.ln())
            }
        };
        values
            .iter()
            .map(|&x| density(x).filter(|d| d.is_finite()).map_or(penalty, |d| -d))
            .sum()
    };
    let [shape, _, scale] = simplex(objective, [shape, location, scale]);
    GammaLaw { shape, scale }
}

/// Nelder & Mead, Comput. J. 7, 308 (1965), with the first simplex and stop rule of SciPy's `fmin`.
fn simplex(f: impl Fn([f64; 3]) -> f64, start: [f64; 3]) -> [f64; 3] {
    let mut points: Vec<([f64; 3], f64)> = vec![(start, f(start))];
    for axis in 0..3 {
        let mut point = start;
        point[axis] = if point[axis] == 0.0 {
            0.00025
        } else {
            1.05 * point[axis]
        };
        points.push((point, f(point)));
    }
    points.sort_by(|a, b| a.1.total_cmp(&b.1));
    for _ in 0..600 {
        let spread = |p: &([f64; 3], f64)| {
            (0..3)
                .map(|i| (p.0[i] - points[0].0[i]).abs())
                .fold(0.0, f64::max)
        };
        let flat = points[1..]
            .iter()
            .all(|p| spread(p) <= 1e-4 && (p.1 - points[0].1).abs() <= 1e-4);
        if flat {
            break;
        }
        let centre: [f64; 3] = std::array::from_fn(|i| points[..3].iter().map(|p| p.0[i]).sum::<f64>() / 3.0);
        let worst = points[3];
        let along = |t: f64| -> ([f64; 3], f64) {
            let point = std::array::from_fn(|i| centre[i] + t * (centre[i] - worst.0[i]));
            (point, f(point))
        };
        let reflected = along(1.0);
        let chosen = if reflected.1 < points[0].1 {
            let expanded = along(2.0);
            Some(if expanded.1 < reflected.1 {
                expanded
            } else {
                reflected
            })
        } else if reflected.1 < points[2].1 {
            Some(reflected)
        } else if reflected.1 < worst.1 {
            let contracted = along(0.5);
            (contracted.1 <= reflected.1).then_some(contracted)
        } else {
            let contracted = along(-0.5);
            (contracted.1 < worst.1).then_some(contracted)
        };
        match chosen {
            Some(point) => points[3] = point,
            None => {
                let best = points[0].0;
                for point in &mut points[1..] {
                    point.0 = std::array::from_fn(|i| best[i] + 0.5 * (point.0[i] - best[i]));
                    point.1 = f(point.0);
                }
            }
        }
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
    }
    points[0].0
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand_distr::{Distribution, Gamma};

    #[test]
    fn the_law_that_made_the_values_is_found() {
        let mut draws = Key::new(1).stream(Purpose::Test, 0);
        let law = Gamma::new(2.5, 0.3).unwrap();
        let values: Vec<f64> = (0..20_000).map(|_| law.sample(&mut draws)).collect();
        let found = GammaLaw::fit(&values, GammaFit::Location0).unwrap();
        assert!(
            (found.shape - 2.5).abs() < 0.1 && (found.scale - 0.3).abs() < 0.015,
            "{found:?}"
        );
        let shifted: Vec<f64> = values.iter().map(|x| x + 1.0).collect();
        let found = GammaLaw::fit(&shifted, GammaFit::Reference).unwrap();
        assert!((found.shape - 2.5).abs() < 0.3, "{found:?}");
        assert!(GammaLaw::fit(&[0.1], GammaFit::Location0).is_err());
        assert!(GammaLaw::fit(&[0.1, 0.0], GammaFit::Location0).is_err());
    }
}
