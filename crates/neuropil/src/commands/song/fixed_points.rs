//! `neuropil fixed-points RUN`: where a trained policy comes to rest under constant input.

use super::probe::inputs;
use crate::cli::song::FixedPointsArgs;
use crate::cli::{Global, assignment};
use crate::commands::experiment::{open_run, plain};
use crate::process::thread_pool;
use crate::terminal::{out, print_json, say, table};
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use neuropil_math::rng::{Key, Phase, Purpose};
use neuropil_song::behaviour::Behaviour;
use neuropil_song::experiment::Experiment;
use neuropil_song::figures::{self, Origin};
use neuropil_song::fixed_points::{FixedPoints, Kind, fixed_points};
use neuropil_song::report::shown_as;
use neuropil_song::trials::{players, require_recorded};
use neuropil_study::life;
use neuropil_tasks::task::Task;
use std::collections::BTreeMap;

/// Points that are printed; the result holds all of them.
const MOST_SHOWN: usize = 12;

/// Runs the command.
pub(crate) fn run(args: &FixedPointsArgs, global: &Global) -> Result<u8, Problem> {
    let run = open_run(&args.run, global.out.as_deref(), None)?;
    let experiment = Experiment::of_run(&run, None)?;
    let task = &experiment.task;
    let shown = run.path().display();
    let recorded = require_recorded(&run, task, ", from whose states the descents start")?;
    let during = args.during.clone().or_else(|| usual_epoch(&recorded.behaviour));
    let during = during.ok_or_else(|| {
        let message = format!(
            "{} has no epochs whose inputs could be held",
            task.definition.name
        );
        Problem::new(
            message,
            "only trials that are tables have fixed points of an epoch",
        )
    })?;
    let mut u = mean_inputs(task, &during)?;
    for text in &args.input {
        let (name, value) = assignment("--input", text)?;
        u[inputs("--input", &name, task)?].fill(value);
    }
    let (policy, _) = players(&run, &experiment)?;
    let dynamics = experiment.dynamics(&policy)?;
    let pool = thread_pool(global.threads)?;
    let tau_ms = experiment.config().tau_ms;
    let mut found = pool
        .install(|| fixed_points(&dynamics, &recorded, &u, args.starts, tau_ms))
        .map_err(|error| Problem::new(format!("{shown}: {error}"), "record activity anew"))?;
    found.during.clone_from(&during);
    let json = serde_json::to_vec_pretty(&found).expect("results are JSON");
    let name = file_name(args);
    atomic::write(&run.place(&format!("results/{name}.json")), &json)?;
    let origin = Origin {
        task: task.definition.name.clone(),
        seed: experiment.config().seed,
        n_trials: 0,
        n_recorded: recorded.behaviour.n_trials(),
        threshold: None,
        ..Default::default()
    };
    let figure = shown_as(&name, figures::fixed_points(&found, &origin));
    life::save_figure(&run.place("figures"), &run.place("results"), &figure)?;
    if global.json {
        print_json(&found)?;
    } else {
        print(&found, task)?;
        say!("saved {}", run.place(&format!("figures/{name}.svg")).display());
    }
    Ok(0)
}

/// The epoch `stimulus`, `delay`, or the one that lasts longest.
fn usual_epoch(behaviour: &Behaviour) -> Option<String> {
    let known = |name: &&str| behaviour.duration_ms.contains_key(*name);
    if let Some(name) = ["stimulus", "delay"].into_iter().find(known) {
        return Some(name.to_owned());
    }
    let total = |durations: &[f64]| durations.iter().filter(|ms| ms.is_finite()).sum::<f64>();
    let epochs = behaviour.duration_ms.iter();
    let longest = epochs.max_by(|a, b| total(a.1).total_cmp(&total(b.1)));
    longest.map(|(name, _)| name.clone())
}

/// Name of the files: one of its own for other inputs than usual, which do not take the usual ones' place.
fn file_name(args: &FixedPointsArgs) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(args.during.clone());
    parts.extend(args.input.iter().map(|input| input.replace('=', "-")));
    let usual = (!parts.is_empty()).then(|| plain(&parts.join("_")));
    match args.name.clone().or(usual) {
        Some(name) => format!("fixed-points-{name}"),
        None => "fixed-points".to_owned(),
    }
}

/// Trials of each condition over which inputs are averaged where they differ from trial to trial.
const DRAWS: usize = 50;

/// Mean of the noise-free inputs over the steps of an epoch, events among them, over all conditions that have it.
fn mean_inputs(task: &Task, epoch: &str) -> Result<Vec<f64>, Problem> {
    let unknown = || {
        let known: Vec<&str> = task.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
        let message = format!("--during: {} has no epoch `{epoch}`", task.definition.name);
        Problem::new(message, format!("epochs: {}", known.join(", ")))
    };
    let place = task
        .epochs
        .iter()
        .position(|known| known.name == epoch)
        .ok_or_else(unknown)?;
    let mut stream = Key::new(1).phase(Phase::Test).stream(Purpose::Condition, 0);
    let (mut sum, mut n) = (vec![0.0; task.n_inputs()], 0.0);
    for condition in task.conditions() {
        for draw in 0..DRAWS {
            let trial = task.compile(condition.clone(), &BTreeMap::new(), &mut stream);
            if let Some((start, end)) = trial.epochs[place].filter(|(start, end)| start < end) {
                let steps: Vec<Vec<f64>> = (start..end).map(|step| trial.inputs_at(step)).collect();
                let mean = |input: usize| {
                    let values = || steps.iter().map(|step| step[input]);
                    let first = steps[0][input];
                    if values().all(|value| value == first) {
                        first
                    } else {
                        values().sum::<f64>() / steps.len() as f64
                    }
                };
                sum.iter_mut()
                    .enumerate()
                    .for_each(|(input, sum)| *sum += mean(input));
                n += 1.0;
            }
            if draw == 0 && trial.pulses.is_empty() && trial.recorded.is_empty() {
                break;
            }
        }
    }
    Ok(sum.into_iter().map(|sum| sum / f64::max(n, 1.0)).collect())
}

/// A time constant; those of units whose gates are all but closed exceed any trial, and are not worth their digits.
fn milliseconds(ms: f64) -> String {
    if ms > 1e5 {
        "> 100000".to_owned()
    } else {
        format!("{ms:.0}")
    }
}

fn print(found: &FixedPoints, task: &Task) -> Result<(), Problem> {
    let ring_of = |place: usize| {
        let mut rings = task.rings.iter();
        rings.find(|ring| ring.inputs().contains(&place))
    };
    let mut inputs: Vec<String> = Vec::new();
    for (place, (name, value)) in found.inputs.iter().enumerate() {
        match ring_of(place) {
            None => inputs.push(format!("{name} {value:.3}")),
            Some(ring) if ring.first == place => {
                let units = found.inputs[ring.inputs()].iter().map(|(_, value)| *value);
                let (low, high) = units.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
                inputs.push(format!("{} {low:.3} to {high:.3}", ring.name));
            }
            Some(_) => {}
        }
    }
    out!(
        "constant input, the mean of epoch `{}` unless told: {}",
        found.during,
        inputs.join(", ")
    );
    let actions = found.actions.iter().map(|action| format!("p({action})"));
    let columns = [
        "point",
        "kind",
        "speed",
        "starts",
        "unstable",
        "slowest ms",
        "nearest course",
    ]
    .map(str::to_owned);
    let headers: Vec<String> = columns.into_iter().chain(actions).collect();
    let mut rows = table(headers.iter().map(String::as_str));
    for (i, point) in found.points.iter().enumerate().take(MOST_SHOWN) {
        let kind = match point.kind {
            Kind::Stable => "stable",
            Kind::Unstable => "unstable",
            Kind::Slow => "slow",
        };
        let slowest = point
            .eigenvalues
            .iter()
            .map(|(re, _)| re.abs())
            .fold(f64::INFINITY, f64::min);
        let numbers = [
            (i + 1).to_string(),
            kind.to_owned(),
            format!("{:.0e}", point.speed),
            point.n_starts.to_string(),
            point.n_unstable.to_string(),
            milliseconds(found.tau_ms / slowest),
            point.near.clone(),
        ];
        let probabilities = point.probabilities.iter().map(|p| format!("{p:.3}"));
        rows.add_row(numbers.into_iter().chain(probabilities));
    }
    out!("{rows}");
    if found.points.len() > MOST_SHOWN {
        out!("the first {MOST_SHOWN} of {} points", found.points.len());
    }
    out!(
        "{} starts, {} ended at none of these; median speed along the mean courses: {:.0e}",
        found.n_starts,
        found.n_lost,
        found.typical_speed
    );
    Ok(())
}
