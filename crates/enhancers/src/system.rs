//! The system: its experiments, and how they are opened.

use crate::learning::{DISCRIMINATION, LEARNING, Settings, Training};
use neuropil_lab::config::Layers;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_study::{Asked, Given, Job, Listed, Reproduced, System, Watch};

/// Kaplow et al. 2023 as a system of the house.
#[derive(Clone, Copy, Debug)]
pub struct Enhancers;

/// Name, what is learnt, settings.
const EXPERIMENTS: [(&str, &str, &str); 5] = [
    (
        "small",
        "a small network on invented sequences, or own ones; a minute",
        include_str!("../experiments/small.toml"),
    ),
    (
        "motor-cortex",
        "the five convolutions of motor cortex and liver (own files; hours)",
        include_str!("../experiments/motor-cortex.toml"),
    ),
    (
        "pv-like",
        "two convolutions, as for a sister of PV interneurons (own files; hours)",
        include_str!("../experiments/pv-like.toml"),
    ),
    (
        "retina",
        "the three convolutions of the retina models (own files; hours)",
        include_str!("../experiments/retina.toml"),
    ),
    (
        "generic",
        "the defaults of the generic pipeline (own files; hours)",
        include_str!("../experiments/generic.toml"),
    ),
];

impl System for Enhancers {
    fn name(&self) -> &'static str {
        "enhancers"
    }

    fn paper(&self) -> &'static str {
        "Kaplow et al., Science 380, eabm7993 (2023)"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS
            .iter()
            .map(|(name, title, _)| Listed::new(*name, *title))
            .collect()
    }

    fn analyses(&self) -> Vec<Listed> {
        vec![
            Listed::new("learning", LEARNING),
            Listed::new("discrimination", DISCRIMINATION),
        ]
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
                    let message = format!("enhancers has no experiment `{}`", given.name);
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
        // What is wrong with the network's shape is said at its key.
        if let Err(error) = resolved.value.network() {
            return Err(one(error.into()));
        }
        let text = resolved.to_toml();
        Ok(Box::new(Training::new(resolved.value, text)))
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        crate::reproduce::reproduce(asked, watch)
    }
}
