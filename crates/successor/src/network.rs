//! RNN-S: a recurrent network that learns the transitions between its inputs.
//!
//! ΔJ_ij(t) = η_j [x_i(t) x_j(t−1) − (Σ_k J_ik x_k(t−1)) x_j(t−1)] (Fang et al. 2023, eq. 4): potentiation of a
//! synapse whose pre- came before its postsynaptic neuron, less a part that the neuron's own recurrent input sets.
//! With x = φ one-hot each neuron's outgoing synapses are a running mean of what followed it. With the recurrent
//! activity x = (I − γJ)⁻¹ φ the fixed point is the same: x is a linear map of φ that commutes with J.
//!
//! One step changes J by a rank of one, so that M̂ = (I − γJᵀ)⁻¹ follows by the formula of Sherman and Morrison in
//! O(N²), is refreshed by LU decomposition from time to time, and where the formula would divide by almost nothing.

use crate::dynamics::{Dynamics, iterate, read_out, respond};
use crate::error::SuccessorError;
use crate::fang2023::{ACTIVITY_CLAMP, BASELINE_GAIN};
use crate::matrix::Matrix;
use crate::rank_one::{Coefficients, NEGLIGIBLE, Stretches, add_outer, add_rows, dot_rows};
use crate::rate::Rate;
use serde::{Deserialize, Serialize};

/// Steps between two decompositions from scratch.
const REFRESH: usize = 500;
/// Denominators of the rank-one formula below this ask for a decomposition.
const LEAST_DENOMINATOR: f64 = 1e-8;
/// Steps between two looks at the spectral radius where the row sums do not settle it.
const LOOK: usize = 25;

/// Settings of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RnnSConfig {
    /// Gain γ during learning.
    pub gain: f64,
    /// How activity is computed.
    pub dynamics: Dynamics,
    /// Learning rate.
    pub rate: Rate,
    /// Whether to go on where the linear network is unstable, to see what becomes of it (Fig. 3a); its activity then
    /// means nothing, and [`RnnS::read_out`] refuses all the same.
    pub tolerate_instability: bool,
}

impl Default for RnnSConfig {
    fn default() -> Self {
        Self {
            gain: BASELINE_GAIN,
            dynamics: Dynamics::SteadyState,
            rate: Rate::default(),
            tolerate_instability: false,
        }
    }
}

/// What a network sees in one step.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A state, one-hot.
    State(usize),
    /// One value per neuron.
    Features(&'a [f64]),
}

/// The network while it learns.
#[derive(Clone, Debug)]
pub struct RnnS {
    config: RnnSConfig,
    n: usize,
    /// T̂ = Jᵀ: row j holds the outgoing synapses of neuron j.
    transitions: Matrix,
    /// M̂ = (I − γT̂)⁻¹; kept for the linear steady state alone.
    successor: Option<Matrix>,
    counts: Vec<f64>,
    before: Option<Vec<f64>>,
    activity: Vec<f64>,
    row_sums: Vec<f64>,
    steps: usize,
    since_refresh: usize,
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    surprise: Vec<f64>,
    learning: Vec<f64>,
    reached: Vec<f64>,
    change: Vec<f64>,
    c: Coefficients,
    pre: Coefficients,
    stretches: Stretches,
}

impl RnnS {
    /// A network of `n` neurons without synapses.
    ///
    /// # Errors
    /// No neurons, or settings outside their ranges.
    pub fn new(n: usize, config: RnnSConfig) -> Result<Self, SuccessorError> {
        if n == 0 {
            return Err(SuccessorError::setting("the number of neurons", n, "at least 1"));
        }
        if !(config.gain >= 0.0 && config.gain.is_finite()) {
            return Err(SuccessorError::setting("the gain γ", config.gain, "at least 0"));
        }
        config.dynamics.check()?;
        config.rate.check()?;
        let linear = config.dynamics == Dynamics::SteadyState && config.gain > 0.0;
        Ok(Self {
            config,
            n,
            transitions: Matrix::zeros(n, n),
            successor: linear.then(|| Matrix::identity(n)),
            counts: vec![config.rate.start(); n],
            before: None,
            activity: vec![0.0; n],
            row_sums: vec![0.0; n],
            steps: 0,
            since_refresh: 0,
            scratch: Scratch::default(),
        })
    }

    /// A network with given synapses and counts, as one that was saved.
    ///
    /// # Errors
    /// As [`RnnS::new`], and for a network that is unstable.
    pub fn with_synapses(
        transitions: Matrix,
        counts: Vec<f64>,
        steps: usize,
        config: RnnSConfig,
    ) -> Result<Self, SuccessorError> {
        let mut network = Self::new(transitions.rows(), config)?;
        if transitions.columns() != network.n || counts.len() != network.n {
            let found = format!(
                "{} x {} with {} counts",
                transitions.rows(),
                transitions.columns(),
                counts.len()
            );
            return Err(SuccessorError::setting(
                "the network",
                found,
                "square, with one count per neuron",
            ));
        }
        network.transitions = transitions;
        network.counts = counts;
        network.steps = steps;
        for j in 0..network.n {
            network.row_sums[j] = network.transitions.row(j).iter().map(|w| w.abs()).sum();
        }
        if network.successor.is_some() {
            network.refresh()?;
        }
        Ok(network)
    }

    /// Number of neurons.
    pub fn neurons(&self) -> usize {
        self.n
    }

    /// Settings.
    pub fn config(&self) -> &RnnSConfig {
        &self.config
    }

    /// T̂ = Jᵀ: row j holds the outgoing synapses of neuron j.
    pub fn transitions(&self) -> &Matrix {
        &self.transitions
    }

    /// Activity counts n.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// Learning rate of every neuron.
    pub fn rates(&self) -> Vec<f64> {
        self.counts
            .iter()
            .map(|&count| self.config.rate.of(count))
            .collect()
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Forgets what came last: nothing is learned across a break of the walk.
    pub fn pause(&mut self) {
        self.before = None;
    }

    /// Activity for an input at the gain of learning, then learning. Returns the activity.
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] when the linear network has lost its steady state; a state or a number of
    /// features that does not fit; weights that ran away.
    pub fn step(&mut self, input: Input<'_>) -> Result<&[f64], SuccessorError> {
        self.respond(input)?;
        let present: Vec<f64> = self
            .activity
            .iter()
            .map(|x| x.clamp(-ACTIVITY_CLAMP, ACTIVITY_CLAMP))
            .collect();
        if let Some(before) = self.before.take() {
            self.config.rate.count(&mut self.counts, &present, &before, 1.0);
            self.learn(&before, &present)?;
        }
        self.before = Some(present);
        self.steps += 1;
        Ok(&self.activity)
    }

    /// Activity for an input at another gain; nothing is learned.
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] with γρ.
    pub fn retrieve(&self, input: Input<'_>, gain: f64) -> Result<Vec<f64>, SuccessorError> {
        let mut one_hot = vec![0.0; self.n];
        let input = match input {
            Input::Features(input) => input,
            Input::State(state) => {
                self.check_state(state)?;
                one_hot[state] = 1.0;
                &one_hot
            }
        };
        respond(&self.transitions, input, gain, self.config.dynamics)
    }

    /// M̂ at a gain.
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] with γρ.
    pub fn read_out(&self, gain: f64) -> Result<Matrix, SuccessorError> {
        read_out(&self.transitions, gain, self.config.dynamics)
    }

    /// Decomposes from scratch: what follows is the same as in a network restored from its synapses.
    ///
    /// # Errors
    /// [`SuccessorError::Unstable`] with γρ.
    pub fn consolidate(&mut self) -> Result<(), SuccessorError> {
        match self.successor {
            Some(_) => self.refresh(),
            None => Ok(()),
        }
    }

    /// Clamped activity of the last step, from which the next one learns.
    pub fn before(&self) -> Option<&[f64]> {
        self.before.as_deref()
    }

    /// Sets the activity from which the next step learns.
    pub fn set_before(&mut self, before: Option<Vec<f64>>) {
        self.before = before;
    }

    fn check_state(&self, state: usize) -> Result<(), SuccessorError> {
        if state < self.n {
            Ok(())
        } else {
            Err(SuccessorError::setting(
                "the state",
                state,
                format!("one of 0 to {}", self.n - 1),
            ))
        }
    }

    fn respond(&mut self, input: Input<'_>) -> Result<(), SuccessorError> {
        match input {
            Input::State(state) => self.check_state(state)?,
            Input::Features(features) if features.len() != self.n => {
                return Err(SuccessorError::setting(
                    "the number of features",
                    features.len(),
                    self.n.to_string(),
                ));
            }
            Input::Features(_) => {}
        }
        match (input, &self.successor) {
            (Input::State(state), Some(successor)) => self.activity.copy_from_slice(successor.row(state)),
            (Input::Features(features), Some(successor)) => {
                self.scratch.c.set(features.iter().copied(), NEGLIGIBLE);
                self.activity.fill(0.0);
                add_rows(successor.values(), self.n, &self.scratch.c, &mut self.activity);
            }
            (_, None) => {
                let mut one_hot = Vec::new();
                let features = match input {
                    Input::Features(features) => features,
                    Input::State(state) => {
                        one_hot.resize(self.n, 0.0);
                        one_hot[state] = 1.0;
                        &one_hot
                    }
                };
                match self.config.dynamics {
                    Dynamics::SteadyState => self.activity.copy_from_slice(features),
                    dynamics => {
                        self.activity = iterate(&self.transitions, features, self.config.gain, dynamics);
                    }
                }
            }
        }
        if self.activity.iter().all(|x| x.is_finite()) {
            Ok(())
        } else {
            Err(SuccessorError::NotFinite {
                what: "the activity",
                step: self.steps,
            })
        }
    }

    /// T̂ ← T̂ + v uᵀ with v = η ∘ x(t−1) and u = x(t) − J x(t−1).
    fn learn(&mut self, before: &[f64], present: &[f64]) -> Result<(), SuccessorError> {
        let (n, s) = (self.n, &mut self.scratch);
        s.learning.clear();
        s.learning.extend(
            before
                .iter()
                .zip(&self.counts)
                .map(|(x, &count)| self.config.rate.of(count) * x),
        );
        s.c.set(s.learning.iter().copied(), NEGLIGIBLE);
        s.pre.set(before.iter().map(|x| -x), NEGLIGIBLE);
        s.surprise.clear();
        s.surprise.extend_from_slice(present);
        add_rows(self.transitions.values(), n, &s.pre, &mut s.surprise);
        s.stretches.set(&s.surprise, NEGLIGIBLE);
        add_outer(self.transitions.values_mut(), n, &s.c, &s.surprise, &s.stretches);
        for &j in &s.c.at {
            self.row_sums[j] = self.transitions.row(j).iter().map(|w| w.abs()).sum();
            if !self.row_sums[j].is_finite() {
                return Err(SuccessorError::NotFinite {
                    what: "the weights",
                    step: self.steps,
                });
            }
        }
        if self.successor.is_some() {
            self.follow()
        } else {
            Ok(())
        }
    }

    /// M̂ ← M̂ + γ (M̂v)(uᵀM̂) / (1 − γ uᵀM̂v)
    fn follow(&mut self) -> Result<(), SuccessorError> {
        let (n, gain, s) = (self.n, self.config.gain, &mut self.scratch);
        let successor = self.successor.as_mut().expect("a linear network");
        s.reached.resize(n, 0.0);
        dot_rows(successor.values(), n, &s.c, &s.learning, &mut s.reached);
        s.change.clear();
        s.change.resize(n, 0.0);
        s.pre.set(s.surprise.iter().copied(), NEGLIGIBLE);
        add_rows(successor.values(), n, &s.pre, &mut s.change);
        let overlap: f64 = s.pre.iter().map(|(i, u)| u * s.reached[i]).sum();
        let denominator = 1.0 - gain * overlap;
        self.since_refresh += 1;
        // det(I − γT̂) changes by this factor: a real eigenvalue passes 1 exactly where the sign turns.
        if denominator < LEAST_DENOMINATOR || self.since_refresh >= REFRESH {
            return self.refresh();
        }
        s.c.set(s.reached.iter().map(|x| gain / denominator * x), NEGLIGIBLE);
        s.stretches.set(&s.change, NEGLIGIBLE);
        add_outer(successor.values_mut(), n, &s.c, &s.change, &s.stretches);
        match self.steps % LOOK {
            0 => self.look(),
            _ => Ok(()),
        }
    }

    fn refresh(&mut self) -> Result<(), SuccessorError> {
        self.since_refresh = 0;
        self.look()?;
        self.successor = Some(self.transitions.identity_minus(self.config.gain).inverse()?);
        Ok(())
    }

    /// Refuses a network whose activity would grow without bound.
    fn look(&self) -> Result<(), SuccessorError> {
        let gain = self.config.gain;
        let bound = gain * self.row_sums.iter().copied().fold(0.0, f64::max);
        if bound < 1.0 || self.config.tolerate_instability {
            return Ok(());
        }
        let radius = self.transitions.spectrum(gain)?.radius;
        if radius < 1.0 {
            Ok(())
        } else {
            Err(SuccessorError::Unstable { radius, gain })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Count;
    use crate::sr;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    fn walk(n: usize, steps: usize, seed: u64) -> Vec<usize> {
        let mut draws = Key::new(seed).stream(Purpose::Test, 0);
        let mut state = 0;
        let step = |_| {
            state = (state + [n - 1, 0, 1, 1][draws.random_range(0..4)]) % n;
            state
        };
        (0..steps).map(step).collect()
    }

    #[test]
    fn one_hot_activity_gives_exactly_the_transition_frequencies() {
        let states = walk(7, 400, 1);
        let rate = Rate::Adaptive {
            forgetting: 1.0,
            least: 0.0,
            start: 0.0,
            count: Count::Presynaptic,
        };
        let mut network = RnnS::new(
            7,
            RnnSConfig {
                gain: 0.0,
                rate,
                ..RnnSConfig::default()
            },
        )
        .unwrap();
        for &state in &states {
            network.step(Input::State(state)).unwrap();
        }
        let mut expected = sr::counts([&states[..]], 7).unwrap();
        for i in 0..7 {
            let sum: f64 = expected.row(i).iter().sum();
            expected.row_mut(i).iter_mut().for_each(|p| *p /= sum);
        }
        assert!(network.transitions().mean_absolute_error(&expected) < 1e-15);
        assert!(
            network
                .transitions()
                .row_sums()
                .iter()
                .all(|sum| (sum - 1.0).abs() < 1e-12)
        );
    }

    #[test]
    fn the_followed_inverse_is_the_one_solved_for_at_every_step() {
        for n in [2, 5, 40] {
            let states = walk(n, 1200, 2);
            let mut network = RnnS::new(n, RnnSConfig::default()).unwrap();
            let mut plain = Matrix::zeros(n, n);
            let (mut before, mut counts) = (None::<Vec<f64>>, vec![1e-4; n]);
            for &state in &states {
                network.step(Input::State(state)).unwrap();
                let x = plain.identity_minus(0.4).inverse().unwrap().row(state).to_vec();
                if let Some(before) = before {
                    let recurrent = plain.apply_left(&before);
                    for j in 0..n {
                        counts[j] = x[j] + 0.99999 * counts[j];
                        let rate = (1.0 / counts[j]).clamp(0.0, 1.0).max(1e-3);
                        for i in 0..n {
                            plain[(j, i)] += (x[i] - recurrent[i]) * rate * before[j];
                        }
                    }
                }
                before = Some(x);
            }
            assert!(
                network.transitions().mean_absolute_error(&plain) < 1e-13,
                "{n} states"
            );
        }
    }

    #[test]
    fn a_network_that_loses_its_steady_state_says_so() {
        let config = RnnSConfig {
            gain: 0.9,
            ..RnnSConfig::default()
        };
        let mut network = RnnS::new(12, config).unwrap();
        let refused = walk(12, 3000, 3)
            .into_iter()
            .find_map(|state| network.step(Input::State(state)).err());
        match refused {
            Some(SuccessorError::Unstable { radius, gain }) => assert!(radius >= 1.0 && gain == 0.9),
            other => panic!("{other:?}"),
        }
        let mut tolerant = RnnS::new(
            12,
            RnnSConfig {
                tolerate_instability: true,
                ..config
            },
        )
        .unwrap();
        for state in walk(12, 1000, 3) {
            if tolerant.step(Input::State(state)).is_err() {
                break;
            }
        }
        assert!(
            tolerant.read_out(0.999).is_err(),
            "no read-out of an unstable network"
        );
    }

    #[test]
    fn nothing_is_learned_across_a_pause() {
        let mut network = RnnS::new(
            3,
            RnnSConfig {
                gain: 0.0,
                ..RnnSConfig::default()
            },
        )
        .unwrap();
        network.step(Input::State(0)).unwrap();
        network.pause();
        network.step(Input::State(2)).unwrap();
        assert!(network.transitions().values().iter().all(|w| *w == 0.0));
        assert!(network.step(Input::State(3)).is_err());
        assert!(network.step(Input::Features(&[1.0])).is_err());
    }
}
