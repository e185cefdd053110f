//! One run from beginning to end: training, and the tests, analyses and report that follow.

use crate::cli::TrainArgs;
use crate::experiment::Experiment;
use crate::process::{interrupted, origin};
use crate::terminal::{Progress, duration};
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{Begin, Given, Keeper};
use neuropil_lab::run::RunDirectory;
use neuropil_learn::train::{Ending, Flow, Restart, State};
use neuropil_song::config::Config;
use neuropil_song::train::{News, Trained, fresh_state, plan, train_run};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Validations in a row without any reward before we say so.
const STUCK_CHECKS: u32 = 20;

/// What `--json` prints of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub task: String,
    pub seed: u64,
    pub criterion_met: bool,
    pub updates: u64,
    pub trials: u64,
    pub restarts: u64,
    pub percent_decided: f64,
    pub percent_correct: f64,
    pub mean_reward: f64,
    /// The criterion's quantities, and what the world measures, in the last validation.
    pub criterion: BTreeMap<String, f64>,
    pub wall_seconds: f64,
    pub run_dir: PathBuf,
    #[serde(skip)]
    pub in_a_world: bool,
    #[serde(skip)]
    pub interrupted: bool,
}

impl Summary {
    /// A percentage of trials; a dash in a world that answers, where none is decided.
    pub(crate) fn percent(&self, percent: f64) -> String {
        if self.in_a_world {
            "–".to_owned()
        } else {
            format!("{percent:.1}")
        }
    }

    /// The quantities of the last validation.
    pub(crate) fn came_to(&self) -> String {
        let each = self
            .criterion
            .iter()
            .map(|(name, value)| format!("{name} {value:.3}"));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Opens the run: new, to resume, or anew.
fn open(args: &TrainArgs, experiment: &Experiment, out: &Path) -> Result<Keeper, Problem> {
    let begin = match (args.resume, args.force) {
        (true, _) => Begin::Resume,
        (_, true) => Begin::Anew,
        _ => Begin::New,
    };
    keep(experiment, out, begin)
}

/// Opens the run of an experiment.
pub(crate) fn keep(experiment: &Experiment, out: &Path, begin: Begin) -> Result<Keeper, Problem> {
    let task = experiment.own_task.as_ref();
    let files: Vec<_> = task
        .map(|task| ("task.toml", task.clone().into_bytes()))
        .into_iter()
        .collect();
    let given = Given {
        settings: &experiment.config.to_toml(),
        files: &files,
        complete: &settings,
        seed: experiment.config.value.seed,
        origin: &origin(),
    };
    Ok(Keeper::open(out, begin, &given)?)
}

/// Settings as a table in which keys that a run of an earlier version did not know have their defaults.
fn settings(text: &str) -> Option<toml::Table> {
    let config = toml::from_str::<Config>(text).ok()?;
    toml::Table::try_from(config).ok()
}

/// One run from beginning to end, on the current thread pool.
pub(crate) fn one(
    args: &TrainArgs,
    experiment: &Experiment,
    out: &Path,
    quiet: bool,
) -> Result<Summary, Problem> {
    let clock = Instant::now();
    let (task, config) = (&experiment.task, &experiment.config.value);
    let resumed = args.resume && out.join("checkpoint/last.safetensors").exists();
    let fresh = (!resumed).then(|| fresh_state(config, task)).transpose()?;
    let mut keeper = open(args, experiment, out)?;
    let mut plan = plan(config, task);
    if let Some(updates) = args.updates {
        (plan.max_updates, plan.stop_at_criterion) = (updates, false);
    }
    let label = format!("{} seed {}", task.definition.name, config.seed);
    let mut progress = Progress::new(&label, plan.trials_per_update, task.world.is_some(), quiet);
    let threshold = task
        .quantities
        .iter()
        .find(|q| q.name == "correct")
        .and_then(|q| q.at_least)
        .unwrap_or(1.0);
    let mut curve = Vec::new();
    let (abort, mut stuck) = (task.definition.rewards.abort, 0);
    let mut watch = |news: News| {
        match news {
            News::Update(update) => progress.update(update),
            News::Check(check) => {
                curve.push((
                    clock.elapsed().as_secs_f64(),
                    check.performance.fraction_correct(),
                ));
                progress.check(check, &curve, threshold);
                stuck = if check.performance.mean_reward <= abort {
                    stuck + 1
                } else {
                    0
                };
                if stuck == STUCK_CHECKS && !quiet {
                    progress.say(&format!(
                        "{label}: every trial of the last {stuck} validations ended with {abort}: nothing is being \
                         learnt; `training.t0_return = \"immediate\"` is what makes learning start when trials that \
                         are sat out are punished"
                    ));
                }
            }
            News::Promoted(lessons) => {
                let of = task.lessons.len();
                if !quiet {
                    progress.say(&format!("{label}: lesson {lessons} of {of} learnt"));
                }
            }
            News::Restart(attempt, reason) => {
                let why = match reason {
                    Restart::Trapped => "fixation trap: no decision, every trial sat out",
                    Restart::Stalled => "no better validation within the patience",
                };
                if !quiet {
                    progress.say(&format!(
                        "{label}: {why}; drawing new networks (restart {attempt})"
                    ));
                }
            }
        }
        if interrupted() { Flow::Stop } else { Flow::Continue }
    };
    let trained = train_run(&mut keeper, task, config, &plan, fresh, &mut watch)?;
    progress.finish();
    let Trained {
        ending,
        state,
        wall_seconds,
    } = trained;
    let run = keeper.into_run();
    let summary = summarise(experiment, &state, ending, wall_seconds, out);
    if ending == Ending::Diverged {
        let hint = "lower `policy.learning_rate` and `value.learning_rate`";
        return Err(Problem::new(
            format!(
                "{}: more than 50 gradients in a row were not finite",
                out.display()
            ),
            hint,
        ));
    }
    if ending != Ending::Stopped && !args.only {
        super::test::after_training(&run, experiment)?;
        super::report::after_training(&run, experiment)?;
    }
    if !quiet {
        closing_table(&summary, &run, clock.elapsed().as_secs_f64());
    }
    Ok(summary)
}

fn summarise(
    experiment: &Experiment,
    state: &State,
    ending: Ending,
    wall_seconds: f64,
    out: &Path,
) -> Summary {
    let progress = &state.progress;
    let last = progress
        .history
        .last()
        .map(|check| check.performance.clone())
        .unwrap_or_default();
    Summary {
        task: experiment.task.definition.name.clone(),
        seed: experiment.config.value.seed,
        criterion_met: progress.lesson >= experiment.task.lessons.len() && last.meets(&experiment.task),
        updates: progress.update,
        trials: progress.n_trials,
        restarts: progress.attempt,
        percent_decided: 100.0 * last.fraction_decided(),
        percent_correct: 100.0 * last.fraction_correct(),
        mean_reward: last.mean_reward,
        in_a_world: experiment.task.world.is_some(),
        criterion: last.quantities.clone(),
        wall_seconds,
        run_dir: out.to_owned(),
        interrupted: ending == Ending::Stopped,
    }
}

fn closing_table(summary: &Summary, run: &RunDirectory, seconds: f64) {
    let verdict = if summary.interrupted {
        "stopped; go on with `--resume`".to_owned()
    } else if summary.criterion_met {
        format!(
            "criterion met after {} trials ({} updates)",
            summary.trials, summary.updates
        )
    } else {
        format!(
            "criterion not met after {} trials ({} updates)",
            summary.trials, summary.updates
        )
    };
    eprintln!("{} seed {}: {verdict}", summary.task, summary.seed);
    if summary.restarts > 0 {
        eprintln!("  restarts  {}", summary.restarts);
    }
    if summary.in_a_world {
        for (name, value) in summary.criterion.iter().filter(|(name, _)| *name != "reward") {
            eprintln!("  {name:<9} {value:.3}");
        }
    } else {
        eprintln!("  decided   {:.1} %", summary.percent_decided);
        eprintln!("  correct   {:.1} %", summary.percent_correct);
    }
    eprintln!("  reward    {:+.3} per trial", summary.mean_reward);
    eprintln!("  time      {}", duration(seconds));
    let report = run.file("report.html");
    let shown = if report.exists() {
        report
    } else {
        run.path().to_owned()
    };
    eprintln!("  see       {}", shown.display());
}
