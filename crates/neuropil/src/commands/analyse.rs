//! `neuropil analyse RUN [NAME…]`: results and figures from test trials.

use super::experiment::{of_run, plain, read_run};
use crate::cli::{AnalyseArgs, Global};
use crate::exit::CHECK_FAILED;
use crate::process::thread_pool;
use crate::terminal::{out, print_json, say, table};
use neuropil::registry;
use neuropil_lab::config::{Layers, seed};
use neuropil_lab::error::Problem;
use neuropil_study::life;
use toml::{Table, Value};

/// Runs the command.
pub(crate) fn run(args: &AnalyseArgs, global: &Global) -> Result<u8, Problem> {
    if args.list {
        list(global.json)?;
        return Ok(0);
    }
    let path = args.run.as_ref().expect("required by the parser");
    let name = args
        .name
        .clone()
        .or_else(|| usual_name(args).filter(|_| global.out.is_none()));
    let run = read_run(path, global.out.as_deref(), name.as_deref())?;
    registry::refuse_unknown_analyses(&run, &args.names)?;
    let job = of_run(&run)?;
    let pool = thread_pool(global.threads)?;
    let analysed = pool.install(|| life::analyse(&*job, &run, &args.names, &options(args, global)))?;
    let mut document = serde_json::Map::new();
    let mut failed = false;
    for item in &analysed {
        match &item.answer {
            Ok(answer) => {
                document.insert(item.name.clone(), answer.json.clone());
                let sentence = answer.sentences.first().map_or("", String::as_str);
                say!("{:<18} {sentence}", item.name);
                // A fit that is impossible fails the command only if nothing else was asked for.
                failed |= args.names.len() == 1 && !item.sound;
            }
            Err(problem) => {
                failed = true;
                say!("{:<18} {}", item.name, problem.message);
            }
        }
    }
    if global.json {
        print_json(&document)?;
    }
    if let Some(name) = name.filter(|_| !document.is_empty()) {
        say!("saved in {}", path.join("side").join(name).display());
    }
    Ok(if failed { CHECK_FAILED } else { 0 })
}

/// The name of an analysis that looks at something else than usual, so that it does not take the usual one's place.
fn usual_name(args: &AnalyseArgs) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(args.by.iter().map(|by| format!("by-{by}")));
    parts.extend(args.answers.iter().map(|(low, high)| format!("{low}-{high}")));
    parts.extend(args.value_network.then(|| "value-network".to_owned()));
    let units: Vec<String> = args.units.iter().map(usize::to_string).collect();
    parts.extend((!units.is_empty()).then(|| format!("units-{}", units.join("-"))));
    parts.extend(args.align.iter().map(|align| format!("at-{align}")));
    parts.extend(args.window.map(|(from, to)| format!("from{from}to{to}")));
    parts.extend(args.trial.map(|trial| format!("trial-{trial}")));
    (!parts.is_empty()).then(|| plain(&parts.join("_")))
}

/// What was typed as layers, each with the name of its option.
fn options(args: &AnalyseArgs, global: &Global) -> Layers {
    let mut layers = Layers::new();
    let mut add = |option: &str, key: &str, value: Option<Value>| {
        if let Some(value) = value {
            layers.add_table(option, Table::from_iter([(key.to_owned(), value)]));
        }
    };
    let units: Vec<i64> = args.units.iter().map(|&unit| unit as i64).collect();
    add("--units", "units", (!units.is_empty()).then(|| units.into()));
    add("--by", "by", args.by.clone().map(Value::from));
    let answers = args
        .answers
        .as_ref()
        .map(|(low, high)| vec![low.as_str(), high.as_str()]);
    add("--answers", "answers", answers.map(Value::from));
    add(
        "--value-network",
        "value_network",
        args.value_network.then(|| true.into()),
    );
    add("--align", "align", args.align.as_deref().map(Value::from));
    add(
        "--window",
        "window",
        args.window.map(|(from, to)| vec![from, to].into()),
    );
    add("--trial", "trial", args.trial.map(|trial| (trial as i64).into()));
    add("--seed", "seed", global.seed.map(seed::value));
    layers
}

fn list(json: bool) -> Result<(), Problem> {
    let analyses = registry::analyses();
    if json {
        let list: Vec<_> = analyses.iter().map(|a| (&a.name, &a.title)).collect();
        return print_json(&list);
    }
    let mut rows = table(["analysis", "shows", "made for"]);
    for analysis in analyses {
        rows.add_row([analysis.name, analysis.title, analysis.also.join(", ")]);
    }
    out!("{rows}");
    Ok(())
}
