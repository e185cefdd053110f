//! `neuropil test RUN`: test trials of a trained network.

use super::train::thread_pool;
use crate::cli::TestArgs;
use crate::experiment::{self, Experiment};
use crate::failure::Failure;
use neuropil_lab::array;
use neuropil_lab::run::RunDirectory;
use neuropil_song::behaviour::{Behaviour, Column};
use neuropil_song::testing::{Tested, default_trials_per_condition, test};
use neuropil_song::train::load_players;
use neuropil_tasks::task::Task;
use serde_json::json;

/// Runs the command.
pub(crate) fn run(args: &TestArgs) -> Result<u8, Failure> {
    if args.trials_per_condition == Some(0) {
        let message = "--trials-per-condition is 0, expected a whole number ≥ 1";
        return Err(Failure::new(message, "leave it out for 20 000 trials in all"));
    }
    RunDirectory::read(&args.run)?;
    let run = RunDirectory::open(&args.run)?;
    let experiment = experiment::of_run(&run, args.dt)?;
    let seed = args.seed.unwrap_or(experiment.config.value.seed);
    let task = &experiment.task;
    let tested = thread_pool(args.threads)?.install(|| {
        let k = args
            .trials_per_condition
            .unwrap_or_else(|| default_trials_per_condition(task));
        tested(&run, &experiment, seed, k)
    })?;
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

/// Tests the best network of a run.
fn tested(
    run: &RunDirectory,
    experiment: &Experiment,
    seed: u64,
    per_condition: usize,
) -> Result<Tested, Failure> {
    let best = run.checkpoint("best");
    if !best.exists() {
        let message = format!("{}: no trained network", run.path().display());
        let hint = format!(
            "`neuropil train {} --out {} --resume`",
            experiment.task.definition.name,
            run.path().display()
        );
        return Err(Failure::new(message, hint));
    }
    let (policy, _) = load_players(&best, &experiment.config.value, &experiment.task)?;
    Ok(test(&policy, &experiment.task, seed, per_condition))
}

/// After training: the default number of trials, saved.
pub(crate) fn after_training(run: &RunDirectory, experiment: &Experiment) -> Result<(), Failure> {
    let task = &experiment.task;
    let tested = tested(
        run,
        experiment,
        experiment.config.value.seed,
        default_trials_per_condition(task),
    )?;
    save(run, task, &tested)
}

/// The trials as CSV, and their numbers as NPZ.
fn save(run: &RunDirectory, task: &Task, tested: &Tested) -> Result<(), Failure> {
    let behaviour: Behaviour = tested.behaviour(task);
    let broken = |error: neuropil_song::behaviour::BehaviourError| {
        Failure::new(
            format!("test trials of {}: {error}", task.definition.name),
            "rename the factor in the task",
        )
    };
    let csv = behaviour.to_csv().map_err(broken)?;
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
