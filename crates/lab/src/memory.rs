//! How much memory there is, how much of it files may ask for, and sizes as people read them.

use crate::error::LabError;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Assumed where the system does not say: 16 GiB.
const ASSUMED: u64 = 16 << 30;

/// Bytes of physical memory of this machine.
pub fn physical() -> u64 {
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kibibytes.map_or(ASSUMED, |kibibytes| kibibytes.saturating_mul(1024))
}

/// A size in the largest unit that leaves at least 1.
///
/// ```
/// use neuropil_lab::memory::text;
/// assert_eq!(text(900.0), "900 bytes");
/// assert_eq!(text(2.56e10), "25.6 GB");
/// assert_eq!(text(3.6e13), "36 TB");
/// ```
pub fn text(bytes: f64) -> String {
    let units = [
        (1e18, "EB"),
        (1e15, "PB"),
        (1e12, "TB"),
        (1e9, "GB"),
        (1e6, "MB"),
        (1e3, "kB"),
    ];
    let unit = units.iter().find(|(size, _)| bytes >= *size);
    let Some((size, name)) = unit else {
        return format!("{bytes:.0} bytes");
    };
    let digits = format!("{:.1}", bytes / size);
    format!("{} {name}", digits.strip_suffix(".0").unwrap_or(&digits))
}

/// Bytes that the content of one file may take up, unless said otherwise: 4 GB.
///
/// A file says how large its content is before it is there: an array's shape, an archive's table of contents, a matrix
/// of so many rows. Nothing is reserved on such a word: what is announced is compared with what is there, and with one
/// limit for the whole process.
pub const DEFAULT_LIMIT: u64 = 4_000_000_000;

static LIMIT: AtomicU64 = AtomicU64::new(DEFAULT_LIMIT);

/// Bytes that the content of one file may take up.
pub fn limit() -> u64 {
    LIMIT.load(Ordering::Relaxed)
}

/// Sets the limit of this process, before files are read.
pub fn set_limit(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// Refuses what a file asks for when it is above the limit: `n` things of `each` bytes.
///
/// # Errors
/// Names the file, `what`, the size and the option that raises the limit.
///
/// ```
/// use neuropil_lab::memory::claim;
///
/// assert!(claim("a.mtx".as_ref(), "1000 neurons", 1000, 64).is_ok());
/// let error = claim("a.mtx".as_ref(), "4000000000 neurons", 4_000_000_000, 64).unwrap_err();
/// assert!(error.to_string().starts_with("a.mtx: 4000000000 neurons, which take 256 GB, expected at most 4 GB"));
/// ```
pub fn claim(path: &Path, what: &str, n: usize, each: usize) -> Result<(), LabError> {
    let bytes = (n as u64).saturating_mul(each as u64);
    if bytes <= limit() {
        return Ok(());
    }
    Err(over(path, &format!("{what}, which take {}", text(bytes as f64))))
}

pub(crate) fn over(path: &Path, found: &str) -> LabError {
    let at_most = format!("at most {}", text(limit() as f64));
    LabError::place(path, 0, "", found, at_most)
        .hint("`--max-memory` sets how much the content of a file may take up")
}
