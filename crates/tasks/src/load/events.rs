//! Random events within epochs.

use super::Loader;
use crate::definition::{EventDefinition, NumberOrText};
use crate::event::{Event, Times};
use crate::expr::Expr;
use crate::task::Epoch;
use neuropil_lab::error::Problem;

impl Loader<'_> {
    pub(super) fn events(&self, epochs: &[Epoch]) -> Result<Vec<Event>, Problem> {
        let mut events = Vec::new();
        for (name, value) in &self.definition.events {
            let path = ["events", name.as_str()];
            let given: EventDefinition = self.source.parse(&path, value)?;
            let inputs: Vec<&str> = self.definition.inputs.iter().map(String::as_str).collect();
            let input = inputs.iter().position(|input| *input == given.input);
            let input = input
                .ok_or_else(|| self.unknown(&["events", name, "input"], "input", &given.input, &inputs))?;
            let lasts_ms = given.lasts_ms.unwrap_or(self.definition.dt_ms);
            if !(lasts_ms.is_finite() && lasts_ms > 0.0) {
                let message = format!("events.{name}.lasts_ms is {lasts_ms}, expected a duration > 0 ms");
                return self.error(&["events", name, "lasts_ms"], message, None);
            }
            let size = given
                .size
                .as_ref()
                .map(|size| self.early(&["events", name, "size"], size));
            events.push(Event {
                name: name.clone(),
                input,
                during: self.flags(&["events", name, "during"], &given.during, epochs)?,
                when: self.condition(&["events", name, "when"], given.when.as_ref())?,
                times: self.times(name, &given)?,
                size: size.transpose()?.unwrap_or(Expr::constant(1.0)),
                lasts_ms,
            });
        }
        Ok(events)
    }

    /// A number that is known before any event is drawn.
    fn early(&self, path: &[&str], given: &NumberOrText) -> Result<Expr, Problem> {
        let expr = self.number(path, given)?;
        if expr.uses(|position| self.is_late(position)) {
            let message = format!(
                "{} uses a number of events, which are still to be drawn",
                path.join(".")
            );
            return self.error(path, message, None);
        }
        Ok(expr)
    }

    /// A parameter that must be within bounds in every condition.
    fn bounded(
        &self,
        name: &str,
        key: &str,
        given: &NumberOrText,
        low: f64,
        high: f64,
    ) -> Result<Expr, Problem> {
        let path = ["events", name, key];
        let expr = self.early(&path, given)?;
        for values in &self.conditions {
            let x = expr
                .number(values)
                .map_err(|error| self.source.of_expr(&path, "", error))?;
            if !(low..=high).contains(&x) {
                let message = format!("events.{name}.{key} can be {x}, expected {low} to {high}");
                return self.error(&path, message, None);
            }
        }
        Ok(expr)
    }

    fn times(&self, name: &str, given: &EventDefinition) -> Result<Times, Problem> {
        const HIGHEST_RATE: f64 = 10_000.0;
        match (&given.rate, &given.probability, &given.times_ms) {
            (Some(rate), None, None) if given.bin_ms.is_none() => {
                let rate = self.bounded(name, "rate", rate, 0.0, HIGHEST_RATE)?;
                let none = NumberOrText::Number(0.0);
                let dead = given.refractory_ms.as_ref().unwrap_or(&none);
                let refractory_ms = self.bounded(name, "refractory_ms", dead, 0.0, 1e6)?;
                for values in &self.conditions {
                    let (rate, dead) = (rate.value(values), refractory_ms.value(values));
                    if rate * dead > 1000.0 {
                        let message = format!(
                            "events.{name}: {rate} events per second cannot be {dead} ms apart, expected at most {} per \
                             second",
                            1000.0 / dead
                        );
                        return self.error(&["events", name, "refractory_ms"], message, None);
                    }
                }
                Ok(Times::Poisson { rate, refractory_ms })
            }
            (None, Some(probability), None) if given.refractory_ms.is_none() => {
                let bin = NumberOrText::Number(self.definition.dt_ms);
                let bin_ms = given.bin_ms.as_ref().unwrap_or(&bin);
                Ok(Times::Bins {
                    probability: self.bounded(name, "probability", probability, 0.0, 1.0)?,
                    bin_ms: self.bounded(name, "bin_ms", bin_ms, 0.1, 1e6)?,
                })
            }
            (None, None, Some(times)) if given.refractory_ms.is_none() && given.bin_ms.is_none() => {
                let times = times
                    .iter()
                    .map(|time| self.bounded(name, "times_ms", time, 0.0, 1e6));
                Ok(Times::Given(times.collect::<Result<_, _>>()?))
            }
            _ => {
                let message = format!("events.{name} needs one of `rate`, `probability` and `times_ms`");
                let hint = "`rate = 20` per second (with `refractory_ms`), `probability = 0.5` (with `bin_ms`), or \
                            `times_ms = [100, 300]`";
                self.error(&["events", name], message, Some(hint.to_owned()))
            }
        }
    }
}
