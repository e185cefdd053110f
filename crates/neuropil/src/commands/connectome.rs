//! `neuropil connectome`: questions to a wiring diagram.

mod export;
mod files;
mod long_run;
mod page;
pub(crate) mod reproduce;

use crate::cli::Global;
use crate::cli::connectome::{
    CascadeArgs, ConnectomeArgs, ConnectomeVerb, DataArgs, EdgesArgs, EmbeddingKind, Format, Kept,
    LayersArgs, MotifsArgs, Pairs, PathsArgs, Preset, RandomArgs, RunArgs, SettingsArgs,
};
use crate::terminal::{plain, say, write};
use long_run::LongRun;
use neuropil_connectome::answer::{
    self, Answer, CascadeQuestion, InfluenceQuestion, LayersQuestion, NullQuestion, PathsQuestion, Strong,
    TypesQuestion,
};
use neuropil_connectome::bilateral::Method;
use neuropil_connectome::cascade::Settings;
use neuropil_connectome::data::Connectome;
use neuropil_connectome::error::DataError;
use neuropil_connectome::hemispheres::excision::ExcisionSettings;
use neuropil_connectome::integration::modalities;
use neuropil_connectome::layers::Way;
use neuropil_connectome::nulls::Null;
use neuropil_connectome::threshold::{PairRule, Threshold};
use neuropil_connectome::types::TypeSettings;
use neuropil_connectome::unit_cascades::{UnitCascades, unit_cascades};
use neuropil_connectome::{read, select, winding2023};
use neuropil_lab::atomic;
use neuropil_lab::error::Problem;
use neuropil_lab::table::Form;
use std::fmt::Write as _;

/// Rows of a table that people are shown.
const SHOWN: usize = 20;

/// Runs the command.
pub(crate) fn run(args: &ConnectomeArgs, global: &Global) -> Result<u8, Problem> {
    match &args.verb {
        ConnectomeVerb::Stats(data) => tell(data, answer::stats_answer),
        ConnectomeVerb::Cascade(args) => tell(&args.data, |c| cascade(c, args)),
        ConnectomeVerb::Flow(args) => tell(&args.data, |c| answer::flow_answer(c, &args.layer, args.seed)),
        ConnectomeVerb::Edges(args) => tell(&args.data, |c| {
            let strong = strong(c, args)?;
            answer::edges_answer(c, strong.layer, strong.threshold, strong.rule)
        }),
        ConnectomeVerb::Hubs(args) => tell(&args.edges.data, |c| {
            let strong = strong(c, &args.edges)?;
            let degree = Some(args.degree);
            answer::hubs_answer(c, strong.layer, strong.threshold, strong.rule, degree, args.seed)
        }),
        ConnectomeVerb::Layers(args) => tell(&args.edges.data, |c| layers(c, args)),
        ConnectomeVerb::Integration(args) => tell(&args.data, |c| {
            let layer = layer(c, args.settings.layer.as_deref());
            answer::integration_answer(
                c,
                layer,
                args.hops.unwrap_or(winding2023::INTEGRATION_HOPS),
                &settings(&args.settings),
            )
        }),
        ConnectomeVerb::Hemispheres(args) => tell(&args.data, |c| {
            let cuts = ExcisionSettings {
                cutoff: args.cutoff,
                repeats: args.repeats,
                same_type: args.same_type,
                seed: args.settings.seed,
                ..ExcisionSettings::default()
            };
            let layer = layer(c, args.settings.layer.as_deref());
            let threshold = Threshold::parse(&args.threshold)?;
            answer::hemispheres_answer(c, layer, threshold, &settings(&args.settings), &cuts)
        }),
        ConnectomeVerb::Symmetry(args) => tell(&args.data, |c| {
            answer::symmetry_answer(c, &args.layer, &args.column)
        }),
        ConnectomeVerb::Recurrence(args) => {
            of_all_units(args, |c, cascades| Ok(answer::recurrence_answer(c, cascades)))
        }
        ConnectomeVerb::Direction(args) => tell(&args.data, |c| {
            let settings = Settings {
                p: args.p,
                max_hops: args.hops + 1,
                runs: args.runs,
                seed: args.seed,
            };
            answer::direction_answer(
                c,
                layer(c, args.layer.as_deref()),
                &args.column,
                args.hops,
                &settings,
            )
        }),
        ConnectomeVerb::Feedback(args) => of_all_units(args, answer::feedback_answer),
        ConnectomeVerb::Paths(args) => tell(&args.edges.data, |c| paths(c, args)),
        ConnectomeVerb::Motifs(args) => tell(&args.edges.data, |c| motifs(c, args)),
        ConnectomeVerb::Nulls(args) => tell(&args.edges.data, |c| {
            answer::nulls_answer(c, &strong(c, &args.edges)?, &nulls(&args.random))
        }),
        ConnectomeVerb::Influence(args) => tell(&args.data, |c| {
            let sources = select::select_or_file(c, &args.sources)?;
            let question = InfluenceQuestion {
                layer: layer(c, args.layer.as_deref()),
                sources: (&args.sources, &sources),
                radius: args.radius,
                offset: args.offset,
                hops: args.hops,
                signs: args.signs.as_deref(),
            };
            answer::influence_answer(c, &question)
        }),
        ConnectomeVerb::Types(args) => tell(&args.data, |c| {
            let settings = TypeSettings {
                dimensions: args.dimensions,
                min_split: args.min_split,
                levels: args.levels,
                seed: args.seed,
                ..TypeSettings::default()
            };
            let question = TypesQuestion {
                embedding: method(args.embedding),
                settings,
                seeds: args.seeds,
            };
            answer::types_answer(c, &question)
        }),
        ConnectomeVerb::ExportRnn(args) => export::run(args),
        ConnectomeVerb::Import(args) => files::import(args),
        ConnectomeVerb::Report(args) => page::run(args, global),
        ConnectomeVerb::Simulate(args) => files::simulated(args),
    }
}

fn method(kind: EmbeddingKind) -> Method {
    match kind {
        EmbeddingKind::Joint => Method::Joint,
        EmbeddingKind::Ase => Method::Ase,
        EmbeddingKind::Lse => Method::Lse,
        EmbeddingKind::Omnibus => Method::Omnibus,
        EmbeddingKind::Mase => Method::Mase,
    }
}

/// The null model of a name on the command line.
pub(crate) fn null(kept: Kept) -> Null {
    match kept {
        Kept::Degree => Null::Degree,
        Kept::Weights => Null::Weights,
        Kept::Er => Null::Er,
        Kept::Block => Null::Block,
        Kept::DegreeBlock => Null::DegreeBlock,
    }
}

fn nulls(args: &RandomArgs) -> NullQuestion<'_> {
    NullQuestion {
        null: null(args.null),
        count: args.n,
        seed: args.seed,
        column: &args.column,
    }
}

fn strong<'a>(c: &Connectome, args: &'a EdgesArgs) -> Result<Strong<'a>, DataError> {
    Ok(Strong {
        layer: layer(c, args.layer.as_deref()),
        threshold: Threshold::parse(&args.threshold)?,
        rule: rule(args),
    })
}

/// Asks about the cascades from all units; killed on the way, the same command with the same `--out` goes on.
fn of_all_units(
    args: &RunArgs,
    ask: impl Fn(&Connectome, &UnitCascades) -> Result<Answer, DataError> + Send + Sync,
) -> Result<u8, Problem> {
    let long = LongRun::new(args.data.out.as_deref())?;
    let code = tell(&args.data, |c| {
        let layer = layer(c, args.settings.layer.as_deref());
        let hops = [args.hops.unwrap_or(winding2023::RECURRENCE_HOPS)];
        ask(
            c,
            &unit_cascades(c, layer, &hops, &settings(&args.settings), long.watch())?,
        )
    })?;
    long.finish();
    Ok(code)
}

fn layers(c: &Connectome, args: &LayersArgs) -> Result<Answer, DataError> {
    let sets = match &args.sources {
        Some(query) => vec![(query.clone(), select::select_or_file(c, query)?)],
        None => modalities(c),
    };
    let way = if args.upstream {
        Way::Upstream
    } else {
        Way::Downstream
    };
    let question = LayersQuestion {
        strong: strong(c, &args.edges)?,
        way,
        sets,
        hops: args.hops,
    };
    answer::layers_answer(c, &question)
}

fn paths(c: &Connectome, args: &PathsArgs) -> Result<Answer, DataError> {
    let (from, to) = (select::select(c, &args.from)?, select::select(c, &args.to)?);
    let question = PathsQuestion {
        strong: strong(c, &args.edges)?,
        ends: [(&args.from, &from), (&args.to, &to)],
        cutoff: args.cutoff,
    };
    if let Some(file) = &args.list {
        answer::list_paths(c, &question, file)?;
    }
    answer::paths_answer(c, &question)
}

fn motifs(c: &Connectome, args: &MotifsArgs) -> Result<Answer, DataError> {
    let ends = match (&args.chain, &args.through) {
        (Some(first), Some(second)) => Some((
            (first, select::select(c, first)?),
            (second, select::select(c, second)?),
        )),
        _ => None,
    };
    let chain = ends
        .as_ref()
        .map(|((first, a), (second, b))| [(first.as_str(), &a[..]), (second.as_str(), &b[..])]);
    answer::motifs_answer(c, &strong(c, &args.edges)?, &nulls(&args.random), chain)
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
        name: &args.sources,
        layer: layer(c, args.settings.layer.as_deref()),
        stop: &stop,
        hops: args.hops.unwrap_or(args.settings.max_hops),
        exact: args.exact,
        signed: args.signed,
        settings: &settings(&args.settings),
    };
    answer::cascade_answer(c, &sources, &question)
}

/// How the whole table is to be written, if it is.
fn table_form(args: &DataArgs) -> Result<Option<Form>, Problem> {
    let given = args.format.map(|format| match format {
        Format::Csv => Form::Csv,
        Format::Json => Form::Json,
        Format::Parquet => Form::Parquet,
    });
    match (given, &args.table) {
        (Some(Form::Parquet), None) => Err(Problem::new(
            "--format parquet without --table: Parquet is not printed",
            "add --table FILE.parquet",
        )),
        (Some(_), None) if args.json => Err(Problem::new(
            "--format and --json: both say what is printed",
            "add --table FILE to write the table beside the JSON",
        )),
        (Some(form), _) => Ok(Some(form)),
        (None, Some(path)) => Ok(Some(Form::of(path)?)),
        (None, None) => Ok(None),
    }
}

/// Loads the data, asks, and prints the answer.
fn tell(
    args: &DataArgs,
    ask: impl Fn(&Connectome) -> Result<Answer, DataError> + Send + Sync,
) -> Result<u8, Problem> {
    let Preset::Winding2023 = args.preset.preset; // its constants are the defaults
    let form = table_form(args)?;
    let pool = crate::process::thread_pool(args.threads)?;
    let (answer, warnings) = pool.install(|| -> Result<_, DataError> {
        let connectome = read::load(&args.data)?;
        Ok((ask(&connectome)?.drawable(), connectome.warnings))
    })?;
    warnings.iter().for_each(|warning| say!("warning: {warning}"));
    if let (Some(path), Some(form)) = (&args.table, form) {
        atomic::write(path, &answer.table_bytes(form)?)?;
    }
    if let Some(folder) = &args.out {
        page::draw(folder, &answer.figures)?;
    }
    let text = match form {
        Some(form) if args.table.is_none() => answer.table_bytes(form)?,
        _ if args.json => serde_json::to_vec_pretty(&answer.json).expect("answers are JSON"),
        _ => return print_for_people(&answer, SHOWN).map(|()| 0),
    };
    write(&text)?;
    Ok(0)
}

/// The sentences and the first rows, on standard output.
fn print_for_people(answer: &Answer, most: usize) -> Result<(), Problem> {
    write(plain(&for_people(answer, most)).as_bytes())
}

pub(super) fn for_people(answer: &Answer, most: usize) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(&answer.headers);
    for row in answer.rows.iter().take(most) {
        table.add_row(row);
    }
    let mut text = format!("{}\n\n{table}\n", answer.summary.join("\n"));
    if answer.rows.len() > most {
        let more = answer.rows.len() - most;
        let _ = writeln!(text, "… {more} more rows; --table FILE writes all");
    }
    text
}
