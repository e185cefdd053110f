//! Progress and tables on the terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use neuropil_learn::train::Check;
use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Bars of runs side by side, one below the other.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));

/// Progress of one training run, on standard error: a bar on a terminal, a line every 30 s elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    label: String,
    began: Instant,
    last_line: Instant,
    trials_per_update: u64,
    in_a_world: bool,
    done: u64,
    first: Option<u64>,
}

impl Progress {
    /// Progress of a run named `label`; `in_a_world` tells whether sessions are measured instead of decided.
    pub(crate) fn new(label: &str, trials_per_update: usize, in_a_world: bool, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is valid"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        let (label, trials_per_update) = (label.to_owned(), trials_per_update as u64);
        Self {
            bar,
            quiet,
            label,
            began: now,
            last_line: now,
            trials_per_update,
            in_a_world,
            done: 0,
            first: None,
        }
    }

    /// An update was made.
    pub(crate) fn update(&mut self, update: u64) {
        self.first.get_or_insert(update.saturating_sub(1));
        self.done = update;
    }

    /// A validation was made.
    pub(crate) fn check(&mut self, check: &Check, history: &[(f64, f64)], threshold: f64) {
        let p = &check.performance;
        let seconds = self.began.elapsed().as_secs_f64();
        let trials = (self.done - self.first.unwrap_or(self.done)) * self.trials_per_update;
        let correct = if p.n_decided == 0 {
            "  –".to_owned()
        } else {
            format!("{:4.1}", 100.0 * p.fraction_correct())
        };
        let came_to = if self.in_a_world {
            let own = p.quantities.iter().filter(|(name, _)| *name != "reward");
            own.map(|(name, value)| format!("{name} {value:.3}"))
                .collect::<Vec<_>>()
                .join("  ")
        } else {
            format!(
                "decided {:5.1} %  correct {correct} %",
                100.0 * p.fraction_decided()
            )
        };
        let line = format!(
            "{}  {:>7} trials  reward {:+.3}  {came_to}  {:.0} trials/s{}",
            self.label,
            check.n_trials,
            p.mean_reward,
            trials as f64 / seconds.max(1e-9),
            eta(history, threshold),
        );
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if !self.quiet && self.last_line.elapsed() > Duration::from_secs(30) => {
                eprintln!("{line}");
                self.last_line = Instant::now();
            }
            None => {}
        }
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
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

/// Time left, if the last validations (seconds, fraction correct) go on as they went; nothing while they don't.
fn eta(history: &[(f64, f64)], threshold: f64) -> String {
    let recent = &history[history.len().saturating_sub(8)..];
    let n = recent.len() as f64;
    if recent.len() < 4 {
        return String::new();
    }
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| recent.iter().map(f).sum::<f64>() / n;
    let (t, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let slope = mean(&|p| (p.0 - t) * (p.1 - y)) / mean(&|p| (p.0 - t).powi(2)).max(1e-12);
    let left = (threshold - recent[recent.len() - 1].1) / slope;
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
