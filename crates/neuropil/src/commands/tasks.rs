//! `neuropil tasks`: the library, and one task in words, tables and a drawing.

use super::experiment::Typed;
use crate::cli::{Global, SettingArgs, TasksArgs};
use crate::terminal::{self, out, print_json, say, write};
use neuropil::registry as systems;
use neuropil_draw::{DrawError, Figure};
use neuropil_lab::error::Problem;
use neuropil_math::rng::{Key, Purpose};
use neuropil_song::experiment::Experiment;
use neuropil_song::figures;
use neuropil_study::Job;
use neuropil_tasks::definition::NumberOrText;
use neuropil_tasks::task::Task;
use neuropil_tasks::world::{Rules, wander};
use serde_json::json;
use std::path::Path;
use toml::Value;

/// Runs the command.
pub(crate) fn run(args: &TasksArgs, global: &Global) -> Result<u8, Problem> {
    if args.schema {
        print_json(&neuropil_tasks::schema())?;
        return Ok(0);
    }
    let Some(name) = &args.task else {
        list(global.json)?;
        return Ok(0);
    };
    let typed = Typed::new(name, None, &SettingArgs::default())?;
    let given = typed.given();
    let other = given.text.is_none()
        && name
            .split_once('/')
            .is_some_and(|(system, _)| systems::system(system).is_some());
    if other {
        explain_job(&*typed.open()?, global.json, args.toml)?;
        return Ok(0);
    }
    let (task, seed) = (Experiment::find(&given)?.task, global.seed.unwrap_or(1));
    if args.toml {
        write(task.text.as_bytes())?;
    } else if global.json {
        print_json(&as_json(&task))?;
    } else {
        explain(&task, seed)?;
    }
    if let Some(path) = &args.draw {
        // Of a session, its first trial.
        let table = match task.sessions() {
            Some(sessions) => &*sessions.task,
            None if task.world.is_none() => &task,
            None => {
                let message = format!("{name} is a world that answers: it has no trial to draw");
                return Err(Problem::new(message, "leave `--draw` out for words and numbers"));
            }
        };
        let trial = table.draw(&mut Key::new(seed).stream(Purpose::Condition, 0));
        save(&figures::trial(table, &trial, seed), path)?;
        say!("drew an example trial: {}", path.display());
    }
    Ok(0)
}

/// An experiment of another system: its settings, each with where it comes from.
fn explain_job(job: &dyn Job, json: bool, toml: bool) -> Result<(), Problem> {
    if json {
        return print_json(&json!({"name": job.name(), "seed": job.seed(), "settings": job.settings()}));
    }
    if !toml {
        let known = systems::experiments()
            .into_iter()
            .find(|known| known.name == job.name());
        let title = known.map_or(String::new(), |known| format!(" — {}", known.title));
        out!(
            "{}{title}\n\n`neuropil train {0}` trains it with these settings; `--set KEY=VALUE` changes one:\n",
            job.name()
        );
    }
    write(job.settings().as_bytes())
}

/// Writes a figure as PNG or SVG, by the file's ending.
fn save(figure: &Figure, path: &Path) -> Result<(), Problem> {
    let broken = |error: DrawError| Problem::new(error.to_string(), "report this as a bug");
    let bytes = match path.extension().and_then(|ending| ending.to_str()) {
        Some("png") => figure.to_png().map_err(broken)?,
        Some("svg") => figure.to_svg().map_err(broken)?.into_bytes(),
        _ => {
            let message = format!(
                "{}: unknown kind of picture, expected .png or .svg",
                path.display()
            );
            return Err(Problem::new(message, "end the file name with .png or .svg"));
        }
    };
    Ok(neuropil_lab::atomic::write(path, &bytes)?)
}

fn table(headers: &[&str]) -> comfy_table::Table {
    terminal::table(headers.iter().copied())
}

fn list(json: bool) -> Result<(), Problem> {
    let experiments = systems::experiments();
    if json {
        let list = experiments
            .iter()
            .map(|e| json!({"name": e.name, "title": e.title, "aliases": e.also}));
        return print_json(&list.collect::<Vec<_>>());
    }
    let mut rows = table(&["task", "what it asks", "also called"]);
    for experiment in experiments {
        rows.add_row([experiment.name, experiment.title, experiment.also.join(", ")]);
    }
    out!("{rows}");
    out!("`neuropil tasks NAME` explains one; `neuropil train NAME` trains a network on it.");
    Ok(())
}

fn as_json(task: &Task) -> serde_json::Value {
    let d = &task.definition;
    json!({
        "name": d.name, "title": d.title, "description": d.description.trim(), "aliases": d.aliases,
        "dt_ms": task.dt_ms, "tmax_ms": d.tmax_ms, "n_steps": task.n_steps, "inputs": d.inputs, "actions": d.actions,
        "trials_per_update": d.trials_per_update, "validation_trials": d.validation_trials,
        "n_conditions": task.n_conditions(), "toml": task.text,
    })
}

/// Words and tables.
fn explain(task: &Task, seed: u64) -> Result<(), Problem> {
    let d = &task.definition;
    out!("{} — {}\n", d.name, d.title);
    if !d.description.is_empty() {
        out!("{}\n", d.description.trim());
    }
    if let Some(sessions) = task.sessions() {
        out!(
            "sessions of {} trials, one after another, each of them:\n",
            sessions.trials
        );
        explain_table(&sessions.task, seed)?;
        out!(
            "measured in sessions: reward, steps, {}",
            sessions.measures().join(", ")
        );
        return lessons(task);
    }
    if let Some(world) = &task.world {
        return explain_world(task, &**world, seed);
    }
    explain_table(task, seed)
}

/// A task of trial tables.
fn explain_table(task: &Task, seed: u64) -> Result<(), Problem> {
    let d = &task.definition;
    out!(
        "Δt {} ms, at most {} ms ({} steps); {} conditions; {} trials per update, {} per validation\n",
        task.dt_ms,
        d.tmax_ms,
        task.n_steps,
        task.n_conditions(),
        d.trials_per_update,
        d.validation_trials
    );
    let mut factors = table(&["factor", "values (equally likely where nothing else is said)"]);
    for (name, values) in &d.factors {
        factors.add_row([name.clone(), values.to_string()]);
    }
    out!("{factors}\n");
    let mut epochs = table(&["epoch", "begins", "lasts", "only if"]);
    let text = |value: &toml::Value, key: &str| value.get(key).map(ToString::to_string).unwrap_or_default();
    let mut before = "the trial begins".to_owned();
    for (name, epoch) in &d.epochs {
        let after = epoch
            .get("after")
            .and_then(toml::Value::as_str)
            .map_or(before.clone(), |e| format!("{e} ends"));
        let wait = text(epoch, "wait_ms");
        let begins = if wait.is_empty() {
            after
        } else {
            format!("{after} + {wait} ms")
        };
        let lasts = text(epoch, "duration_ms");
        let lasts = if lasts.is_empty() {
            format!("until {} ms", d.tmax_ms)
        } else {
            format!("{lasts} ms")
        };
        let only_if = epoch
            .get("when")
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned();
        epochs.add_row([name.clone(), begins, lasts, only_if]);
        before = format!("{name} ends");
    }
    out!("{epochs}\n");
    let mut inputs = table(&["input", "shows"]);
    let mut seen = 0;
    while let Some(name) = d.inputs.get(seen) {
        let ring = task.rings.iter().find(|ring| ring.first == seen);
        let (key, shown_as, n) = match ring {
            Some(ring) => {
                let last = seen + ring.units - 1;
                (&ring.name, format!("{name} to {}", d.inputs[last]), ring.units)
            }
            None => (name, name.clone(), 1),
        };
        let events = d.events.values().filter(|event| {
            let input = event.get("input").and_then(toml::Value::as_str);
            input == Some(name)
        });
        let shown = d.show.get(key).into_iter().chain(events);
        let shown: Vec<String> = shown.map(ToString::to_string).collect();
        let shown = if shown.is_empty() {
            "nothing".to_owned()
        } else {
            shown.join(", ")
        };
        inputs.add_row([shown_as, shown]);
        seen += n;
    }
    out!("{inputs}\n");
    let mut answers = table(&["action", "is an answer"]);
    for (i, name) in d.actions.iter().enumerate() {
        let answer = match (i, d.answers.get(name)) {
            (0, _) => "never: it goes on waiting".to_owned(),
            (_, Some(answer)) => answer.to_string(),
            (_, None) if d.rewards.otherwise.is_some() => "never".to_owned(),
            (_, None) => "never: it aborts the trial".to_owned(),
        };
        answers.add_row([name.clone(), answer]);
    }
    out!("{answers}\n");
    let r = &d.rewards;
    let goes_on = |answer: &Value| answer.get("ends").and_then(Value::as_bool) == Some(false);
    let terminal = match &r.terminal {
        None if d.answers.values().any(|answer| entries(answer).any(goes_on)) => "+0".to_owned(),
        None => format!("{:+}", r.abort),
        Some(NumberOrText::Number(x)) => format!("{x:+}"),
        Some(NumberOrText::Text(text)) => text.clone(),
    };
    let otherwise = match r.otherwise {
        None => format!("abort {:+}", r.abort),
        Some(otherwise) if otherwise.ends => {
            format!("otherwise {:+}, which ends the trial", otherwise.reward)
        }
        Some(otherwise) => format!("otherwise {:+}, and the trial goes on", otherwise.reward),
    };
    out!(
        "rewards: correct {:+}, wrong {:+}, {otherwise}, out of time {terminal}",
        r.correct,
        r.wrong
    );
    if let Some(tau) = r.tau_ms {
        out!("discounted: every reward counts exp(−t/{tau} ms)");
    }
    out!("learnt when: {}", criterion(task));
    lessons(task)?;
    out!("");
    sketch(task, seed)
}

/// The curriculum: what ends each lesson, and what it changes, one thing a line as in a task file.
fn lessons(task: &Task) -> Result<(), Problem> {
    for (i, (lesson, changes)) in task.lessons.iter().zip(&task.definition.curriculum).enumerate() {
        out!("lesson {}, until {}:", i + 1, criterion(lesson));
        for (key, change) in changes.iter().filter(|(key, _)| *key != "criterion") {
            match change {
                Value::Table(parts) => {
                    for (name, value) in parts {
                        out!("  {key}.{name} = {value}");
                    }
                }
                value => out!("  {key} = {value}"),
            }
        }
    }
    Ok(())
}

/// The entries of a value that is one entry or a list.
fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
        .iter()
}

/// Steps of the example session.
const SHOWN_STEPS: usize = 8;

/// A world: its parameters, and the first steps of a session of random actions.
fn explain_world(task: &Task, world: &dyn Rules, seed: u64) -> Result<(), Problem> {
    let d = &task.definition;
    out!(
        "a world that answers: at most {} steps a session; {} sessions per update, {} per validation\n",
        world.n_steps(),
        d.trials_per_update,
        d.validation_trials
    );
    let mut parameters = table(&["parameter", "value", "meaning"]);
    for parameter in world.parameters() {
        parameters.add_row([parameter.name, parameter.value.to_string(), parameter.meaning]);
    }
    out!("{parameters}\n");
    out!(
        "to change one: `neuropil tasks {} --toml > mine.toml`, and in mine.toml",
        d.name
    );
    if let (Some(parameter), Some(kind)) = (
        world.parameters().first(),
        d.world.as_ref().and_then(|world| world.get("kind")),
    ) {
        out!(
            "  world = {{ kind = {kind}, {} = {} }}\n",
            parameter.name,
            parameter.value
        );
    }
    out!("actions: {}", d.actions.join(", "));
    out!("measured: reward, steps, {}", world.measures().join(", "));
    out!("learnt when: {}", criterion(task));
    lessons(task)?;
    out!("\nthe first steps of a session of random actions (seed {seed}):");
    let mut steps = table(&[]);
    let headers = ["step".to_owned()]
        .into_iter()
        .chain(d.inputs.iter().cloned())
        .chain(["then".to_owned(), "reward".to_owned()]);
    steps.set_header(headers);
    let mut stream = Key::new(seed).stream(Purpose::Environment, 0);
    for (number, step) in wander(world, &mut stream, SHOWN_STEPS).iter().enumerate() {
        let seen = match &step.seen {
            Some(seen) => seen.iter().map(|x| format!("{x:.3}")).collect(),
            None => vec!["–".to_owned(); d.inputs.len()],
        };
        let row = [number.to_string()].into_iter().chain(seen).chain([
            d.actions[step.action].clone(),
            format!("{:+.3}", step.answer.reward),
        ]);
        steps.add_row(row);
    }
    out!("{steps}");
    Ok(())
}

/// The criterion in words.
pub(crate) fn criterion(task: &Task) -> String {
    let bounds = task.quantities.iter().map(|q| {
        let mut parts = Vec::new();
        for (sign, bound) in [("≥", q.at_least), (">", q.above), ("≤", q.at_most)] {
            match bound {
                Some(bound) if q.is_fraction() => parts.push(format!("{sign} {} %", 100.0 * bound)),
                Some(bound) => parts.push(format!("{sign} {bound}")),
                None => {}
            }
        }
        format!("{} {}", q.name, parts.join(" and "))
    });
    bounds.collect::<Vec<_>>().join(", ")
}

/// One trial as bars of text, 60 columns wide.
fn sketch(task: &Task, seed: u64) -> Result<(), Problem> {
    const WIDTH: usize = 60;
    let trial = task.draw(&mut Key::new(seed).stream(Purpose::Condition, 0));
    let at = |column: usize| column * (trial.n_steps - 1) / WIDTH;
    let condition: Vec<String> = task
        .columns()
        .zip(&trial.condition.values)
        .map(|(column, &value)| {
            let shown = task
                .label(column, value)
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("{} {shown}", column.name)
        })
        .collect();
    out!("an example trial (seed {seed}): {}", condition.join(", "));
    let row = |name: &str, mark: &dyn Fn(usize) -> char| -> Result<(), Problem> {
        let marks: String = (0..WIDTH).map(|column| mark(at(column))).collect();
        out!("  {name:<14}{marks}");
        Ok(())
    };
    for (i, epoch) in task.epochs.iter().enumerate() {
        if let Some((start, end)) = trial.epochs[i] {
            row(&epoch.name, &|k| {
                if (start..end).contains(&k) { '━' } else { '·' }
            })?;
        }
    }
    let shown: Vec<Vec<f64>> = (0..trial.n_steps).map(|k| trial.inputs_at(k)).collect();
    let step = (trial.n_steps - 1).div_ceil(WIDTH).max(1);
    for (i, name) in task.definition.inputs.iter().enumerate() {
        // The highest of the steps that a character stands for: short pulses are not to be missed.
        let highest = |k: usize| {
            let steps = &shown[k..(k + step).min(shown.len())];
            steps
                .iter()
                .map(|inputs| inputs[i])
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let level = |k: usize| match highest(k) {
            x if x <= 0.0 => ' ',
            x => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][((x * 8.0).ceil() as usize).clamp(1, 8) - 1],
        };
        row(name, &level)?;
    }
    out!(
        "  {:<14}0{:>width$} ms",
        "",
        task.definition.tmax_ms,
        width = WIDTH - 1
    );
    Ok(())
}
