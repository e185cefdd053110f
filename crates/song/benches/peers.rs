//! The engine beside PyTorch and JAX: the same networks, batches, steps and threads, in turn, in one run.
//!
//! ```text
//! python3 -m venv peers/.venv && peers/.venv/bin/pip install -r peers/requirements.txt
//! cargo bench -p neuropil-song --bench peers [-- WORD…]
//! ```
//!
//! `NEUROPIL_PEERS_PYTHON` names another interpreter; words choose the works whose names contain one of them. Every
//! work is measured in rounds, neuropil and the peers one after another; the least time of all rounds counts. Each
//! work, as it is done, takes its row in `benches/results/peers.json` and `.md`; rows of another processor go.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use neuropil_lab::array::{Named, write_npz};
use neuropil_lab::{atomic, provenance};
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::player::Player;
use neuropil_nn::network::{Mask, Shape};
use neuropil_song::bench::{BATCHES, KERNELS, Kernel, Pupil, least, peak};
use neuropil_tasks::registry::PUBLISHED;
use neuropil_tasks::task::Task;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Rounds over neuropil and all peers.
const ROUNDS: usize = 3;
/// Time that each of them gets for a work in a round, s.
const SECONDS: f64 = 0.7;
const FRAMEWORKS: [&str; 3] = ["torch", "torch-compiled", "jax"];
const THREADS: [usize; 2] = [1, 2];

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let folder = tempfile::tempdir().expect("a temporary directory");
    let pools: Vec<ThreadPool> = THREADS
        .iter()
        .map(|&n| {
            ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .expect("threads can be started")
        })
        .collect();
    let peaks: Vec<f64> = pools.iter().map(|pool| pool.install(|| peak(1.0))).collect();
    println!(
        "{}, {}: f32 multiply-add peak {:.0} GFLOP/s on 1 thread, {:.0} on 2",
        provenance::cpu(),
        neuropil_math::simd::level().name(),
        peaks[0],
        peaks[1]
    );
    let mut peers: Vec<Peer> = FRAMEWORKS
        .iter()
        .flat_map(|name| THREADS.map(|threads| Peer::start(name, threads)))
        .collect();

    let mut table = Table::open(&peaks);
    for kernel in KERNELS.iter().filter(|kernel| wanted(&kernel.describe())) {
        let (file, meta) = describe_kernel(kernel, folder.path());
        let mut go = kernel.prepare();
        let ours = |pool: &ThreadPool| pool.install(|| least(SECONDS, &mut go));
        let mut row = measure(
            &kernel.describe(),
            "kernel",
            &file,
            &meta,
            &pools,
            &mut peers,
            ours,
        );
        row.flops = Some(kernel.flops());
        table.take(&row);
    }
    for task in PUBLISHED {
        let [update, validation] = [format!("update {task}"), format!("validation {task}")];
        if !wanted(&update) && !wanted(&validation) {
            continue;
        }
        let mut pupil = Pupil::teach(task);
        if wanted(&update) {
            let batches: Vec<TaskBatch> = (0..BATCHES).map(|number| pupil.batch(number)).collect();
            let (file, meta) = describe_pupil(&pupil, &batches, folder.path());
            let ours = |pool: &ThreadPool| {
                let go = || (0..BATCHES).for_each(|number| _ = pupil.update(number));
                pool.install(|| least(SECONDS, go)) / BATCHES as f64
            };
            let n = batches_of(&meta);
            table.take(&measure(
                &format!("{update}: B {n}"),
                "update",
                &file,
                &meta,
                &pools,
                &mut peers,
                ours,
            ));
        }
        if wanted(&validation) {
            let (file, meta) = describe_pupil(&pupil, &[pupil.validation_batch()], folder.path());
            let ours = |pool: &ThreadPool| pool.install(|| least(SECONDS, || pupil.validate()));
            let n = batches_of(&meta);
            table.take(&measure(
                &format!("{validation}: B {n}"),
                "validation",
                &file,
                &meta,
                &pools,
                &mut peers,
                ours,
            ));
        }
    }
    println!("{}", table.markdown());
}

fn batches_of(meta: &Value) -> &Value {
    &meta["trials"]
}

/// A Python process that times a peer on request.
struct Peer {
    name: &'static str,
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(name: &'static str, threads: usize) -> Self {
        let peers = root().join("peers");
        let python = std::env::var_os("NEUROPIL_PEERS_PYTHON")
            .map_or_else(|| peers.join(".venv/bin/python"), PathBuf::from);
        let mut process = Command::new(&python)
            .arg(peers.join("server.py"))
            .args([name, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} does not start ({error}): see peers/README.md",
                    python.display()
                )
            });
        let answers = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        Self {
            name,
            process,
            answers,
        }
    }

    /// Seconds of one go of the work in `data`, or of the last work, and mean steps of a trial.
    fn ask(&mut self, kind: &str, data: Option<&Path>, meta: &Value) -> (f64, f64) {
        let request = json!({ "kind": kind, "data": data, "meta": meta, "seconds": SECONDS });
        let stdin = self.process.stdin.as_mut().expect("stdin is a pipe");
        writeln!(stdin, "{request}").expect("the peer listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the peer answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{} died", self.name));
        (
            answer["seconds"].as_f64().expect("seconds"),
            answer["steps"].as_f64().unwrap_or(f64::NAN),
        )
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Least times of one work, s.
struct Row {
    work: String,
    flops: Option<f64>,
    /// Of neuropil, by [`THREADS`].
    ours: [f64; 2],
    /// Of each framework, by [`THREADS`].
    theirs: [[f64; 2]; 3],
    /// Mean steps of a peer's trials.
    steps: f64,
}

fn measure(
    work: &str,
    kind: &str,
    file: &Path,
    meta: &Value,
    pools: &[ThreadPool],
    peers: &mut [Peer],
    mut ours: impl FnMut(&ThreadPool) -> f64,
) -> Row {
    let mut row = Row {
        work: work.to_owned(),
        flops: None,
        ours: [f64::INFINITY; 2],
        theirs: [[f64::INFINITY; 2]; 3],
        steps: f64::NAN,
    };
    for round in 0..ROUNDS {
        for (best, pool) in row.ours.iter_mut().zip(pools) {
            *best = best.min(ours(pool));
        }
        for (i, peer) in peers.iter_mut().enumerate() {
            let (seconds, steps) = peer.ask(kind, (round == 0).then_some(file), meta);
            let best = &mut row.theirs[i / THREADS.len()][i % THREADS.len()];
            *best = best.min(seconds);
            row.steps = steps;
        }
    }
    let [eager, compiled, jax] = row.theirs.map(better);
    eprintln!(
        "{work}: {:.2} / {:.2} ms; torch {:.1}, compiled {:.1}, jax {:.1} ms",
        1e3 * row.ours[0],
        1e3 * row.ours[1],
        1e3 * eager,
        1e3 * compiled,
        1e3 * jax
    );
    row
}

fn better(times: [f64; 2]) -> f64 {
    times[0].min(times[1])
}

type Arrays = Vec<(String, Vec<usize>, Vec<f64>)>;

/// Parameters of a network and the masks that it has, named for the peers.
fn network(name: &str, shape: Shape, params: &[f64], mask: &Mask) -> Arrays {
    let layout = shape.layout();
    let mut arrays = Arrays::new();
    for entry in layout.entries() {
        let (array, dims) = (&*entry.name, &entry.shape);
        arrays.push((
            format!("{name}/{array}"),
            dims.clone(),
            layout.view(params, array).to_vec(),
        ));
        let exists = layout.view(&mask.0, array);
        if exists.contains(&false) {
            let flags = exists.iter().map(|&exists| f64::from(u8::from(exists))).collect();
            arrays.push((format!("{name}_masks/{array}"), dims.clone(), flags));
        }
    }
    arrays
}

fn write(arrays: &Arrays, folder: &Path) -> PathBuf {
    let path = folder.join("work.npz");
    let named: Vec<Named> = arrays
        .iter()
        .map(|(name, dims, values)| (&name[..], dims.clone(), values.clone()))
        .collect();
    write_npz(&path, named).expect("the temporary directory can be written");
    path
}

fn describe_kernel(kernel: &Kernel, folder: &Path) -> (PathBuf, Value) {
    let (shape, params, mask) = kernel.draw();
    let meta = json!({ "steps": kernel.n_steps, "trials": kernel.n_trials, "alpha": 0.1 });
    (write(&network("net", shape, &params, &mask), folder), meta)
}

fn describe_pupil(pupil: &Pupil, batches: &[TaskBatch], folder: &Path) -> (PathBuf, Value) {
    let mut arrays = Arrays::new();
    for (name, player) in [("policy", &pupil.policy), ("value", &pupil.value)] {
        let Player {
            network: net, params, ..
        } = player;
        let params: Vec<f64> = params.iter().map(|&x| f64::from(x)).collect();
        arrays.extend(network(name, net.shape(), &params, net.mask()));
    }
    for (number, batch) in batches.iter().enumerate() {
        arrays.extend(
            tables(&pupil.task, batch)
                .into_iter()
                .map(|(name, dims, values)| (format!("batch/{number}/{name}"), dims, values)),
        );
    }
    let meta = json!({
        "trials": batches[0].trials.len(),
        "alpha": 0.1,
        "policy_noise_sd": pupil.policy.noise_sd,
        "value_noise_sd": pupil.value.noise_sd,
    });
    (write(&arrays, folder), meta)
}

/// The trials of a batch as dense tables \[step\]\[trial\]…: the peers get them ready-made.
fn tables(task: &Task, batch: &TaskBatch) -> Arrays {
    let (steps, trials) = (task.n_steps, batch.trials.len());
    let (n_inputs, n_actions) = (task.n_inputs(), task.n_actions());
    let [mut inputs, mut noise_sd, mut rewards, mut ends] = [const { Vec::new() }; 4];
    for t in 0..steps {
        let discount = (-task.discount_per_step() * t as f64).exp();
        for trial in &batch.trials {
            let row = trial.row_at(t);
            inputs.extend(&row.inputs);
            noise_sd.extend(&row.noise_sd);
            rewards.extend(row.outcomes.iter().map(|outcome| outcome.reward * discount));
            ends.extend(
                row.outcomes
                    .iter()
                    .map(|outcome| f64::from(u8::from(outcome.ends))),
            );
        }
    }
    vec![
        ("inputs".into(), vec![steps, trials, n_inputs], inputs),
        ("noise_sd".into(), vec![steps, trials, n_inputs], noise_sd),
        ("rewards".into(), vec![steps, trials, n_actions], rewards),
        ("ends".into(), vec![steps, trials, n_actions], ends),
    ]
}

/// The stored results.
struct Table {
    peaks: Value,
    document: Value,
}

impl Table {
    /// The rows of earlier runs on this processor.
    fn open(peaks: &[f64]) -> Self {
        let stored = std::fs::read(results("json")).ok();
        let stored: Option<Value> = stored.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let here = json!([provenance::cpu(), neuropil_math::simd::level().name()]);
        let known = stored.filter(|stored| json!([stored["cpu"], stored["vectors"]]) == here);
        let versions = std::fs::read_to_string(root().join("peers/requirements.txt")).unwrap_or_default();
        let document = json!({
            "command": "cargo bench -p neuropil-song --bench peers",
            "cpu": here[0],
            "vectors": here[1],
            "peers": versions.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>(),
            "rows": known.map_or_else(|| json!([]), |mut known| known["rows"].take()),
        });
        Self {
            peaks: json!({ "1": peaks[0], "2": peaks[1] }),
            document,
        }
    }

    fn rows(&self) -> &[Value] {
        self.document["rows"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Puts a row where the one of the same work was, and writes the files.
    fn take(&mut self, row: &Row) {
        let new = json!({
            "work": row.work,
            "date": provenance::now(),
            "peak_gflops": self.peaks,
            "flops": row.flops,
            "steps_of_peers": row.steps,
            "seconds": {
                "neuropil": row.ours, "torch": row.theirs[0], "torch-compiled": row.theirs[1], "jax": row.theirs[2],
            },
        });
        let place = self.rows().iter().position(|old| old["work"] == new["work"]);
        let rows = self.document["rows"].as_array_mut().expect("rows");
        match place {
            Some(place) => rows[place] = new,
            None => rows.push(new),
        }
        let bytes = serde_json::to_vec_pretty(&self.document).expect("numbers are JSON");
        atomic::write(&results("json"), &bytes).expect("benches/results can be written");
        let note = format!(
            "Least times in ms ({}, {}), every row measured in turn in one run, rows of different days together; peers at their\n\
             better of 1 and 2 threads, ratios to neuropil at its better; % of the f32 multiply-add peak of that run on one thread.\n\
             Made by `cargo bench -p neuropil-song --bench peers`.\n\n",
            self.document["cpu"].as_str().unwrap_or_default(),
            self.document["vectors"].as_str().unwrap_or_default(),
        );
        atomic::write(&results("md"), (note + &self.markdown()).as_bytes())
            .expect("benches/results can be written");
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "| work | neuropil, ms: 1 / 2 threads | % of peak | PyTorch eager | compiled | JAX | × eager | × compiled | × JAX | 2 threads × 1 |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for row in self.rows() {
            let times = |name: &str| -> [f64; 2] {
                std::array::from_fn(|i| row["seconds"][name][i].as_f64().unwrap_or(f64::NAN))
            };
            let ours = times("neuropil");
            let [eager, compiled, jax] = FRAMEWORKS.map(|name| better(times(name)));
            let peak = row["peak_gflops"]["1"].as_f64().unwrap_or(f64::NAN);
            let share = row["flops"].as_f64().map_or(String::new(), |flops| {
                format!("{:.0}", flops / ours[0] * 1e-7 / peak)
            });
            let _ = writeln!(
                text,
                "| {} | {:.2} / {:.2} | {share} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} |",
                row["work"].as_str().unwrap_or_default(),
                1e3 * ours[0],
                1e3 * ours[1],
                1e3 * eager,
                1e3 * compiled,
                1e3 * jax,
                eager / better(ours),
                compiled / better(ours),
                jax / better(ours),
                ours[0] / ours[1],
            );
        }
        text
    }
}

fn results(ending: &str) -> PathBuf {
    root().join("benches/results/peers").with_extension(ending)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
