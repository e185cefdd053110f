//! The policy and value networks of a run.

use crate::array_file::ArrayFileError;
use crate::config::{Config, NetworkConfig, unit_range};
use crate::init::{Dale, InitError, Initial, draw};
use crate::masks::read_masks;
use crate::wiring::{Wiring, read_wiring};
use neuropil_lab::error::Problem;
use neuropil_learn::player::{Penalties, Player};
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Mask, Network, Shape};
use neuropil_nn::ties::Ties;
use neuropil_tasks::task::Task;

/// Standard deviation per step of recurrent noise: √(2τσ²/Δt).
pub fn noise_sd(variance: f64, tau_ms: f64, dt_ms: f64) -> f64 {
    (2.0 * tau_ms * variance / dt_ms).sqrt()
}

/// Shapes of policy and value network.
pub fn shapes(config: &Config, task: &Task) -> (Shape, Shape) {
    let policy = Shape {
        cell: config.policy.cell,
        n_units: config.policy.units,
        n_inputs: task.n_inputs(),
        n_outputs: task.n_actions(),
    };
    let n_inputs = config.policy.units + task.n_actions();
    let value = Shape {
        cell: config.value.cell,
        n_units: config.value.units,
        n_inputs,
        n_outputs: 1,
    };
    (policy, value)
}

/// Why networks cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// Weights that cannot be scaled or balanced.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A file of masks, signs, types or initial values.
    #[error(transparent)]
    File(#[from] Box<ArrayFileError>),
}

impl From<DrawError> for Problem {
    fn from(error: DrawError) -> Self {
        match error {
            DrawError::File(error) => (*error).into(),
            DrawError::Init(error) => Self::bare(error.to_string()),
        }
    }
}

/// Networks of the settings' shapes, to be filled from a checkpoint, which holds masks, signs and ties as well.
///
/// # Errors
/// As [`draw_players`], but for files, which are not read.
pub(crate) fn blank_players(config: &Config, task: &Task) -> Result<(Player<f32>, Player<f32>), DrawError> {
    let mut config = config.clone();
    for net in [&mut config.policy, &mut config.value] {
        net.masks.clear();
        net.initial.clear();
        net.tied.clear();
        (net.signs, net.types) = (None, None);
    }
    draw_players(&config, task, 0)
}

/// Draws the networks of the `attempt`-th try.
///
/// # Errors
/// No network of this size and density has a loop; a file that does not fit.
pub fn draw_players(
    config: &Config,
    task: &Task,
    attempt: u64,
) -> Result<(Player<f32>, Player<f32>), DrawError> {
    let key = Key::new(config.seed).attempt(attempt);
    let (policy_shape, value_shape) = shapes(config, task);
    // K is counted in units of the policy for both networks, as in the published code.
    let gain = |net: &NetworkConfig, n_inputs: usize| {
        let partners = net.connection_probability * config.policy.units as f64;
        net.input_scale * partners.sqrt() / n_inputs as f64
    };
    let policy_masks = read_masks("policy", &config.policy, policy_shape)?;
    let value_masks = read_masks("value", &config.value, value_shape)?;
    let policy_wiring = read_wiring("policy", &config.policy, policy_shape, &policy_masks)?;
    let value_wiring = read_wiring("value", &config.value, value_shape, &value_masks)?;
    let initial = |net: &NetworkConfig, shape: Shape, masks, wiring: &Wiring, output_bias: f64| Initial {
        input_gain: if shape.n_inputs == 0 {
            0.0
        } else {
            gain(net, shape.n_inputs)
        },
        connection_probability: net.connection_probability,
        spectral_radius: net.spectral_radius,
        output_bias: net.output_bias.unwrap_or(output_bias),
        input_mask: input_mask(net, task, shape),
        masks,
        values: wiring.initial.clone(),
        dale: dale(net, wiring),
    };
    // The reference counts partners as p₀·N whatever N_in.
    let policy = draw(
        policy_shape,
        &initial(&config.policy, policy_shape, policy_masks, &policy_wiring, 0.0),
        key,
        Purpose::InitPolicy,
        Purpose::MaskPolicy,
    )?;
    let value = draw(
        value_shape,
        &initial(
            &config.value,
            value_shape,
            value_masks,
            &value_wiring,
            task.definition.rewards.abort,
        ),
        key,
        Purpose::InitValue,
        Purpose::MaskValue,
    )?;
    let alpha = task.dt_ms / config.tau_ms;
    let player = |net: &NetworkConfig, shape: Shape, wiring: &Wiring, (params, mask): (Vec<f64>, Mask)| {
        let params: Vec<f32> = params.into_iter().map(|x| x as f32).collect();
        let types = wiring.types.as_ref();
        let ties = types.map(|types| Ties::by_type(shape, &mask, types, &net.tied, &params));
        let network = Network::new(shape, mask, alpha);
        let sd = noise_sd(net.noise_variance, config.tau_ms, task.dt_ms);
        let mut player = Player::new(network, params, net.learning_rate, sd);
        player.fixed.clone_from(&net.fixed);
        player.signs = dale(net, wiring).map(|dale| dale.signs);
        player.penalties = Penalties {
            l1_recurrent: config.training.l1_recurrent,
            l2_recurrent: config.training.l2_recurrent,
            l2_rates: net.l2_rates,
            l2_initial: net.l2_initial,
        };
        if let Some(ties) = ties {
            player.tie(ties);
        }
        if net.l2_initial > 0.0 {
            player.initial = Some(player.params.clone());
        }
        player
    };
    Ok((
        player(&config.policy, policy_shape, &policy_wiring, policy),
        player(&config.value, value_shape, &value_wiring, value),
    ))
}

fn dale(net: &NetworkConfig, wiring: &Wiring) -> Option<Dale> {
    if let Some(signs) = &wiring.signs {
        return Some(Dale {
            signs: signs.clone(),
            balanced: false,
            excitatory_readout: net.excitatory_readout,
        });
    }
    net.excitatory_fraction.map(|fraction| {
        let n_excitatory = (fraction * net.units as f64).round() as usize;
        Dale::population(n_excitatory, net.units, net.excitatory_readout)
    })
}

/// Which input reaches which unit, if any input is restricted.
fn input_mask(net: &NetworkConfig, task: &Task, shape: Shape) -> Option<Vec<bool>> {
    if net.input_targets.is_empty() || shape.cell == Cell::Linear {
        return None;
    }
    let mut mask = vec![true; shape.n_inputs * shape.n_units];
    for (name, &[from, to]) in &net.input_targets {
        let input = task.definition.inputs.iter().position(|input| input == name)?;
        let reached = unit_range(from, to, shape.n_units);
        for unit in 0..shape.n_units {
            mask[input * shape.n_units + unit] = reached.contains(&unit);
        }
    }
    Some(mask)
}
