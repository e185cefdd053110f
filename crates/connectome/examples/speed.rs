//! Seconds of the main computations, one JSON object a line.
//!
//! `cargo run --release -p neuropil-connectome --example speed -- DATA` measures on a connectome with senses,
//! `… -- scale NEURONS EDGES` on a generated graph (139000 15000000 is the size of an adult fly's brain).

#![allow(clippy::print_stdout, reason = "an example talks")]

use neuropil_connectome::bilateral::{EmbedSettings, Method, embed_connectome};
use neuropil_connectome::cascade::{Settings, cascade, output_stops};
use neuropil_connectome::data::{Connectome, Side};
use neuropil_connectome::flow::signal_flow;
use neuropil_connectome::hubs::hubs;
use neuropil_connectome::integration::modalities;
use neuropil_connectome::read::load;
use neuropil_connectome::simulate::random_graph;
use neuropil_connectome::spectral::{embed, pass_to_ranks, whole};
use neuropil_connectome::threshold::{PairRule, Threshold, strong_edges};
use neuropil_connectome::types::{TypeSettings, divide};
use neuropil_connectome::unit_cascades::{Watch, unit_cascades};
use neuropil_connectome::winding2023::HUB_DEGREE;
use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

fn clocked<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    (black_box(f()), began.elapsed().as_secs_f64())
}

fn timed<T>(work: &str, f: impl FnOnce() -> T) -> T {
    let (result, seconds) = clocked(f);
    print(work, seconds);
    result
}

/// As the peer is measured where milliseconds count.
fn least_of_three<T>(work: &str, f: impl Fn() -> T) {
    let seconds = (0..3).map(|_| clocked(&f).1);
    print(work, seconds.fold(f64::INFINITY, f64::min));
}

fn print(work: &str, seconds: f64) {
    let threads = rayon::current_num_threads();
    println!(r#"{{"work": "{work}", "threads": {threads}, "seconds": {seconds:.4}}}"#);
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, n, edges] = &args[..]
        && word == "scale"
    {
        scale(n.parse()?, edges.parse()?)?;
        memory();
        return Ok(());
    }
    let path = args
        .first()
        .ok_or("name a connectome, or `scale NEURONS EDGES`")?;
    let brain = timed("load", || load(path.as_ref()))?;
    let layer = brain.layer(brain.default_layer())?;
    let all = brain.layer("all")?;
    let stop = output_stops(&brain);
    let settings = Settings::default();
    if let Some((name, sources)) = modalities(&brain).first() {
        timed(&format!("{name} cascade, 1000 runs"), || {
            cascade(&layer, sources, &stop, &settings)
        })?;
    }
    timed("cascades from every unit, 1000 runs, 8 hops", || {
        unit_cascades(&brain, brain.default_layer(), &[5], &settings, Watch::default())
    })?;
    timed("signal flow", || signal_flow(&all));
    timed("pass to ranks", || pass_to_ranks(&all));
    least_of_three("spectral embedding of the sum, d = 24", || {
        embed(&whole(&all), 24)
    });
    let strong = timed("strong edges of a layer", || {
        strong_edges(
            &brain,
            brain.default_layer(),
            Threshold::Fraction(0.01),
            PairRule::Mean,
        )
    })?;
    timed("hubs", || hubs(&brain, &strong, HUB_DEGREE));
    let joint = timed("joint embedding", || {
        embed_connectome(&brain, Method::Joint, &EmbedSettings::default())
    })?;
    let d = 10.min(joint.dimensions);
    let rows = joint.positions.chunks_exact(joint.dimensions);
    let positions: Vec<f64> = rows.flat_map(|row| row[..d].to_vec()).collect();
    timed("divisive clustering, 8 levels, no pairs averaged", || {
        divide(&positions, d, &TypeSettings::default())
    });
    memory();
    Ok(())
}

fn scale(n: usize, edges: usize) -> Result<(), Box<dyn Error>> {
    let graph = timed("generate", || random_graph(n, edges, 1));
    println!(r#"{{"neurons": {n}, "edges": {}}}"#, graph.n_edges());
    let sources: Vec<usize> = (0..100).map(|k| k * n / 100).collect();
    let settings = Settings::default();
    timed("cascade from 100 neurons, 1000 runs", || {
        cascade(&graph, &sources, &vec![false; n], &settings)
    })?;
    timed("degrees and strengths", || (graph.degrees(), graph.strengths()));
    timed("spectral embedding, d = 24", || embed(&whole(&graph), 24));
    let brain = Connectome {
        ids: (0..n as i64).collect(),
        sides: vec![Side::Centre; n],
        layers: BTreeMap::from([("chem".to_owned(), graph)]),
        ..Connectome::default()
    };
    let strong = timed("strong edges of at least 5 synapses", || {
        strong_edges(&brain, "all", Threshold::Synapses(5.0), PairRule::None)
    })?;
    println!(r#"{{"strong edges": {}}}"#, strong.split.len());
    timed("hubs", || hubs(&brain, &strong, HUB_DEGREE));
    let thresholded = strong.graph(n);
    timed("cascade over the strong edges, 1000 runs", || {
        cascade(&thresholded, &sources, &vec![false; n], &settings)
    })?;
    timed("spectral embedding of the strong edges, d = 24", || {
        embed(&whole(&thresholded), 24)
    });
    Ok(())
}

/// Most memory that was resident, where the system tells.
fn memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    if let Some(kilobytes) = kilobytes {
        println!(r#"{{"memory at most, MB": {:.0}}}"#, kilobytes / 1024.0);
    }
}
