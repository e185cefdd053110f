//! `neuropil enhancers explain`: which bases count.

use super::{print, sequences};
use crate::cli::enhancers::{Attribution, ExplainArgs, Normalise};
use crate::process;
use crate::terminal::say;
use neuropil_enhancers::cnn::attribute::{Method, Normalisation, Scores, explain, references};
use neuropil_enhancers::model;
use neuropil_lab::array::write_npz;
use neuropil_lab::error::Problem;
use std::path::Path;

/// Midpoints of integrated gradients.
const STEPS: usize = 50;

/// Runs the command.
pub(super) fn run(args: &ExplainArgs) -> Result<u8, Problem> {
    let (network, notes) = model::load(&args.model, args.length)?;
    notes.iter().for_each(|note| say!("note: {note}"));
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
    write_arrays(&args.out, &scores, length)?;
    print(&format!(
        "{} sequences explained in {}\n",
        sequences.len(),
        args.out.display()
    ));
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
