//! The system: its experiments, and how they are opened.

use crate::analysis;
use crate::front::Beforehand;
use crate::images::Images;
use crate::job::Learning;
use crate::recurrent::{Recurrent, RecurrentSettings};
use crate::reproduce;
use crate::settings::Settings;
use neuropil_lab::config::Layers;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_study::{Asked, Given, Job, Listed, Reproduced, System, Watch};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Masse, Grant & Freedman (2018).
#[derive(Clone, Copy, Debug)]
pub struct Gating;

/// An experiment of the system.
struct Known {
    name: &'static str,
    title: &'static str,
    settings: &'static str,
}

macro_rules! known {
    ($name:literal, $title:literal) => {
        Known {
            name: $name,
            title: $title,
            settings: include_str!(concat!("../experiments/", $name, ".toml")),
        }
    };
}

const EXPERIMENTS: [Known; 9] = [
    known!("permuted-digits", "30 permutations of real 8 × 8 digits"),
    known!("rotated-digits", "20 rotations of real 8 × 8 digits"),
    known!("split-digits", "5 pairs of real 8 × 8 digits"),
    known!(
        "permuted-mnist",
        "100 permutations of MNIST, the paper's network (own files)"
    ),
    known!(
        "split-cifar",
        "CIFAR-100 in 20 tasks of 5 classes, from pixels or a front end (own files)"
    ),
    known!(
        "front",
        "the convolutional front end for split-cifar, learnt beforehand (own files)"
    ),
    known!("cognitive", "20 cognitive tasks, one LSTM, taught what to do"),
    known!(
        "cognitive-reward",
        "20 cognitive tasks, one LSTM, taught by reward"
    ),
    known!(
        "song-tasks",
        "the 7 tasks of Song et al. 2017, one LSTM, taught by reward"
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
            .map(|known| Listed::new(known.name, known.title))
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
    let text = match given.text {
        Some(text) => text,
        None => {
            let found = EXPERIMENTS.iter().find(|known| known.name == given.name);
            let Some(known) = found else {
                let names: Vec<&str> = EXPERIMENTS.iter().map(|known| known.name).collect();
                let message = format!("gating has no experiment `{}`", given.name);
                let hint = did_you_mean(given.name, "experiments", &names);
                return Err(one(Problem::new(message, hint)));
            };
            known.settings
        }
    };
    layers.add(given.name, text).map_err(one)?;
    given.add_to(&mut layers).map_err(one)?;
    if is_recurrent(text) {
        let (settings, text) = resolve(&layers, RecurrentSettings::problems, |settings| {
            &settings.experiment
        })?;
        return Ok(Learning::new(Box::new(Recurrent::new(settings)), text));
    }
    let (settings, text) = resolve(&layers, Settings::problems, |settings| &settings.experiment)?;
    if settings.experiment == "gating/front" {
        return Ok(Learning::new(Box::new(Beforehand::new(settings)), text));
    }
    Ok(Learning::new(Box::new(Images::new(settings)), text))
}

/// Do settings ask for a recurrent network? They name a teacher, or tasks.
fn is_recurrent(text: &str) -> bool {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let names = table.get("tasks").and_then(|tasks| tasks.get("names"));
    table.contains_key("teacher") || names.is_some()
}

/// Settings out of their layers, checked, and their text.
fn resolve<T: Serialize + DeserializeOwned + Default>(
    layers: &Layers,
    problems: fn(&T) -> Vec<(&'static str, Problem)>,
    experiment: fn(&T) -> &str,
) -> Result<(T, String), Vec<Problem>> {
    let resolved = layers.resolve::<T>().map_err(|problem| vec![problem])?;
    let wrong: Vec<Problem> = problems(&resolved.value)
        .into_iter()
        .map(|(key, problem)| layers.problem_at(key, problem.message, problem.hint))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut text = resolved.to_toml();
    if !text.starts_with("experiment") {
        text = format!("experiment = \"{}\"\n{text}", experiment(&resolved.value));
    }
    Ok((resolved.value, text))
}
