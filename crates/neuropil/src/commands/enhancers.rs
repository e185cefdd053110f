//! `neuropil enhancers`: from open chromatin to the differences between genomes behind a trait.

mod associate;
mod calibrate;
mod evaluate;
mod explain;

use crate::cli::Global;
use crate::cli::enhancers::{
    AdjustArgs, EnhancersArgs, EnhancersVerb, FlattenOrder, KerasArgs, OrthologsArgs, PredictArgs,
    PrepareArgs, RunArgs, SimulateArgs,
};
use crate::process;
use crate::terminal::{self, say};
use neuropil_enhancers::aliases::Aliases;
use neuropil_enhancers::associate::{Progress, released, to_tsv};
use neuropil_enhancers::cnn::keras::Reading;
use neuropil_enhancers::cnn::{Flatten, Network};
use neuropil_enhancers::error::InputError;
use neuropil_enhancers::fasta::{self, Genome};
use neuropil_enhancers::genes;
use neuropil_enhancers::model;
use neuropil_enhancers::orthologs::{Rule, assemble, parse_lifted, parse_named};
use neuropil_enhancers::peaks;
use neuropil_enhancers::prepare::{self, Surroundings};
use neuropil_enhancers::report::below;
use neuropil_enhancers::run::{self, News};
use neuropil_enhancers::sequence::bases;
use neuropil_enhancers::settings::Outcome;
use neuropil_enhancers::simulate::{Invention, invent, write};
use neuropil_enhancers::table::Table;
use neuropil_enhancers::text::read_to_string;
use neuropil_enhancers::windows::Sizes;
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rows that people are shown.
const SHOWN: usize = 10;

/// Runs the command.
pub(crate) fn run(args: &EnhancersArgs, global: &Global) -> Result<u8, Problem> {
    let quiet = global.quiet;
    match &args.verb {
        EnhancersVerb::Simulate(args) => simulate(args),
        EnhancersVerb::Run(args) => study(args, quiet),
        EnhancersVerb::Associate(args) => associate::run(args, quiet),
        EnhancersVerb::Adjust(args) => adjust(args),
        EnhancersVerb::Calibrate(args) => calibrate::run(args, quiet),
        EnhancersVerb::Prepare(args) => prepare(args),
        EnhancersVerb::Predict(args) => predict(args),
        EnhancersVerb::Evaluate(args) => evaluate::run(args),
        EnhancersVerb::Explain(args) => explain::run(args),
        EnhancersVerb::Motifs(args) => explain::motifs(args),
        EnhancersVerb::Orthologs(args) => orthologs(args),
    }
}

/// Prints text as it is.
fn print(text: &str) -> Result<(), Problem> {
    terminal::write(terminal::plain(text).as_bytes())
}

/// Prints a table, or writes it to a file.
fn print_or_write(text: &str, to: Option<&Path>) -> Result<(), Problem> {
    match to {
        None => print(text),
        Some(path) => {
            put(path, text)?;
            say!("saved {}", path.display());
            Ok(())
        }
    }
}

/// Rows of text in columns.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, field) in row.iter().enumerate() {
            let _ = write!(line, " {field:<0$} ", width(column));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn simulate(args: &SimulateArgs) -> Result<u8, Problem> {
    let plan = Invention {
        seed: args.seed,
        species: args.species,
        regions: args.regions,
        planted: args.planted,
        ..Invention::default()
    };
    let study = invent(&plan)?;
    write(&study, &plan, &args.folder)?;
    say!(
        "wrote {}: {} species, {} regions of which {} go with the trait, {} sequences to learn from",
        args.folder.display(),
        args.species,
        args.regions,
        args.planted,
        study.training.len()
    );
    say!(
        "next: neuropil enhancers run {}",
        args.folder.join("study.toml").display()
    );
    Ok(0)
}

fn heard(news: &News, quiet: bool) {
    if quiet {
        return;
    }
    match news {
        News::Note(note) => say!("note: {note}"),
        News::Epoch(e) => say!(
            "epoch {}: loss {:.4}, validation {:.4}, AUROC {:.3}",
            e.epoch,
            e.train_loss,
            e.validation_loss,
            e.auroc
        ),
        News::Predicted { done, of } => {
            if done == of || done % 20 == 0 {
                say!("predicted {done} of {of} species");
            }
        }
        News::Association(Progress::Scanned { tested, below }) => {
            say!("{tested} regions tested, {below} with p < 0.05");
        }
        News::Association(Progress::Round {
            round,
            regions,
            total,
        }) => say!("round {round}: {regions} regions, {total} permulations each"),
    }
}

fn study(args: &RunArgs, quiet: bool) -> Result<u8, Problem> {
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| args.study.parent().unwrap_or(Path::new(".")).join("results"));
    let pool = process::thread_pool(args.threads)?;
    let outcome = pool.install(|| run::run(&args.study, &out, &mut |news| heard(news, quiet)))?;
    tell(&outcome, args.json)?;
    Ok(0)
}

fn tell(outcome: &Outcome, json: bool) -> Result<(), Problem> {
    let results = &outcome.results;
    let tested = results.iter().filter(|r| r.fit.is_some()).count();
    if json {
        let told = serde_json::json!({
            "regions": results.len(),
            "tested": tested,
            "q_below_0.05": below(results, 0.05),
            "q_below_0.1": below(results, 0.1),
            "test": outcome.test,
            "folder": outcome.folder,
            "associations": results,
        });
        return print(&format!("{told}\n"));
    }
    let mut rows = vec![
        ["region", "species", "slope", "p", "permulations", "p_perm", "q"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let text = to_tsv(results);
    for line in text.lines().skip(1).take(SHOWN) {
        let fields: Vec<&str> = line.split('\t').collect();
        let short = |i: usize| {
            fields[i]
                .parse::<f64>()
                .map_or_else(|_| fields[i].to_owned(), |value| format!("{value:.3e}"))
        };
        rows.push(vec![
            fields[0].to_owned(),
            fields[1].to_owned(),
            short(3),
            short(6),
            fields[15].to_owned(),
            short(19),
            short(22),
        ]);
    }
    print(&aligned(&rows))?;
    if let Some(test) = outcome.test {
        print(&format!(
            "test chromosomes: AUROC {:.3}, AUPRC {:.3}\n",
            test.auroc, test.auprc_positive
        ))?;
    }
    print(&format!(
        "{} of {tested} tested regions have q < 0.1, {} q < 0.05\n",
        below(results, 0.1),
        below(results, 0.05)
    ))?;
    say!("results: {}", outcome.folder.join("associations.tsv").display());
    say!("report:  {}", outcome.folder.join("report.html").display());
    Ok(())
}

fn adjust(args: &AdjustArgs) -> Result<u8, Problem> {
    let table = Table::parse(&read_to_string(&args.table)?).map_err(|error| error.in_file(&args.table))?;
    let released = released(&table).map_err(|error| error.in_file(&args.table))?;
    for note in &released.notes {
        say!("note: {note}");
    }
    if args.json {
        let rows: Vec<_> = (0..released.p.len()).map(|i| serde_json::json!({"region": released.regions[i], "p": released.p[i], "coef": released.coef[i], "q": released.q[i]})).collect();
        print_or_write(
            &format!("{}\n", serde_json::Value::Array(rows)),
            args.out.as_deref(),
        )?;
        return Ok(0);
    }
    let number = |value: f64| {
        if value.is_nan() {
            "NA".to_owned()
        } else {
            value.to_string()
        }
    };
    let mut order: Vec<usize> = (0..released.p.len()).collect();
    order.sort_by(|&a, &b| {
        released.q[a]
            .total_cmp(&released.q[b])
            .then(released.p[a].total_cmp(&released.p[b]))
    });
    let mut text = "region\tcoef\tp\tq\n".to_owned();
    for i in order {
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}",
            released.regions[i],
            number(released.coef[i]),
            number(released.p[i]),
            number(released.q[i])
        );
    }
    print_or_write(&text, args.out.as_deref())?;
    Ok(0)
}

fn make_folder(folder: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Problem::bare(format!("{}: cannot make the folder: {error}", folder.display())))
}

fn put(path: &Path, text: &str) -> Result<(), Problem> {
    atomic::write(path, text.as_bytes()).map_err(Problem::from)
}

fn prepare(args: &PrepareArgs) -> Result<u8, Problem> {
    let found = peaks::read(&args.peaks)?;
    let genome = args.genome.as_deref().map(Genome::open).transpose()?;
    let sizes = match (&args.sizes, &genome) {
        (Some(path), _) => Sizes::read(path)?,
        (None, Some(genome)) => genome.sizes(),
        (None, None) => {
            return Err(Problem::new(
                "the lengths of the chromosomes are not known",
                "give --sizes or --genome",
            ));
        }
    };
    let aliases = args.aliases.as_deref().map(Aliases::read).transpose()?;
    let annotation = args.genes.as_deref().map(genes::read).transpose()?;
    let blacklist = args.blacklist.as_deref().map(peaks::read).transpose()?;
    let around = Surroundings {
        sizes: &sizes,
        aliases: &aliases.unwrap_or_default(),
        genes: args.genes.as_deref().zip(annotation.as_ref()),
        blacklist: args.blacklist.as_deref().zip(blacklist.as_ref()),
        longest: args.longest,
        width: args.width,
    };
    let prepared = prepare::prepare(found, &around, &mut |note| say!("note: {note}"))?;
    let sequences = genome.map(|genome| prepared.fasta(&genome)).transpose()?;
    let named = |suffix: &str| PathBuf::from(format!("{}{suffix}", args.out.display()));
    put(&named(".bed"), &prepared.bed())?;
    put(&named(".dropped.tsv"), &prepared.dropped_table())?;
    if let Some(sequences) = sequences {
        put(&named(".fa"), &sequences)?;
    }
    let (windows, total) = (prepared.windows.len(), prepared.total);
    print(&format!("{windows} of {total} peaks became windows\n"))?;
    for (reason, count) in prepared.reasons() {
        print(&format!("  {count} left out: {reason}\n"))?;
    }
    Ok(0)
}

fn orthologs(args: &OrthologsArgs) -> Result<u8, Problem> {
    let query = read_to_string(&args.query)?;
    let queries = parse_named(&query).map_err(|error| error.in_file(&args.query))?;
    let fragments = parse_lifted(&read_to_string(&args.fragments)?, &query)
        .map_err(|error| error.in_file(&args.fragments))?;
    let summits =
        parse_named(&read_to_string(&args.summits)?).map_err(|error| error.in_file(&args.summits))?;
    let rule = Rule {
        max_len: args.max_len,
        min_len: Some(args.min_len),
        max_frac: Some(args.max_frac),
        protect_dist: args.protect_dist,
        keep_one: args.keep_one,
        ..Rule::default()
    };
    let (accepted, rejected) = assemble(&queries, &fragments, &summits, &rule)?;
    let lines: String = accepted.iter().map(|o| if args.narrow_peak { o.to_narrow_peak() } else { o.to_line() } + "\n").collect();
    put(&args.out, &lines)?;
    let mut failed = "name\treason\tortholog\n".to_owned();
    for r in &rejected {
        let _ = writeln!(
            failed,
            "{}\t{}\t{}",
            r.name,
            r.reason,
            r.ortholog
                .as_ref()
                .map_or_else(|| "NA".to_owned(), |o| o.to_line().replace('\t', " "))
        );
    }
    put(&PathBuf::from(format!("{}.failed", args.out.display())), &failed)?;
    print(&format!(
        "{} orthologs, {} peaks without one\n",
        accepted.len(),
        rejected.len()
    ))?;
    Ok(0)
}

/// Sequences of the length that a network reads, with their names.
fn sequences(path: &Path, length: usize) -> Result<Vec<(String, Vec<u8>)>, InputError> {
    let mut found = Vec::new();
    for record in fasta::read(path)? {
        if record.sequence.len() != length {
            let message = format!(
                "`{}` has {} bases, the network reads {length}",
                record.name,
                record.sequence.len()
            );
            return Err(InputError::new(message).in_file(path));
        }
        found.push((
            record.name,
            bases(&record.sequence).map_err(|error| error.in_file(path))?,
        ));
    }
    Ok(found)
}

/// A network of ours or of Keras; what was assumed of it is said.
fn network(path: &Path, keras: &KerasArgs) -> Result<Network<f32>, InputError> {
    let reading = Reading {
        rotate: keras.no_rotate.then_some(false),
        flatten: keras.flatten.map(|order| match order {
            FlattenOrder::FilterMajor => Flatten::FilterMajor,
            FlattenOrder::PositionMajor => Flatten::PositionMajor,
        }),
        ..Reading::default()
    };
    let (network, notes) = model::load(path, keras.length, reading)?;
    notes.iter().for_each(|note| say!("note: {note}"));
    Ok(network)
}

fn predict(args: &PredictArgs) -> Result<u8, Problem> {
    let network = network(&args.model, &args.keras)?;
    let (names, sequences): (Vec<String>, Vec<Vec<u8>>) =
        sequences(&args.sequences, network.architecture.length)?
            .into_iter()
            .unzip();
    let values = process::thread_pool(args.threads)?.install(|| model::predict(&network, &sequences));
    let text: String = if args.json {
        let rows = names.iter().zip(values);
        let rows = rows.map(|(name, value)| serde_json::json!({ "name": name, "prediction": value }));
        format!("{}\n", serde_json::Value::Array(rows.collect()))
    } else {
        let rows = names.iter().zip(values);
        rows.map(|(name, value)| format!("{name}\t{value:.6}\n"))
            .collect()
    };
    print_or_write(&text, args.out.as_deref())?;
    Ok(0)
}
