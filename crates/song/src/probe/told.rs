//! What a probe changed, as a result that can be kept and shown.

use super::{Probe, Probed};
use crate::analysis::psychometric::{Psychometric, psychometric};
use crate::testing::{ConditionResult, Tested};
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};

/// The same trials without and with a probe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Name of the task.
    pub task: String,
    /// Seed of the trials.
    pub seed: u64,
    /// Trials.
    pub n_trials: usize,
    /// The probe in words.
    pub what: String,
    /// The probe.
    pub probe: Probe,
    /// Trials that ended in the same action at the same step.
    pub percent_unchanged: f64,
    /// Control.
    pub intact: Side,
    /// Probed.
    pub probed: Side,
}

/// What trials came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Side {
    /// Trials that ended in a right or wrong choice.
    pub percent_decided: f64,
    /// Right ones among these.
    pub percent_correct: f64,
    /// Mean reward.
    pub mean_reward: f64,
    /// Mean time of the choices, ms; none without.
    pub mean_choice_ms: Option<f64>,
    /// By condition.
    pub conditions: Vec<ConditionResult>,
    /// Psychometric functions; none without a stimulus axis.
    pub psychometric: Option<Psychometric>,
}

impl Told {
    /// Compares the trials of a probe.
    pub fn of(task: &Task, seed: u64, probe: &Probe, found: &Probed) -> Self {
        let pairs = found.intact.ends.iter().zip(&found.probed.ends);
        let same = pairs.filter(|(a, b)| a.0 == b.0).count();
        let n_trials = found.intact.ends.len();
        Self {
            task: task.definition.name.clone(),
            seed,
            n_trials,
            what: words(probe, task),
            probe: probe.clone(),
            percent_unchanged: 100.0 * same as f64 / n_trials.max(1) as f64,
            intact: Side::of(&found.intact, task),
            probed: Side::of(&found.probed, task),
        }
    }

    /// How much is as it was.
    pub fn sentence(&self) -> String {
        format!(
            "{} trials, {:.1} % end alike",
            self.n_trials, self.percent_unchanged
        )
    }
}

impl Side {
    fn of(tested: &Tested, task: &Task) -> Self {
        let p = &tested.performance;
        let behaviour = tested.behaviour(task);
        let times = behaviour.choice_ms.iter().copied().filter(|ms| ms.is_finite());
        let times: Vec<f64> = times.collect();
        Self {
            percent_decided: 100.0 * p.fraction_decided(),
            percent_correct: 100.0 * p.fraction_correct(),
            mean_reward: p.mean_reward,
            mean_choice_ms: (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64),
            conditions: tested.by_condition(task),
            psychometric: psychometric(&behaviour).ok(),
        }
    }
}

/// A probe in words.
fn words(probe: &Probe, task: &Task) -> String {
    let mut parts = Vec::new();
    if !probe.silence.is_empty() {
        let units: Vec<String> = probe.silence.iter().map(usize::to_string).collect();
        parts.push(format!("units {} silenced", units.join(", ")));
    }
    parts.extend(
        probe
            .stimulate
            .iter()
            .map(|(unit, current)| format!("current {current:+} into unit {unit}")),
    );
    let inputs = &task.definition.inputs;
    parts.extend(
        probe
            .scale
            .iter()
            .map(|&(input, factor)| format!("input {} times {factor}", inputs[input])),
    );
    parts.extend(
        probe
            .noise
            .map(|factor| format!("recurrent noise times {factor}")),
    );
    if let Some(window) = &probe.window {
        let origin = window
            .epoch
            .as_ref()
            .map_or("the trial's start".to_owned(), |epoch| format!("{epoch} onset"));
        let to = window.to_ms.map_or("the end".to_owned(), |ms| format!("{ms} ms"));
        parts.push(format!("from {} ms to {to} after {origin}", window.from_ms));
    }
    parts.join("; ")
}
