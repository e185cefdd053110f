//! Regressions of a whole study along the tree, without reading or writing, on one and on two threads.
//!
//! `cargo bench -p neuropil-enhancers --bench association` draws a tree of 222 species, predictions and traits that evolved along
//! it, and prints the time of a fit; of permulations, that of one with its ranking. Beside them stand the times of phylolm 2.6.7
//! on R 4.2.2 for a fit, one core of an AMD EPYC, measured before: 2.2 ms a linear fit, 13 to 21 ms a logistic one.

#![allow(clippy::print_stdout, reason = "the numbers are what it is for")]

use std::fmt::Write;
use std::time::Instant;

use neuropil_enhancers::associate::{Filters, Plan, Rounds, Study};
use neuropil_enhancers::matrix::Matrix;
use neuropil_enhancers::phylo::simulate::Trait as Evolving;
use neuropil_enhancers::traits::{Kind, Trait};
use neuropil_enhancers::tree::Tree;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;

const SPECIES: usize = 222;
const PERMULATIONS: u64 = 20;

/// A coalescent: two lineages after the other meet.
fn tree() -> Tree {
    let mut random = Key::new(1).stream(Purpose::Test, 0);
    let mut lineages: Vec<(String, f64)> = (0..SPECIES).map(|i| (format!("species{i:03}"), 0.0)).collect();
    let mut age = 0.0;
    while lineages.len() > 1 {
        let u: f64 = random.random();
        age -= (1.0 - u).ln() / lineages.len() as f64;
        let mut joined = String::from("(");
        for mark in [',', ')'] {
            let (text, since) = lineages.swap_remove(random.random_range(0..lineages.len()));
            write!(joined, "{text}:{:.9}{mark}", age - since).expect("text");
        }
        lineages.push((joined, age));
    }
    Tree::parse(&format!("{};", lineages[0].0)).expect("a tree")
}

fn study(tree: &Tree, kind: Kind, regions: usize) -> Study {
    let species: Vec<String> = tree.tip_names().map(str::to_owned).collect();
    let evolved = |which: usize| {
        let mut random = Key::new(2).stream(Purpose::Test, which as u64);
        Evolving::brownian(1.0).simulate(tree, &mut random)
    };
    let values = (1..=regions)
        .flat_map(&evolved)
        .map(|x| 1.0 / (1.0 + (-x).exp()))
        .collect();
    let matrix = Matrix {
        regions: (0..regions).map(|i| format!("r{i}")).collect(),
        species: species.clone(),
        values,
        notes: Vec::new(),
    };
    let size = evolved(0);
    let mut order = size.clone();
    order.sort_by(f64::total_cmp);
    // A seventh of the species is in the foreground.
    let least = order[SPECIES - SPECIES / 7];
    let of = |&x: &f64| {
        Some(if kind == Kind::Binary {
            f64::from(u8::from(x >= least))
        } else {
            x
        })
    };
    let response = Trait {
        name: "trait".to_owned(),
        kind,
        species,
        values: size.iter().map(of).collect(),
        notes: Vec::new(),
    };
    Study::new(tree, matrix, &response, Filters::default()).expect("a study")
}

/// Milliseconds a fit of a scan, and of one permulation of a region.
fn milliseconds(study: &Study, threads: usize) -> [f64; 2] {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool");
    let plan = Plan {
        totals: vec![PERMULATIONS],
        thresholds: Vec::new(),
        ..Plan::default()
    };
    let regions = study.matrix.regions.len() as f64;
    pool.install(|| {
        let start = Instant::now();
        let mut rounds = Rounds::scan(study, &plan);
        let scan = start.elapsed().as_secs_f64() * 1e3 / regions;
        let start = Instant::now();
        rounds.run(None, &mut |_| {}).expect("no file is used");
        [
            scan,
            start.elapsed().as_secs_f64() * 1e3 / regions / PERMULATIONS as f64,
        ]
    })
}

fn main() {
    let tree = tree();
    println!(
        "| work, {SPECIES} species | neuropil, µs at 1 / 2 threads | R, ms on one core | times as fast on one / two |\n|---|---|---|---|"
    );
    for (kind, regions, r, name) in [
        (Kind::Continuous, 33_000, 2.2, "linear"),
        (Kind::Binary, 1_000, 13.0, "logistic"),
    ] {
        let study = study(&tree, kind, regions);
        let [one, two] = [1, 2].map(|threads| milliseconds(&study, threads));
        for (which, work) in ["fit", "permulation, drawn, fitted and ranked"]
            .iter()
            .enumerate()
        {
            println!(
                "| {name} {work} | {:.1} / {:.1} | {r} | {:.0} / {:.0} |",
                1e3 * one[which],
                1e3 * two[which],
                r / one[which],
                r / two[which]
            );
        }
    }
}
