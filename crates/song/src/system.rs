//! This paper as a system: its tasks are experiments, its analyses and claims stand in the registry of all.

use crate::analysis::ANALYSES;
use crate::experiment::Experiment;
use crate::reproduce;
use neuropil_lab::error::Problem;
use neuropil_study::{Asked, Given, Job, Listed, Reproduced, System, Watch};
use neuropil_tasks::registry;

/// Reward-based training of recurrent networks.
#[derive(Clone, Copy, Debug)]
pub struct Song;

impl System for Song {
    fn name(&self) -> &'static str {
        "song"
    }

    fn paper(&self) -> &'static str {
        "Song, Yang & Wang, eLife 6, e21492 (2017)"
    }

    fn experiments(&self) -> Vec<Listed> {
        let tasks = registry::names().filter_map(|name| registry::find(name, None).ok());
        let listed = tasks.map(|task| Listed {
            name: task.definition.name.clone(),
            title: task.definition.title.clone(),
            also: task.definition.aliases.clone(),
        });
        listed.collect()
    }

    fn analyses(&self) -> Vec<Listed> {
        let listed = ANALYSES.iter().map(|analysis| Listed {
            name: analysis.name.to_owned(),
            title: analysis.title.to_owned(),
            also: analysis.tasks.iter().map(|&task| task.to_owned()).collect(),
        });
        listed.collect()
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        match Experiment::find(given) {
            Ok(experiment) => Ok(Box::new(experiment)),
            Err(problem) => Err(vec![problem]),
        }
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        reproduce::reproduce(asked, watch)
    }
}
