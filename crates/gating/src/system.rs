//! The system, as the command knows it.

use crate::analysis;
use crate::experiments::{EXPERIMENTS, open};
use crate::reproduce;
use neuropil_lab::error::Problem;
use neuropil_study::{Asked, Given, Job, Listed, Reproduced, System, Watch};

/// Masse, Grant & Freedman (2018).
#[derive(Clone, Copy, Debug)]
pub struct Gating;

impl System for Gating {
    fn name(&self) -> &'static str {
        "gating"
    }

    fn paper(&self) -> &'static str {
        "Masse, Grant & Freedman, PNAS 2018"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS.listed()
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
