//! Networks, moments and progress as the arrays and the state of a checkpoint.

use super::TrainError;
use crate::config::Config;
use crate::model::blank_players;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::LabError;
use neuropil_lab::keeper::{self, Keeper};
use neuropil_lab::run::RunDirectory;
use neuropil_learn::player::Player;
use neuropil_learn::train::{Progress, State};
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// State of a checkpoint beside its arrays.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    progress: Progress,
    pub(super) adam_steps: [u64; 2],
}

/// Parameters and masks of the networks of the best validation, and that validation.
fn best_of(state: &State) -> Checkpoint {
    let mut checkpoint = Checkpoint::default();
    for (who, player, best) in [
        ("policy", &state.policy, &state.best.0),
        ("value", &state.value, &state.best.1),
    ] {
        checkpoint.arrays.extend(player.parameter_arrays(who, best));
    }
    let check = state.progress.history.iter().rfind(|check| check.new_best);
    if let Some(check) = check {
        checkpoint.state = serde_json::json!({ "check": check });
    }
    checkpoint
}

/// Keeps a moment of a run: everything, and if it changed the best networks.
pub(crate) fn keep(keeper: &mut Keeper, state: &State) -> Result<(), LabError> {
    let mut last = Checkpoint::default();
    last.arrays = state.arrays();
    let saved = Saved {
        progress: state.progress.clone(),
        adam_steps: state.adam_steps(),
    };
    last.state = serde_json::to_value(&saved).expect("counters are JSON");
    let check = state.progress.history.last();
    let new_best = check.is_some_and(|check| check.new_best && state.progress.checked);
    let best = (new_best || !keeper.has_best()).then(|| best_of(state));
    keeper.checked(last, best)
}

/// A network as a checkpoint holds it, with fresh moments.
pub(crate) fn player_of(
    checkpoint: &Checkpoint,
    path: &Path,
    who: &str,
    template: Player<f32>,
) -> Result<Player<f32>, TrainError> {
    let mut player = template;
    let restored = player.restore_parameters(who, &checkpoint.arrays);
    restored.map_err(|mismatch| does_not_fit(path, mismatch.to_string()))?;
    Ok(player)
}

fn does_not_fit(path: &Path, message: String) -> TrainError {
    TrainError::Mismatch {
        path: path.display().to_string(),
        message,
    }
}

/// Best policy and value network of a run, to be run with the given task's time step; `None` before its first
/// checkpoint.
///
/// # Errors
/// The file is damaged, or of other settings.
pub fn load_players(
    run: &RunDirectory,
    config: &Config,
    task: &Task,
) -> Result<Option<(Player<f32>, Player<f32>)>, TrainError> {
    let Some(best) = keeper::best(run)? else {
        return Ok(None);
    };
    players_of(&best, &run.checkpoint("best"), config, task).map(Some)
}

fn players_of(
    checkpoint: &Checkpoint,
    path: &Path,
    config: &Config,
    task: &Task,
) -> Result<(Player<f32>, Player<f32>), TrainError> {
    let (policy, value) = blank_players(config, task)?;
    let policy = player_of(checkpoint, path, "policy", policy)?;
    Ok((policy, player_of(checkpoint, path, "value", value)?))
}

/// Networks, moments and progress as a run's last checkpoint holds them.
pub(super) fn state_of(
    checkpoint: &Checkpoint,
    path: &Path,
    config: &Config,
    task: &Task,
) -> Result<State, TrainError> {
    let (policy, value) = blank_players(config, task)?;
    let saved: Saved = checkpoint.state(path)?;
    let mut state = State::new(policy, value);
    let restored = state.restore(&checkpoint.arrays, saved.adam_steps);
    restored.map_err(|mismatch| does_not_fit(path, mismatch.to_string()))?;
    let progress = saved.progress;
    if config.training.continuous && progress.update > progress.attempt_began && state.carried.is_none() {
        let message = "no states `policy.carried` and `value.carried` to resume continuous mode from";
        return Err(does_not_fit(path, message.to_owned()));
    }
    state.progress = progress;
    Ok(state)
}

/// History of a finished or running run, from its last checkpoint.
///
/// # Errors
/// The checkpoint is missing or damaged.
pub fn load_progress(run: &RunDirectory) -> Result<Progress, TrainError> {
    let path = run.checkpoint("last");
    let last = keeper::last(run)?.ok_or_else(|| TrainError::Mismatch {
        path: path.display().to_string(),
        message: "no checkpoint yet".to_owned(),
    })?;
    Ok(last.state::<Saved>(&path)?.progress)
}
