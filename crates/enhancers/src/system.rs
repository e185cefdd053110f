//! The system: its experiments, and how they are opened.

use crate::learning::{DISCRIMINATION, LEARNING, Settings, Training};
use neuropil_lab::error::Problem;
use neuropil_study::{Asked, Given, Job, Library, Listed, Reproduced, System, Watch, shipped};

/// Kaplow et al. 2023 as a system of the house.
#[derive(Clone, Copy, Debug)]
pub struct Enhancers;

const EXPERIMENTS: Library = Library {
    system: "enhancers",
    experiments: &[
        shipped!(
            "small",
            "a small network on invented sequences, or own ones; a minute"
        ),
        shipped!(
            "motor-cortex",
            "the five convolutions of motor cortex and liver (own files; hours)"
        ),
        shipped!(
            "pv-like",
            "two convolutions, as for a sister of PV interneurons (own files; hours)"
        ),
        shipped!(
            "retina",
            "the three convolutions of the retina models (own files; hours)"
        ),
        shipped!(
            "generic",
            "the defaults of the generic pipeline (own files; hours)"
        ),
    ],
    plain_kinds: &[],
};

impl System for Enhancers {
    fn name(&self) -> &'static str {
        "enhancers"
    }

    fn paper(&self) -> &'static str {
        "Kaplow et al., Science 380, eabm7993 (2023)"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS.listed()
    }

    fn analyses(&self) -> Vec<Listed> {
        vec![
            Listed::new("learning", LEARNING),
            Listed::new("discrimination", DISCRIMINATION),
        ]
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        let (settings, text) = EXPERIMENTS.open(given, Settings::problems)?;
        Ok(Box::new(Training::new(settings, text)))
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        crate::reproduce::reproduce(asked, watch)
    }
}
