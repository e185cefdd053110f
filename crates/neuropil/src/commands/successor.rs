//! `neuropil successor`: successor representations, from a track or a world to the page.

mod track;

use crate::cli::Global;
use crate::cli::successor::{
    FieldsArgs, FigureArgs, KernelArgs, PlaceArgs, RetrieveArgs, SuccessorArgs, SuccessorVerb, WalkArgs,
    WorldsArgs,
};
use crate::process::{interrupted_code, listen_for_interrupts, origin, thread_pool};
use crate::progress::Terminal;
use crate::terminal::{out, print_json};
use neuropil_lab::array::Npz;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Begin;
use neuropil_lab::run::RunDirectory;
use neuropil_math::rng::Key;
use neuropil_study::life::{self, Order, save_figure};
use neuropil_study::{Answer, Claim, Given, Job, Origin, Table, claims_markdown};
use neuropil_successor::job::Walked;
use neuropil_successor::kernel::fit::{Cell, Search, fit, fit_all, grid};
use neuropil_successor::world::file;
use neuropil_successor::{maps, paper, sr};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(args: &SuccessorArgs, global: &Global) -> Result<u8, Problem> {
    match &args.verb {
        SuccessorVerb::Run(args) => track::run(args, global),
        SuccessorVerb::Check(args) => track::check(args, global),
        SuccessorVerb::Retrieve(args) => retrieve(args, global),
        SuccessorVerb::Fields(args) => fields(args, global),
        SuccessorVerb::Walk(args) => walk(args, global),
        SuccessorVerb::Worlds(args) => worlds(args),
        SuccessorVerb::Kernel(args) => kernel(args, global),
        SuccessorVerb::Figure(args) => figure(args, global),
    }
}

/// The first of several problems, with the others below it.
pub(crate) fn first(problems: Vec<Problem>) -> Problem {
    let mut all = problems.into_iter();
    let mut first = all.next().unwrap_or_else(|| Problem::bare("something is wrong"));
    let others: Vec<String> = all.map(|problem| problem.sentence()).collect();
    if !others.is_empty() {
        first.message = format!("{}; {}", first.message, others.join("; "));
    }
    first
}

/// Runs a job to its page and says where things are.
pub(crate) fn make(
    job: &dyn Job,
    place: &PlaceArgs,
    folder: PathBuf,
    global: &Global,
) -> Result<u8, Problem> {
    listen_for_interrupts();
    let pool = thread_pool(global.threads)?;
    let out = global.out.clone().unwrap_or(folder);
    let begin = match (place.resume, place.force) {
        (true, _) => Begin::Resume,
        (_, true) => Begin::Anew,
        _ => Begin::New,
    };
    let summary = pool.install(|| {
        let origin = origin();
        let order = Order {
            out: &out,
            begin,
            updates: None,
            only: true,
            origin: &origin,
        };
        life::run(job, &order, &Terminal { quiet: global.quiet })
    })?;
    if summary.interrupted {
        return Ok(interrupted_code());
    }
    let run = RunDirectory::open(&out)?;
    let reported = pool.install(|| -> Result<_, Problem> {
        job.make_trials(&run)?;
        life::report(job, &run)
    })?;
    if global.json {
        print_json(&summary)?;
        return Ok(0);
    }
    let told = ["course", "learning", "horizons", "places", "recorded"];
    for item in reported
        .analysed
        .iter()
        .filter(|item| told.contains(&&*item.name))
    {
        let sentence = item
            .answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.sentences.first());
        if let (Some(sentence), false) = (sentence, global.quiet) {
            out!("{sentence}");
        }
    }
    out!("see {}", reported.page.display());
    Ok(0)
}

/// The experiment of a run directory.
fn opened(run: &RunDirectory, set: &[String]) -> Result<Walked, Problem> {
    let path = run.file("config.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Problem::bare(format!("{}: {error}", path.display())))?;
    Walked::open(&Given {
        name: &path.display().to_string(),
        text: Some(&text),
        set,
        options: &[],
    })
    .map_err(first)
}

fn told(answer: &Answer, as_json: bool) -> Result<(), Problem> {
    if as_json {
        return print_json(&answer.json);
    }
    for sentence in &answer.sentences {
        out!("{sentence}");
    }
    Ok(())
}

fn fields(args: &FieldsArgs, global: &Global) -> Result<u8, Problem> {
    let run = RunDirectory::read(&args.run)?;
    let mut set = vec![format!("fields.shuffles={}", args.shuffles)];
    set.extend_from_slice(&args.set);
    let job = opened(&run, &set)?;
    let found = job.analyse(&run, &["places".to_owned()], &Layers::new())?;
    for item in found {
        told(&item.answer?, global.json)?;
    }
    Ok(0)
}

fn retrieve(args: &RetrieveArgs, global: &Global) -> Result<u8, Problem> {
    let run = RunDirectory::read(&args.run)?;
    let t = opened(&run, &[])?.transitions(&run)?;
    sr::check_discount(args.gain)?;
    let m = sr::ideal(&t, args.gain)?;
    let n = m.rows();
    let known = |state: usize| (0..n).any(|other| t[(state, other)] != 0.0 || t[(other, state)] != 0.0);
    let inside = |state: usize| match state {
        state if state >= n => Err(Problem::bare(format!("state {state}, expected 0 to {}", n - 1))),
        state if !known(state) => Err(Problem::new(
            format!("state {state} has no transitions: it was never visited, or is no place of the world"),
            format!(
                "one that has: {}",
                (0..n).find(|&other| known(other)).unwrap_or(0)
            ),
        )),
        state => Ok(state),
    };
    let first = (0..n).find(|&state| known(state)).unwrap_or(0);
    let state = inside(args.state.unwrap_or(first))?;
    let mut rewards = vec![0.0; n];
    for text in &args.reward {
        let wrong = || Problem::new(format!("`--reward {text}`, expected S=R"), "--reward 12=1");
        let (at, value) = text.split_once('=').ok_or_else(wrong)?;
        let at = inside(at.parse().map_err(|_| wrong())?)?;
        rewards[at] = value
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or_else(wrong)?;
    }
    let values = sr::value(&m, &rewards);
    let radius = t.spectrum(args.gain)?.radius;
    if let Some(path) = &global.out {
        let mut npz = Npz::default();
        npz.add("m", &[n, n], m.values().to_vec());
        npz.add("transitions", &[n, n], t.values().to_vec());
        npz.add("value", &[n], values.clone());
        npz.write(path)?;
    }
    if global.json {
        print_json(
            &json!({ "gain": args.gain, "spectral_radius": radius, "state": state, "row": m.row(state), "value": values }),
        )?;
        return Ok(0);
    }
    out!("γρ = {radius:.4} at gain {}", args.gain);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| m[(state, b)].total_cmp(&m[(state, a)]));
    let most: Vec<String> = order
        .iter()
        .take(8)
        .map(|&to| format!("{to} ({:.3})", m[(state, to)]))
        .collect();
    out!("from state {state}, most expected visits: {}", most.join(", "));
    if !args.reward.is_empty() {
        let best = maps::greedy(&values, |from| (0..n).filter(|&to| t[(from, to)] > 0.0).collect());
        out!(
            "value of state {state}: {:.4}; best next state: {}",
            values[state],
            best[state]
        );
    }
    Ok(0)
}

fn walk(args: &WalkArgs, global: &Global) -> Result<u8, Problem> {
    let path = global
        .out
        .clone()
        .ok_or_else(|| Problem::new("no file to write", "--out walk.npz"))?;
    let world = file::load(&args.world)?;
    if args.steps < 2 || args.steps > 100_000_000 {
        return Err(Problem::bare(format!(
            "--steps is {}, expected 2 to 100000000",
            args.steps
        )));
    }
    let states = world.walk(args.steps, Key::new(global.seed.unwrap_or(1)));
    let n = world.states();
    let mut npz = Npz::default();
    npz.add(
        "states",
        &[states.len()],
        states.iter().map(|&state| state as i64).collect::<Vec<i64>>(),
    );
    if n <= 4000 {
        npz.add("transitions", &[n, n], world.transitions().values().to_vec());
    }
    npz.write(&path)?;
    out!(
        "{} samples in `{}` ({n} states): {}",
        states.len(),
        world.name,
        path.display()
    );
    let lost = world.unreachable();
    if !lost.is_empty() {
        out!("{} states cannot be reached", lost.len());
    }
    Ok(0)
}

fn worlds(args: &WorldsArgs) -> Result<u8, Problem> {
    match &args.name {
        Some(name) => match file::TEMPLATES.iter().find(|(known, _)| known == name) {
            Some((_, text)) => out!("{}", text.trim_end()),
            None => {
                file::load(name)?;
                out!("{name} is a world");
            }
        },
        None => {
            for (name, _) in file::TEMPLATES {
                let world = file::load(name)?;
                let states = (0..world.states()).filter(|&state| world.exists(state)).count();
                out!("{name:15} {states} states");
            }
        }
    }
    Ok(0)
}

fn kernel(args: &KernelArgs, global: &Global) -> Result<u8, Problem> {
    let search = Search {
        generations: args.generations,
        restarts: args.restarts,
        ..Search::default()
    };
    let key = Key::new(global.seed.unwrap_or(1));
    let pool = thread_pool(global.threads)?;
    let cells = if args.grid {
        grid()
    } else {
        vec![Cell {
            tau_positive: args.tau_positive,
            tau_negative: args.tau_negative,
            depression: !args.potentiating,
        }]
    };
    let found = match &cells[..] {
        [one] => vec![fit(*one, search, key)?],
        all => pool.install(|| fit_all(all, search, key))?,
    };
    if global.json {
        let rows: Vec<_> = cells
            .iter()
            .zip(&found)
            .map(|(cell, fitted)| json!({ "cell": cell, "fitted": fitted }))
            .collect();
        print_json(&rows)?;
        return Ok(0);
    }
    for (cell, fitted) in cells.iter().zip(&found) {
        let k = fitted.config;
        out!(
            "τ₊ = {:.1}, τ₋ = {:.1} ({}): loss {:.6}, A₊ = {:.3}, A₋ = {:.3}, α_s = {:.3}, α = {:.3}, c = {:.3} ({} searches)",
            cell.tau_positive,
            cell.tau_negative,
            if cell.depression {
                "depression"
            } else {
                "potentiation"
            },
            fitted.loss,
            k.kernel.a_positive,
            k.kernel.a_negative,
            k.alpha_self,
            k.alpha_other,
            k.count_scale,
            fitted.searches
        );
    }
    Ok(0)
}

/// Figures 5 and 6 of a merged sweep.
fn of_sweep(figure: &str, folder: &Path) -> Result<(Vec<Answer>, Vec<Claim>), Problem> {
    if !["5", "6"].contains(&figure) {
        return Err(Problem::new(
            format!("figure {figure} is not made of a sweep"),
            "figures 5 and 6 are",
        ));
    }
    let path = folder.join("table.csv");
    if !path.exists() {
        return Err(Problem::new(
            format!("{} does not exist", path.display()),
            format!("`neuropil sweep merge {}` writes it", folder.display()),
        ));
    }
    let found = paper::swept_grid(&Table::read(&path)?)?;
    let origin = Origin {
        of: format!("the sweep {}", folder.display()),
        ..Origin::default()
    };
    Ok((vec![Answer::of(&found, &origin)], found.claims()))
}

fn figure(args: &FigureArgs, global: &Global) -> Result<u8, Problem> {
    let out = global
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("successor-figures"));
    let pool = thread_pool(global.threads)?;
    let effort = paper::Effort {
        quick: args.quick,
        seed: global.seed.unwrap_or(1),
    };
    let (answers, claims) = match &args.sweep {
        Some(folder) => of_sweep(&args.figure, folder)?,
        None => {
            listen_for_interrupts();
            let course = paper::Course {
                question: format!("successor figure {}", args.figure),
                journal: None,
                watch: &Terminal { quiet: global.quiet },
            };
            let Some(told) = pool.install(|| paper::part(&args.figure, effort, &course))? else {
                return Ok(interrupted_code());
            };
            told
        }
    };
    std::fs::create_dir_all(&out).map_err(|error| Problem::bare(format!("{}: {error}", out.display())))?;
    for answer in &answers {
        for shown in &answer.figures {
            save_figure(&out, &out, shown)?;
        }
        if global.json {
            print_json(&json!({ "result": answer.json, "claims": claims }))?;
        } else {
            told(answer, false)?;
        }
    }
    if !global.json {
        out!("\n{}figures in {}", claims_markdown(&claims), out.display());
    }
    Ok(0)
}
