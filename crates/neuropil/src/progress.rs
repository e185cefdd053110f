//! The terminal, watching jobs while they run.

use crate::process::interrupted;
use crate::terminal::{plain, say};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use neuropil_study::{Flow, Measure, News, Watch};
use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Bars of runs side by side, one below the other.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));

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
