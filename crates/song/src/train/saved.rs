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
use neuropil_math::arrays::Values;
use neuropil_nn::network::{Mask, Network};
use neuropil_nn::ties::{FREE, Ties};
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// State of a checkpoint beside its arrays.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    progress: Progress,
    adam_steps: [u64; 2],
}

/// Parameters of a network, by the names of the equations.
fn player_arrays(who: &str, player: &Player<f32>, params: &[f32]) -> Vec<(String, (Vec<usize>, Values))> {
    let layout = player.network.layout();
    let array = |entry: &neuropil_nn::params::Entry| {
        let values = layout.view(params, &entry.name).to_vec();
        (
            format!("{who}.{}", entry.name),
            (entry.shape.clone(), values.into()),
        )
    };
    layout.entries().iter().map(array).collect()
}

fn mask_arrays(who: &str, player: &Player<f32>) -> Vec<(String, (Vec<usize>, Values))> {
    let layout = player.network.layout();
    let flags = &player.network.mask().0;
    let entries = layout
        .entries()
        .iter()
        .filter(|entry| layout.view(flags, &entry.name).contains(&false));
    entries
        .map(|entry| {
            let flags = layout.view(flags, &entry.name).iter();
            let values: Vec<f32> = flags.map(|&flag| f32::from(u8::from(flag))).collect();
            (
                format!("{who}.mask.{}", entry.name),
                (entry.shape.clone(), values.into()),
            )
        })
        .collect()
}

/// Signs, ties and initial parameters that a resumed run must find again.
fn constraint_arrays(who: &str, player: &Player<f32>) -> Vec<(String, (Vec<usize>, Values))> {
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
        .map(|(what, values)| (format!("{who}.{what}"), (vec![values.len()], values.into())))
        .collect()
}

/// Gives a network of a checkpoint the constraints that [`constraint_arrays`] wrote.
fn constrain(player: &mut Player<f32>, checkpoint: &Checkpoint, who: &str) {
    let find = |what: &str, n: usize| checkpoint.f32(&format!("{who}.{what}"), n);
    let n = player.params.len();
    if let Some(signs) = find("sign", player.network.shape().n_units) {
        player.signs = Some(signs.iter().map(|&s| s as i8).collect());
    }
    let gains = checkpoint.singles(&format!("{who}.tie.gain"));
    if let (Some(group), Some(base), Some((_, gains))) = (find("tie.group", n), find("tie.base", n), gains) {
        player.tie(Ties {
            group: group
                .iter()
                .map(|&g| if g < 0.0 { FREE } else { g as u32 })
                .collect(),
            base: base.to_vec(),
            gains: gains.to_vec(),
        });
    }
    if let Some(initial) = find("initial", n) {
        player.initial = Some(initial.to_vec());
    }
}

/// Parameters and masks of the networks of the best validation, and that validation.
fn best_of(state: &State) -> Checkpoint {
    let mut checkpoint = Checkpoint::default();
    for (who, player, best) in [
        ("policy", &state.policy, &state.best.0),
        ("value", &state.value, &state.best.1),
    ] {
        let arrays = player_arrays(who, player, best);
        checkpoint.arrays.extend(arrays);
        checkpoint.arrays.extend(mask_arrays(who, player));
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
    let players = [
        ("policy", &state.policy, &state.best.0),
        ("value", &state.value, &state.best.1),
    ];
    for (who, player, best) in players {
        last.arrays.extend(player_arrays(who, player, &player.params));
        last.arrays.extend(mask_arrays(who, player));
        last.arrays.extend(constraint_arrays(who, player));
        for (what, values) in [
            ("adam_m", &player.adam.first),
            ("adam_s", &player.adam.second),
            ("best", best),
        ] {
            let array = (vec![values.len()], values.clone().into());
            last.arrays.insert(format!("{who}.{what}"), array);
        }
    }
    if let Some(states) = &state.carried {
        for (who, state) in ["policy", "value"].iter().zip(states) {
            let array = (vec![state.len()], state.clone().into());
            last.arrays.insert(format!("{who}.carried"), array);
        }
    }
    let saved = Saved {
        progress: state.progress.clone(),
        adam_steps: [state.policy.adam.steps, state.value.adam.steps],
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
    alpha: f64,
) -> Result<Player<f32>, TrainError> {
    let layout = template.network.layout().clone();
    let (mut params, mut mask) = (vec![0.0; layout.len()], vec![true; layout.len()]);
    for entry in layout.entries() {
        let name = format!("{who}.{}", entry.name);
        let array = |name: &str| {
            let found = checkpoint
                .singles(name)
                .filter(|(shape, _)| *shape == entry.shape);
            found.map(|(_, values)| values)
        };
        let values = array(&name).ok_or_else(|| TrainError::Mismatch {
            path: path.display().to_string(),
            message: format!(
                "no array `{name}` of shape {:?}, expected one by the run's settings",
                entry.shape
            ),
        })?;
        layout.view_mut(&mut params, &entry.name).copy_from_slice(values);
        if let Some(flags) = array(&format!("{who}.mask.{}", entry.name)) {
            for (flag, &value) in layout.view_mut(&mut mask, &entry.name).iter_mut().zip(flags) {
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
    let alpha = task.dt_ms / config.tau_ms;
    let policy = player_of(checkpoint, path, "policy", policy, alpha)?;
    Ok((policy, player_of(checkpoint, path, "value", value, alpha)?))
}

/// Networks, moments and progress as a run's last checkpoint holds them.
pub(super) fn state_of(
    checkpoint: &Checkpoint,
    path: &Path,
    config: &Config,
    task: &Task,
) -> Result<State, TrainError> {
    let (policy, value) = players_of(checkpoint, path, config, task)?;
    let mismatch = |message: String| TrainError::Mismatch {
        path: path.display().to_string(),
        message,
    };
    let saved: Saved = checkpoint.state(path)?;
    let mut state = State::new(policy, value);
    let State {
        policy,
        value,
        best,
        progress,
        carried,
    } = &mut state;
    let state_of = |who: &str, n: usize| {
        let found = checkpoint.f32(&format!("{who}.carried"), n);
        found.map(<[f32]>::to_vec)
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
        constrain(player, checkpoint, who);
        for (what, target) in [
            ("adam_m", &mut player.adam.first),
            ("adam_s", &mut player.adam.second),
            ("best", best),
        ] {
            let name = format!("{who}.{what}");
            let found = checkpoint.f32(&name, target.len());
            let values = found.ok_or_else(|| mismatch(format!("no array `{name}` to resume from")))?;
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
    let last = keeper::last(run)?.ok_or_else(|| TrainError::Mismatch {
        path: path.display().to_string(),
        message: "no checkpoint yet".to_owned(),
    })?;
    Ok(last.state::<Saved>(&path)?.progress)
}
