//! The process: its threads, and the wish of others that it end.

use crate::terminal::say;
use neuropil_lab::error::Problem;
use neuropil_lab::provenance::Origin;
use std::sync::atomic::{AtomicI32, Ordering};

/// More threads than this are a slip of the finger.
const MOST_THREADS: usize = 1024;

/// The number of the signal of Ctrl-C.
const CTRL_C: i32 = 2;
/// The signal that asked to end, by its number: 2 for Ctrl-C; 0 as long as none did.
static ASKED_BY: AtomicI32 = AtomicI32::new(0);

/// Asks the loop to stop at the next update when the user or the system asks us to.
pub(crate) fn listen_for_interrupts() {
    let heard = |signal| {
        if ASKED_BY.swap(signal, Ordering::Relaxed) != 0 {
            std::process::exit(i32::from(exit_code(signal)));
        }
        say!("stopping at the next update; once more to quit without saving");
    };
    #[cfg(unix)]
    on_signals(heard);
    // A second handler cannot be set: commands that train several runs come here once.
    #[cfg(not(unix))]
    let _ = ctrlc::set_handler(move || heard(CTRL_C));
}

/// Calls `heard` at each signal that asks to end: all of them, but a hang-up where it is to be ignored (`nohup`).
#[cfg(unix)]
fn on_signals(heard: impl Fn(i32) + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    // Without handlers the signals do what they do by themselves: end the process, which goes on from its checkpoint.
    if let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) {
        std::thread::spawn(move || signals.forever().for_each(heard));
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
    ASKED_BY.load(Ordering::Relaxed) != 0
}

/// The exit code of work that was interrupted: 128 and the number of the signal, as shells and Slurm count, 130 for Ctrl-C.
pub(crate) fn interrupted_code() -> u8 {
    match ASKED_BY.load(Ordering::Relaxed) {
        0 => exit_code(CTRL_C),
        signal => exit_code(signal),
    }
}

fn exit_code(signal: i32) -> u8 {
    128 + u8::try_from(signal).unwrap_or(0)
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
