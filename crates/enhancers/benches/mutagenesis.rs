//! In-silico mutagenesis by what a mutant changes, beside every mutant through the whole network.
//!
//! `cargo bench -p neuropil-enhancers --bench mutagenesis -- [PRESET]` prints both times for one sequence of 500 bases and
//! their ratio; of the long way every tenth position is measured.

#![allow(clippy::print_stdout, reason = "the numbers are what it is for")]

use std::time::Instant;

use neuropil_enhancers::cnn::attribute::mutagenesis;
use neuropil_enhancers::cnn::{Architecture, Network, Pass};
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rayon::prelude::*;

fn one_hot(bases: &[u8]) -> Vec<f32> {
    let mut x = vec![0.0; 4 * bases.len()];
    for (i, &base) in bases.iter().enumerate() {
        x[i * 4 + usize::from(base)] = 1.0;
    }
    x
}

fn main() {
    const EVERY: usize = 10;
    let preset = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let preset = preset.unwrap_or_else(|| "motor-cortex".into());
    let architecture = Architecture::preset(&preset).expect("the name of a preset");
    let length = architecture.length;
    let network: Network<f32> = Network::new(architecture, Key::new(1));
    let mut random = Key::new(1).stream(Purpose::Test, 0);
    let bases: Vec<u8> = (0..length).map(|_| random.random_range(0..4)).collect();

    let start = Instant::now();
    let changes = mutagenesis(&network, &bases);
    let by_change = start.elapsed().as_secs_f64();

    let mut pass = Pass::default();
    network.forward(&one_hot(&bases), &mut pass, None);
    let here = f64::from(pass.logits[0]);
    let mutants: Vec<usize> = (0..length)
        .step_by(EVERY)
        .flat_map(|position| (0..4).map(move |base| position * 4 + base))
        .filter(|i| usize::from(bases[i / 4]) != i % 4)
        .collect();
    let start = Instant::now();
    let whole: Vec<f64> = mutants
        .par_iter()
        .map_init(Pass::default, |pass, &i| {
            let mut mutant = bases.clone();
            mutant[i / 4] = (i % 4) as u8;
            network.forward(&one_hot(&mutant), pass, None);
            f64::from(pass.logits[0]) - here
        })
        .collect();
    let whole_time = start.elapsed().as_secs_f64() * (3 * length) as f64 / mutants.len() as f64;
    let worst = mutants
        .iter()
        .zip(&whole)
        .map(|(&i, whole)| (changes[i] - whole).abs())
        .fold(0.0, f64::max);
    println!(
        "{preset}, {length} bases, {} threads: {by_change:.2} s by what changes, {whole_time:.1} s by whole networks \
         ({} of {} mutants measured), ratio {:.1}, largest difference {worst:e}",
        rayon::current_num_threads(),
        mutants.len(),
        3 * length,
        whole_time / by_change
    );
}
