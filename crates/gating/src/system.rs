//! The system: its experiments, and how they are opened.

use crate::analysis;
use crate::job::Learning;
use crate::reproduce;
use crate::settings::Settings;
use neuropil_lab::config::Layers;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_study::{Asked, Given, Job, Listed, Reproduced, System, Watch};

/// Masse, Grant & Freedman (2018).
#[derive(Clone, Copy, Debug)]
pub struct Gating;

/// Name, what is asked, settings.
const EXPERIMENTS: [(&str, &str, &str); 5] = [
    (
        "permuted-digits",
        "30 permutations of real 8 × 8 digits",
        include_str!("../experiments/permuted-digits.toml"),
    ),
    (
        "rotated-digits",
        "20 rotations of real 8 × 8 digits",
        include_str!("../experiments/rotated-digits.toml"),
    ),
    (
        "split-digits",
        "5 pairs of real 8 × 8 digits",
        include_str!("../experiments/split-digits.toml"),
    ),
    (
        "permuted-mnist",
        "100 permutations of MNIST, the paper's network (own files)",
        include_str!("../experiments/permuted-mnist.toml"),
    ),
    (
        "split-cifar",
        "CIFAR-100 in 20 tasks of 5 classes, from pixels (own files)",
        include_str!("../experiments/split-cifar.toml"),
    ),
];

impl System for Gating {
    fn name(&self) -> &'static str {
        "gating"
    }

    fn paper(&self) -> &'static str {
        "Masse, Grant & Freedman, PNAS 2018"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS
            .iter()
            .map(|(name, title, _)| Listed::new(*name, *title))
            .collect()
    }

    fn analyses(&self) -> Vec<Listed> {
        analysis::ALL
            .iter()
            .map(|analysis| Listed::new(analysis.name, analysis.title))
            .collect()
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        open(given).map(|job| Box::new(job) as Box<dyn Job>)
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        reproduce::reproduce(asked, watch)
    }
}

pub(crate) fn open(given: &Given<'_>) -> Result<Learning, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let mut layers = Layers::new();
    match given.text {
        Some(text) => layers.add(given.name, text).map_err(one)?,
        None => {
            let found = EXPERIMENTS.iter().find(|(name, ..)| *name == given.name);
            let Some((name, _, text)) = found else {
                let known: Vec<&str> = EXPERIMENTS.iter().map(|(name, ..)| *name).collect();
                let message = format!("gating has no experiment `{}`", given.name);
                return Err(one(Problem::new(
                    message,
                    did_you_mean(given.name, "experiments", &known),
                )));
            };
            layers.add(name, text).map_err(one)?;
        }
    }
    given.add_to(&mut layers).map_err(one)?;
    let resolved = layers.resolve::<Settings>().map_err(one)?;
    let problems: Vec<Problem> = resolved
        .value
        .problems()
        .into_iter()
        .map(|(key, problem)| layers.problem_at(key, problem.message, problem.hint))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut settings = resolved.to_toml();
    if !settings.starts_with("experiment") {
        settings = format!("experiment = \"{}\"\n{settings}", resolved.value.experiment);
    }
    Ok(Learning::new(resolved.value, settings))
}
