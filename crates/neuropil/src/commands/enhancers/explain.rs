//! `neuropil enhancers explain` and `motifs`: which bases count, as arrays and as logos.

use super::{make_folder, network, print, put, sequences};
use crate::cli::enhancers::{Attribution, ExplainArgs, MotifsArgs, Normalise};
use crate::process;
use crate::terminal::say;
use neuropil_draw::{Figure, Report, Section};
use neuropil_enhancers::cnn::attribute::{Method, Normalisation, Scores, explain, references};
use neuropil_enhancers::{logo, motifs as reader};
use neuropil_lab::array::write_npz;
use neuropil_lab::error::Problem;
use neuropil_study::life::{broken, save_picture};
use std::path::Path;

/// Midpoints of integrated gradients.
const STEPS: usize = 50;

/// Runs `explain`.
pub(super) fn run(args: &ExplainArgs) -> Result<u8, Problem> {
    let network = network(&args.model, &args.keras)?;
    let length = network.architecture.length;
    let sequences = sequences(&args.sequences, length)?;
    let how = match args.normalise {
        Normalise::None => Normalisation::None,
        Normalise::Pointwise => Normalisation::Pointwise,
        Normalise::GkmExplain => Normalisation::GkmExplain,
    };
    let method = |bases: &[u8]| match args.method {
        Attribution::Mutagenesis => Method::Mutagenesis,
        Attribution::Deeplift => Method::DeepLift(references(bases, args.references as usize, args.seed)),
        Attribution::IntegratedGradients => Method::IntegratedGradients(STEPS),
        Attribution::Gradient => Method::Gradient,
    };
    let scores: Vec<Scores> = process::thread_pool(args.threads)?.install(|| {
        let scores = |bases: &[u8]| explain(&network, bases, &method(bases)).normalised(how);
        sequences.iter().map(|(_, bases)| scores(bases)).collect()
    });
    let is_file = args.out.extension().is_some_and(|kind| kind == "npz");
    if is_file {
        write_arrays(&args.out, &scores, length)?;
    } else {
        make_folder(&args.out)?;
        write_arrays(&args.out.join("attributions.npz"), &scores, length)?;
        let drawn = sequences.iter().zip(&scores).take(args.logos).enumerate();
        let figures =
            drawn.map(|(i, ((name, _), scores))| logo::attributions(scores, name, logo::file_name(i, name)));
        write_page(&args.out, "Which bases count", &figures.collect::<Vec<_>>())?;
    }
    print(&format!(
        "{} sequences explained in {}\n",
        sequences.len(),
        args.out.display()
    ))?;
    Ok(0)
}

/// Runs `motifs`.
pub(super) fn motifs(args: &MotifsArgs) -> Result<u8, Problem> {
    let (found, notes) = reader::read(&args.motifs)?;
    notes.iter().for_each(|note| say!("note: {note}"));
    make_folder(&args.out)?;
    let figures: Vec<Figure> = found
        .iter()
        .enumerate()
        .map(|(i, motif)| logo::motif(motif, logo::file_name(i, &motif.id)))
        .collect();
    write_page(&args.out, "Motifs", &figures)?;
    for motif in &found {
        print(&format!("{}\t{}\t{}\n", motif.id, motif.name, motif.consensus()))?;
    }
    Ok(0)
}

/// Arrays \[sequence\]\[A, C, G, T\]\[position\].
fn write_arrays(path: &Path, scores: &[Scores], length: usize) -> Result<(), Problem> {
    // [position][base] to [base][position].
    let turned = |of: &dyn Fn(&Scores) -> Vec<f64>| -> Vec<f32> {
        let mut out = Vec::with_capacity(scores.len() * 4 * length);
        for scores in scores {
            let values = of(scores);
            out.extend((0..4).flat_map(|base| values.iter().skip(base).step_by(4).map(|&v| v as f32)));
        }
        out
    };
    let one_hot = |scores: &Scores| Scores::new(scores.bases(), vec![1.0; 4 * length]).actual();
    let shape = vec![scores.len(), 4, length];
    Ok(write_npz(
        path,
        vec![
            ("sequences", shape.clone(), turned(&one_hot)),
            ("attributions", shape.clone(), turned(&Scores::actual)),
            (
                "hypothetical",
                shape,
                turned(&|scores| scores.hypothetical().to_vec()),
            ),
        ],
    )?)
}

/// Writes every figure as SVG and PNG, and `index.html` with all of them.
fn write_page(folder: &Path, title: &str, figures: &[Figure]) -> Result<(), Problem> {
    figures
        .iter()
        .try_for_each(|figure| save_picture(folder, figure))?;
    let page = Report {
        title: title.into(),
        sections: figures
            .iter()
            .map(|figure| Section {
                title: figure.title.clone(),
                figure: Some(figure.clone()),
                ..Section::default()
            })
            .collect(),
        ..Report::default()
    };
    put(
        &folder.join("index.html"),
        &page.to_html().map_err(|error| broken(&error))?,
    )
}
