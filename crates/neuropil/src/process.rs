//! The process: its threads, and the wish of others that it end.

use crate::exit::INTERRUPTED;
use crate::terminal::say;
use neuropil_lab::error::Problem;
use neuropil_lab::provenance::Origin;
use std::sync::atomic::{AtomicBool, Ordering};

/// More threads than this are a slip of the finger.
const MOST_THREADS: usize = 1024;

/// Set by Ctrl-C and by the signals that ask to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Asks the loop to stop at the next update when the user or the system asks us to.
pub(crate) fn listen_for_interrupts() {
    let asked_twice = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        say!("stopping at the next update; once more to quit without saving");
    };
    #[cfg(unix)]
    on_signals(asked_twice);
    // A second handler cannot be set: commands that train several runs come here once.
    #[cfg(not(unix))]
    let _ = ctrlc::set_handler(asked_twice);
}

/// Calls `heard` at each signal that asks to end: all of them, but a hang-up where it is to be ignored (`nohup`).
#[cfg(unix)]
fn on_signals(heard: impl Fn() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    // Without handlers the signals do what they do by themselves: end the process, which goes on from its checkpoint.
    if let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) {
        std::thread::spawn(move || signals.forever().for_each(|_| heard()));
    }
}

/// Does this process ignore a signal? Where the system does not tell, it does not.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Was an interrupt asked for?
pub(crate) fn interrupted() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// The threads that everything runs on.
pub(crate) fn thread_pool(threads: Option<usize>) -> Result<rayon::ThreadPool, Problem> {
    let hint = "leave it out to use all cores";
    match threads {
        Some(0) => return Err(Problem::new("--threads is 0, expected a whole number ≥ 1", hint)),
        Some(n) if n > MOST_THREADS => {
            let message = format!("--threads is {n}, expected a whole number from 1 to {MOST_THREADS}");
            return Err(Problem::new(message, hint));
        }
        _ => {}
    }
    let granted = std::env::var("SLURM_CPUS_PER_TASK").ok();
    let granted = granted
        .and_then(|n| n.parse().ok())
        .filter(|n| (1..=MOST_THREADS).contains(n));
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let n = threads.or(granted).unwrap_or_else(available);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
    pool.map_err(|error| {
        Problem::new(
            format!("cannot start {n} threads: {error}"),
            "try fewer `--threads`",
        )
    })
}

/// What a run records of the program that makes it.
pub(crate) fn origin() -> Origin {
    Origin {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("NEUROPIL_COMMIT").map(str::to_owned),
        vectors: neuropil_math::simd::level().name().to_owned(),
        threads: rayon::current_num_threads(),
        command: std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
    }
}
