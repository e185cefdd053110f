//! Times of the network and of drift beside PyTorch's and pycpd's, in turn and in one run, and beside what the processor could
//! do at best; stored under `benches/results/neuronid-speed.{json,md}`.
//!
//! ```text
//! python3 -m venv peers/.venv && peers/.venv/bin/pip install -r peers/requirements.txt pycpd
//! cargo bench -p neuropil-neuronid --bench peers
//! ```
//! `NEUROPIL_PEERS` names another Python. Least times of three rounds; threads are 1 and 2.

#![allow(clippy::print_stdout, reason = "a bench tells its times")]

use neuropil_lab::provenance::{cpu, now};
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_math::simd::vectorised;
use neuropil_neuronid::cpd::{Stiffness, Stop, nonrigid, rigid};
use neuropil_neuronid::loss::{Partners, gradient, loss};
use neuropil_neuronid::network::{Encoder, Network, Normalise, Request, Shape};
use neuropil_neuronid::worm::Point;
use neuropil_nn::optim::clip::to_norm;
use neuropil_nn::optim::{Adam, AdamRule};
use rand_distr::{Distribution, Normal};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const SMALL: Shape = Shape {
    width: 64,
    layers: 3,
    heads: 4,
    hidden: 128,
    encoder: Encoder::Joint,
};
const ROUNDS: usize = 3;

#[derive(Clone, Copy, Serialize)]
struct Work {
    name: &'static str,
    work: &'static str,
    #[serde(flatten)]
    shape: Shape,
    template: usize,
    test: usize,
    worms: usize,
    repeats: usize,
}

const WORKS: [Work; 8] = [
    Work {
        name: "one pair of 130 + 130 neurons, published size",
        work: "pair",
        shape: Shape::YU2021,
        template: 130,
        test: 130,
        worms: 1,
        repeats: 10,
    },
    Work {
        name: "one pair of 110 + 110 neurons, small network",
        work: "pair",
        shape: SMALL,
        template: 110,
        test: 110,
        worms: 1,
        repeats: 30,
    },
    Work {
        name: "a volume of 110 against an encoded template of 110, published size",
        work: "volume",
        shape: Shape {
            encoder: Encoder::Separate,
            ..Shape::YU2021
        },
        template: 110,
        test: 110,
        worms: 1,
        repeats: 20,
    },
    Work {
        name: "a volume of 110 against an encoded template of 110, small network",
        work: "volume",
        shape: Shape {
            encoder: Encoder::Separate,
            ..SMALL
        },
        template: 110,
        test: 110,
        worms: 1,
        repeats: 30,
    },
    Work {
        name: "training step, 4 worms of 110, published size",
        work: "step",
        shape: Shape::YU2021,
        template: 110,
        test: 110,
        worms: 4,
        repeats: 3,
    },
    Work {
        name: "training step, 7 worms of 110, small network",
        work: "step",
        shape: SMALL,
        template: 110,
        test: 110,
        worms: 7,
        repeats: 8,
    },
    Work {
        name: "nonrigid drift, 143 points onto 127, 150 iterations",
        work: "drift",
        shape: SMALL,
        template: 127,
        test: 143,
        worms: 1,
        repeats: 5,
    },
    Work {
        name: "rigid drift, 143 points onto 127, 60 iterations",
        work: "rigid",
        shape: SMALL,
        template: 127,
        test: 143,
        worms: 1,
        repeats: 5,
    },
];

impl Work {
    /// Multiplications and additions of the products of matrices; a step takes them three times.
    fn operations(&self) -> Option<f64> {
        let Shape {
            width: d,
            layers,
            hidden,
            ..
        } = self.shape;
        let n = match self.work {
            "volume" => self.test,
            _ => self.template + self.test,
        };
        let layer = 8 * n * d * d + 4 * n * n * d + 4 * n * d * hidden;
        let pair = (layers * layer + 2 * self.template * self.test * d) as f64;
        match self.work {
            "pair" | "volume" => Some(pair),
            "step" => Some(3.0 * pair * self.worms as f64),
            _ => None,
        }
    }
}

vectorised! {
    /// Multiplications and additions that never leave the registers.
    fn multiply_and_add<F>[][](rounds: usize, values: &mut [[f32; 16]; 12]) {
        let mut sums = *values;
        let factor = values[0];
        for _ in 0..rounds {
            for l in 0..16 {
                for sum in &mut sums {
                    sum[l] = f32::fma::<F>(sum[l], factor[l], factor[l]);
                }
            }
        }
        *values = sums;
    }
}

/// Operations a ms that the threads of a pool can do at most.
fn peak(pool: &rayon::ThreadPool, threads: usize) -> f64 {
    const ROUNDS: usize = 1_000_000;
    let time = least(5, || {
        pool.broadcast(|_| {
            let mut sums = std::hint::black_box([[0.5_f32; 16]; 12]);
            multiply_and_add(ROUNDS, &mut sums);
            std::hint::black_box(sums);
        });
    });
    (2 * 16 * 12 * ROUNDS * threads) as f64 / time
}

#[derive(Clone, Serialize)]
struct Row {
    work: &'static str,
    /// ms at 1 and 2 threads.
    neuropil: [f64; 2],
    /// PyTorch's or pycpd's, ms at 1 and 2 threads; absent without Python.
    peer: Option<[f64; 2]>,
    /// What the products of matrices take at least, ms at 1 and 2 threads: their operations over those measured a ms.
    limit: Option<[f64; 2]>,
}

fn cloud(n: usize, seed: u64) -> Vec<Point> {
    let mut rng = Key::new(seed).stream(Purpose::Test, 0);
    let normal = Normal::new(0.0, 0.2).expect("a standard deviation");
    (0..n)
        .map(|_| std::array::from_fn(|_| normal.sample(&mut rng)))
        .collect()
}

fn least(repeats: usize, mut once: impl FnMut()) -> f64 {
    once();
    let one = |_| {
        let clock = Instant::now();
        once();
        clock.elapsed().as_secs_f64() * 1e3
    };
    (0..repeats).map(one).fold(f64::INFINITY, f64::min)
}

fn ours(work: &Work) -> f64 {
    let template = cloud(work.template, 1);
    let tests: Vec<Vec<Point>> = (0..work.worms).map(|k| cloud(work.test, 2 + k as u64)).collect();
    match work.work {
        "pair" => {
            let network = Network::<f32>::draw(work.shape, Key::new(1)).ready();
            least(work.repeats, || {
                std::hint::black_box(network.match_one(&template, &tests[0]));
            })
        }
        "volume" => {
            let network = Network::<f32>::draw(work.shape, Key::new(1)).ready();
            let encoded = network.encode(&template);
            least(work.repeats, || {
                std::hint::black_box(network.match_encoded(&encoded, &tests[0]));
            })
        }
        "step" => step(work, &template, &tests),
        "rigid" => least(work.repeats, || {
            let stop = Stop {
                iterations: 60,
                variance: 0.0,
                ..Stop::default()
            };
            let found = rigid(&template, &tests[0], false, stop).expect("enough points");
            assert_eq!(found.iterations, 60);
        }),
        _ => least(work.repeats, || {
            let stop = Stop {
                variance: 0.0,
                ..Stop::nonrigid()
            };
            let found = nonrigid(&template, &tests[0], Stiffness::default(), stop).expect("enough points");
            assert_eq!(found.iterations, 150);
        }),
    }
}

fn step(work: &Work, template: &[Point], tests: &[Vec<Point>]) -> f64 {
    let mut network = Network::<f32>::draw(work.shape, Key::new(1));
    let mut adam = Adam::new(network.params.len(), AdamRule::default());
    let worms: Vec<&[Point]> = std::iter::once(template)
        .chain(tests.iter().map(Vec::as_slice))
        .collect();
    let of_worms: Vec<usize> = (1..worms.len()).collect();
    let labels: Vec<i64> = (0..work.template as i64).collect();
    let partners = vec![Partners::of(&labels, &labels[..work.test], false); tests.len()];
    least(work.repeats, || {
        let pass = network.forward(&Request {
            worms: &worms,
            reference: 0,
            tests: &of_worms,
            normalise: Normalise::Batch,
            dropout: None,
        });
        let log_p: Vec<&[f32]> = (0..tests.len()).map(|k| pass.log_probabilities(k)).collect();
        let sums = loss(&log_p, &partners, work.template);
        let dlog = gradient(&log_p, &partners, work.template, &sums, 0.1);
        let mut gradient = network.backward(&pass, &dlog);
        to_norm(&mut gradient, 1.0);
        adam.step(&mut network.params, &gradient, 2e-4);
        network.follow(pass.statistics());
    })
}

/// Python with PyTorch and pycpd, on a number of threads.
struct Peer {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Peer {
    fn start(threads: usize) -> Option<Self> {
        let root = root();
        let python = std::env::var_os("NEUROPIL_PEERS")
            .map_or_else(|| root.join("peers/.venv/bin/python"), PathBuf::from);
        let mut child = Command::new(python)
            .arg(root.join("benches/peers/neuronid.py"))
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let output = BufReader::new(child.stdout.take()?);
        Some(Self { child, output })
    }

    fn ask(&mut self, work: &Work) -> Option<f64> {
        let mut ask = serde_json::to_vec(work).ok()?;
        ask.push(b'\n');
        let input = self.child.stdin.as_mut()?;
        input.write_all(&ask).ok()?;
        input.flush().ok()?;
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        serde_json::from_str::<serde_json::Value>(&line).ok()?["ms"].as_f64()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let mut peers = [Peer::start(1), Peer::start(2)];
    let mut rows = Vec::new();
    for work in WORKS
        .iter()
        .filter(|w| wanted.iter().all(|part| w.name.contains(part.as_str())))
    {
        let (mut neuropil, mut peer, mut most) = ([f64::INFINITY; 2], [f64::INFINITY; 2], [0.0_f64; 2]);
        for _ in 0..ROUNDS {
            for threads in 1..=2 {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .expect("threads");
                if work.operations().is_some() {
                    most[threads - 1] = most[threads - 1].max(peak(&pool, threads));
                }
                let time = pool.install(|| ours(work));
                neuropil[threads - 1] = neuropil[threads - 1].min(time);
                let theirs = peers[threads - 1].as_mut().and_then(|peer| peer.ask(work));
                peer[threads - 1] = peer[threads - 1].min(theirs.unwrap_or(f64::INFINITY));
            }
        }
        let row = Row {
            work: work.name,
            neuropil,
            peer: peer[0].is_finite().then_some(peer),
            limit: work
                .operations()
                .map(|operations| most.map(|most| operations / most)),
        };
        println!("{}", line(&row));
        rows.push(row);
    }
    if wanted.is_empty() {
        store(&rows);
    }
}

fn line(row: &Row) -> String {
    let best = |times: [f64; 2]| times[0].min(times[1]);
    let theirs = row.peer.map_or("| – | – | – ".to_owned(), |peer| {
        format!(
            "| {:.1} / {:.1} | {:.1} | {:.1} ",
            peer[0],
            peer[1],
            peer[0] / row.neuropil[0],
            best(peer) / best(row.neuropil)
        )
    });
    let limit = row.limit.map_or("–".to_owned(), |limit| {
        let over = [row.neuropil[0] / limit[0], row.neuropil[1] / limit[1]];
        format!(
            "{:.1} / {:.1} ({:.2} / {:.2})",
            limit[0], limit[1], over[0], over[1]
        )
    });
    format!(
        "| {} | {:.2} / {:.2} {theirs}| {limit} |",
        row.work, row.neuropil[0], row.neuropil[1]
    )
}

fn store(rows: &[Row]) {
    let folder = root().join("benches/results");
    let document = serde_json::json!({
        "command": "cargo bench -p neuropil-neuronid --bench peers",
        "cpu": cpu(), "vectors": neuropil_math::simd::level().name(), "date": now(), "rows": rows,
    });
    let json = serde_json::to_string_pretty(&document).expect("times are JSON");
    std::fs::write(folder.join("neuronid-speed.json"), json + "\n").expect("a file");
    let mut text = format!(
        "Least times in ms ({}, {}), neuropil and its peers (PyTorch; pycpd for drift) in turn in one run. The \
         limit: operations of the\nproducts of matrices over the multiplications and additions a ms that the same threads do in \
         registers; in brackets neuropil's\ntime over it. Made by `cargo bench -p neuropil-neuronid --bench peers`.\n\n| work | \
         neuropil: 1 / 2 threads | peer: 1 / 2 threads | × on one thread | × at the better of both | limit: 1 / 2 threads |\n\
         |---|---|---|---|---|---|\n",
        cpu(),
        neuropil_math::simd::level().name()
    );
    for row in rows {
        writeln!(text, "{}", line(row)).expect("text");
    }
    std::fs::write(folder.join("neuronid-speed.md"), text).expect("a file");
}
