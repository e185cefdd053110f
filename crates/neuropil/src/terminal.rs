//! What is printed: results on standard output, everything else on standard error.
//!
//! A reader that has seen enough (`| head`) is no failure: what is left is not printed, and work goes on. A standard
//! output that cannot be written for another reason is told. Control characters, which names and descriptions from
//! files may hold, are shown and not obeyed.

use crate::process::interrupted;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use neuropil_lab::error::Problem;
use neuropil_study::{Flow, Measure, News, Watch};
use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Bars of runs side by side, one below the other.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));

/// Prints a line to standard output.
macro_rules! out {
    ($($text:tt)*) => {
        $crate::terminal::print(&format!($($text)*))?
    };
}

/// Prints a line to standard error, as well as that can be done.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::terminal::tell(&format!($($text)*))
    };
}

pub(crate) use {out, say};

/// Prints text and the end of its line.
pub(crate) fn print(text: &str) -> Result<(), Problem> {
    write(format!("{}\n", plain(text)).as_bytes())
}

/// Prints what is to be read by a program, as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Problem> {
    let mut text = serde_json::to_vec_pretty(value).expect("results are JSON");
    text.push(b'\n');
    write(&text)
}

/// Writes bytes to standard output as they are.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Problem> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Problem::new(
            format!("cannot write to standard output: {error}"),
            "redirect it to a file that can be written",
        )),
        _ => Ok(()),
    }
}

/// Tells something on standard error; nobody need listen.
pub(crate) fn tell(text: &str) {
    complain(&plain(text));
}

/// Prints text with its colours on standard error; nobody need listen.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The text with control characters spelled out; lines and tabs stay.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && !['\n', '\t'].contains(&c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| {
        if obeyed(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// A table without lines.
pub(crate) fn table<'a>(headers: impl IntoIterator<Item = &'a str>) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(headers);
    table
}

/// The terminal, watching jobs.
pub(crate) struct Terminal {
    /// No progress.
    pub(crate) quiet: bool,
}

impl Watch for Terminal {
    fn begin<'a>(&'a self, name: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
        let mut progress = Progress::new(name, self.quiet);
        Box::new(move |news| {
            progress.hear(news);
            if interrupted() { Flow::Stop } else { Flow::Continue }
        })
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            say!("{line}");
        }
    }

    fn stopped(&self) -> bool {
        interrupted()
    }
}

/// Progress of one job, on standard error: a bar on a terminal, a line every 30 s elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    label: String,
    began: Instant,
    last_line: Instant,
    /// Examples seen at the first check.
    first: Option<u64>,
    /// Seconds and the measure that grows with learning.
    curve: Vec<(f64, f64)>,
}

impl Progress {
    fn new(label: &str, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is valid"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        Self {
            bar,
            quiet,
            label: plain(label).into_owned(),
            began: now,
            last_line: now,
            first: None,
            curve: Vec::new(),
        }
    }

    fn hear(&mut self, news: &News<'_>) {
        match *news {
            News::Update(_) => {}
            News::Check {
                seen,
                unit,
                measures,
                toward,
            } => self.check(seen, unit, measures, toward),
            News::Said(line) => self.say(line),
        }
    }

    fn check(&mut self, seen: u64, unit: &str, measures: &[Measure], toward: Option<(f64, f64)>) {
        let seconds = self.began.elapsed().as_secs_f64();
        let new = seen - *self.first.get_or_insert(seen);
        let told = measures.iter().filter(|measure| measure.told);
        let told: Vec<String> = told.map(|m| format!("{} {}", m.label, m.with_unit())).collect();
        let speed = if new == 0 {
            String::new()
        } else {
            format!("  {:.0} {unit}/s", new as f64 / seconds.max(1e-9))
        };
        let left = toward.map_or(String::new(), |(value, goal)| {
            self.curve.push((seconds, value));
            time_left(&self.curve, goal)
        });
        let line = format!(
            "{}  {seen:>7} {unit}  {}{speed}{left}",
            self.label,
            told.join("  ")
        );
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if !self.quiet && self.last_line.elapsed() > Duration::from_secs(30) => {
                say!("{line}");
                self.last_line = Instant::now();
            }
            None => {}
        }
    }

    /// A line that stays.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(plain(line)),
            None if !self.quiet => say!("{line}"),
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar over `n` pieces of work, on standard error if it is a terminal.
pub(crate) fn counter(label: &str, n: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(n), ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{prefix} {msg} {bar:30} {pos}/{len}, {eta} left");
    bar.set_style(style.expect("the template is valid"));
    bar.set_prefix(label.to_owned());
    bar
}

/// Time left, if the last checks (seconds, measure) go on as they went; nothing while they don't.
fn time_left(curve: &[(f64, f64)], goal: f64) -> String {
    let recent = &curve[curve.len().saturating_sub(8)..];
    let n = recent.len() as f64;
    if recent.len() < 4 {
        return String::new();
    }
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| recent.iter().map(f).sum::<f64>() / n;
    let (t, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let slope = mean(&|p| (p.0 - t) * (p.1 - y)) / mean(&|p| (p.0 - t).powi(2)).max(1e-12);
    let left = (goal - recent[recent.len() - 1].1) / slope;
    if slope > 0.0 && left > 0.0 && left < 86_400.0 {
        format!("  about {} left", duration(left))
    } else {
        String::new()
    }
}

/// `1 h 12 min`, `3 min 20 s`, `12.3 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(
            plain("a\u{1b}[31mred\r\u{9b}0m\n\tb"),
            "a\\u{1b}[31mred\\r\\u{9b}0m\n\tb"
        );
        assert!(matches!(plain("correct 80 % – αβ"), Cow::Borrowed(_)));
    }
}
