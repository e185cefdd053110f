//! `neuropil sweep`: many runs of one experiment, on this machine, in shards, or as a job array.

use super::experiment::Typed;
use crate::cli::sweep::{Action, SlurmArgs, SweepArgs};
use crate::cli::{Global, SettingArgs};
use crate::exit::CHECK_FAILED;
use crate::failure;
use crate::process::{interrupted, interrupted_code, listen_for_interrupts, origin, thread_pool};
use crate::progress::Terminal;
use crate::terminal::{counter, out, print_json, say, table};
use neuropil::registry;
use neuropil_lab::error::Problem;
use neuropil_lab::shards::Shard;
use neuropil_lab::sweep::folder::{Folder, Planned, State};
use neuropil_lab::sweep::slurm::{self, Asked, Work, ranges};
use neuropil_lab::sweep::{Run, Seeds, Sweep, value, values};
use neuropil_study::sweep::{Outcome, Workers, merge, plan, work};
use neuropil_study::{Given, Job};
use serde_json::json;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Runs the command.
pub(crate) fn run(args: &SweepArgs, global: &Global) -> Result<u8, Problem> {
    match &args.action {
        Some(Action::Status { folder }) => status(&Folder::open(folder)?, global),
        Some(Action::Merge { folder }) => merged(&Folder::open(folder)?, global),
        None => {
            let folder = open(args, global)?;
            if args.slurm.slurm {
                return submit(&folder, &args.slurm, global);
            }
            do_runs(&folder, args.shard.unwrap_or(Shard::ALL), global)
        }
    }
}

/// The folder that was named, or one for the sweep that was.
fn open(args: &SweepArgs, global: &Global) -> Result<Folder, Problem> {
    let what = args.what.as_deref().expect("required by the parser");
    if Folder::is_one(Path::new(what)) {
        let more =
            args.seeds.is_some() || !args.set.is_empty() || args.dt.is_some() || args.updates.is_some();
        if more {
            let message = format!("{what} is a sweep already, expected no further seeds or settings");
            return Err(Problem::new(
                message,
                "leave them out, or begin another sweep with `--out`",
            ));
        }
        return Ok(Folder::open(Path::new(what))?);
    }
    let (sweep, name) = sweep(args, what, global)?;
    let plan = plan(&sweep, &|run| job(&sweep.experiment, run));
    let (common, runs, files) = plan.map_err(failure::last)?;
    let path = global
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("sweeps").join(name));
    Ok(Folder::create(&path, common, runs, &files)?)
}

/// What is to be swept, and what to call it: from a sweep file, or the name of an experiment; options come on top.
fn sweep(args: &SweepArgs, what: &str, global: &Global) -> Result<(Sweep, String), Problem> {
    let path = Path::new(what);
    let mut sweep = Sweep {
        experiment: what.to_owned(),
        ..Sweep::default()
    };
    if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problem::bare(format!("{what}: cannot read: {error}")))?;
        let is_sweep = toml::from_str::<Table>(&text).map_or(true, |table| {
            ["grid", "list", "random", "seeds"]
                .iter()
                .any(|key| table.contains_key(*key))
        });
        if is_sweep {
            sweep = Sweep::parse(what, &text)?;
            // Beside the file that names it, as everywhere.
            let beside = path.parent().unwrap_or(Path::new("")).join(&sweep.experiment);
            if beside.is_file() {
                sweep.experiment = beside.to_string_lossy().into_owned();
            }
        }
    }
    for assignment in &args.set {
        add(&mut sweep, assignment)?;
    }
    if let Some(dt_ms) = args.dt {
        sweep.set.insert("dt_ms".to_owned(), dt_ms.into());
    }
    if args.updates.is_some() {
        sweep.updates = args.updates;
    }
    match (&args.seeds, global.seed) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                "--seed and --seeds: both say which seed",
                "leave one of them out",
            ));
        }
        (Some(seeds), None) => sweep.seeds = Some(read_seeds(seeds)?),
        (None, Some(seed)) => sweep.seeds = Some(Seeds::One(seed)),
        (None, None) => {}
    }
    let stem = Path::new(what).file_stem().unwrap_or_default();
    Ok((sweep, stem.to_string_lossy().into_owned()))
}

/// Adds `KEY=A,B,…`: several values vary, one holds for all runs.
fn add(sweep: &mut Sweep, assignment: &str) -> Result<(), Problem> {
    let Some((key, text)) = assignment.split_once('=') else {
        let message = format!("--set {assignment}: expected KEY=VALUE or KEY=A,B,…");
        return Err(Problem::new(message, "as in `--set policy.units=50,100`"));
    };
    let (key, given): (&str, Vec<Value>) = (key.trim(), values(text).into_iter().map(value).collect());
    match &given[..] {
        [one] => {
            sweep.grid.remove(key);
            sweep.set.insert(key.to_owned(), one.clone());
        }
        _ => {
            sweep.set.remove(key);
            sweep.grid.insert(key.to_owned(), Value::Array(given));
        }
    }
    Ok(())
}

fn read_seeds(text: &str) -> Result<Seeds, Problem> {
    if text.contains("..") {
        return Ok(Seeds::Range(text.to_owned()));
    }
    let each = text.split(',').map(|part| {
        part.trim().parse().map_err(|_| {
            let message = format!("--seeds {text}: `{part}` is not a seed, expected `A..B` or A,B,C");
            Problem::new(message, "as in 1..20 or 1,5,9")
        })
    });
    Ok(Seeds::Each(each.collect::<Result<_, _>>()?))
}

/// The job of a run that is being planned.
fn job(experiment: &str, run: &Run) -> Result<Box<dyn Job>, Vec<Problem>> {
    let all = run.fixed.iter().chain(&run.varied);
    let (steps, settings): (Vec<_>, Vec<_>) = all.partition(|(key, _)| key == "dt_ms");
    let settings = SettingArgs {
        dt: steps
            .last()
            .and_then(|(_, value)| value.as_float().or(value.as_integer().map(|whole| whole as f64))),
        set: settings
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect(),
    };
    let typed = Typed::new(experiment, Some(run.seed), &settings).map_err(|problem| vec![problem])?;
    registry::open(&typed.given())
}

/// The job of a planned run: its settings are all in the folder of the sweep.
fn planned_job(folder: &Folder, planned: &Planned) -> Result<Box<dyn Job>, Problem> {
    let name = folder.path().join(format!("run {} of sweep.jsonl", planned.run));
    let given = Given {
        name: &name.to_string_lossy(),
        text: Some(&planned.settings),
        set: &[],
        options: &[],
    };
    registry::open(&given).map_err(failure::last)
}

/// Does the runs of a shard.
fn do_runs(folder: &Folder, shard: Shard, global: &Global) -> Result<u8, Problem> {
    listen_for_interrupts();
    let threads = thread_pool(global.threads)?.current_num_threads();
    let bar = counter("runs", 0);
    let told = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    if global.quiet {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    let origin = origin();
    let workers = Workers {
        threads,
        shard,
        origin: &origin,
        open: &|planned| planned_job(folder, planned),
        watch: &Terminal { quiet: true },
        told: &told,
    };
    let outcomes = work(folder, &workers)?;
    bar.finish_and_clear();
    let of = |is: fn(&Outcome) -> bool| -> Vec<usize> {
        outcomes
            .iter()
            .filter(|(_, outcome)| is(outcome))
            .map(|(run, _)| *run)
            .collect()
    };
    for (run, outcome) in &outcomes {
        if let Outcome::Failed(problem) = outcome {
            say!("run {run} failed: {problem}");
        }
    }
    let elsewhere = of(|outcome| *outcome == Outcome::Elsewhere);
    if !elsewhere.is_empty() {
        say!("left to other processes: {}", few(&elsewhere));
    }
    let done = of(|outcome| *outcome == Outcome::Done).len();
    if !global.quiet {
        let place = folder.path().display();
        say!(
            "{done} of {} runs done; `neuropil sweep merge {place}` makes one table of them",
            outcomes.len()
        );
    }
    if global.json {
        print_json(&json!({ "folder": folder.path(), "done": done, "of": outcomes.len() }))?;
    }
    Ok(if interrupted() {
        interrupted_code()
    } else if of(|outcome| matches!(outcome, Outcome::Failed(_))).is_empty() {
        0
    } else {
        CHECK_FAILED
    })
}

/// Numbers of the runs in each state, in the order in which they are told.
fn by_state(folder: &Folder) -> Result<[(&'static str, Vec<usize>); 5], Problem> {
    let mut states = ["done", "running", "failed", "stopped", "missing"].map(|name| (name, Vec::new()));
    for run in folder.runs() {
        let place = match folder.state(run)? {
            State::Done => 0,
            State::Running => 1,
            State::Failed(_) => 2,
            State::Stopped => 3,
            State::Missing => 4,
        };
        states[place].1.push(run.run);
    }
    Ok(states)
}

/// Numbers of runs in few words: the first ranges, and how many there are in all.
fn few(runs: &[usize]) -> String {
    const MOST: usize = 8;
    let all = ranges(runs);
    let mut each: Vec<&str> = all.split(',').collect();
    if each.len() <= MOST {
        return all;
    }
    each.truncate(MOST);
    format!("{}, … ({} runs)", each.join(","), runs.len())
}

fn status(folder: &Folder, global: &Global) -> Result<u8, Problem> {
    let states = by_state(folder)?;
    let mut open: Vec<usize> = states[2..].iter().flat_map(|(_, runs)| runs.clone()).collect();
    open.sort_unstable();
    if global.json {
        let mut document = serde_json::Map::new();
        for (name, runs) in &states {
            document.insert((*name).to_owned(), json!(runs));
        }
        document.insert("resubmit".to_owned(), ranges(&open).into());
        print_json(&document)?;
    } else {
        let mut rows = table(["", "runs", "numbers"]);
        for (name, runs) in &states {
            rows.add_row([(*name).to_owned(), runs.len().to_string(), few(runs)]);
        }
        out!("{rows}");
        for run in folder.runs() {
            if let State::Failed(why) = folder.state(run)? {
                out!("run {} failed: {why}", run.run);
            }
        }
        if !open.is_empty() {
            let place = folder.path().display();
            let (said, all) = (few(&open), ranges(&open));
            let array = if said == all {
                format!("--array={all}")
            } else {
                "a job array".to_owned()
            };
            out!("to do: {said}; `neuropil sweep {place}` here, with `--slurm` as {array}");
        }
    }
    Ok(if states[0].1.len() == folder.runs().len() {
        0
    } else {
        CHECK_FAILED
    })
}

/// Rows of the merged table that people are shown.
const SHOWN: usize = 50;

fn merged(folder: &Folder, global: &Global) -> Result<u8, Problem> {
    let merged = merge(folder)?;
    let page = merged.save(folder)?;
    if global.json {
        print_json(&merged.json())?;
    } else {
        let (headers, rows) = merged.table();
        let mut shown = table(headers.iter().map(String::as_str));
        let more = rows.len().saturating_sub(SHOWN);
        rows.into_iter().take(SHOWN).for_each(|row| {
            shown.add_row(row);
        });
        out!("{shown}");
        if more > 0 {
            out!("… {more} more rows in table.csv");
        }
    }
    if !merged.missing.is_empty() {
        say!("not finished: {}", few(&merged.missing));
    }
    say!("see {}", page.display());
    Ok(if merged.missing.is_empty() {
        0
    } else {
        CHECK_FAILED
    })
}

/// Writes the scripts for what is to do, and submits them.
fn submit(folder: &Folder, args: &SlurmArgs, global: &Global) -> Result<u8, Problem> {
    let states = by_state(folder)?;
    let mut numbers: Vec<usize> = states[2..].iter().flat_map(|(_, runs)| runs.clone()).collect();
    numbers.sort_unstable();
    if numbers.is_empty() {
        say!("nothing to do: every run is done or at work");
        return Ok(0);
    }
    // Tasks start elsewhere and later: every path is a whole one.
    let absolute = |error: std::io::Error| Problem::bare(format!("{}: {error}", folder.path().display()));
    let folder = Folder::open(&std::path::absolute(folder.path()).map_err(absolute)?)?;
    let experiment = Path::new(&folder.common().experiment);
    let name = experiment.file_stem().unwrap_or_default().to_string_lossy();
    let work = Work {
        folder: folder.path(),
        kind: "sweep",
        name: &name,
        pieces: folder.runs().len(),
    };
    let words = [
        "-q".to_owned(),
        "sweep".to_owned(),
        folder.path().to_string_lossy().into_owned(),
    ];
    let submitted = slurm_arrays(&work, &numbers, &words, args, global.threads)?;
    if global.json {
        let (paths, jobs) = submitted;
        print_json(&json!({ "runs": ranges(&numbers), "scripts": paths, "jobs": jobs }))?;
    }
    Ok(0)
}

/// Writes the scripts that do pieces of work with this program and these words, and submits them: their paths, and the
/// numbers of the arrays.
pub(crate) fn slurm_arrays(
    work: &Work<'_>,
    numbers: &[usize],
    words: &[String],
    args: &SlurmArgs,
    threads: Option<usize>,
) -> Result<(Vec<PathBuf>, Vec<String>), Problem> {
    let program = std::env::current_exe()
        .map_err(|error| Problem::bare(format!("cannot tell where this program lies: {error}")))?;
    let program = program.to_string_lossy().into_owned();
    let asked = Asked {
        program: std::iter::once(program).chain(words.iter().cloned()).collect(),
        cores: threads.unwrap_or(1),
        memory: args.mem.clone(),
        time: args.time.clone(),
        at_most: args.at_most,
        longest_array: args.max_array,
        options: args.sbatch.clone(),
    };
    let scripts = slurm::scripts(work, numbers, &asked);
    slurm::write(work.folder, &scripts)?;
    let mut jobs = Vec::new();
    for script in &scripts {
        if args.dry_run {
            say!("wrote {}", script.path.display());
        } else {
            let job = slurm::submit(Path::new("sbatch"), script)?;
            say!("submitted array {job}: {}", script.path.display());
            jobs.push(job);
        }
    }
    Ok((scripts.into_iter().map(|script| script.path).collect(), jobs))
}
