//! The system: its experiments, and how they are opened.

use crate::train::{LEARNING, Settings, Training};
use neuropil_lab::config::Layers;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_study::{Asked, Given, Job, Listed, Reproduced, System, Watch};

/// Yu, Creamer, Randi, Sharma, Linderman & Leifer (2021).
#[derive(Clone, Copy, Debug)]
pub struct Neuronid;

/// Name, what is learnt, settings.
const EXPERIMENTS: [(&str, &str, &str); 3] = [
    (
        "small",
        "a small network on invented heads; minutes, no data",
        include_str!("../experiments/small.toml"),
    ),
    (
        "heads",
        "a small network on heads that somebody named (own files)",
        include_str!("../experiments/heads.toml"),
    ),
    (
        "yu2021",
        "the published network and recipe (own files; days)",
        include_str!("../experiments/yu2021.toml"),
    ),
];

impl System for Neuronid {
    fn name(&self) -> &'static str {
        "neuronid"
    }

    fn paper(&self) -> &'static str {
        "Yu, Creamer, Randi, Sharma, Linderman & Leifer, eLife 2021"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS
            .iter()
            .map(|(name, title, _)| Listed::new(*name, *title))
            .collect()
    }

    fn analyses(&self) -> Vec<Listed> {
        vec![Listed::new("learning", LEARNING)]
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        let one = |problem: Problem| vec![problem];
        let mut layers = Layers::new();
        match given.text {
            Some(text) => layers.add(given.name, text).map_err(one)?,
            None => {
                let found = EXPERIMENTS.iter().find(|(name, ..)| *name == given.name);
                let Some((name, _, text)) = found else {
                    let known: Vec<&str> = EXPERIMENTS.iter().map(|(name, ..)| *name).collect();
                    let message = format!("neuronid has no experiment `{}`", given.name);
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
        let text = resolved.to_toml();
        Ok(Box::new(Training::new(resolved.value, text)))
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        crate::reproduce::reproduce(asked, watch)
    }
}
