//! `neuropil test RUN`: test trials of a trained network.

use super::experiment::{of_run, open_run, plain};
use crate::cli::{Global, TestArgs, assignment};
use crate::process::thread_pool;
use crate::terminal::{out, print_json, say, table};
use neuropil_lab::config::{Layers, seed};
use neuropil_lab::error::Problem;
use neuropil_study::Answer;
use toml::{Table, Value};

/// Runs the command.
pub(crate) fn run(args: &TestArgs, global: &Global) -> Result<u8, Problem> {
    let options = options(args, global)?;
    let name = args
        .name
        .clone()
        .or_else(|| usual_name(args).filter(|_| global.out.is_none()));
    let run = open_run(&args.run, global.out.as_deref(), name.as_deref())?;
    let job = of_run(&run)?;
    let pool = thread_pool(global.threads)?;
    let answer = pool.install(|| job.test(&run, &options))?;
    if global.json {
        print_json(&answer.json)?;
    } else {
        print(&answer)?;
    }
    answer
        .saved
        .iter()
        .for_each(|path| say!("saved {}", path.display()));
    Ok(0)
}

/// The name of a test under other conditions than training, so that it does not take the place of the run's own.
fn usual_name(args: &TestArgs) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(args.dt.map(|dt| format!("dt-{dt}")));
    parts.extend(args.fix.iter().map(|fix| fix.replace('=', "-")));
    (!parts.is_empty()).then(|| plain(&parts.join("_")))
}

/// What was typed as layers, each with the name of its option.
fn options(args: &TestArgs, global: &Global) -> Result<Layers, Problem> {
    let mut layers = Layers::new();
    let mut add = |option: &str, key: &str, value: Option<Value>| {
        if let Some(value) = value {
            layers.add_table(option, Table::from_iter([(key.to_owned(), value)]));
        }
    };
    add(
        "--kind",
        "kind",
        args.kind.as_ref().map(|kind| Value::from(kind.as_str())),
    );
    let k = args.trials_per_condition.map(|k| Value::from(k as i64));
    add("--trials-per-condition", "trials_per_condition", k);
    add("--save-every", "save_every", args.save_every.map(Value::from));
    add("--dt", "dt", args.dt.map(Value::from));
    add("--seed", "seed", global.seed.map(seed::value));
    if !args.fix.is_empty() {
        let mut fix = Table::new();
        for text in &args.fix {
            let (name, ms) = assignment("--fix", text)?;
            fix.insert(name, ms.into());
        }
        add("--fix", "fix", Some(fix.into()));
    }
    for assignment in &args.set {
        layers.set(assignment)?;
    }
    Ok(layers)
}

/// A number of many digits with the four that count; the files keep all.
fn short(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(x) if cell.len() > 7 && cell.contains('.') && x.is_finite() => {
            if (1e-3..1e5).contains(&x.abs()) {
                format!("{x:.4}")
            } else {
                format!("{x:.3e}")
            }
        }
        _ => cell.to_owned(),
    }
}

/// The table, then the sentences.
pub(super) fn print(answer: &Answer) -> Result<(), Problem> {
    if answer.table.n_rows() > 0 {
        let mut rows = table(answer.table.names());
        answer.table.rows().iter().for_each(|row| {
            rows.add_row(row.iter().map(|cell| short(cell)));
        });
        out!("{rows}");
    }
    for sentence in &answer.sentences {
        out!("{sentence}");
    }
    Ok(())
}
