//! Sweeps: the runs of a [`Folder`], done by jobs, merged into one table and one page.

mod merged;
mod page;

pub use merged::{Cell, Estimate, Merged, merge};

use crate::job::{Job, Watch};
use crate::life::{Order, run_on};
use crate::summary::Summary;
use neuropil_lab::error::{LabError, Problem};
use neuropil_lab::events::events;
use neuropil_lab::keeper::Begin;
use neuropil_lab::provenance::Origin;
use neuropil_lab::shards::{Shard, on_threads, side_by_side};
use neuropil_lab::sweep::folder::{Common, Finished, Folder, Planned, State};
use neuropil_lab::sweep::{Run, Sweep};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What a folder keeps of a sweep: what all runs share, the runs, and the files that go with them.
pub type Plan = (Common, Vec<Planned>, Vec<(&'static str, Vec<u8>)>);

/// The runs of a sweep with their complete settings; `open` gives the job of each.
///
/// # Errors
/// Runs that are not understood, or settings that the experiment does not know: those of the first such run.
pub fn plan(
    sweep: &Sweep,
    open: &dyn Fn(&Run) -> Result<Box<dyn Job>, Vec<Problem>>,
) -> Result<Plan, Vec<Problem>> {
    const SEED: u64 = 1;
    let runs = sweep.runs(SEED).map_err(|problem| vec![problem])?;
    let (mut planned, mut files) = (Vec::new(), Vec::new());
    for run in &runs {
        let job = open(run)?;
        files = job.files();
        // Where values come from is not what they are.
        let settings: toml::Table = toml::from_str(job.settings()).expect("settings are TOML");
        let settings = toml::to_string(&settings).expect("a table is TOML");
        planned.push(Planned::new(run, settings));
    }
    let common = Common {
        experiment: sweep.experiment.clone(),
        updates: sweep.updates,
        runs: runs.len(),
    };
    Ok((common, planned, files))
}

/// Opens the job of a planned run.
pub type Opener<'a> = dyn Fn(&Planned) -> Result<Box<dyn Job>, Problem> + Sync + 'a;

/// Who does the runs of a sweep.
#[derive(Clone, Copy)]
pub struct Workers<'a> {
    /// Threads, of all runs that are done side by side.
    pub threads: usize,
    /// Which runs.
    pub shard: Shard,
    /// Who they are, for the records of the runs.
    pub origin: &'a Origin,
    /// Opens jobs.
    pub open: &'a Opener<'a>,
    /// Watches them.
    pub watch: &'a dyn Watch,
    /// Told how many runs of the shard are done, of how many.
    pub told: &'a (dyn Fn(usize, usize) + Sync),
}

impl std::fmt::Debug for Workers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers")
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done, now or before.
    Done,
    /// Another process works on it.
    Elsewhere,
    /// It was asked to stop, or not begun any more.
    Stopped,
    /// It failed.
    Failed(Problem),
}

/// Does the runs of a shard that are not done, side by side; each goes on from its last checkpoint.
///
/// # Errors
/// The state of a run cannot be read. A run that fails is an [`Outcome`], and the others go on.
pub fn work(folder: &Folder, workers: &Workers<'_>) -> Result<Vec<(usize, Outcome)>, Problem> {
    let planned = folder.runs().iter().enumerate();
    let shard: Vec<&Planned> = planned
        .filter(|(i, _)| workers.shard.takes(*i))
        .map(|(_, run)| run)
        .collect();
    let mut open = Vec::new();
    for run in &shard {
        if folder.state(run)? != State::Done {
            open.push(*run);
        }
    }
    let done = std::sync::atomic::AtomicUsize::new(shard.len() - open.len());
    let tell = |n: usize| (workers.told)(n, shard.len());
    tell(shard.len() - open.len());
    let (side, each) = side_by_side(workers.threads, open.len());
    let results = on_threads(&open, side, &|| workers.watch.stopped(), &|run: &&Planned| {
        let outcome = one(folder, run, each, workers);
        if outcome == Outcome::Done {
            tell(1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
        outcome
    });
    let outcomes = open.iter().zip(results);
    let mut all: Vec<(usize, Outcome)> = outcomes
        .map(|(run, outcome)| (run.run, outcome.unwrap_or(Outcome::Stopped)))
        .collect();
    let finished = shard.iter().filter(|run| !open.contains(run));
    all.extend(finished.map(|run| (run.run, Outcome::Done)));
    all.sort_by_key(|(run, _)| *run);
    Ok(all)
}

/// One run, on threads of its own.
fn one(folder: &Folder, planned: &Planned, threads: usize, workers: &Workers<'_>) -> Outcome {
    let tried = || -> Result<Outcome, Problem> {
        match folder.state(planned)? {
            State::Done => return Ok(Outcome::Done),
            State::Running => return Ok(Outcome::Elsewhere),
            State::Failed(_) => folder.forget_failure(planned)?,
            State::Stopped | State::Missing => {}
        }
        let job = (workers.open)(planned)?;
        let place = folder.place(planned);
        let order = Order {
            out: &place,
            begin: Begin::Resume,
            updates: folder.common().updates,
            only: true,
            origin: workers.origin,
        };
        let summary = run_on(threads, &*job, &order, workers.watch)?;
        if summary.interrupted {
            return Ok(Outcome::Stopped);
        }
        folder.finish(planned, &finished(planned, &summary, &place)?)?;
        Ok(Outcome::Done)
    };
    match tried() {
        Ok(outcome) => outcome,
        // Between the look at its state and the lock of its directory another process was quicker.
        Err(_) if folder.state(planned).is_ok_and(|state| state == State::Running) => Outcome::Elsewhere,
        Err(problem) => match folder.fail(planned, &problem) {
            Ok(()) => Outcome::Failed(problem),
            Err(unwritable) => Outcome::Failed(unwritable.into()),
        },
    }
}

/// Fields of a summary that are the same in all runs, known from the plan, or differ from machine to machine.
const LEFT_OUT: [&str; 4] = ["task", "seed", "wall_seconds", "run_dir"];

fn finished(planned: &Planned, summary: &Summary, place: &Path) -> Result<Finished, LabError> {
    let mut measures = Map::new();
    let summary_json = serde_json::to_value(summary).expect("a summary is JSON");
    for (name, value) in flat("", &summary_json) {
        if !LEFT_OUT.contains(&name.as_str()) && !value.is_null() {
            measures.insert(name, value);
        }
    }
    Ok(Finished {
        of: planned.sum(),
        measures,
        curves: curves(&events(&place.join("log.jsonl"))?),
        wall_seconds: summary.wall_seconds,
    })
}

/// Every number that all validations have, by its dotted name.
fn curves(events: &[Value]) -> BTreeMap<String, Vec<f64>> {
    let checks = events.iter().filter(|event| event["event"] == "check");
    let mut curves: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut n = 0;
    for check in checks {
        for (name, value) in flat("", check) {
            if let (Some(value), true) = (value.as_f64(), name != "at_seconds") {
                curves.entry(name).or_default().push(value);
            }
        }
        n += 1;
    }
    curves.retain(|_, values| values.len() == n);
    curves
}

/// Leaves of nested objects, by dotted names; lists are left out.
fn flat(prefix: &str, value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(fields) => {
            let named = fields.iter().flat_map(|(key, value)| {
                let name = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flat(&name, value)
            });
            named.collect()
        }
        Value::Array(_) => Vec::new(),
        leaf => vec![(prefix.to_owned(), leaf.clone())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_that_every_validation_has_are_curves() {
        let events = [
            json!({ "event": "check", "at_seconds": 0.1, "update": 0, "p": { "reward": 0.5, "rare": 1 } }),
            json!({ "event": "restart", "update": 5 }),
            json!({ "event": "check", "at_seconds": 0.2, "update": 10, "p": { "reward": 0.75 }, "norms": [1, 2] }),
        ];
        let expected = BTreeMap::from([
            ("update".to_owned(), vec![0.0, 10.0]),
            ("p.reward".to_owned(), vec![0.5, 0.75]),
        ]);
        assert_eq!(curves(&events), expected);
    }
}
