//! Reads damaged files by the hundred thousand with the readers of every system:
//! `cargo run --release -p neuropil --example damaged -- 100000 successor=FOLDER enhancers=FOLDER …`.
//!
//! The files of each folder are the originals, the systems `tasks`, `successor`, `neuronid`, `enhancers`, `gating` and `lab`; each
//! mutation is given to every reader of its system, whatever it is the file of. Prints how many were read, refused and panicked and
//! how long the slowest took; the exit code is 1 if one panicked. One file may ask for 256 MiB. Equal seeds make equal mutations.
//! Wirings have their own: `cargo run --release -p neuropil-connectome --example mutations`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the numbers are what it is for"
)]

#[path = "../../connectome/tests/mutated.rs"]
mod mutated;

use neuropil_enhancers::{aliases, cnn, fasta, genes, matrix, model, motifs, peaks, table, text, tree};
use neuropil_successor::track::spikes::{SpikeOptions, read_spikes};
use neuropil_successor::track::{self, TrackOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Name of a reader, and whether it took a file.
type Reader = (&'static str, fn(&Path) -> bool);

/// Text as the readers of tables take it.
fn in_text(path: &Path, parse: impl Fn(&str) -> bool) -> bool {
    text::read_to_string(path).is_ok_and(|text| parse(&text))
}

fn readers(system: &str) -> Vec<Reader> {
    match system {
        "tasks" => vec![("task file", |path| {
            std::fs::read_to_string(path)
                .is_ok_and(|text| neuropil_tasks::task::Task::parse("mine.toml", &text, None).is_ok())
        })],
        "successor" => vec![
            ("track", |path| {
                let options = TrackOptions {
                    fps: Some(30.0),
                    ..TrackOptions::default()
                };
                track::read(path, &options).is_ok()
            }),
            ("spikes", |path| {
                read_spikes(path, &SpikeOptions::default()).is_ok()
            }),
        ],
        "neuronid" => vec![
            ("worms", |path| {
                neuropil_neuronid::read::read(path, &Default::default()).is_ok()
            }),
            ("checkpoint", |path| {
                neuropil_neuronid::checkpoint::load(path, None).is_ok()
            }),
        ],
        "enhancers" => vec![
            ("peaks", |path| peaks::read(path).is_ok()),
            ("genes", |path| genes::read(path).is_ok()),
            ("sequences", |path| fasta::read(path).is_ok()),
            ("tree", |path| tree::read(path, &tree::Choice::default()).is_ok()),
            ("motifs", |path| motifs::read(path).is_ok()),
            ("matrix", |path| matrix::Matrix::read(path, None, true).is_ok()),
            ("traits", |path| {
                in_text(path, |text| table::Table::parse(text).is_ok())
            }),
            ("aliases", |path| aliases::Aliases::read(path).is_ok()),
            ("network", |path| {
                model::load(path, 500, cnn::keras::Reading::default()).is_ok()
            }),
        ],
        "gating" => vec![("data set", |path| {
            neuropil_gating::data::Dataset::open(&path.display().to_string(), &Default::default()).is_ok()
        })],
        "lab" => vec![
            ("arrays", |path| neuropil_lab::array::read(path).is_ok()),
            ("table", |path| neuropil_lab::table::Table::read(path).is_ok()),
        ],
        other => {
            eprintln!("no system `{other}`");
            std::process::exit(2);
        }
    }
}

/// Files of a folder and of those within, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("{}: no folder", folder.display());
        std::process::exit(2);
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .flat_map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                vec![entry.path()]
            }
        })
        .collect();
    found.sort();
    found
}

fn main() {
    let mut args = std::env::args().skip(1);
    let n: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folders: Vec<(String, PathBuf)> = args
        .filter_map(|arg| {
            arg.split_once('=')
                .map(|(system, folder)| (system.to_owned(), folder.into()))
        })
        .collect();
    neuropil_lab::memory::set_limit(256 << 20);
    let scratch = std::env::temp_dir().join(format!("neuropil-mutations-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    println!(
        "| system | reader | mutations | read | refused | panicked | slowest, ms |\n|---|---|---|---|---|---|---|"
    );
    let mut any = false;
    for (system, folder) in folders {
        let originals: Vec<(PathBuf, Vec<u8>)> = files(&folder)
            .into_iter()
            .map(|path| {
                let bytes = std::fs::read(&path).expect("a file of the folder");
                (path, bytes)
            })
            .collect();
        let readers = readers(&system);
        let mut totals = vec![(0_u64, 0_u64, 0_u64, 0.0_f64); readers.len()];
        for index in 0..n {
            let (path, bytes) = &originals[index as usize % originals.len()];
            let place = scratch.join(path.file_name().unwrap_or_default());
            std::fs::write(&place, mutated::mutated(bytes, 1, index)).expect("a scratch file");
            for ((name, read), (taken, refused, panicked, slowest)) in readers.iter().zip(&mut totals) {
                let began = Instant::now();
                match catch_unwind(AssertUnwindSafe(|| read(&place))) {
                    Ok(true) => *taken += 1,
                    Ok(false) => *refused += 1,
                    Err(_) => {
                        eprintln!("mutation {index} of {} panics in `{name}`", path.display());
                        *panicked += 1;
                    }
                }
                *slowest = slowest.max(began.elapsed().as_secs_f64() * 1e3);
            }
            std::fs::remove_file(&place).expect("the scratch file");
        }
        for ((name, _), (taken, refused, panicked, slowest)) in readers.iter().zip(totals) {
            println!("| {system} | {name} | {n} | {taken} | {refused} | {panicked} | {slowest:.0} |");
            any |= panicked > 0;
        }
    }
    std::fs::remove_dir_all(&scratch).expect("the scratch folder");
    std::process::exit(i32::from(any));
}
