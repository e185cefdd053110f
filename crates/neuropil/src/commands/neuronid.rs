//! `neuropil neuronid`: who is this neuron?

use crate::cli::Global;
use crate::cli::neuronid::{
    AgainstArgs, AtlasArgs, CheckArgs, ColourName, ConvertArgs, MatchArgs, NeuronidArgs, NeuronidVerb,
    PredictArgs, StreamArgs, SynthArgs, TrackArgs, UnitArgs, UnitName, VoteArgs,
};
use crate::exit::CHECK_FAILED;
use crate::process::thread_pool;
use crate::terminal::{out, print_json, say};
use neuropil_lab::error::Problem;
use neuropil_lab::table::write_csv;
use neuropil_neuronid::atlas::Atlas;
use neuropil_neuronid::checkpoint;
use neuropil_neuronid::cpd::Stiffness;
use neuropil_neuronid::error::NeuronidError;
use neuropil_neuronid::evaluate::LAMBDA;
use neuropil_neuronid::identify::{ColourMetric, Matcher, Options, Pin, Trained, identify, vote};
use neuropil_neuronid::read::{Told, micrometres, read, read_many};
use neuropil_neuronid::stream::stream;
use neuropil_neuronid::synth::table::{Wanted, made_table};
use neuropil_neuronid::track::track;
use neuropil_neuronid::worm::{Unit, Worm};
use neuropil_study::life::save_figure;
use neuropil_study::{Answer, Origin, Table, Tell};
use std::path::Path;

/// Runs the command.
pub(crate) fn run(args: &NeuronidArgs, global: &Global) -> Result<u8, Problem> {
    let pool = thread_pool(global.threads)?;
    pool.install(|| match &args.verb {
        NeuronidVerb::Check(args) => check(args, global),
        NeuronidVerb::Predict(args) => predict(args, global),
        NeuronidVerb::Vote(args) => by_vote(args, global),
        NeuronidVerb::Track(args) => by_track(args, global),
        NeuronidVerb::Stream(args) => by_stream(args, global),
        NeuronidVerb::Synth(args) => synth(args, global),
        NeuronidVerb::Atlas(args) => atlas(args),
        NeuronidVerb::Convert(args) => convert(args),
    })
}

fn told(units: &UnitArgs) -> Told {
    Told {
        unit: units.unit.map(|unit| match unit {
            UnitName::Um => Unit::Um,
            UnitName::Camera => Unit::Camera,
            UnitName::Normalised => Unit::Normalised,
        }),
        voxel: units.voxel,
    }
}

fn check(args: &CheckArgs, global: &Global) -> Result<u8, Problem> {
    let recording = read(&args.file, &told(&args.units))?;
    if global.json {
        return print(&recording, None, global);
    }
    // What was understood comes first: a recording has thousands of rows.
    let answer = Answer::of(&recording, &Origin::default());
    for sentence in &answer.sentences {
        out!("{sentence}");
    }
    let (headers, rows): (Vec<String>, _) = (
        answer.table.names().map(str::to_owned).collect(),
        answer.table.rows(),
    );
    let shown = Answer {
        table: Table::of_rows(&headers, &rows[..rows.len().min(SHOWN)]),
        sentences: Vec::new(),
        ..answer
    };
    super::test::print(&shown)?;
    if rows.len() > SHOWN {
        out!(
            "… the first {SHOWN} of {} neurons (`--json` prints all)",
            rows.len()
        );
    }
    Ok(0)
}

/// Rows that a check shows.
const SHOWN: usize = 20;

fn worm(path: &Path, units: &UnitArgs) -> Result<Worm, NeuronidError> {
    let (worm, said) = read(path, &told(units))?.single(path)?;
    said.iter().for_each(|line| say!("{}: {line}", path.display()));
    Ok(worm)
}

fn template(path: &Path, args: &MatchArgs) -> Result<Worm, NeuronidError> {
    let worm = mirrored(worm(path, &args.units)?, args.mirror_template);
    worm.as_template(&path.display().to_string(), args.units.allow_duplicate_names)
}

fn test(path: &Path, args: &MatchArgs) -> Result<Worm, NeuronidError> {
    Ok(mirrored(worm(path, &args.units)?, args.mirror_test))
}

fn mirrored(mut worm: Worm, mirror: bool) -> Worm {
    if mirror {
        worm.mirror();
    }
    worm
}

fn network(args: &MatchArgs) -> Result<Option<Box<Trained>>, Problem> {
    let Some(path) = &args.model else { return Ok(None) };
    let loaded = checkpoint::load(path, args.heads)?;
    loaded
        .said
        .iter()
        .for_each(|line| say!("{}: {line}", path.display()));
    Ok(Some(Box::new(loaded.trained)))
}

fn matcher(args: &MatchArgs) -> Result<Matcher, Problem> {
    Ok(match network(args)? {
        Some(trained) => Matcher::Network(trained),
        None => Matcher::Drift(Stiffness {
            lambda: LAMBDA,
            ..Stiffness::default()
        }),
    })
}

/// The template, and by what worms are matched with it.
fn against(args: &AgainstArgs, matching: &MatchArgs) -> Result<(Worm, Matcher), Problem> {
    if let Some(path) = &args.template {
        return Ok((template(path, matching)?, matcher(matching)?));
    }
    let path = args.atlas.as_ref().expect("clap asks for one of the two");
    let mut atlas = Atlas::read(path)?;
    if matching.mirror_template {
        atlas.mirror();
    }
    let mean = atlas.mean_worm();
    Ok((mean, Matcher::Atlas(Box::new(atlas), network(matching)?)))
}

fn options(args: &MatchArgs, matcher: &Matcher) -> Options {
    let mut options = Options {
        outliers: args.outliers,
        colour: match args.colour {
            ColourName::None => ColourMetric::None,
            ColourName::Kl => ColourMetric::Kl,
            ColourName::Tanh => ColourMetric::Tanh,
        },
        pins: args
            .pin
            .iter()
            .map(|(test, name)| Pin {
                test: *test,
                name: name.clone(),
            })
            .collect(),
        ..Options::of(matcher)
    };
    if let Some(weight) = args.colour_weight {
        options.colour_weight = weight;
    }
    options
}

fn predict(args: &PredictArgs, global: &Global) -> Result<u8, Problem> {
    let (template, matcher) = against(&args.against, &args.matching)?;
    let test = test(&args.test, &args.matching)?;
    let options = Options {
        top: args.top,
        ..options(&args.matching, &matcher)
    };
    print(
        &identify(&template, &test, &matcher, &options)?,
        args.table.as_deref(),
        global,
    )
}

fn by_vote(args: &VoteArgs, global: &Global) -> Result<u8, Problem> {
    let templates: Vec<Worm> = args
        .template
        .iter()
        .map(|path| template(path, &args.matching))
        .collect::<Result<_, _>>()?;
    let test = test(&args.test, &args.matching)?;
    let matcher = matcher(&args.matching)?;
    let options = options(&args.matching, &matcher);
    print(
        &vote(&templates, &test, &matcher, &options)?,
        args.table.as_deref(),
        global,
    )
}

fn by_track(args: &TrackArgs, global: &Global) -> Result<u8, Problem> {
    let recording = read(&args.file, &told(&args.matching.units))?;
    recording
        .said
        .iter()
        .for_each(|line| say!("{}: {line}", args.file.display()));
    let matcher = matcher(&args.matching)?;
    let options = options(&args.matching, &matcher);
    print(
        &track(&args.file, &recording, args.reference, &matcher, &options)?,
        args.table.as_deref(),
        global,
    )
}

fn by_stream(args: &StreamArgs, global: &Global) -> Result<u8, Problem> {
    let (template, matcher) = against(&args.against, &args.matching)?;
    let options = options(&args.matching, &matcher);
    let scale = micrometres(&told(&args.matching.units))?;
    let broken = |error: std::io::Error| Problem::bare(format!("standard input or output: {error}"));
    let mut output = std::io::stdout().lock();
    let mut input = std::io::stdin().lock();
    let found = stream(
        &mut input,
        &mut output,
        &template,
        (&matcher, &options),
        scale,
        args.budget,
    );
    let found = match found {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(0),
        other => other.map_err(broken)?,
    };
    if !global.quiet {
        say!(
            "{} volumes answered, half of them within {:.1} ms, 99 of 100 within {:.1} ms; {} later than {} ms; {} lines refused",
            found.volumes,
            found.median_ms,
            found.most_ms,
            found.late,
            args.budget,
            found.refused
        );
    }
    Ok(if found.refused > 0 { CHECK_FAILED } else { 0 })
}

fn synth(args: &SynthArgs, global: &Global) -> Result<u8, Problem> {
    let source = match &args.source {
        Some(path) => Some(worm(path, &args.units)?),
        None => None,
    };
    let wanted = Wanted {
        worms: args.worms,
        bend_degrees: args.bend,
        jitter_um: args.jitter,
        seed: global.seed.unwrap_or(1),
    };
    let table = made_table(source.as_ref(), &wanted);
    let headers: Vec<String> = table.names().map(str::to_owned).collect();
    write_csv(&args.to, &headers, &table.rows())?;
    say!(
        "saved {}: {} worms, positions in µm",
        args.to.display(),
        args.worms
    );
    Ok(0)
}

fn atlas(args: &AtlasArgs) -> Result<u8, Problem> {
    let (worms, said) = read_many(&args.worms, &told(&args.units))?;
    said.iter().for_each(|line| say!("{line}"));
    let worms: Vec<&Worm> = worms.iter().map(|(_, worm)| worm).collect();
    let atlas = Atlas::of_worms(&worms, args.least)?;
    let table = atlas.table();
    let headers: Vec<String> = table.names().map(str::to_owned).collect();
    write_csv(&args.to, &headers, &table.rows())?;
    say!(
        "saved {}: {} neurons of {} animals, positions in µm",
        args.to.display(),
        atlas.neurons.len(),
        worms.len()
    );
    Ok(0)
}

fn convert(args: &ConvertArgs) -> Result<u8, Problem> {
    let loaded = checkpoint::load(&args.from, args.heads)?;
    loaded
        .said
        .iter()
        .for_each(|line| say!("{}: {line}", args.from.display()));
    let same = |path: &Path| std::fs::canonicalize(path).ok();
    if same(&args.to).is_some_and(|to| same(&args.from) == Some(to)) {
        return Err(Problem::new(
            format!("{}: read from and written to", args.to.display()),
            "give another file to write",
        ));
    }
    checkpoint::save_trained(&args.to, &loaded.trained)?;
    let shape = loaded.trained.network.shape();
    say!(
        "saved {}: {} features, {} layers, {} heads, {} hidden units",
        args.to.display(),
        shape.width,
        shape.layers,
        shape.heads,
        shape.hidden
    );
    Ok(0)
}

/// Prints a result, and writes its table and figures where they were asked for.
fn print(result: &impl Tell, to: Option<&Path>, global: &Global) -> Result<u8, Problem> {
    let answer = Answer::of(result, &Origin::default());
    if let Some(path) = to {
        if path.extension().is_some_and(|ending| ending == "json") {
            let json = serde_json::to_vec_pretty(&answer.json).expect("a value is JSON");
            neuropil_lab::atomic::write(path, &json)?;
        } else {
            let headers: Vec<String> = answer.table.names().map(str::to_owned).collect();
            write_csv(path, &headers, &answer.table.rows())?;
        }
    }
    if let Some(folder) = &global.out {
        for part in ["figures", "results"] {
            let part = folder.join(part);
            std::fs::create_dir_all(&part).map_err(|error| {
                let message = format!("{}: cannot be made ({error})", part.display());
                Problem::new(message, "give a folder that you may write to")
            })?;
        }
        for shown in &answer.figures {
            save_figure(&folder.join("figures"), &folder.join("results"), shown)?;
        }
        say!("saved {}", folder.display());
    }
    if global.json {
        print_json(&answer.json)?;
    } else {
        super::test::print(&answer)?;
    }
    Ok(0)
}
