//! The library of tasks.

use crate::task::Task;
use neuropil_lab::error::{Problem, nearest};

/// Name and TOML text of every task of the library: those of the paper in its order, its variants, further ones.
const LIBRARY: &[(&str, &str)] = &[
    ("rdm", include_str!("../library/rdm.toml")),
    ("rdm-rt", include_str!("../library/rdm-rt.toml")),
    ("mante", include_str!("../library/mante.toml")),
    ("multisensory", include_str!("../library/multisensory.toml")),
    ("romo", include_str!("../library/romo.toml")),
    ("wager", include_str!("../library/wager.toml")),
    ("economic", include_str!("../library/economic.toml")),
    ("rdm-1ms", include_str!("../library/rdm-1ms.toml")),
    (
        "rdm-linear-value",
        include_str!("../library/rdm-linear-value.toml"),
    ),
    (
        "wager-linear-value",
        include_str!("../library/wager-linear-value.toml"),
    ),
    ("wager-large", include_str!("../library/wager-large.toml")),
    ("economic-1a3b", include_str!("../library/economic-1a3b.toml")),
    ("cartpole", include_str!("../library/cartpole.toml")),
    ("bandit", include_str!("../library/bandit.toml")),
    ("two-step", include_str!("../library/two-step.toml")),
    (
        "two-step-reversal",
        include_str!("../library/two-step-reversal.toml"),
    ),
    ("foraging", include_str!("../library/foraging.toml")),
    (
        "matching-pennies",
        include_str!("../library/matching-pennies.toml"),
    ),
    ("match-to-sample", include_str!("../library/match-to-sample.toml")),
    (
        "match-to-category",
        include_str!("../library/match-to-category.toml"),
    ),
    ("go-nogo", include_str!("../library/go-nogo.toml")),
    ("anti-saccade", include_str!("../library/anti-saccade.toml")),
    ("ready-set-go", include_str!("../library/ready-set-go.toml")),
    (
        "paired-association",
        include_str!("../library/paired-association.toml"),
    ),
    ("poisson-clicks", include_str!("../library/poisson-clicks.toml")),
    ("n-back", include_str!("../library/n-back.toml")),
    (
        "interval-production",
        include_str!("../library/interval-production.toml"),
    ),
    (
        "delayed-response",
        include_str!("../library/delayed-response.toml"),
    ),
    (
        "probabilistic-reversal",
        include_str!("../library/probabilistic-reversal.toml"),
    ),
    ("sequence", include_str!("../library/sequence.toml")),
    ("masse-go", include_str!("../library/masse-go.toml")),
    ("masse-rt-go", include_str!("../library/masse-rt-go.toml")),
    ("masse-dly-go", include_str!("../library/masse-dly-go.toml")),
    ("masse-anti-go", include_str!("../library/masse-anti-go.toml")),
    (
        "masse-anti-rt-go",
        include_str!("../library/masse-anti-rt-go.toml"),
    ),
    (
        "masse-anti-dly-go",
        include_str!("../library/masse-anti-dly-go.toml"),
    ),
    ("masse-dm1", include_str!("../library/masse-dm1.toml")),
    ("masse-dm2", include_str!("../library/masse-dm2.toml")),
    ("masse-ctx-dm1", include_str!("../library/masse-ctx-dm1.toml")),
    ("masse-ctx-dm2", include_str!("../library/masse-ctx-dm2.toml")),
    (
        "masse-multsen-dm",
        include_str!("../library/masse-multsen-dm.toml"),
    ),
    ("masse-dm1-dly", include_str!("../library/masse-dm1-dly.toml")),
    ("masse-dm2-dly", include_str!("../library/masse-dm2-dly.toml")),
    (
        "masse-ctx-dm1-dly",
        include_str!("../library/masse-ctx-dm1-dly.toml"),
    ),
    (
        "masse-ctx-dm2-dly",
        include_str!("../library/masse-ctx-dm2-dly.toml"),
    ),
    (
        "masse-multsen-dm-dly",
        include_str!("../library/masse-multsen-dm-dly.toml"),
    ),
    ("masse-dms", include_str!("../library/masse-dms.toml")),
    ("masse-dmc", include_str!("../library/masse-dmc.toml")),
    ("masse-dnms", include_str!("../library/masse-dnms.toml")),
    ("masse-dnmc", include_str!("../library/masse-dnmc.toml")),
];

/// The seven tasks of Song, Yang & Wang (2017).
pub const PUBLISHED: [&str; 7] = [
    "rdm",
    "rdm-rt",
    "mante",
    "multisensory",
    "romo",
    "wager",
    "economic",
];

/// Tasks beyond the paper: worlds that answer, then trial tables.
pub const FURTHER: [&str; 18] = [
    "cartpole",
    "bandit",
    "two-step",
    "two-step-reversal",
    "foraging",
    "matching-pennies",
    "match-to-sample",
    "match-to-category",
    "go-nogo",
    "anti-saccade",
    "ready-set-go",
    "paired-association",
    "poisson-clicks",
    "n-back",
    "interval-production",
    "delayed-response",
    "probabilistic-reversal",
    "sequence",
];

/// The twenty tasks of Masse, Grant & Freedman (2018), in the order in which one network learns them.
pub const MASSE: [&str; 20] = [
    "masse-go",
    "masse-rt-go",
    "masse-dly-go",
    "masse-anti-go",
    "masse-anti-rt-go",
    "masse-anti-dly-go",
    "masse-dm1",
    "masse-dm2",
    "masse-ctx-dm1",
    "masse-ctx-dm2",
    "masse-multsen-dm",
    "masse-dm1-dly",
    "masse-dm2-dly",
    "masse-ctx-dm1-dly",
    "masse-ctx-dm2-dly",
    "masse-multsen-dm-dly",
    "masse-dms",
    "masse-dmc",
    "masse-dnms",
    "masse-dnmc",
];

/// Names of all tasks of the library.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|(name, _)| *name)
}

/// TOML text of a task, by its name or one of its aliases.
pub fn text(name: &str) -> Option<&'static str> {
    let by_name = LIBRARY.iter().find(|(known, _)| *known == name);
    let by_alias = || {
        LIBRARY
            .iter()
            .find(|(_, text)| aliases(text).iter().any(|alias| alias == name))
    };
    by_name.or_else(by_alias).map(|(_, text)| *text)
}

fn aliases(text: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(text).expect("library tasks parse");
    let list = table
        .get("aliases")
        .and_then(toml::Value::as_array)
        .cloned()
        .unwrap_or_default();
    list.iter()
        .filter_map(|alias| alias.as_str().map(str::to_owned))
        .collect()
}

/// Loads a task of the library; `dt_ms` replaces its time step.
///
/// # Errors
/// Unknown name, or a time step that does not fit.
pub fn find(name: &str, dt_ms: Option<f64>) -> Result<Task, Problem> {
    let Some(text) = text(name) else {
        let known: Vec<String> = LIBRARY
            .iter()
            .flat_map(|(name, text)| [vec![(*name).to_owned()], aliases(text)].concat())
            .collect();
        let hint = nearest(name, known.iter().map(String::as_str)).map_or_else(
            || "`neuropil tasks` lists them all".to_owned(),
            |name| format!("did you mean `{name}`?"),
        );
        let message = format!("unknown task `{name}`, and no file of that name");
        return Err(Problem::new(message, hint));
    };
    Task::parse(name, text, dt_ms)
}
