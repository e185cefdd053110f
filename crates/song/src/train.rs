//! One training run in its run directory: from settings to the best network.

use crate::config::Config;
use crate::model::{DrawError, blank_players, draw_players};
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::{LabError, Problem};
use neuropil_lab::events::EventLog;
use neuropil_lab::run::RunDirectory;
use neuropil_learn::player::Player;
use neuropil_learn::rules::Rules;
use neuropil_learn::train::{Check, Ending, Event, Flow, Plan, Progress, Restart, State, train};
use neuropil_math::rng::Key;
use neuropil_nn::network::{Mask, Network};
use neuropil_nn::ties::{FREE, Ties};
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};
use std::path::Path;

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

/// One line of `log.jsonl`; `at_seconds` is the only field that two runs of the same seed may differ in.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    Check {
        at_seconds: f64,
        #[serde(flatten)]
        check: &'a Check,
    },
    Restart {
        at_seconds: f64,
        update: u64,
        attempt: u64,
        reason: Restart,
    },
    Promoted {
        at_seconds: f64,
        update: u64,
        lesson: usize,
    },
    Discarded {
        at_seconds: f64,
        update: u64,
        in_a_row: u64,
    },
    End {
        at_seconds: f64,
        update: u64,
        ending: &'static str,
    },
}

/// State of a checkpoint beside its arrays.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    progress: Progress,
    adam_steps: [u64; 2],
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
}

/// Networks to begin a run with: drawn before its directory exists, so that a failure leaves nothing behind.
///
/// # Errors
/// They cannot be drawn.
pub fn fresh_state(config: &Config, task: &Task) -> Result<State, TrainError> {
    let (policy, value) = draw_players(config, task, 0)?;
    Ok(State::new(policy, value))
}

/// Trains in `run` until the plan ends or `watch` says stop; resumes from the last checkpoint if there is one,
/// otherwise begins with `fresh` networks.
///
/// # Errors
/// Files cannot be written, or the checkpoint there is not one of these settings.
pub fn train_run(
    run: &RunDirectory,
    task: &Task,
    config: &Config,
    config_text: &str,
    plan: &Plan,
    fresh: Option<State>,
    watch: &mut dyn FnMut(News) -> Flow,
) -> Result<(Ending, State), TrainError> {
    let clock = std::time::Instant::now();
    let last = run.checkpoint("last");
    let mut state = if last.exists() {
        load_state(&last, config, task)?
    } else {
        match fresh {
            Some(state) => state,
            None => fresh_state(config, task)?,
        }
    };
    if state.progress.criterion_met || (state.progress.checked && state.progress.update >= plan.max_updates) {
        let ending = if state.progress.criterion_met {
            Ending::Learnt
        } else {
            Ending::OutOfUpdates
        };
        return Ok((ending, state));
    }
    let mut log = EventLog::open(&run.file("log.jsonl"), logged_bytes(run, &state.progress))?;
    let seconds = || clock.elapsed().as_secs_f64();
    let mut observe = |state: &State, event: Event| -> Result<Flow, TrainError> {
        let update = state.progress.update;
        match event {
            Event::Checked(check) => {
                log.write(&Line::Check {
                    at_seconds: seconds(),
                    check,
                })?;
                save_state(run, state, config_text)?;
                Ok(watch(News::Check(check)))
            }
            Event::Updated(_) => Ok(watch(News::Update(update))),
            Event::Restarted { attempt, reason } => {
                log.write(&Line::Restart {
                    at_seconds: seconds(),
                    update,
                    attempt,
                    reason,
                })?;
                Ok(watch(News::Restart(attempt, reason)))
            }
            Event::Promoted(lesson) => {
                log.write(&Line::Promoted {
                    at_seconds: seconds(),
                    update,
                    lesson,
                })?;
                Ok(watch(News::Promoted(lesson)))
            }
            Event::Discarded(in_a_row) => {
                log.write(&Line::Discarded {
                    at_seconds: seconds(),
                    update,
                    in_a_row,
                })?;
                Ok(Flow::Continue)
            }
        }
    };
    let redraw = |attempt| draw_players(config, task, attempt).map_err(TrainError::from);
    let (rules, key) = (rules(config, task), Key::new(config.seed));
    let ending = train(task, plan, &rules, key, &mut state, &redraw, &mut observe)?;
    let name = match ending {
        Ending::Learnt => "learnt",
        Ending::OutOfUpdates => "out-of-updates",
        Ending::Stopped => "stopped",
        Ending::Diverged => "diverged",
    };
    if ending == Ending::Stopped {
        save_state(run, &state, config_text)?;
    }
    log.write(&Line::End {
        at_seconds: seconds(),
        update: state.progress.update,
        ending: name,
    })?;
    Ok((ending, state))
}

/// Length of the log's lines that a state has behind it; the rest was written after it and will be written again.
fn logged_bytes(run: &RunDirectory, progress: &Progress) -> u64 {
    let text = std::fs::read_to_string(run.file("log.jsonl")).unwrap_or_default();
    let (mut bytes, mut checks) = (0, 0);
    for line in text.split_inclusive('\n') {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        checks += usize::from(event["event"] == "check");
        let known = event["update"]
            .as_u64()
            .is_some_and(|update| update <= progress.update);
        if event["event"] == "end" || !known || checks > progress.history.len() {
            break;
        }
        bytes += line.len() as u64;
    }
    bytes
}

fn player_arrays<'a>(who: &str, player: &'a Player<f32>) -> Vec<(String, Vec<usize>, &'a [f32])> {
    let layout = player.network.layout();
    let mut arrays = Vec::new();
    for entry in layout.entries() {
        arrays.push((
            format!("{who}.{}", entry.name),
            entry.shape.clone(),
            layout.view(&player.params, entry.name),
        ));
    }
    arrays
}

fn mask_arrays(who: &str, player: &Player<f32>) -> Vec<(String, (Vec<usize>, Vec<f32>))> {
    let layout = player.network.layout();
    let flags = &player.network.mask().0;
    let entries = layout
        .entries()
        .iter()
        .filter(|entry| layout.view(flags, entry.name).contains(&false));
    entries
        .map(|entry| {
            let values = layout
                .view(flags, entry.name)
                .iter()
                .map(|&flag| f32::from(u8::from(flag)))
                .collect();
            (
                format!("{who}.mask.{}", entry.name),
                (entry.shape.clone(), values),
            )
        })
        .collect()
}

/// Signs, ties and initial parameters that a resumed run must find again.
fn constraint_arrays(who: &str, player: &Player<f32>) -> Vec<(String, (Vec<usize>, Vec<f32>))> {
    let mut arrays: Vec<(&str, Vec<f32>)> = Vec::new();
    if let Some(signs) = &player.signs {
        arrays.push(("sign", signs.iter().map(|&s| f32::from(s)).collect()));
    }
    if let Some(ties) = &player.ties {
        let group = |&g: &u32| if g == FREE { -1.0 } else { g as f32 };
        arrays.push(("tie.group", ties.group.iter().map(group).collect()));
        arrays.push(("tie.base", ties.base.clone()));
        arrays.push(("tie.gain", ties.gains.clone()));
    }
    if let Some(initial) = &player.initial {
        arrays.push(("initial", initial.clone()));
    }
    arrays
        .into_iter()
        .map(|(what, values)| (format!("{who}.{what}"), (vec![values.len()], values)))
        .collect()
}

/// Gives a network of a checkpoint the constraints that [`constraint_arrays`] wrote.
fn constrain(player: &mut Player<f32>, checkpoint: &Checkpoint, who: &str) {
    let find = |what: &str, n: usize| {
        let found = checkpoint.arrays.get(&format!("{who}.{what}"));
        found.map(|(_, values)| values).filter(|values| values.len() == n)
    };
    let n = player.params.len();
    if let Some(signs) = find("sign", player.network.shape().n_units) {
        player.signs = Some(signs.iter().map(|&s| s as i8).collect());
    }
    if let (Some(group), Some(base), Some((_, gains))) = (
        find("tie.group", n),
        find("tie.base", n),
        checkpoint.arrays.get(&format!("{who}.tie.gain")),
    ) {
        player.tie(Ties {
            group: group
                .iter()
                .map(|&g| if g < 0.0 { FREE } else { g as u32 })
                .collect(),
            base: base.clone(),
            gains: gains.clone(),
        });
    }
    if let Some(initial) = find("initial", n) {
        player.initial = Some(initial.clone());
    }
}

/// Current parameters and masks of both networks alone.
pub(crate) fn parameters_of(state: &State, config: &str) -> Checkpoint {
    let mut checkpoint = Checkpoint {
        config: config.to_owned(),
        ..Checkpoint::default()
    };
    for (who, player) in [("policy", &state.policy), ("value", &state.value)] {
        for (name, shape, values) in player_arrays(who, player) {
            checkpoint.arrays.insert(name, (shape, values.to_vec()));
        }
        checkpoint.arrays.extend(mask_arrays(who, player));
    }
    checkpoint
}

/// Writes `last` (everything) and, if it changed, `best` (parameters and masks alone).
pub(crate) fn save_state(run: &RunDirectory, state: &State, config: &str) -> Result<(), LabError> {
    let mut last = Checkpoint {
        config: config.to_owned(),
        ..Checkpoint::default()
    };
    let players = [
        ("policy", &state.policy, &state.best.0),
        ("value", &state.value, &state.best.1),
    ];
    for (who, player, best) in players {
        for (name, shape, values) in player_arrays(who, player) {
            last.arrays.insert(name, (shape, values.to_vec()));
        }
        last.arrays.extend(mask_arrays(who, player));
        last.arrays.extend(constraint_arrays(who, player));
        for (what, values) in [
            ("adam_m", &player.adam.first),
            ("adam_s", &player.adam.second),
            ("best", best),
        ] {
            last.arrays
                .insert(format!("{who}.{what}"), (vec![values.len()], values.clone()));
        }
    }
    if let Some(states) = &state.carried {
        for (who, state) in ["policy", "value"].iter().zip(states) {
            last.arrays
                .insert(format!("{who}.carried"), (vec![state.len()], state.clone()));
        }
    }
    let saved = Saved {
        progress: state.progress.clone(),
        adam_steps: [state.policy.adam.steps, state.value.adam.steps],
    };
    last.state = serde_json::to_value(&saved).expect("counters are JSON");
    last.save(&run.checkpoint("last"))?;
    if state
        .progress
        .history
        .last()
        .is_some_and(|check| check.new_best && state.progress.checked)
    {
        let mut best = parameters_of(state, config);
        best.state = serde_json::json!({ "check": state.progress.history.last() });
        best.save(&run.checkpoint("best"))?;
    }
    let readable = serde_json::to_vec_pretty(&last.state).expect("counters are JSON");
    neuropil_lab::atomic::write(&run.file("checkpoint/state.json"), &readable)
}

/// A network as a checkpoint holds it, with fresh moments.
pub(crate) fn player_of(
    checkpoint: &Checkpoint,
    path: &Path,
    who: &str,
    template: Player<f32>,
    alpha: f64,
) -> Result<Player<f32>, TrainError> {
    let layout = template.network.layout().clone();
    let (mut params, mut mask) = (vec![0.0; layout.len()], vec![true; layout.len()]);
    for entry in layout.entries() {
        let name = format!("{who}.{}", entry.name);
        let found = checkpoint
            .arrays
            .get(&name)
            .filter(|(shape, _)| *shape == entry.shape);
        let (_, values) = found.ok_or_else(|| TrainError::Mismatch {
            path: path.display().to_string(),
            message: format!(
                "no array `{name}` of shape {:?}, expected one by the run's settings",
                entry.shape
            ),
        })?;
        layout.view_mut(&mut params, entry.name).copy_from_slice(values);
        if let Some((_, flags)) = checkpoint.arrays.get(&format!("{who}.mask.{}", entry.name)) {
            for (flag, &value) in layout.view_mut(&mut mask, entry.name).iter_mut().zip(flags) {
                *flag = value != 0.0;
            }
        }
    }
    let network = Network::new(template.network.shape(), Mask(mask), alpha);
    let mut player = Player::new(network, params, template.learning_rate, template.noise_sd);
    player.fixed = template.fixed;
    player.penalties = template.penalties;
    player.signs = template.signs;
    if let Some(ties) = template.ties {
        player.tie(ties.rebased(&layout, &player.params));
    }
    if template.initial.is_some() {
        player.initial = Some(player.params.clone());
    }
    Ok(player)
}

/// Policy and value network of a checkpoint file, to be run with the given task's time step.
///
/// # Errors
/// The file is missing, damaged, or of other settings.
pub fn load_players(
    path: &Path,
    config: &Config,
    task: &Task,
) -> Result<(Player<f32>, Player<f32>), TrainError> {
    let checkpoint = Checkpoint::load(path)?;
    players_of(&checkpoint, path, config, task)
}

fn players_of(
    checkpoint: &Checkpoint,
    path: &Path,
    config: &Config,
    task: &Task,
) -> Result<(Player<f32>, Player<f32>), TrainError> {
    let (policy, value) = blank_players(config, task)?;
    let alpha = task.dt_ms / config.tau_ms;
    let policy = player_of(checkpoint, path, "policy", policy, alpha)?;
    Ok((policy, player_of(checkpoint, path, "value", value, alpha)?))
}

fn load_state(path: &Path, config: &Config, task: &Task) -> Result<State, TrainError> {
    let checkpoint = Checkpoint::load(path)?;
    let (policy, value) = players_of(&checkpoint, path, config, task)?;
    let mismatch = |message: String| TrainError::Mismatch {
        path: path.display().to_string(),
        message,
    };
    let saved: Saved = serde_json::from_value(checkpoint.state.clone())
        .map_err(|error| mismatch(format!("no state to resume from ({error})")))?;
    let mut state = State::new(policy, value);
    let State {
        policy,
        value,
        best,
        progress,
        carried,
    } = &mut state;
    let state_of = |who: &str, n: usize| {
        let found = checkpoint.arrays.get(&format!("{who}.carried"));
        found
            .filter(|(_, values)| values.len() == n)
            .map(|(_, values)| values.clone())
    };
    let n_states = [&*policy, &*value].map(|player| player.network.shape().n_state());
    *carried = state_of("policy", n_states[0])
        .zip(state_of("value", n_states[1]))
        .map(|(policy, value)| [policy, value]);
    if config.training.continuous && saved.progress.update > saved.progress.attempt_began && carried.is_none()
    {
        let message = "no states `policy.carried` and `value.carried` to resume continuous mode from";
        return Err(mismatch(message.to_owned()));
    }
    let players = [
        ("policy", policy, &mut best.0, saved.adam_steps[0]),
        ("value", value, &mut best.1, saved.adam_steps[1]),
    ];
    for (who, player, best, steps) in players {
        constrain(player, &checkpoint, who);
        for (what, target) in [
            ("adam_m", &mut player.adam.first),
            ("adam_s", &mut player.adam.second),
            ("best", best),
        ] {
            let name = format!("{who}.{what}");
            let found = checkpoint
                .arrays
                .get(&name)
                .filter(|(_, values)| values.len() == target.len());
            let (_, values) = found.ok_or_else(|| mismatch(format!("no array `{name}` to resume from")))?;
            target.copy_from_slice(values);
        }
        player.adam.steps = steps;
    }
    *progress = saved.progress;
    Ok(state)
}

/// History of a finished or running run, from its last checkpoint.
///
/// # Errors
/// The checkpoint is missing or damaged.
pub fn load_progress(run: &RunDirectory) -> Result<Progress, TrainError> {
    let path = run.checkpoint("last");
    let checkpoint = Checkpoint::load(&path)?;
    let saved: Saved = serde_json::from_value(checkpoint.state).map_err(|error| TrainError::Mismatch {
        path: path.display().to_string(),
        message: format!("no state ({error})"),
    })?;
    Ok(saved.progress)
}
