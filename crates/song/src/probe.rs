//! Experiments on a trained policy: silence and stimulate units, scale inputs, show given inputs and noise.
//!
//! Every probed trial is paired with the same trial left alone: same condition, same noise, same draws for its actions.
//! The value network takes no part; without it behaviour is the same.

mod told;

use neuropil_learn::rollout::{Draws, Keyed};
use neuropil_learn::validate::Ran;
use neuropil_math::rng::{Key, Phase};
use neuropil_tasks::block::TrialBlock;
use neuropil_tasks::environment::Environment;
use neuropil_tasks::performance::End;
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dynamics::{Dynamics, rates};
use crate::testing::{Fixed, Tested, factorial};
pub use told::{Side, Told};

/// What is done to the network, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Units whose rate counts as 0 for all others and for the read-out. Their own state goes on.
    pub silence: Vec<usize>,
    /// Currents: unit, and what is added to its drive.
    pub stimulate: Vec<(usize, f64)>,
    /// Inputs, by index, and the factor of their mean and noise.
    pub scale: Vec<(usize, f64)>,
    /// Factor of the recurrent noise.
    pub noise: Option<f64>,
    /// When; from the first step to the last if absent.
    pub window: Option<Window>,
}

/// A part of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Epoch whose onset is time 0; the start of the trial if absent. A trial without the epoch is left alone.
    pub epoch: Option<String>,
    /// From here, ms.
    pub from_ms: f64,
    /// Until before here, ms; the end of the epoch or the trial if absent.
    pub to_ms: Option<f64>,
}

impl Probe {
    /// Steps [from, to) of a trial in which the probe acts.
    fn steps(&self, task: &Task, trial: &Trial) -> (usize, usize) {
        let Some(window) = &self.window else {
            return (0, usize::MAX);
        };
        let epoch = match &window.epoch {
            None => Some((0, task.n_steps)),
            Some(name) => {
                let known = task.epochs.iter().position(|epoch| epoch.name == *name);
                known.and_then(|epoch| trial.epochs[epoch])
            }
        };
        let Some((start, end)) = epoch else {
            return (0, 0);
        };
        let at = |ms: f64| (start as f64 + ms / task.dt_ms).max(0.0).ceil() as usize;
        (at(window.from_ms), window.to_ms.map_or(end, at))
    }
}

/// The same trials, left alone and probed.
#[derive(Debug)]
pub struct Probed {
    /// Left alone.
    pub intact: Tested,
    /// Probed.
    pub probed: Tested,
}

/// Runs `per_condition` trials of every condition twice, without and with the probe, on the current thread pool.
///
/// The trials are those of [`crate::testing::test()`] with as many trials a condition; `noise_sd` is the recurrent
/// noise's standard deviation per step.
pub fn probe(
    dynamics: &Dynamics,
    noise_sd: f64,
    task: &Task,
    seed: u64,
    per_condition: usize,
    probe: &Probe,
) -> Probed {
    let key = Key::new(seed).phase(Phase::Test);
    let trials = factorial(task, key, per_condition, &Fixed::new());
    let run = |probe: &Probe| {
        let ends: Vec<(End, f64)> = trials
            .par_iter()
            .enumerate()
            .map(|(id, trial)| run_trial(dynamics, noise_sd, task, trial, key, id as u64, probe))
            .collect();
        let ran = Ran {
            ends,
            tallies: Vec::new(),
            rounds: Vec::new(),
        };
        Tested::of(task, trials.clone(), ran)
    };
    Probed {
        intact: run(&Probe::default()),
        probed: run(probe),
    }
}

/// Rates as the others hear them: 0 for silenced units.
fn heard(x: &[f64], silenced: &[usize]) -> Vec<f64> {
    let mut r = rates(x);
    silenced.iter().for_each(|&unit| r[unit] = 0.0);
    r
}

fn run_trial(
    dynamics: &Dynamics,
    noise_sd: f64,
    task: &Task,
    trial: &Trial,
    key: Key,
    id: u64,
    probe: &Probe,
) -> (End, f64) {
    let (from, to) = probe.steps(task, trial);
    let mut world = TrialBlock::<1>::new(vec![trial], &task.noisy_inputs, key, &[id]);
    let mut draws = Keyed::<1>::new(key, &[id], noise_sd);
    let mut x = dynamics.initial_state().to_vec();
    let (mut u, mut q) = (vec![0.0; dynamics.n_inputs()], vec![0.0; dynamics.n_units()]);
    let mut earned = 0.0;
    let active = |t: usize| (from..to).contains(&t);
    let silenced = |t: usize| if active(t) { &probe.silence[..] } else { &[] };
    for t in 0..task.n_steps {
        if t > 0 {
            world.observe(t, &mut u);
            draws.noise(t, &mut q);
            if active(t) {
                probe.scale.iter().for_each(|&(input, factor)| u[input] *= factor);
                q.iter_mut().for_each(|q| *q *= probe.noise.unwrap_or(1.0));
                probe
                    .stimulate
                    .iter()
                    .for_each(|&(unit, current)| q[unit] += current);
            }
            let r = heard(&x, silenced(t - 1));
            dynamics.step(&mut x, &r, &u, &q);
        }
        let probabilities = dynamics.probabilities(&heard(&x, silenced(t)));
        let [draw]: [f64; 1] = Draws::<f64, 1>::uniform(&mut draws, t);
        let action = choose(&probabilities, draw);
        let (mut reward, mut ended) = ([0.0], [false]);
        world.act(t, &[action], &[true], &mut reward, &mut ended);
        earned += reward[0] * (-task.discount_per_step() * t as f64).exp();
        if ended[0] || t + 1 == task.n_steps {
            return (End { action, step: t }, earned);
        }
    }
    unreachable!("a trial has at least one step")
}

/// The first action whose cumulative probability exceeds the draw.
fn choose(probabilities: &[f64], draw: f64) -> usize {
    let mut cumulative = 0.0;
    let last = probabilities.len() - 1;
    probabilities[..last]
        .iter()
        .position(|p| {
            cumulative += p;
            cumulative > draw
        })
        .unwrap_or(last)
}

/// What the policy does with given inputs and noise, action draws aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Rates, \[step\]\[unit\]; step 0 is the initial state.
    pub rates: Vec<f64>,
    /// Action probabilities, \[step\]\[action\].
    pub probabilities: Vec<f64>,
}

/// Runs the policy on given inputs \[step\]\[input\] and noise \[step\]\[unit\] (empty: none); row t acts on the step to t,
/// so row 0 of both is not used. The probe's window counts from the first step.
pub fn respond(dynamics: &Dynamics, inputs: &[f64], noise: &[f64], probe: &Probe, dt_ms: f64) -> Response {
    let n = dynamics.n_units();
    let n_steps = inputs.len() / dynamics.n_inputs();
    let window = probe.window.as_ref();
    let at = |ms: f64| (ms / dt_ms).max(0.0).ceil() as usize;
    let from = window.map_or(0, |window| at(window.from_ms));
    let to = window.and_then(|window| window.to_ms).map_or(usize::MAX, at);
    let silenced = |t: usize| {
        if (from..to).contains(&t) {
            &probe.silence[..]
        } else {
            &[]
        }
    };
    let mut x = dynamics.initial_state().to_vec();
    let mut response = Response {
        rates: Vec::with_capacity(n_steps * n),
        probabilities: Vec::new(),
    };
    for t in 0..n_steps {
        if t > 0 {
            let mut u = inputs[t * dynamics.n_inputs()..][..dynamics.n_inputs()].to_vec();
            let mut q = if noise.is_empty() {
                vec![0.0; n]
            } else {
                noise[t * n..][..n].to_vec()
            };
            if (from..to).contains(&t) {
                probe.scale.iter().for_each(|&(input, factor)| u[input] *= factor);
                q.iter_mut().for_each(|q| *q *= probe.noise.unwrap_or(1.0));
                probe
                    .stimulate
                    .iter()
                    .for_each(|&(unit, current)| q[unit] += current);
            }
            let r = heard(&x, silenced(t - 1));
            dynamics.step(&mut x, &r, &u, &q);
        }
        let r = heard(&x, silenced(t));
        response.probabilities.extend(dynamics.probabilities(&r));
        response.rates.extend(r);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draw_players;
    use crate::resolve::resolve;
    use crate::testing::test;
    use neuropil_learn::player::Player;
    use neuropil_tasks::registry;

    /// A policy that holds fixation for a while and then chooses at random.
    fn drawn() -> (Task, Player<f32>) {
        let task = registry::find("rdm", Some(50.0)).unwrap();
        let config = resolve(&task, |layers| layers.set("policy.units=20"))
            .unwrap()
            .value;
        let (mut policy, _) = draw_players(&config, &task, 0).unwrap();
        let mut params = policy.params.clone();
        let layout = policy.network.layout().clone();
        layout
            .view_mut(&mut params, "b_out")
            .copy_from_slice(&[5.0, 0.0, 0.0]);
        for (i, weight) in layout.view_mut(&mut params, "w_out").iter_mut().enumerate() {
            *weight = [0.3, -0.4, 0.2, -0.1, 0.25][i % 5];
        }
        policy.set_params(&params);
        (task, policy)
    }

    #[test]
    fn left_alone_trials_end_as_those_of_the_engine() {
        let (task, policy) = drawn();
        let dynamics = Dynamics::of(&policy, 0.5).unwrap();
        let engine = test(&policy, &task, 1, 40, &Fixed::new(), false);
        let probed = probe(&dynamics, policy.noise_sd, &task, 1, 40, &Probe::default());
        assert_eq!(probed.intact.ends, probed.probed.ends);
        // Single against double precision: a draw may fall between the two cumulative probabilities.
        let same = engine
            .ends
            .iter()
            .zip(&probed.intact.ends)
            .filter(|(a, b)| a.0 == b.0)
            .count();
        assert!(same >= 398, "{same} of 400 trials end alike");
        let lengths: std::collections::BTreeSet<usize> =
            engine.ends.iter().map(|(end, _)| end.step).collect();
        assert!(lengths.len() > 10, "trials of many lengths: {lengths:?}");
    }

    #[test]
    fn a_probe_acts_in_its_window_only() {
        let (task, policy) = drawn();
        let dynamics = Dynamics::of(&policy, 0.5).unwrap();
        let experiment = |probed: &Probe| probe(&dynamics, policy.noise_sd, &task, 1, 40, probed);
        let window = |from_ms: f64| Window {
            epoch: None,
            from_ms,
            to_ms: None,
        };
        let late = Probe {
            silence: (0..20).collect(),
            window: Some(window(400.0)),
            ..Probe::default()
        };
        let found = experiment(&late);
        let pairs = || found.intact.ends.iter().zip(&found.probed.ends);
        assert!(
            pairs().filter(|(a, _)| a.0.step < 8).all(|(a, b)| a == b),
            "the same until then"
        );
        assert!(pairs().any(|(a, b)| a != b), "not the same after it");
        // An epoch that begins at 750 ms.
        let stimulus = Probe {
            stimulate: vec![(3, 50.0)],
            window: Some(Window {
                epoch: Some("stimulus".to_owned()),
                from_ms: 0.0,
                to_ms: Some(100.0),
            }),
            ..Probe::default()
        };
        let found = experiment(&stimulus);
        let pairs = || found.intact.ends.iter().zip(&found.probed.ends);
        assert!(pairs().filter(|(a, _)| a.0.step < 15).all(|(a, b)| a == b));
        assert!(pairs().any(|(a, b)| a != b));
    }

    #[test]
    fn silencing_everything_leaves_the_bias_of_the_read_out() {
        let (_, policy) = drawn();
        let dynamics = Dynamics::of(&policy, 0.5).unwrap();
        let probe = Probe {
            silence: (0..20).collect(),
            ..Probe::default()
        };
        let response = respond(&dynamics, &[0.5; 3 * 10], &[], &probe, 50.0);
        let fixate = 5.0_f64.exp() / (5.0_f64.exp() + 2.0);
        for p in response.probabilities.chunks(3) {
            assert!((p[0] - fixate).abs() < 1e-6, "{p:?}");
        }
        assert!(response.rates.iter().all(|&rate| rate == 0.0));
        let alone = respond(&dynamics, &[0.5; 3 * 10], &[], &Probe::default(), 50.0);
        assert!(alone.rates.iter().any(|&rate| rate > 0.0) && alone.rates.len() == 200);
    }
}
