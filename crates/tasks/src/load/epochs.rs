//! Epochs and the time that they take.

use super::Loader;
use crate::definition::{Drawn, Duration, EpochDefinition};
use crate::task::{Epoch, Span};
use neuropil_lab::error::Problem;

/// Epochs fit the bits of a set.
const MOST_EPOCHS: usize = 60;

impl Loader<'_> {
    pub(super) fn epochs(&self) -> Result<Vec<Epoch>, Problem> {
        let mut epochs: Vec<Epoch> = Vec::new();
        for (name, given) in &self.ordered_epochs()? {
            let after = given.after.as_ref();
            let after = after.and_then(|after| epochs.iter().position(|epoch| &epoch.name == after));
            let span = |key: &str, given: Option<&Duration>| {
                given
                    .map(|given| self.span(&["epochs", name, key], given))
                    .transpose()
            };
            let wait = span("wait_ms", given.wait_ms.as_ref())?.unwrap_or(Span::Fixed(0.0));
            let duration = span("duration_ms", given.duration_ms.as_ref())?;
            if duration
                .as_ref()
                .is_some_and(|duration| duration.bounds().1 <= 0.0)
            {
                let message = format!("epoch `{name}` lasts 0 ms, expected a duration > 0 ms");
                return self.error(&["epochs", name, "duration_ms"], message, None);
            }
            let when = self.optional(&["epochs", name, "when"], given.when.as_ref())?;
            epochs.push(Epoch {
                name: name.clone(),
                after,
                wait,
                duration,
                when,
            });
        }
        if (epochs.is_empty() && self.world.is_none()) || epochs.len() > MOST_EPOCHS {
            let message = format!("{} epochs, expected 1 to {MOST_EPOCHS}", epochs.len());
            return self.error(&["epochs"], message, None);
        }
        Ok(epochs)
    }

    /// Epochs, all but the first with the one that they begin after, in the order of the file, but for those that begin
    /// after a later one: a task that extends another may put a new epoch before an old one.
    fn ordered_epochs(&self) -> Result<Vec<(String, EpochDefinition)>, Problem> {
        let all: Vec<&str> = self.definition.epochs.keys().map(String::as_str).collect();
        let mut pending: Vec<(String, EpochDefinition)> = Vec::new();
        for (i, (name, value)) in self.definition.epochs.iter().enumerate() {
            let mut given: EpochDefinition = self.source.parse(&["epochs", name.as_str()], value)?;
            match &given.after {
                None => given.after = (i > 0).then(|| all[i - 1].to_owned()),
                Some(after) if !all.contains(&after.as_str()) => {
                    return Err(self.unknown(&["epochs", name, "after"], "epoch", after, &all));
                }
                Some(_) => {}
            }
            pending.push((name.clone(), given));
        }
        let mut ordered: Vec<(String, EpochDefinition)> = Vec::new();
        while !pending.is_empty() {
            let ready = pending.iter().position(|(_, given)| {
                let after = given.after.as_ref();
                after.is_none_or(|after| ordered.iter().any(|(name, _)| name == after))
            });
            let Some(ready) = ready else {
                let names: Vec<&str> = pending.iter().map(|(name, _)| name.as_str()).collect();
                let message = format!("epochs that wait for one another: {}", names.join(", "));
                let hint = Some("the first epoch of the file begins with the trial".to_owned());
                return self.error(&["epochs", names[0]], message, hint);
            };
            ordered.push(pending.remove(ready));
        }
        Ok(ordered)
    }

    fn span(&self, path: &[&str], given: &Duration) -> Result<Span, Problem> {
        let at = path.join(".");
        let span = match given {
            Duration::Fixed(ms) => Span::Fixed(*ms),
            Duration::Computed(text) => {
                let expr = self.expr(path, text)?;
                let (mut shortest, mut longest) = (f64::INFINITY, f64::NEG_INFINITY);
                for values in &self.conditions {
                    let ms = expr.number(values).map_err(|e| self.source.of_expr(path, e))?;
                    (shortest, longest) = (shortest.min(ms), longest.max(ms));
                }
                Span::Computed {
                    expr: Box::new(expr),
                    shortest,
                    longest,
                }
            }
            Duration::Drawn(Drawn {
                fixed,
                exponential: Some(mean),
                min,
                max,
                uniform: None,
            }) => {
                let (min, max) = (min.unwrap_or(0.0), max.unwrap_or(f64::INFINITY));
                if mean.is_nan()
                    || *mean <= 0.0
                    || min.is_nan()
                    || max.is_nan()
                    || min >= max
                    || max.is_infinite()
                {
                    let message = format!("{at}: an exponential of mean {mean} in [{min}, {max}) ms");
                    return self.error(
                        path,
                        message,
                        Some("expected a mean > 0 and `min` < `max`".into()),
                    );
                }
                Span::Exponential {
                    fixed: *fixed,
                    mean: *mean,
                    min,
                    max,
                }
            }
            Duration::Drawn(Drawn {
                fixed,
                exponential: None,
                uniform: Some([low, high]),
                min: None,
                max: None,
            }) if low < high => Span::Uniform {
                fixed: *fixed,
                low: *low,
                high: *high,
            },
            Duration::Drawn(Drawn {
                uniform: Some([low, high]),
                ..
            }) if low >= high => {
                let message = format!("{at}: uniform from {low} to {high} ms, expected LOW < HIGH");
                let hint = Some("write `{ uniform = [LOW, HIGH] }`".into());
                return self.error(path, message, hint);
            }
            Duration::Drawn(_) => {
                let hint = Some(
                    "write `{ exponential = 330, min = 80, max = 1500 }` or `{ uniform = [1000, 2000] }`"
                        .into(),
                );
                return self.error(path, format!("{at} is not a known distribution"), hint);
            }
        };
        if span.bounds().0.is_nan() || span.bounds().0 < 0.0 {
            let message = format!("{at} can be {} ms, expected a duration ≥ 0 ms", span.bounds().0);
            return self.error(path, message, None);
        }
        Ok(span)
    }

    /// The time step must divide the longest trial and every fixed duration, and no epoch may be shorter.
    pub(super) fn check_time(&self, dt_ms: f64, epochs: &[Epoch]) -> Result<(), Problem> {
        let tmax = self.definition.tmax_ms;
        if !(tmax > 0.0 && tmax.is_finite()) {
            return self.error(
                &["tmax_ms"],
                format!("tmax_ms is {tmax}, expected a duration > 0 ms"),
                None,
            );
        }
        if !(dt_ms > 0.0 && dt_ms.is_finite()) {
            let hint = Some(format!(
                "the task's own time step is {} ms",
                self.definition.dt_ms
            ));
            let hint = hint.filter(|_| self.dt_replaced);
            return self.dt_error(format!("dt_ms is {dt_ms}, expected a time step > 0 ms"), hint);
        }
        let divides = |dt: f64, ms: f64| (ms / dt - (ms / dt).round()).abs() < 1e-6;
        if !divides(dt_ms, tmax) {
            let hint = Some(format!(
                "the nearest time steps that do are {}",
                nearest_divisors(tmax, dt_ms)
            ));
            return self.dt_error(format!("dt_ms = {dt_ms} does not divide tmax_ms = {tmax}"), hint);
        }
        let mut shortest = epochs
            .iter()
            .filter_map(|epoch| Some((epoch.duration.as_ref()?.bounds().0, epoch)));
        if let Some((ms, epoch)) = shortest.find(|&(ms, _)| ms > 0.0 && ms < dt_ms) {
            let message = format!(
                "dt_ms = {dt_ms} is longer than epoch `{}`, which can last only {ms} ms",
                epoch.name
            );
            return self.dt_error(message, Some(format!("take a time step of at most {ms} ms")));
        }
        let mut latest: Vec<f64> = Vec::new();
        for epoch in epochs {
            let start = epoch.after.map_or(0.0, |after| latest[after]) + epoch.wait.bounds().1;
            let end = epoch
                .duration
                .as_ref()
                .map_or(tmax, |duration| start + duration.bounds().1);
            if end > tmax + 1e-6 || start >= tmax {
                let message = format!(
                    "epoch `{}` can last until {end} ms, tmax_ms is {tmax}",
                    epoch.name
                );
                let hint = Some("make `tmax_ms` at least the longest sum of the epochs".into());
                return self.error(&["epochs", &epoch.name], message, hint);
            }
            latest.push(end);
        }
        Ok(())
    }
}

/// Time steps on both sides of `dt_ms` that divide `tmax`: whole milliseconds, if there are any.
fn nearest_divisors(tmax: f64, dt_ms: f64) -> String {
    let divides = |ms: &f64| (tmax / ms).fract() == 0.0;
    let below = (1..=dt_ms as u64).rev().map(|ms| ms as f64).find(divides);
    let above = (dt_ms.ceil() as u64..=tmax as u64)
        .map(|ms| ms as f64)
        .find(divides);
    let steps = (tmax / dt_ms).max(1.0);
    let below = below.unwrap_or(tmax / steps.ceil());
    let above = above.unwrap_or(tmax / steps.floor());
    format!("{below} ms and {above} ms")
}
