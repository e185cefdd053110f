//! The experiments that come along, and how they and one's own are opened.

use crate::front::Beforehand;
use crate::images::Images;
use crate::job::Learning;
use crate::recurrent::{Recurrent, RecurrentSettings};
use crate::settings::Settings;
use neuropil_lab::error::Problem;
use neuropil_study::{Given, Library, shipped};

pub(crate) const EXPERIMENTS: Library = Library {
    system: "gating",
    experiments: &[
        shipped!("permuted-digits", "30 permutations of real 8 × 8 digits"),
        shipped!("rotated-digits", "20 rotations of real 8 × 8 digits"),
        shipped!("split-digits", "5 pairs of real 8 × 8 digits"),
        shipped!(
            "permuted-mnist",
            "100 permutations of MNIST, the paper's network (own files)"
        ),
        shipped!(
            "split-cifar",
            "CIFAR-100 in 20 tasks of 5 classes, from pixels or a front end (own files)"
        ),
        shipped!(
            "front",
            "the convolutional front end for split-cifar, learnt beforehand (own files)"
        ),
        shipped!("cognitive", "20 cognitive tasks, one LSTM, taught what to do"),
        shipped!(
            "cognitive-reward",
            "20 cognitive tasks, one LSTM, taught by reward"
        ),
        shipped!(
            "song-tasks",
            "the 7 tasks of Song et al. 2017, one LSTM, taught by reward"
        ),
    ],
    plain_kinds: &["tasks"],
};

/// The job of an experiment or a file of settings, with all that was set over them.
///
/// # Errors
/// An unknown name; all settings that cannot be meant.
pub(crate) fn open(given: &Given<'_>) -> Result<Learning, Vec<Problem>> {
    let text = EXPERIMENTS.text(given).map_err(|problem| vec![problem])?;
    if is_recurrent(text) {
        let (settings, text) = EXPERIMENTS.open(given, RecurrentSettings::problems)?;
        let text = named(&settings.experiment, text);
        return Ok(Learning::new(Box::new(Recurrent::new(settings)), text));
    }
    let (settings, text) = EXPERIMENTS.open(given, Settings::problems)?;
    let text = named(&settings.experiment, text);
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

/// The text of settings, which says of which experiment they are.
fn named(experiment: &str, text: String) -> String {
    if text.starts_with("experiment") {
        text
    } else {
        format!("experiment = \"{experiment}\"\n{text}")
    }
}
