//! How much memory there is, and sizes as people read them.

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
