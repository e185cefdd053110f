//! The system: its experiments, and how they are opened.

use crate::train::{LEARNING, Settings, Training};
use neuropil_lab::error::Problem;
use neuropil_study::{Asked, Given, Job, Library, Listed, Reproduced, System, Watch, shipped};

/// Yu, Creamer, Randi, Sharma, Linderman & Leifer (2021).
#[derive(Clone, Copy, Debug)]
pub struct Neuronid;

const EXPERIMENTS: Library = Library {
    system: "neuronid",
    experiments: &[
        shipped!("small", "a small network on invented heads; minutes, no data"),
        shipped!(
            "heads",
            "a small network on heads that somebody named (own files)"
        ),
        shipped!("yu2021", "the published network and recipe (own files; days)"),
    ],
    plain_kinds: &[],
};

impl System for Neuronid {
    fn name(&self) -> &'static str {
        "neuronid"
    }

    fn paper(&self) -> &'static str {
        "Yu, Creamer, Randi, Sharma, Linderman & Leifer, eLife 2021"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS.listed()
    }

    fn analyses(&self) -> Vec<Listed> {
        vec![Listed::new("learning", LEARNING)]
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        let (settings, text) = EXPERIMENTS.open(given, Settings::problems)?;
        Ok(Box::new(Training::new(settings, text)))
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        crate::reproduce::reproduce(asked, watch)
    }
}
