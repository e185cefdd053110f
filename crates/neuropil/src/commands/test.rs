//! `neuropil test RUN`: test trials of a trained network.

use crate::cli::{Kind, TestArgs};
use crate::experiment::{self, Experiment};
use crate::process::thread_pool;
use neuropil_lab::array;
use neuropil_lab::error::Problem;
use neuropil_lab::run::RunDirectory;
use neuropil_learn::player::Player;
use neuropil_nn::cell::Cell;
use neuropil_song::analysis::activity::{Activity, Recorded};
use neuropil_song::behaviour::{Behaviour, Column};
use neuropil_song::dynamics::Dynamics;
use neuropil_song::testing::{
    Fixed, Tested, default_recorded_per_condition, default_trials_per_condition, record_activity, test,
};
use neuropil_song::train::{load_players, rules};
use neuropil_tasks::task::Task;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Runs the command.
pub(crate) fn run(args: &TestArgs) -> Result<u8, Problem> {
    if args.trials_per_condition == Some(0) {
        let message = "--trials-per-condition is 0, expected a whole number ≥ 1";
        return Err(Problem::new(message, "leave it out for 20 000 trials in all"));
    }
    RunDirectory::read(&args.run)?;
    let run = RunDirectory::open(&args.run)?;
    let experiment = experiment::of_run(&run, args.dt)?;
    if args.dt.is_some() {
        refuse_other_steps(&experiment, experiment::of_run(&run, None)?.task.dt_ms)?;
    }
    let seed = args.seed.unwrap_or(experiment.config.value.seed);
    let task = &experiment.task;
    let fixed = fixed(&args.fix, task)?;
    if args.kind == Kind::Activity {
        let save_every = args.save_every.unwrap_or_else(|| default_save_every(task));
        let every = save_every / task.dt_ms;
        if every < 1.0 || every.fract() != 0.0 {
            let message = format!(
                "--save-every is {save_every}, expected a multiple of {} ms",
                task.dt_ms
            );
            return Err(Problem::new(message, "leave it out for 50 ms"));
        }
        let k = args
            .trials_per_condition
            .unwrap_or_else(|| default_recorded_per_condition(task));
        let pool = thread_pool(args.threads)?;
        let (policy, value) = players(&run, &experiment)?;
        let rules = rules(&experiment.config.value, task);
        let recorded = pool
            .install(|| record_activity((&policy, &value), task, seed, k, &fixed, every as usize, &rules));
        let path = save_activity(&run, task, &recorded)?;
        if args.json {
            let document = json!({
                "task": task.definition.name,
                "seed": seed,
                "n_trials": recorded.behaviour.n_trials(),
                "times_ms": recorded.policy.times_ms,
                "n_policy_units": recorded.policy.n_units,
                "n_value_units": recorded.value.n_units,
                "file": path,
            });
            println!(
                "{}",
                serde_json::to_string_pretty(&document).expect("results are JSON")
            );
        } else {
            eprintln!(
                "saved {} trials to {}",
                recorded.behaviour.n_trials(),
                path.display()
            );
        }
        return Ok(0);
    }
    let k = args
        .trials_per_condition
        .unwrap_or_else(|| default_trials_per_condition(task));
    let pool = thread_pool(args.threads)?;
    let (policy, _) = players(&run, &experiment)?;
    let continuous = experiment.config.value.training.continuous;
    let tested = pool.install(|| test(&policy, task, seed, k, &fixed, continuous));
    save(&run, task, &tested)?;
    let p = &tested.performance;
    if args.json {
        let document = json!({
            "task": task.definition.name,
            "seed": seed,
            "dt_ms": task.dt_ms,
            "n_trials": p.n_trials,
            "percent_decided": 100.0 * p.fraction_decided(),
            "percent_correct": 100.0 * p.fraction_correct(),
            "mean_reward": p.mean_reward,
            "criterion": p.quantities,
            "criterion_met": p.meets(task),
            "conditions": tested.by_condition(task),
        });
        println!(
            "{}",
            serde_json::to_string_pretty(&document).expect("results are JSON")
        );
    } else {
        print(task, &tested);
        eprintln!("saved {}", run.file("trials/test.csv").display());
    }
    Ok(0)
}

/// The best networks of a run.
pub(crate) fn players(
    run: &RunDirectory,
    experiment: &Experiment,
) -> Result<(Player<f32>, Player<f32>), Problem> {
    let loaded = load_players(run, &experiment.config.value, &experiment.task)?;
    loaded.ok_or_else(|| {
        let message = format!("{}: no trained network", run.path().display());
        let hint = format!(
            "`neuropil train {} --out {} --resume`",
            experiment.task.definition.name,
            run.path().display()
        );
        Problem::new(message, hint)
    })
}

/// Networks that count steps run at the time step that they were trained with.
fn refuse_other_steps(experiment: &Experiment, trained_ms: f64) -> Result<(), Problem> {
    let (asked, config) = (experiment.task.dt_ms, &experiment.config.value);
    if asked == trained_ms || ![config.policy.cell, config.value.cell].contains(&Cell::Lstm) {
        return Ok(());
    }
    let message =
        format!("--dt is {asked}, expected {trained_ms}: lstm units count steps, whatever their length");
    Err(Problem::new(message, "leave it out, or train with it"))
}

/// The policy's equations, one step at a time.
pub(crate) fn dynamics(policy: &Player<f32>, experiment: &Experiment) -> Result<Dynamics, Problem> {
    let alpha = experiment.task.dt_ms / experiment.config.value.tau_ms;
    Dynamics::of(policy, alpha).ok_or_else(|| {
        Problem::new(
            "the policy has lstm units, which have no equations in continuous time, expected gated or leaky ones",
            "train with `--set policy.cell=gated`",
        )
    })
}

const RECORDED: &str = "trials/activity.csv";
const ACTIVITY: &str = "trials/activity.npz";

/// The trials as CSV; inputs, probabilities, rates and predictions as NPZ, time × trial × unit.
fn save_activity(run: &RunDirectory, task: &Task, recorded: &Recorded) -> Result<PathBuf, Problem> {
    let csv = recorded
        .behaviour
        .to_csv()
        .map_err(|error| unwritable(task, &error))?;
    neuropil_lab::atomic::write(&run.file(RECORDED), csv.as_bytes())?;
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
    let path = run.file(ACTIVITY);
    array::write_npz(&path, arrays)?;
    Ok(path)
}

/// Recorded trials of a run, if there are any.
pub(crate) fn load_activity(run: &RunDirectory, task: &Task) -> Result<Option<Recorded>, Problem> {
    let (csv, npz) = (run.file(RECORDED), run.file(ACTIVITY));
    if !csv.exists() || !npz.exists() {
        return Ok(None);
    }
    let hint = || {
        format!(
            "`neuropil test {} --kind activity` makes them anew",
            run.path().display()
        )
    };
    let text = std::fs::read_to_string(&csv)
        .map_err(|error| Problem::new(format!("{}: {error}", csv.display()), hint()))?;
    let d = &task.definition;
    let behaviour = Behaviour::from_csv(&d.name, task.dt_ms, &d.actions, &text)
        .map_err(|error| Problem::new(format!("{}: {error}", csv.display()), hint()))?;
    let mut arrays: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    for (name, shape, values) in array::read_npz::<f32>(&npz)? {
        arrays.insert(name, (shape, values));
    }
    let mut take = |name: &str, dimensions: usize| {
        let found = arrays.remove(name).filter(|(shape, _)| shape.len() == dimensions);
        found.ok_or_else(|| {
            Problem::new(
                format!("{}: no array `{name}` of {dimensions} dimensions", npz.display()),
                hint(),
            )
        })
    };
    let times_ms: Vec<f64> = take("times_ms", 1)?.1.into_iter().map(f64::from).collect();
    let mut activity = |name: &str| -> Result<Activity, Problem> {
        let (shape, rates) = take(name, 3)?;
        Ok(Activity {
            times_ms: times_ms.clone(),
            n_trials: shape[1],
            n_units: shape[2],
            rates,
        })
    };
    Ok(Some(Recorded {
        input_names: d.inputs.clone(),
        inputs: activity("inputs")?,
        probabilities: activity("action_probabilities")?,
        policy: activity("policy_rates")?,
        value: activity("value_rates")?,
        predicted: activity("predicted_reward")?,
        behaviour,
    }))
}

/// After training: the default number of trials, saved.
pub(crate) fn after_training(run: &RunDirectory, experiment: &Experiment) -> Result<(), Problem> {
    let task = &experiment.task;
    let trials = Trials {
        behaviour: default_trials_per_condition(task),
        activity: default_recorded_per_condition(task),
        fixed: Fixed::new(),
    };
    make_trials(run, experiment, &trials)
}

/// Test trials to make of a run.
pub(crate) struct Trials {
    /// Of each condition.
    pub behaviour: usize,
    /// Of each condition with activity; 0: none.
    pub activity: usize,
    /// Durations that are not drawn.
    pub fixed: Fixed,
}

/// Makes and saves test trials of both kinds.
pub(crate) fn make_trials(
    run: &RunDirectory,
    experiment: &Experiment,
    trials: &Trials,
) -> Result<(), Problem> {
    let task = &experiment.task;
    let config = &experiment.config.value;
    let (policy, value) = players(run, experiment)?;
    let rules = rules(config, task);
    let tested = test(
        &policy,
        task,
        config.seed,
        trials.behaviour,
        &trials.fixed,
        rules.continuous,
    );
    save(run, task, &tested)?;
    if trials.activity > 0 {
        let every = (default_save_every(task) / task.dt_ms).round().max(1.0) as usize;
        let (networks, k) = ((&policy, &value), trials.activity);
        let recorded = record_activity(networks, task, config.seed, k, &trials.fixed, every, &rules);
        save_activity(run, task, &recorded)?;
    }
    Ok(())
}

/// Durations given as EPOCH=MS.
fn fixed(given: &[String], task: &Task) -> Result<Fixed, Problem> {
    let mut fixed = Fixed::new();
    for text in given {
        let (name, ms) = crate::cli::assignment("--fix", text)?;
        let known: Vec<&str> = task.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
        if !known.contains(&name.strip_suffix(".wait").unwrap_or(&name)) {
            let message = format!("--fix: {} has no epoch `{name}`", task.definition.name);
            return Err(Problem::new(message, format!("epochs: {}", known.join(", "))));
        }
        if ms < 0.0 {
            return Err(Problem::new(
                format!("--fix {text}: expected a duration ≥ 0 ms"),
                "as in `--fix delay=3000`",
            ));
        }
        fixed.insert(name, ms);
    }
    Ok(fixed)
}

/// Time between kept steps, in ms; of a world's sessions, in which time counts in steps, every step is kept.
fn default_save_every(task: &Task) -> f64 {
    if task.world.is_some() { task.dt_ms } else { 50.0 }
}

fn unwritable(task: &Task, error: &neuropil_song::behaviour::BehaviourError) -> Problem {
    Problem::new(
        format!("test trials of {}: {error}", task.definition.name),
        "rename the factor in the task",
    )
}

/// The trials as CSV, and their numbers as NPZ.
fn save(run: &RunDirectory, task: &Task, tested: &Tested) -> Result<(), Problem> {
    let behaviour: Behaviour = tested.behaviour(task);
    let csv = behaviour.to_csv().map_err(|error| unwritable(task, &error))?;
    neuropil_lab::atomic::write(&run.file("trials/test.csv"), csv.as_bytes())?;
    let columns = behaviour.columns();
    let numbers = columns.iter().filter_map(|(name, column)| match column {
        Column::Numbers(values) => Some((name.as_str(), vec![values.len()], values.clone())),
        Column::Labels(_) => None,
    });
    let mut arrays: Vec<array::Named> = numbers.collect();
    let index = behaviour
        .action
        .iter()
        .map(|action| action.map_or(0.0, |a| a as f64))
        .collect();
    arrays.push(("action_index", vec![behaviour.n_trials()], index));
    Ok(array::write_npz(&run.file("trials/test.npz"), arrays)?)
}

fn print(task: &Task, tested: &Tested) {
    if task.world.is_some() {
        let p = &tested.performance;
        let own = p
            .quantities
            .iter()
            .map(|(name, value)| format!("{name} {value:.3}"));
        println!("{} sessions: {}", p.n_trials, own.collect::<Vec<_>>().join(", "));
        return;
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let factors: Vec<String> = task.columns().map(|column| column.name.clone()).collect();
    let numbers = ["trials", "decided %", "correct %", "RT ms"].map(str::to_owned);
    table.set_header(factors.iter().cloned().chain(numbers));
    for c in tested.by_condition(task) {
        let percent = |part: usize, whole: usize| {
            if whole == 0 {
                "–".to_owned()
            } else {
                format!("{:.1}", 100.0 * part as f64 / whole as f64)
            }
        };
        let values = factors.iter().map(|name| match &c.factors[name] {
            serde_json::Value::String(label) => label.clone(),
            number => number.to_string(),
        });
        let numbers = [
            c.n.to_string(),
            percent(c.decided, c.n),
            percent(c.correct, c.decided),
            c.mean_reaction_time_ms
                .map_or("–".to_owned(), |ms| format!("{ms:.0}")),
        ];
        table.add_row(values.chain(numbers));
    }
    println!("{table}");
    let p = &tested.performance;
    println!(
        "{} trials: decided {:.1} %, correct {:.1} %, reward {:+.3}",
        p.n_trials,
        100.0 * p.fraction_decided(),
        100.0 * p.fraction_correct(),
        p.mean_reward
    );
}
