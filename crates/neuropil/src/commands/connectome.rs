//! `neuropil connectome`: questions to a wiring diagram.

use crate::cli::connectome::{
    CascadeArgs, ConnectomeArgs, ConnectomeVerb, DataArgs, EdgesArgs, PageArgs, Pairs, SettingsArgs,
    SimulateArgs,
};
use crate::failure::Failure;
use neuropil_connectome::answer::{self, Answer, CascadeQuestion};
use neuropil_connectome::cascade::Settings;
use neuropil_connectome::data::Connectome;
use neuropil_connectome::error::DataError;
use neuropil_connectome::simulate::{SimulateSettings, simulate, tables};
use neuropil_connectome::threshold::{PairRule, Threshold};
use neuropil_connectome::types::TypeSettings;
use neuropil_connectome::{read, report, select};
use neuropil_draw::DrawError;
use neuropil_lab::{atomic, table};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// Rows of a table that people are shown.
const SHOWN: usize = 20;

/// Runs the command.
pub(crate) fn run(args: &ConnectomeArgs) -> Result<u8, Failure> {
    match &args.verb {
        ConnectomeVerb::Stats(data) => tell(data, answer::stats_answer),
        ConnectomeVerb::Cascade(args) => tell(&args.data, |c| cascade(c, args)),
        ConnectomeVerb::Flow(args) => tell(&args.data, |c| answer::flow_answer(c, &args.layer, args.seed)),
        ConnectomeVerb::Edges(args) => tell(&args.data, |c| {
            answer::edges_answer(
                c,
                layer(c, args.layer.as_deref()),
                Threshold::parse(&args.threshold)?,
                rule(args),
            )
        }),
        ConnectomeVerb::Hubs(args) => tell(&args.edges.data, |c| {
            let (edges, degree) = (&args.edges, Some(args.degree));
            let threshold = Threshold::parse(&edges.threshold)?;
            answer::hubs_answer(
                c,
                layer(c, edges.layer.as_deref()),
                threshold,
                rule(edges),
                degree,
            )
        }),
        ConnectomeVerb::Integration(args) => tell(&args.data, |c| {
            let hops = args.hops.unwrap_or(8);
            answer::integration_answer(
                c,
                layer(c, args.settings.layer.as_deref()),
                hops,
                &settings(&args.settings),
            )
        }),
        ConnectomeVerb::Recurrence(args) => tell(&args.data, |c| {
            let hops = args.hops.unwrap_or(5);
            answer::recurrence_answer(
                c,
                layer(c, args.settings.layer.as_deref()),
                hops,
                &settings(&args.settings),
            )
        }),
        ConnectomeVerb::Types(args) => tell(&args.data, |c| {
            let settings = TypeSettings {
                dimensions: args.dimensions,
                min_split: args.min_split,
                levels: args.levels,
                seed: args.seed,
                ..TypeSettings::default()
            };
            report::types_answer(c, &settings)
        }),
        ConnectomeVerb::Report(args) => page(args),
        ConnectomeVerb::Simulate(args) => generate(args),
    }
}

fn layer<'a>(connectome: &Connectome, given: Option<&'a str>) -> &'a str {
    given.unwrap_or(connectome.default_layer())
}

fn rule(args: &EdgesArgs) -> PairRule {
    match args.pairs {
        Pairs::Mean => PairRule::Mean,
        Pairs::Strict => PairRule::Strict,
        Pairs::None => PairRule::None,
    }
}

fn settings(args: &SettingsArgs) -> Settings {
    Settings {
        p: args.p,
        max_hops: args.max_hops,
        runs: args.runs,
        seed: args.seed,
    }
}

fn cascade(c: &Connectome, args: &CascadeArgs) -> Result<Answer, DataError> {
    let sources = select::select_or_file(c, &args.sources)?;
    let stop = answer::stops(c, args.stop.as_deref())?;
    let question = CascadeQuestion {
        layer: layer(c, args.settings.layer.as_deref()),
        stop: &stop,
        hops: args.hops.unwrap_or(args.settings.max_hops),
        exact: args.exact,
        signed: args.signed,
        settings: &settings(&args.settings),
    };
    answer::cascade_answer(c, &sources, &question)
}

/// Loads the data, asks, and prints the answer.
fn tell(
    args: &DataArgs,
    ask: impl Fn(&Connectome) -> Result<Answer, DataError> + Send + Sync,
) -> Result<u8, Failure> {
    let pool = super::train::thread_pool(args.threads)?;
    let (answer, warnings) = pool.install(|| -> Result<_, DataError> {
        let connectome = read::load(&args.data)?;
        Ok((ask(&connectome)?, connectome.warnings))
    })?;
    warnings
        .iter()
        .for_each(|warning| eprintln!("warning: {warning}"));
    if let Some(path) = &args.csv {
        table::write_csv(path, &answer.headers, &answer.rows)?;
    }
    let text = if args.json {
        serde_json::to_string_pretty(&answer.json).expect("answers are JSON") + "\n"
    } else {
        for_people(&answer)
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // `| head` has seen enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            Err(Failure::new(message, "redirect it to a file that can be written"))
        }
        _ => Ok(0),
    }
}

fn for_people(answer: &Answer) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(&answer.headers);
    for row in answer.rows.iter().take(SHOWN) {
        table.add_row(row);
    }
    let mut text = format!("{}\n\n{table}\n", answer.summary.join("\n"));
    if answer.rows.len() > SHOWN {
        let more = answer.rows.len() - SHOWN;
        let _ = writeln!(text, "… {more} more rows; --csv FILE writes all");
    }
    text
}

/// Writes the page, and every figure as SVG and PNG with its numbers as CSV.
fn page(args: &PageArgs) -> Result<u8, Failure> {
    let pool = super::train::thread_pool(args.threads)?;
    let (connectome, drawn, missing) = pool.install(|| -> Result<_, DataError> {
        let connectome = read::load(&args.data)?;
        let (drawn, missing) = report::findings(&connectome, &settings(&args.settings))?;
        Ok((connectome, drawn, missing))
    })?;
    let warned = connectome.warnings.iter().chain(&missing);
    warned.for_each(|warning| eprintln!("warning: {warning}"));
    create(&args.out)?;
    let broken = |error: DrawError| Failure::new(error.to_string(), "report this as a bug");
    for (figure, numbers) in &drawn {
        let path = |ending: &str| args.out.join(format!("{}.{ending}", figure.name));
        atomic::write(&path("svg"), figure.to_svg().map_err(broken)?.as_bytes())?;
        atomic::write(&path("png"), &figure.to_png().map_err(broken)?)?;
        table::write_csv(&path("csv"), &numbers.headers, &numbers.rows)?;
    }
    let name = args.data.file_name().unwrap_or_default().to_string_lossy();
    let page = report::page(&connectome, &name, &drawn, &missing)?;
    let html = page.to_html().map_err(broken)?;
    atomic::write(&args.out.join("report.html"), html.as_bytes())?;
    for (figure, _) in &drawn {
        println!("{:<18} {}", figure.name, figure.title);
    }
    println!("\n{}", args.out.join("report.html").display());
    Ok(0)
}

fn create(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("{}: cannot create the folder: {error}", folder.display());
        Failure::new(message, "name a folder that can be written")
    })
}

fn generate(args: &SimulateArgs) -> Result<u8, Failure> {
    let connectome = simulate(&SimulateSettings {
        pairs: args.pairs,
        mean_degree: args.degree,
        seed: args.seed,
    });
    create(&args.out)?;
    let write = |name: &str, (headers, rows): &(Vec<String>, Vec<Vec<String>>)| {
        let path: &Path = &args.out.join(name);
        atomic::write(path, table::csv_text(headers, rows).as_bytes())
    };
    let [edges, neurons] = tables(&connectome);
    write("edges.csv", &edges)?;
    write("neurons.csv", &neurons)?;
    if args.json {
        let told = json!({"out": args.out, "n_neurons": connectome.n(), "n_edges": edges.1.len(), "seed": args.seed});
        println!("{told}");
    } else {
        println!(
            "{} neurons, {} edges (seed {}): {}",
            connectome.n(),
            edges.1.len(),
            args.seed,
            args.out.display()
        );
    }
    Ok(0)
}
