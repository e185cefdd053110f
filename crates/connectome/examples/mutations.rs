//! Reads damaged files of every kind by the hundred thousand:
//! `cargo run --release -p neuropil-connectome --example mutations -- 100000`.
//!
//! Prints for each kind how many were read, refused and panicked; the last column must be 0. The memory that one file
//! may ask for is bounded at 256 MiB. Equal seeds make equal mutations.

#![allow(clippy::print_stdout, missing_docs)]

#[path = "../tests/mutation.rs"]
mod mutation;

fn main() {
    let n = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(100_000);
    let seed = std::env::args()
        .nth(2)
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    neuropil_lab::memory::set_limit(256 << 20);
    println!("{n} mutations of each kind, seed {seed}\n\nkind       read  refused  panicked");
    let mut panicked = 0;
    for (kind, paths) in mutation::corpus() {
        let scratch = std::env::temp_dir().join(format!("neuropil-mutations-{}-{kind}", std::process::id()));
        std::fs::create_dir_all(&scratch).expect("a scratch folder");
        let found = mutation::totals(&paths, n, seed, &scratch);
        println!(
            "{kind:<8} {:>6}  {:>7}  {:>8}",
            found.read, found.refused, found.panicked
        );
        panicked += found.panicked;
        std::fs::remove_dir_all(&scratch).expect("the scratch folder");
    }
    std::process::exit(i32::from(panicked > 0));
}
