//! Test trials of a run in its directory: made, kept and read again.

use crate::analysis::activity::{Activity, Recorded};
use crate::behaviour::{Behaviour, BehaviourError, Column};
use crate::experiment::Experiment;
use crate::testing::{
    Fixed, Tested, default_recorded_per_condition, default_trials_per_condition, record_activity, test,
};
use crate::train::{load_players, rules};
use neuropil_lab::array;
use neuropil_lab::atomic;
use neuropil_lab::bundle::{self, Bundle};
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_learn::player::Player;
use neuropil_tasks::task::Task;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Trials by name: `NAME.csv`, `NAME.npz`, and the index `NAME.json` by which they are written and read as one.
const TESTED: &str = "test";
const RECORDED: &str = "activity";
/// Arrays of the inputs at every step.
const SHOWN: &str = "inputs_each_step";
const EACH_STEP_MS: &str = "each_step_ms";

/// Test trials to make of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trials {
    /// Of each condition.
    pub behaviour: usize,
    /// Of each condition with activity; 0: none.
    pub activity: usize,
    /// Durations that are not drawn.
    pub fixed: Fixed,
}

impl Trials {
    /// As many as are made after training.
    pub fn after_training(task: &Task) -> Self {
        Self {
            behaviour: default_trials_per_condition(task),
            activity: default_recorded_per_condition(task),
            fixed: Fixed::new(),
        }
    }

    /// Makes and keeps trials of both kinds.
    ///
    /// # Errors
    /// Nothing was trained; files cannot be written.
    pub fn make(&self, run: &RunDirectory, experiment: &Experiment) -> Result<(), Problem> {
        let (task, config) = (&experiment.task, experiment.config());
        let (policy, value) = players(run, experiment)?;
        let rules = rules(config, task);
        let (seed, fixed) = (config.seed, &self.fixed);
        let tested = test(&policy, task, seed, self.behaviour, fixed, rules.continuous);
        save_tested(run, task, &tested, "")?;
        if self.activity > 0 {
            let every = (default_save_every(task) / task.dt_ms).round().max(1.0) as usize;
            let networks = (&policy, &value);
            let recorded = record_activity(networks, task, seed, self.activity, fixed, every, &rules);
            save_recorded(run, task, &recorded, "")?;
        }
        Ok(())
    }
}

/// The best networks of a run: policy and value.
///
/// # Errors
/// Nothing was trained; the checkpoint is damaged or of other settings.
pub fn players(run: &RunDirectory, experiment: &Experiment) -> Result<(Player<f32>, Player<f32>), Problem> {
    let loaded = load_players(run, experiment.config(), &experiment.task)?;
    loaded.ok_or_else(|| {
        let path = run.path().display();
        let name = &experiment.task.definition.name;
        Problem::new(
            format!("{path}: no trained network"),
            format!("`neuropil train {name} --out {path} --resume`"),
        )
    })
}

/// Time between kept steps, ms; of a world's sessions, in which time counts in steps, every step is kept.
pub(crate) fn default_save_every(task: &Task) -> f64 {
    if task.world.is_some() { task.dt_ms } else { 50.0 }
}

/// The trials as CSV, and their numbers as NPZ; the path of the first.
pub(crate) fn save_tested(
    run: &RunDirectory,
    task: &Task,
    tested: &Tested,
    under: &str,
) -> Result<PathBuf, Problem> {
    let behaviour: Behaviour = tested.behaviour(task);
    let csv = behaviour.to_csv().map_err(|error| unwritable(task, &error))?;
    let columns = behaviour.columns();
    let numbers = columns.iter().filter_map(|(name, column)| match column {
        Column::Numbers(values) => Some((name.as_str(), vec![values.len()], values.clone())),
        Column::Labels(_) => None,
    });
    let mut arrays: Vec<array::Named> = numbers.collect();
    let index = behaviour.action.iter();
    let index = index.map(|action| action.map_or(0.0, |a| a as f64)).collect();
    arrays.push(("action_index", vec![behaviour.n_trials()], index));
    let mut files = Bundle::begin(&run.place("trials"), &index_of(TESTED))?;
    atomic::write(&files.place("test.csv"), csv.as_bytes())?;
    array::write_npz(&files.place("test.npz"), arrays)?;
    files.commit(&made(behaviour.n_trials(), task, under))?;
    Ok(run.place("trials/test.csv"))
}

/// How trials were made: `under` what conditions other than those of training, and at which time step.
fn made(n_trials: usize, task: &Task, under: &str) -> Value {
    json!({ "trials": n_trials, "dt_ms": task.dt_ms, "under": under })
}

/// Conditions, other than those of training, under which the run's trials of a kind were made; empty for none.
///
/// # Errors
/// The index of the trials is damaged.
pub(crate) fn made_under(run: &RunDirectory, recorded: bool) -> Result<String, Problem> {
    let made = made_of(run, if recorded { RECORDED } else { TESTED })?;
    Ok(made["under"].as_str().unwrap_or_default().to_owned())
}

fn made_of(run: &RunDirectory, name: &str) -> Result<Value, Problem> {
    let index = index_of(name);
    let found = bundle::paths(&run.folder_with("trials", &index), &index)?;
    Ok(found.map_or(Value::Null, |(_, made)| made))
}

fn index_of(name: &str) -> String {
    format!("{name}.json")
}

/// Where the table and the arrays of trials lie, each as it was written with the other; none if there are no trials.
fn files_of(run: &RunDirectory, name: &str) -> Result<Option<(PathBuf, PathBuf)>, Problem> {
    let index = index_of(name);
    let folder = run.folder_with("trials", &index);
    let (csv, npz) = (format!("{name}.csv"), format!("{name}.npz"));
    if let Some((mut paths, _)) = bundle::paths(&folder, &index)? {
        if let (Some(csv), Some(npz)) = (paths.remove(&csv), paths.remove(&npz)) {
            return Ok(Some((csv, npz)));
        }
        let message = format!(
            "{}: not an index of `{csv}` and `{npz}`",
            folder.join(index).display()
        );
        return Err(Problem::new(message, "`neuropil test` makes them anew"));
    }
    // Runs of versions before 0.2 have no index.
    let (csv, npz) = (folder.join(csv), folder.join(npz));
    Ok((csv.exists() && npz.exists()).then_some((csv, npz)))
}

/// The trials as CSV; inputs, probabilities, rates and predictions as NPZ, time × trial × unit. The path of the latter.
pub(crate) fn save_recorded(
    run: &RunDirectory,
    task: &Task,
    recorded: &Recorded,
    under: &str,
) -> Result<PathBuf, Problem> {
    let csv = recorded
        .behaviour
        .to_csv()
        .map_err(|error| unwritable(task, &error))?;
    let times: Vec<f32> = recorded.policy.times_ms.iter().map(|&ms| ms as f32).collect();
    let mut arrays: Vec<array::Named<f32>> = vec![("times_ms", vec![times.len()], times)];
    let parts = [
        ("inputs", &recorded.inputs),
        ("action_probabilities", &recorded.probabilities),
        ("policy_rates", &recorded.policy),
        ("value_rates", &recorded.value),
        ("predicted_reward", &recorded.predicted),
    ];
    for (name, activity) in parts {
        let shape = vec![activity.times_ms.len(), activity.n_trials, activity.n_units];
        arrays.push((name, shape, activity.rates.clone()));
    }
    let shown = &recorded.shown;
    let each_step: Vec<f32> = shown.times_ms.iter().map(|&ms| ms as f32).collect();
    let shape = vec![shown.times_ms.len(), shown.n_trials, shown.n_units];
    arrays.push((EACH_STEP_MS, vec![each_step.len()], each_step));
    arrays.push((SHOWN, shape, shown.rates.clone()));
    let mut files = Bundle::begin(&run.place("trials"), &index_of(RECORDED))?;
    atomic::write(&files.place("activity.csv"), csv.as_bytes())?;
    array::write_npz(&files.place("activity.npz"), arrays)?;
    files.commit(&made(recorded.behaviour.n_trials(), task, under))?;
    Ok(run.place("trials/activity.npz"))
}

/// The test trials of a run, as kept.
///
/// # Errors
/// There are none, or they are damaged.
pub fn load_tested(run: &RunDirectory, task: &Task) -> Result<Behaviour, Problem> {
    let hint = format!("`neuropil test {}` makes them", run.path().display());
    let Some((path, _)) = files_of(run, TESTED)? else {
        let message = format!("{}: no test trials", run.path().display());
        return Err(Problem::new(message, hint));
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Problem::new(format!("{}: {error}", path.display()), hint.clone()))?;
    let d = &task.definition;
    let dt_ms = made_of(run, TESTED)?["dt_ms"].as_f64().unwrap_or(task.dt_ms);
    Behaviour::from_csv(&d.name, dt_ms, &d.actions, &text)
        .map_err(|error| Problem::new(format!("{}: {error}", path.display()), hint))
}

/// The recorded trials of a run, if there are any.
///
/// # Errors
/// They are damaged.
pub fn load_recorded(run: &RunDirectory, task: &Task) -> Result<Option<Recorded>, Problem> {
    let Some((csv, npz)) = files_of(run, RECORDED)? else {
        return Ok(None);
    };
    let hint = || {
        format!(
            "`neuropil test {} --kind activity` makes them anew",
            run.path().display()
        )
    };
    let text = std::fs::read_to_string(&csv)
        .map_err(|error| Problem::new(format!("{}: {error}", csv.display()), hint()))?;
    let d = &task.definition;
    let dt_ms = made_of(run, RECORDED)?["dt_ms"].as_f64().unwrap_or(task.dt_ms);
    let behaviour = Behaviour::from_csv(&d.name, dt_ms, &d.actions, &text)
        .map_err(|error| Problem::new(format!("{}: {error}", csv.display()), hint()))?;
    let mut arrays: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    for (name, (shape, values)) in array::read(&npz)? {
        if let Some(values) = values.singles() {
            arrays.insert(name, (shape, values));
        }
    }
    let mut take = |name: &str, dimensions: usize| {
        let found = arrays.remove(name).filter(|(shape, _)| shape.len() == dimensions);
        found.ok_or_else(|| {
            let message = format!("{}: no array `{name}` of {dimensions} dimensions", npz.display());
            Problem::new(message, hint())
        })
    };
    let moments = |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
    // Recordings of versions before 0.3 hold inputs at kept steps alone.
    let (each_step, shown) = match take(EACH_STEP_MS, 1) {
        Ok((_, values)) => (Some(moments(values)), SHOWN),
        Err(_) => (None, "inputs"),
    };
    let shown = (shown == SHOWN).then(|| take(shown, 3)).transpose()?;
    let times_ms: Vec<f64> = moments(take("times_ms", 1)?.1);
    let mut activity = |name: &str| -> Result<Activity, Problem> {
        let (shape, rates) = take(name, 3)?;
        if shape[..2] != [times_ms.len(), behaviour.n_trials()] {
            let message = format!(
                "{}: `{name}` has shape {shape:?}, expected {} times and {} trials as in {}",
                npz.display(),
                times_ms.len(),
                behaviour.n_trials(),
                csv.display()
            );
            return Err(Problem::new(message, hint()));
        }
        Ok(Activity {
            times_ms: times_ms.clone(),
            n_trials: shape[1],
            n_units: shape[2],
            rates,
        })
    };
    let inputs = activity("inputs")?;
    let shown = match (each_step, shown) {
        (Some(times_ms), Some((shape, rates))) if shape[..2] == [times_ms.len(), behaviour.n_trials()] => {
            Activity {
                times_ms,
                n_trials: shape[1],
                n_units: shape[2],
                rates,
            }
        }
        _ => inputs.clone(),
    };
    Ok(Some(Recorded {
        input_names: d.inputs.clone(),
        inputs,
        shown,
        probabilities: activity("action_probabilities")?,
        policy: activity("policy_rates")?,
        value: activity("value_rates")?,
        predicted: activity("predicted_reward")?,
        behaviour,
    }))
}

/// The recorded trials of a run, which something cannot do without.
///
/// # Errors
/// There are none; `without` says what cannot be done.
pub fn require_recorded(run: &RunDirectory, task: &Task, without: &str) -> Result<Recorded, Problem> {
    let path = run.path().display();
    load_recorded(run, task)?.ok_or_else(|| {
        Problem::new(
            format!("{path}: no trials with activity{without}"),
            format!("`neuropil test {path} --kind activity` makes them"),
        )
    })
}

fn unwritable(task: &Task, error: &BehaviourError) -> Problem {
    Problem::new(
        format!("test trials of {}: {error}", task.definition.name),
        "rename the factor in the task",
    )
}
