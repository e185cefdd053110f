//! `neuropil neuronid`: who is this neuron?

use crate::cli::Global;
use crate::cli::neuronid::{
    CheckArgs, ColourName, ConvertArgs, MatchArgs, NeuronidArgs, NeuronidVerb, PredictArgs, TrackArgs,
    UnitArgs, UnitName, VoteArgs,
};
use crate::process::thread_pool;
use crate::terminal::{print_json, say};
use neuropil_lab::error::Problem;
use neuropil_lab::table::write_csv;
use neuropil_neuronid::checkpoint;
use neuropil_neuronid::cpd::Stiffness;
use neuropil_neuronid::error::NeuronidError;
use neuropil_neuronid::identify::{ColourMetric, Matcher, Options, identify, vote};
use neuropil_neuronid::read::{Told, read};
use neuropil_neuronid::track::track;
use neuropil_neuronid::worm::{Unit, Worm};
use neuropil_study::life::save_figure;
use neuropil_study::{Answer, Origin, Tell};
use std::path::Path;

/// λ of the drift that names worms of other animals: the published 4000 is stiff.
const LAMBDA: f64 = 100.0;

/// Runs the command.
pub(crate) fn run(args: &NeuronidArgs, global: &Global) -> Result<u8, Problem> {
    let pool = thread_pool(global.threads)?;
    pool.install(|| match &args.verb {
        NeuronidVerb::Check(args) => check(args, global),
        NeuronidVerb::Predict(args) => predict(args, global),
        NeuronidVerb::Vote(args) => by_vote(args, global),
        NeuronidVerb::Track(args) => by_track(args, global),
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
    print(&recording, None, global)
}

fn worm(path: &Path, units: &UnitArgs) -> Result<Worm, NeuronidError> {
    let (worm, said) = read(path, &told(units))?.single(path)?;
    said.iter().for_each(|line| say!("{}: {line}", path.display()));
    Ok(worm)
}

fn template(path: &Path, units: &UnitArgs) -> Result<Worm, NeuronidError> {
    worm(path, units)?.as_template(&path.display().to_string(), units.allow_duplicate_names)
}

fn matcher(args: &MatchArgs) -> Result<(Matcher, Options), NeuronidError> {
    let matcher = match &args.model {
        Some(path) => {
            let loaded = checkpoint::load(path, args.heads)?;
            loaded
                .said
                .iter()
                .for_each(|line| say!("{}: {line}", path.display()));
            Matcher::Network(Box::new(loaded.network))
        }
        None => Matcher::Drift(Stiffness {
            lambda: LAMBDA,
            ..Stiffness::default()
        }),
    };
    let mut options = Options {
        outliers: args.outliers,
        colour: match args.colour {
            ColourName::None => ColourMetric::None,
            ColourName::Kl => ColourMetric::Kl,
            ColourName::Tanh => ColourMetric::Tanh,
        },
        ..Options::of(&matcher)
    };
    if let Some(weight) = args.colour_weight {
        options.colour_weight = weight;
    }
    Ok((matcher, options))
}

fn predict(args: &PredictArgs, global: &Global) -> Result<u8, Problem> {
    let (template, test) = (
        template(&args.template, &args.matching.units)?,
        worm(&args.test, &args.matching.units)?,
    );
    let (matcher, options) = matcher(&args.matching)?;
    let options = Options {
        top: args.top,
        ..options
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
        .map(|path| template(path, &args.matching.units))
        .collect::<Result<_, _>>()?;
    let test = worm(&args.test, &args.matching.units)?;
    let (matcher, options) = matcher(&args.matching)?;
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
    let (matcher, options) = matcher(&args.matching)?;
    print(
        &track(&args.file, &recording, args.reference, &matcher, &options)?,
        args.table.as_deref(),
        global,
    )
}

fn convert(args: &ConvertArgs) -> Result<u8, Problem> {
    let loaded = checkpoint::load(&args.from, args.heads)?;
    loaded
        .said
        .iter()
        .for_each(|line| say!("{}: {line}", args.from.display()));
    checkpoint::save(&args.to, &loaded.network)?;
    let shape = loaded.network.shape();
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
