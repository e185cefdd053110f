//! Random events within an epoch: pulses, clicks, flashes.

use crate::expr::{Expr, Known};
use crate::trial::Pulse;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Events that one train may have in an epoch: more would be a fault of the file.
const MOST_EVENTS: usize = 100_000;

/// A train of events on one input, by the name under which their number is known.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) input: usize,
    /// One flag per epoch.
    pub(crate) during: Vec<bool>,
    pub(crate) when: Option<Expr>,
    pub(crate) times: Times,
    /// What an event adds to the input, and for how long, ms.
    pub(crate) size: Expr,
    pub(crate) lasts_ms: f64,
}

/// When the events of an epoch happen.
#[derive(Clone, Debug)]
pub(crate) enum Times {
    /// So many per second on average, never closer than the dead time in ms: intervals are the dead time plus an exponential.
    Poisson { rate: Expr, refractory_ms: Expr },
    /// At the beginning of each bin with a probability, independently.
    Bins { probability: Expr, bin_ms: Expr },
    /// At given times after the epoch began, ms.
    Given(Vec<Expr>),
}

impl Times {
    /// Times from 0 to before `duration_ms`.
    fn draw(&self, known: Known<'_>, duration_ms: f64, stream: &mut ChaCha8Rng) -> Vec<f64> {
        let mut times = Vec::new();
        match self {
            Self::Poisson { rate, refractory_ms } => {
                let (rate, dead) = (rate.value(known), refractory_ms.value(known));
                let mean = 1000.0 / rate - dead;
                let wait = |stream: &mut ChaCha8Rng| -mean * (1.0 - stream.random::<f64>()).ln();
                if !(rate > 0.0 && mean >= 0.0) {
                    return times;
                }
                // The train has been going on: the time to its next event has density (1 − F)/mean interval.
                let in_dead_time = stream.random::<f64>() * 1000.0 / rate;
                let mut t = if in_dead_time < dead {
                    in_dead_time
                } else {
                    dead + wait(stream)
                };
                while t < duration_ms && times.len() < MOST_EVENTS {
                    times.push(t);
                    t += dead + wait(stream);
                }
            }
            Self::Bins { probability, bin_ms } => {
                let (p, bin) = (probability.value(known), bin_ms.value(known));
                let n = (duration_ms / bin + 1e-9).floor() as usize;
                let hits = (0..n.min(MOST_EVENTS)).filter(|_| stream.random::<f64>() < p);
                times.extend(hits.map(|i| i as f64 * bin));
            }
            Self::Given(given) => {
                let given = given.iter().map(|time| time.value(known));
                times.extend(given.filter(|t| (0.0..duration_ms).contains(t)));
            }
        }
        times
    }
}

impl Event {
    /// Draws the events of a trial of so many steps of `dt_ms` at most; returns how many there are.
    pub(crate) fn draw(
        &self,
        (dt_ms, n_steps): (f64, usize),
        known: Known<'_>,
        spans_ms: &[(f64, f64)],
        epochs: &[Option<(usize, usize)>],
        pulses: &mut Vec<Pulse>,
        stream: &mut ChaCha8Rng,
    ) -> usize {
        let there = self.when.as_ref().is_none_or(|when| when.holds(known));
        let size = self.size.value(known);
        // The same area at every time step.
        let lasts = (self.lasts_ms / dt_ms).round().max(1.0);
        let per_step = size * self.lasts_ms / (lasts * dt_ms);
        let mut n = 0;
        for (i, &(start, end)) in spans_ms.iter().enumerate() {
            let Some((from, to)) = epochs[i].filter(|(from, to)| self.during[i] && from < to) else {
                continue;
            };
            let times = self.times.draw(known, end - start, stream);
            for t in times.iter().filter(|_| there) {
                let first = (((start + t) / dt_ms) as usize).clamp(from, to - 1);
                let steps = first..(first + lasts as usize).min(n_steps - 1);
                n += 1;
                pulses.extend(steps.map(|step| Pulse {
                    step,
                    input: self.input,
                    size: per_step,
                }));
            }
        }
        n
    }
}
