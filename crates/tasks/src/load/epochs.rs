//! Epochs and the time that they take.

use super::{Loader, MOST_STEPS};
use crate::definition::{Duration, EpochDefinition};
use crate::expr::{Expr, Known};
use crate::law::Law;
use crate::task::Epoch;
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
            let wait = span("wait_ms", given.wait_ms.as_ref())?;
            let wait = wait.unwrap_or_else(|| Law::fixed(Expr::constant(0.0)));
            let duration = span("duration_ms", given.duration_ms.as_ref())?;
            if let Some(duration) = &duration {
                let path = ["epochs", name, "duration_ms"];
                if self.bounds(&path, duration)?.1 <= 0.0 {
                    let message = format!("epoch `{name}` lasts 0 ms, expected a duration > 0 ms");
                    return self.error(&path, message, None);
                }
            }
            let when = self.condition(&["epochs", name, "when"], given.when.as_ref())?;
            let path = ["epochs", name, "weight"];
            let weight = given.weight.as_ref().map(|given| self.number(&path, given));
            let weight = weight.transpose()?;
            epochs.push(Epoch {
                name: name.clone(),
                after,
                wait,
                duration,
                when,
                weight,
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

    /// A wait or duration of an epoch, which must be known before the events of the trial are drawn, and be ≥ 0.
    fn span(&self, path: &[&str], given: &Duration) -> Result<Law, Problem> {
        let law = self.duration(path, given)?;
        let at = path.join(".");
        let late = |position: usize| self.is_late(position);
        if law.uses(late) {
            let message = format!("{at} uses a number of events, which is only known when the epochs are");
            return self.error(path, message, None);
        }
        let shortest = self.bounds(path, &law)?.0;
        if shortest < 0.0 {
            let message = format!("{at} can be {shortest} ms, expected a duration ≥ 0 ms");
            return self.error(path, message, None);
        }
        Ok(law)
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
        if tmax / dt_ms > MOST_STEPS {
            let steps = tmax / dt_ms;
            let message = format!(
                "a trial of {tmax} ms has {steps:.0} steps of {dt_ms} ms, expected at most {MOST_STEPS}"
            );
            return self.dt_error(
                message,
                Some("take a longer time step, or shorter trials".to_owned()),
            );
        }
        for values in &self.conditions {
            self.check_ends(values.into(), dt_ms, epochs)?;
        }
        Ok(())
    }

    /// No epoch may be shorter than a time step, nor last beyond the trial.
    fn check_ends(&self, known: Known<'_>, dt_ms: f64, epochs: &[Epoch]) -> Result<(), Problem> {
        let tmax = self.definition.tmax_ms;
        let bounds = |name: &str, law: &Law| {
            law.bounds(known)
                .map_err(|error| self.source.of_expr(&["epochs", name], "", error))
        };
        let mut latest: Vec<f64> = Vec::new();
        for epoch in epochs {
            let start = epoch.after.map_or(0.0, |after| latest[after]) + bounds(&epoch.name, &epoch.wait)?.1;
            let end = match &epoch.duration {
                None => tmax,
                Some(duration) => {
                    let (ms, longest) = bounds(&epoch.name, duration)?;
                    if ms > 0.0 && ms < dt_ms {
                        let message = format!(
                            "dt_ms = {dt_ms} is longer than epoch `{}`, which can last only {ms} ms",
                            epoch.name
                        );
                        let hint = format!("take a time step of at most {ms} ms");
                        return self.dt_error(message, Some(hint));
                    }
                    start + longest
                }
            };
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
