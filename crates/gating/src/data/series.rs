//! Own time series with targets and masks: what others' programs for cognitive tasks write.
//!
//! A shape alone does not say which axis is time. The axes are told by lengths where they differ (inputs and targets and
//! weights share two of them), by one name per trial where there is one, and else have to be said.

use crate::error::GatingError;
use neuropil_lab::error::Problem;
use neuropil_math::arrays::{Array, Values};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Which of the first two axes is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// \[time\]\[trial\]\[channel\].
    TimeFirst,
    /// \[trial\]\[time\]\[channel\].
    TrialFirst,
}

/// What a weighted loss is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normaliser {
    /// The number of steps and trials, masked ones too: the reference programs of Masse et al.
    Steps,
    /// The sum of the weights.
    Weights,
}

/// Series of trials, \[time\]\[trial\]\[…\] whatever the file's order was.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Steps of a trial.
    pub n_steps: usize,
    /// Trials.
    pub n_trials: usize,
    /// Input channels.
    pub n_inputs: usize,
    /// Inputs \[time\]\[trial\]\[channel\].
    pub inputs: Vec<f32>,
    /// Target class \[time\]\[trial\].
    pub targets: Vec<usize>,
    /// Weight of the loss \[time\]\[trial\].
    pub weights: Vec<f64>,
    /// Name of every trial's task, if there is one.
    pub tasks: Vec<String>,
    /// What was assumed.
    pub notes: Vec<String>,
}

const INPUTS: [&str; 5] = ["x", "inputs", "input", "observations", "ob"];
const TARGETS: [&str; 8] = [
    "y",
    "target",
    "targets",
    "target_output",
    "labels",
    "gt",
    "y_loc",
    "output",
];
const WEIGHTS: [&str; 6] = ["mask", "weights", "weight", "c_mask", "loss_mask", "output_mask"];
const TASKS: [&str; 4] = ["task", "tasks", "task_names", "names"];

impl Series {
    /// Reads an npz or HDF5 file; `order` says which axis is time where the file does not.
    ///
    /// # Errors
    /// No inputs or targets, shapes that do not fit, an order that must be said.
    pub fn read(path: &Path, order: Option<Order>) -> Result<Self, GatingError> {
        let arrays = neuropil_lab::array::read(path)?;
        let wrong = |message: String, hint: &str| {
            GatingError::from(Problem::new(message, hint).in_file(path.display().to_string()))
        };
        let find = |names: &[&str]| names.iter().find_map(|name| arrays.get(*name));
        let own: Vec<&str> = arrays.keys().map(String::as_str).collect();
        let own = own.join(", ");
        let Some((shape, inputs)) = find(&INPUTS) else {
            return Err(wrong(
                format!("arrays {own}, expected inputs named {}", INPUTS.join(", ")),
                "[time][trial][channel] or [trial][time][channel]",
            ));
        };
        let Some(targets) = find(&TARGETS) else {
            return Err(wrong(
                format!("arrays {own}, expected targets named {}", TARGETS.join(", ")),
                "one class, or one-hot, per step and trial",
            ));
        };
        let ([first, second, n_inputs], Some(inputs)) = (&shape[..], inputs.singles()) else {
            return Err(wrong(
                format!("inputs of shape {shape:?}, expected three axes of numbers"),
                "[time][trial][channel] or [trial][time][channel]",
            ));
        };
        let tasks = match find(&TASKS) {
            Some((_, Values::Text(names))) => names.clone(),
            Some((_, numbers)) => numbers
                .integers()
                .unwrap_or_default()
                .iter()
                .map(i64::to_string)
                .collect(),
            None => Vec::new(),
        };
        let mut notes = Vec::new();
        let order = order
            .or_else(|| told(&tasks, *first, *second, &mut notes))
            .ok_or_else(|| {
                wrong(
                    format!("inputs of shape {shape:?}: the first axis may be time or trials"),
                    "say which: time-first (gyyang/multitask, neurogym) or trial-first (PsychRNN)",
                )
            })?;
        let (n_steps, n_trials) = if order == Order::TimeFirst {
            (*first, *second)
        } else {
            (*second, *first)
        };
        let classes = classes(targets, [*first, *second]).ok_or_else(|| {
            wrong(
                format!("targets of shape {:?} beside inputs of {shape:?}", targets.0),
                "whole numbers [.., ..], or one-hot [.., .., class]",
            )
        })?;
        let weights = match find(&WEIGHTS) {
            Some(weights) => per_step(weights, [*first, *second]).ok_or_else(|| {
                wrong(
                    format!("weights of shape {:?} beside inputs of {shape:?}", weights.0),
                    "one per step and trial, or the same for every output",
                )
            })?,
            None => {
                notes.push("no weights: every step counts 1".to_owned());
                vec![1.0; first * second]
            }
        };
        let turn = |place: usize| {
            if order == Order::TimeFirst {
                place
            } else {
                place % n_trials * n_steps + place / n_trials
            }
        };
        let places = || (0..n_steps * n_trials).map(turn);
        let silent = (0..n_trials)
            .filter(|&trial| {
                (0..n_steps).all(|t| {
                    weights[if order == Order::TimeFirst {
                        t * n_trials + trial
                    } else {
                        trial * n_steps + t
                    }] == 0.0
                })
            })
            .count();
        if silent > 0 {
            notes.push(format!("{silent} trials are wholly masked and count for nothing"));
        }
        Ok(Self {
            n_steps,
            n_trials,
            n_inputs: *n_inputs,
            inputs: places()
                .flat_map(|place| inputs[place * n_inputs..][..*n_inputs].to_vec())
                .collect(),
            targets: places().map(|place| classes[place]).collect(),
            weights: places().map(|place| weights[place]).collect(),
            tasks,
            notes,
        })
    }

    /// How many trials each task has.
    pub fn per_task(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        self.tasks
            .iter()
            .for_each(|task| *counts.entry(task.as_str()).or_insert(0) += 1);
        counts
    }

    /// Σ weight · cross-entropy of `logits` \[time\]\[trial\]\[class\], divided as said.
    pub fn loss(&self, logits: &[f64], n_classes: usize, by: Normaliser) -> f64 {
        let mut d = vec![0.0; logits.len()];
        let total = neuropil_nn::loss::cross_entropy(
            logits,
            n_classes,
            0..n_classes,
            &self.targets,
            |i| self.weights[i],
            &mut d,
        );
        match by {
            Normaliser::Steps => total / self.targets.len() as f64,
            Normaliser::Weights => total / self.weights.iter().sum::<f64>(),
        }
    }

    /// Fraction of the steps with a weight at which the class of the largest logit is the target.
    pub fn accuracy(&self, logits: &[f64], n_classes: usize) -> Option<f64> {
        let right = |i: usize| {
            neuropil_nn::loss::argmax(&logits[i * n_classes..][..n_classes], 0..n_classes) == self.targets[i]
        };
        let counted: Vec<usize> = (0..self.targets.len())
            .filter(|&i| self.weights[i] > 0.0)
            .collect();
        (!counted.is_empty())
            .then(|| counted.iter().filter(|&&i| right(i)).count() as f64 / counted.len() as f64)
    }
}

/// The order that one name per trial tells.
fn told(tasks: &[String], first: usize, second: usize, notes: &mut Vec<String>) -> Option<Order> {
    if first == second || tasks.is_empty() {
        return None;
    }
    let order = match tasks.len() {
        n if n == first => Order::TrialFirst,
        n if n == second => Order::TimeFirst,
        _ => return None,
    };
    notes.push(format!(
        "one task name per trial, {} of them: the {} axis is trials",
        tasks.len(),
        if order == Order::TrialFirst {
            "first"
        } else {
            "second"
        }
    ));
    Some(order)
}

fn classes((shape, values): &Array, axes: [usize; 2]) -> Option<Vec<usize>> {
    match shape[..] {
        [a, b] if [a, b] == axes => values
            .integers()?
            .into_iter()
            .map(|class| usize::try_from(class).ok())
            .collect(),
        [a, b, n] if [a, b] == axes => {
            let hot = |row: &[f64]| {
                let largest = (0..n).fold(0, |best, i| if row[i] > row[best] { i } else { best });
                row[largest].is_finite().then_some(largest)
            };
            values.numbers()?.chunks_exact(n).map(hot).collect()
        }
        _ => None,
    }
}

/// One weight per step and trial; if repeated over outputs, it must be the same for all.
fn per_step((shape, values): &Array, axes: [usize; 2]) -> Option<Vec<f64>> {
    let values = values.numbers()?;
    match shape[..] {
        [a, b] if [a, b] == axes => Some(values),
        [a, b, n] if [a, b] == axes && n > 0 => {
            let one = |row: &[f64]| row.iter().all(|&w| w == row[0]).then_some(row[0]);
            values.chunks_exact(n).map(one).collect()
        }
        _ => None,
    }
}
