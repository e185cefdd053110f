//! Speed of one step of the linear network, of place fields, and of a large sparse world; beside
//! `peers/successor_numpy.py`: `cargo run --release -p neuropil-successor --example successor_speed`.

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use neuropil_math::rng::Key;
use neuropil_successor::fields::{FieldSettings, Grid, detect_of_states};
use neuropil_successor::matrix::Matrix;
use neuropil_successor::network::{Input, RnnS, RnnSConfig};
use neuropil_successor::sparse::SparseTransitions;
use neuropil_successor::world::World;
use std::time::Instant;

fn told(work: &str, n: usize, seconds: f64) {
    println!(
        "{{\"peer\": \"neuropil\", \"work\": \"{work}\", \"n\": {n}, \"seconds_per_step\": {seconds:e}}}"
    );
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = Key::new(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    for (n, steps) in [(25, 20_000), (196, 5000), (1000, 2000)] {
        let states = World::ring(n, 5.0, 1.0, 1.0)?.walk(steps, key);
        let mut network = RnnS::new(n, RnnSConfig::default())?;
        let clock = Instant::now();
        for state in states {
            network.step(Input::State(state))?;
        }
        told(
            "RNN-S linear step",
            n,
            clock.elapsed().as_secs_f64() / steps as f64,
        );
    }
    let arena = World::open(14)?;
    let clock = Instant::now();
    let far = arena.walk(1_000_000, key);
    told(
        "environment step",
        196,
        clock.elapsed().as_secs_f64() / far.len() as f64,
    );
    let walk = arena.walk(5001, key);
    let activity = Matrix::new(
        196,
        196,
        (0..196 * 196).map(|k| f64::from(k * 37 % 101)).collect(),
    );
    let clock = Instant::now();
    pool.install(|| {
        detect_of_states(
            &walk,
            &activity,
            &Grid::full(14, 14),
            &FieldSettings::default(),
            key,
        )
    })?;
    told(
        "place fields of a neuron, 40 shuffles",
        196,
        clock.elapsed().as_secs_f64() / 196.0,
    );
    let walk = World::open(100)?.walk(100_001, key);
    let clock = Instant::now();
    let mut sparse = SparseTransitions::new(10_000, 1.0)?;
    walk.windows(2).for_each(|pair| sparse.see(pair[0], pair[1]));
    let row = sparse.successor_row(walk[0], 0.95)?;
    assert!(row[walk[0]] >= 1.0);
    told(
        "10^5 steps and one row at 0.95, 10^4 states",
        10_000,
        clock.elapsed().as_secs_f64(),
    );
    Ok(())
}
