//! `neuropil probe RUN`: experiments on a trained policy.

use crate::cli::song::ProbeArgs;
use crate::cli::{Global, assignment};
use crate::commands::experiment::open_run;
use crate::process::thread_pool;
use crate::terminal::{out, print_json, say, table};
use neuropil_lab::array::{Npz, read_tensors};
use neuropil_lab::atomic;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_lab::run::RunDirectory;
use neuropil_song::dynamics::Dynamics;
use neuropil_song::experiment::Experiment;
use neuropil_song::figures::{self, Origin};
use neuropil_song::probe::{Probe, Probed, Told, Window, probe, respond};
use neuropil_song::report::shown_as;
use neuropil_song::trials::players;
use neuropil_study::life;
use neuropil_tasks::task::Task;
use std::ops::Range;
use std::path::Path;

/// Trials in all when nobody says how many.
const DEFAULT_TRIALS: usize = 2000;

/// Runs the command.
pub(crate) fn run(args: &ProbeArgs, global: &Global) -> Result<u8, Problem> {
    let run = open_run(&args.run, global.out.as_deref(), None)?;
    let experiment = Experiment::of_run(&run, None)?;
    let task = &experiment.task;
    let wanted = wanted(args, &experiment)?;
    let (policy, _) = players(&run, &experiment)?;
    let dynamics = experiment.dynamics(&policy)?;
    if let Some(given) = &args.given {
        let path = run.place(&format!("trials/probe-{}.npz", args.name));
        show(&dynamics, given, &path, &wanted, task)?;
        say!("saved {}", path.display());
        return Ok(0);
    }
    let k = args
        .trials_per_condition
        .unwrap_or_else(|| DEFAULT_TRIALS.div_ceil(task.n_conditions()));
    let seed = global.seed.unwrap_or(experiment.config().seed);
    let pool = thread_pool(global.threads)?;
    let found = pool.install(|| probe(&dynamics, policy.noise_sd, task, seed, k, &wanted));
    let told = save(&run, &experiment, &args.name, seed, &wanted, &found)?;
    if global.json {
        print_json(&told)?;
    } else {
        print(&told)?;
    }
    Ok(0)
}

/// Indices of an input of the task; a ring is all of its units.
pub(super) fn inputs(option: &str, name: &str, task: &Task) -> Result<Range<usize>, Problem> {
    let rings = &task.rings;
    if let Some(ring) = rings.iter().find(|ring| ring.name == name) {
        return Ok(ring.inputs());
    }
    let all = &task.definition.inputs;
    if let Some(place) = all.iter().position(|input| input == name) {
        return Ok(place..place + 1);
    }
    let bare = (0..all.len()).filter(|place| !rings.iter().any(|ring| ring.inputs().contains(place)));
    let known: Vec<&str> = bare
        .map(|place| all[place].as_str())
        .chain(rings.iter().map(|ring| ring.name.as_str()))
        .collect();
    Err(Problem::new(
        format!("{option}: {} has no input `{name}`", task.definition.name),
        did_you_mean(name, "inputs", &known),
    ))
}

/// What was asked for, checked.
fn wanted(args: &ProbeArgs, experiment: &Experiment) -> Result<Probe, Problem> {
    let (task, n) = (&experiment.task, experiment.config().policy.units);
    if task.world.is_some() {
        let what = if task.sessions().is_some() {
            "is made of sessions, in which trials depend on answers"
        } else {
            "is a world that answers"
        };
        let message = format!(
            "{} {what}: only trials that are tables can be probed",
            task.definition.name
        );
        let hint = "`neuropil test` runs its sessions with other settings, such as `--dt`";
        return Err(Problem::new(message, hint));
    }
    let unit = |option: &str, unit: usize| {
        if unit < n {
            Ok(unit)
        } else {
            let message = format!("{option}: there is no unit {unit}");
            Err(Problem::new(
                message,
                format!("units of the policy: 0 to {}", n - 1),
            ))
        }
    };
    let mut probe = Probe {
        noise: args.noise,
        ..Probe::default()
    };
    for &silenced in &args.silence {
        probe.silence.push(unit("--silence", silenced)?);
    }
    for text in &args.stimulate {
        let (name, current) = assignment("--stimulate", text)?;
        let index = name.parse().map_err(|_| {
            Problem::new(
                format!("--stimulate: `{name}` is not a unit"),
                "units are counted from 0",
            )
        })?;
        probe.stimulate.push((unit("--stimulate", index)?, current));
    }
    for text in &args.scale {
        let (name, factor) = assignment("--scale", text)?;
        let places = inputs("--scale", &name, task)?;
        probe.scale.extend(places.map(|place| (place, factor)));
    }
    if probe == Probe::default() && args.given.is_none() {
        let hint = "give --silence, --stimulate, --scale or --noise";
        return Err(Problem::new("nothing to probe", hint));
    }
    if let Some(name) = &args.during
        && !task.epochs.iter().any(|epoch| epoch.name == *name)
    {
        let known: Vec<&str> = task.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
        let message = format!("--during: {} has no epoch `{name}`", task.definition.name);
        return Err(Problem::new(message, format!("epochs: {}", known.join(", "))));
    }
    if args.during.is_some() || args.from.is_some() || args.to.is_some() {
        probe.window = Some(Window {
            epoch: args.during.clone(),
            from_ms: args.from.unwrap_or(0.0),
            to_ms: args.to,
        });
    }
    Ok(probe)
}

/// Result, figure and trials in the run directory; the result is returned.
fn save(
    run: &RunDirectory,
    experiment: &Experiment,
    name: &str,
    seed: u64,
    probe: &Probe,
    found: &Probed,
) -> Result<Told, Problem> {
    let task = &experiment.task;
    let told = Told::of(task, seed, probe, found);
    let json = serde_json::to_vec_pretty(&told).expect("results are JSON");
    atomic::write(&run.place(&format!("results/probe-{name}.json")), &json)?;
    let csv =
        found.probed.behaviour(task).to_csv().map_err(|error| {
            Problem::new(format!("probed trials: {error}"), "rename the factor in the task")
        })?;
    atomic::write(&run.place(&format!("trials/probe-{name}.csv")), csv.as_bytes())?;
    if let (Some(before), Some(after)) = (&told.intact.psychometric, &told.probed.psychometric) {
        let origin = Origin {
            task: task.definition.name.clone(),
            seed,
            n_trials: told.n_trials,
            ..Origin::default()
        };
        let figure = figures::probe(before, after, &told.what, &origin);
        let figure = shown_as(&format!("probe-{name}"), figure);
        life::save_figure(&run.place("figures"), &run.place("results"), &figure)?;
    }
    Ok(told)
}

fn print(told: &Told) -> Result<(), Problem> {
    let mut rows = table(["", "decided %", "correct %", "reward", "choice at ms"]);
    for (name, side) in [("control", &told.intact), ("probed", &told.probed)] {
        rows.add_row([
            name.to_owned(),
            format!("{:.1}", side.percent_decided),
            format!("{:.1}", side.percent_correct),
            format!("{:.3}", side.mean_reward),
            side.mean_choice_ms
                .map_or("–".to_owned(), |ms| format!("{ms:.0}")),
        ]);
    }
    out!("{}", told.what);
    out!("{rows}");
    out!("{}", told.sentence());
    Ok(())
}

/// Shows given inputs and writes what the policy does.
fn show(dynamics: &Dynamics, given: &Path, out: &Path, probe: &Probe, task: &Task) -> Result<(), Problem> {
    let tensors = read_tensors(given)?;
    let shown = given.display();
    let array = |name: &str, width: usize| {
        tensors.get(name).map(|(shape, values)| match shape.as_slice() {
            &[times, trials, last] if last == width => Ok((times, trials, values)),
            other => Err(Problem::new(
                format!("{shown}: `{name}` has shape {other:?}, expected time × trial × {width}"),
                "`trials/activity.npz` of a run has this form",
            )),
        })
    };
    let missing = || {
        let found: Vec<&str> = tensors.keys().map(String::as_str).collect();
        Problem::new(
            format!("{shown}: no array `inputs`, only {}", found.join(", ")),
            "give inputs as time × trial × input",
        )
    };
    let (times, trials, inputs) = array("inputs", dynamics.n_inputs()).ok_or_else(missing)??;
    let noise = array("noise", dynamics.n_units()).transpose()?;
    if let Some((t, k, _)) = noise
        && (t, k) != (times, trials)
    {
        let message = format!("{shown}: noise for {t} steps of {k} trials, inputs for {times} of {trials}");
        return Err(Problem::new(message, "give both the same length"));
    }
    let of_trial = |values: &[f32], width: usize, trial: usize| -> Vec<f64> {
        let row = |time: usize| &values[(time * trials + trial) * width..][..width];
        (0..times)
            .flat_map(|time| row(time).iter().map(|&value| f64::from(value)))
            .collect()
    };
    let (n, actions) = (dynamics.n_units(), dynamics.n_outputs());
    let (mut rates, mut probabilities) = (
        vec![0.0_f32; times * trials * n],
        vec![0.0_f32; times * trials * actions],
    );
    for trial in 0..trials {
        let noise = noise.map_or(Vec::new(), |(_, _, values)| of_trial(values, n, trial));
        let response = respond(
            dynamics,
            &of_trial(inputs, dynamics.n_inputs(), trial),
            &noise,
            probe,
            task.dt_ms,
        );
        for time in 0..times {
            let place = time * trials + trial;
            for (to, from) in rates[place * n..][..n]
                .iter_mut()
                .zip(&response.rates[time * n..])
            {
                *to = *from as f32;
            }
            let row = probabilities[place * actions..][..actions].iter_mut();
            for (to, from) in row.zip(&response.probabilities[time * actions..]) {
                *to = *from as f32;
            }
        }
    }
    let mut npz = Npz::default();
    npz.add(
        "times_ms",
        &[times],
        (0..times).map(|time| (time as f64 * task.dt_ms) as f32).collect(),
    );
    npz.add("policy_rates", &[times, trials, n], rates);
    npz.add("action_probabilities", &[times, trials, actions], probabilities);
    Ok(npz.write(out)?)
}
