//! Laws of durations and of continuous factors.

use super::Loader;
use crate::definition::{Drawn, Duration, NumberOrText};
use crate::expr::Expr;
use crate::law::{Law, Shape};
use neuropil_lab::error::Problem;

/// How the laws are written.
const FORMS: &str = "write `{ exponential = 330, min = 80, max = 1500 }`, `{ uniform = [1000, 2000] }`, \
                     `{ normal = [500, 100], min = 300, max = 700 }` or `{ one_of = [200, 400] }`";

impl Loader<'_> {
    pub(super) fn duration(&self, path: &[&str], given: &Duration) -> Result<Law, Problem> {
        match given {
            Duration::Given(given) => Ok(Law::fixed(self.number(path, given)?)),
            Duration::Drawn(drawn) => {
                let law = self.law(path, drawn)?;
                if matches!(
                    law.shape,
                    Shape::Exponential { max: None, .. } | Shape::Normal { max: None, .. }
                ) {
                    let message = format!("{} has no `max`: it could last for ever", path.join("."));
                    return self.error(path, message, Some(FORMS.to_owned()));
                }
                Ok(law)
            }
        }
    }

    pub(super) fn law(&self, path: &[&str], drawn: &Drawn) -> Result<Law, Problem> {
        let at = path.join(".");
        let number = |given: &NumberOrText| self.number(path, given);
        let optional = |given: &Option<NumberOrText>| given.as_ref().map(number).transpose();
        let pair =
            |given: &[NumberOrText; 2]| Ok::<[Expr; 2], Problem>([number(&given[0])?, number(&given[1])?]);
        let fixed = optional(&drawn.fixed)?.unwrap_or(Expr::constant(0.0));
        let (min, max) = (optional(&drawn.min)?, optional(&drawn.max)?);
        let bounded = min.is_some() || max.is_some();
        let given = (&drawn.exponential, &drawn.normal, &drawn.uniform, &drawn.one_of);
        let shape = match given {
            (Some(mean), None, None, None) => Shape::Exponential {
                mean: number(mean)?,
                min: min.unwrap_or(Expr::constant(0.0)),
                max,
            },
            (None, Some(given), None, None) => {
                let [mean, sd] = pair(given)?;
                Shape::Normal { mean, sd, min, max }
            }
            (None, None, Some(bounds), None) if !bounded => Shape::Uniform {
                bounds: pair(bounds)?,
            },
            (None, None, None, Some(values)) if !bounded && !values.is_empty() => {
                let values: Result<Vec<Expr>, Problem> = values.iter().map(number).collect();
                Shape::OneOf(values?)
            }
            _ => return self.error(path, format!("{at} is not a known law"), Some(FORMS.to_owned())),
        };
        let law = Law { fixed, shape };
        self.bounds(path, &law)?;
        Ok(law)
    }

    /// Smallest and largest draw over all conditions.
    pub(super) fn bounds(&self, path: &[&str], law: &Law) -> Result<(f64, f64), Problem> {
        let (mut shortest, mut longest) = (f64::INFINITY, f64::NEG_INFINITY);
        for values in &self.conditions {
            let (low, high) = law
                .bounds(values.into())
                .map_err(|error| self.source.of_expr(path, "", error))?;
            (shortest, longest) = (shortest.min(low), longest.max(high));
        }
        Ok((shortest, longest))
    }
}
