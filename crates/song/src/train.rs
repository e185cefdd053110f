//! One training run in its run directory: from settings to the best network.

mod saved;
mod transfer;

use crate::config::Config;
use crate::model::{DrawError, draw_players};
use neuropil_lab::error::{LabError, Problem};
use neuropil_lab::keeper::Keeper;
use neuropil_learn::rules::Rules;
use neuropil_learn::train::{Check, Ending, Event, Flow, Plan, Progress, Restart, State, train};
use neuropil_math::rng::Key;
use neuropil_tasks::task::Task;
use serde::Serialize;

pub(crate) use saved::{keep, player_of};
pub use saved::{load_players, load_progress};
pub use transfer::Taken;

/// Why a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Files.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Networks that cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A checkpoint that does not belong to these settings.
    #[error("{path}: {message}")]
    Mismatch {
        /// Checkpoint file.
        path: String,
        /// What does not fit.
        message: String,
    },
}

impl From<TrainError> for Problem {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Lab(error) => error.into(),
            TrainError::Draw(error) => error.into(),
            TrainError::Mismatch { path, message } => Self::bare(message).in_file(path),
        }
    }
}

/// One event of `log.jsonl`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    Check {
        #[serde(flatten)]
        check: &'a Check,
    },
    Restart {
        update: u64,
        attempt: u64,
        reason: Restart,
    },
    Promoted {
        update: u64,
        lesson: usize,
    },
    Discarded {
        update: u64,
        in_a_row: u64,
    },
    Taken {
        #[serde(flatten)]
        taken: &'a Taken,
    },
    End {
        update: u64,
        ending: &'static str,
    },
}

/// When and how a run stops, from its settings.
pub fn plan(config: &Config, task: &Task) -> Plan {
    let training = &config.training;
    let trials_per_update = training
        .trials_per_update
        .unwrap_or(task.definition.trials_per_update);
    Plan {
        max_updates: training.max_updates,
        // As in the published code: one trial per update in continuous mode is checked every time.
        check_every: if training.continuous && trials_per_update == 1 {
            1
        } else {
            training.check_every
        },
        trials_per_update,
        validation_trials: training
            .validation_trials
            .unwrap_or(task.definition.validation_trials),
        target_reward: training.target_reward.unwrap_or(f64::INFINITY),
        stop_at_criterion: true,
        max_restarts: if training.restart_when_trapped {
            training.max_restarts
        } else {
            0
        },
        trapped_after: training.trapped_after,
        patience: training.patience,
    }
}

/// How to learn, from a run's settings.
pub fn rules(config: &Config, task: &Task) -> Rules {
    Rules {
        teacher: config.training.teacher,
        discount_per_step: task.discount_per_step(),
        first_return: config.training.t0_return,
        value_input: config.training.value_input,
        max_gradient_norm: config.training.max_gradient_norm,
        continuous: config.training.continuous,
        gae_lambda: config.training.gae_lambda,
        standardise_advantage: config.training.standardise_advantage,
        entropy_bonus: config.training.entropy_bonus,
    }
}

/// What the caller learns while a run goes on.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A validation, and the state behind it.
    Check(&'a Check),
    /// An update, with the number made so far.
    Update(u64),
    /// New networks were drawn.
    Restart(u64, Restart),
    /// This many lessons of the curriculum are over.
    Promoted(usize),
    /// The networks begin with what another run has learnt.
    Taken(&'a Taken),
}

/// Networks to begin a run with, and what of them another run had learnt: made before its directory exists, so that a failure leaves nothing behind.
///
/// # Errors
/// They cannot be drawn; the run that they are from has nothing that fits.
pub fn fresh_state(config: &Config, task: &Task) -> Result<(State, Option<Taken>), TrainError> {
    let (policy, value) = draw_players(config, task, 0)?;
    let mut state = State::new(policy, value);
    let taken = transfer::take(config, &mut state)?;
    Ok((state, taken))
}

/// How a run ended.
#[derive(Debug)]
pub struct Trained {
    /// Why it did.
    pub ending: Ending,
    /// Networks and history.
    pub state: State,
    /// Wall time spent on the run, all sessions together, s.
    pub wall_seconds: f64,
}

/// Trains until the plan ends or `watch` says stop; goes on from the last checkpoint if there is one, otherwise begins
/// with `fresh` networks.
///
/// # Errors
/// Files cannot be written, or the checkpoint there is not one of these settings.
pub fn train_run(
    keeper: &mut Keeper,
    task: &Task,
    config: &Config,
    plan: &Plan,
    fresh: Option<(State, Option<Taken>)>,
    watch: &mut dyn FnMut(News) -> Flow,
) -> Result<Trained, TrainError> {
    let mut state = match keeper.take_last() {
        Some(last) => saved::state_of(&last, &keeper.last_path(), config, task)?,
        None => {
            let (state, taken) = fresh.map_or_else(|| fresh_state(config, task), Ok)?;
            if let Some(taken) = &taken {
                keeper.log(&Line::Taken { taken })?;
                watch(News::Taken(taken));
            }
            state
        }
    };
    let ending = match over(plan, task, &state.progress) {
        Some(ending) => ending,
        None => go_on(keeper, task, config, plan, &mut state, watch)?,
    };
    let (update, finished) = (
        state.progress.update,
        matches!(ending, Ending::Learnt | Ending::OutOfUpdates),
    );
    let ending_name = match ending {
        Ending::Learnt => "learnt",
        Ending::OutOfUpdates => "out-of-updates",
        Ending::Stopped => "stopped",
        Ending::Diverged => "diverged",
    };
    let end = Line::End {
        update,
        ending: ending_name,
    };
    let wall_seconds = keeper.end(&end, finished)?;
    Ok(Trained {
        ending,
        state,
        wall_seconds,
    })
}

/// Has training come to its end already? As [`train`] judges right after a validation.
fn over(plan: &Plan, task: &Task, progress: &Progress) -> Option<Ending> {
    let check = progress.history.last().filter(|_| progress.checked)?;
    let on_target = check.lesson >= task.lessons.len() && check.performance.mean_reward >= plan.target_reward;
    if (progress.criterion_met && plan.stop_at_criterion) || on_target {
        Some(Ending::Learnt)
    } else {
        (progress.update >= plan.max_updates).then_some(Ending::OutOfUpdates)
    }
}

/// The loop, with every event in the log and every validation kept.
fn go_on(
    keeper: &mut Keeper,
    task: &Task,
    config: &Config,
    plan: &Plan,
    state: &mut State,
    watch: &mut dyn FnMut(News) -> Flow,
) -> Result<Ending, TrainError> {
    let mut observe = |state: &State, event: Event| -> Result<Flow, TrainError> {
        let (update, lesson) = (state.progress.update, state.progress.lesson);
        match event {
            Event::Checked(check) => {
                keeper.log(&Line::Check { check })?;
                // Part of the same moment: a run that is killed after it would never tell it again.
                if lesson > check.lesson {
                    keeper.log(&Line::Promoted { update, lesson })?;
                }
                saved::keep(keeper, state)?;
                Ok(watch(News::Check(check)))
            }
            Event::Updated(_) => Ok(watch(News::Update(update))),
            Event::Restarted { attempt, reason } => {
                keeper.log(&Line::Restart {
                    update,
                    attempt,
                    reason,
                })?;
                Ok(watch(News::Restart(attempt, reason)))
            }
            Event::Promoted(lesson) => Ok(watch(News::Promoted(lesson))),
            Event::Discarded(in_a_row) => {
                keeper.log(&Line::Discarded { update, in_a_row })?;
                Ok(Flow::Continue)
            }
        }
    };
    let redraw = |attempt| draw_players(config, task, attempt).map_err(TrainError::from);
    let (rules, key) = (rules(config, task), Key::new(config.seed));
    let ending = train(task, plan, &rules, key, state, &redraw, &mut observe)?;
    if ending == Ending::Stopped {
        saved::keep(keeper, state)?;
    }
    Ok(ending)
}
