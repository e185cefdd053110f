//! A trained network one step at a time, in double precision, with everything in reach.
//!
//! The equations of [`neuropil_nn::cell`], written plainly: for probing a network rather than training it. With
//! r = max(0, x), λ and γ the gates and y the drive, a step and the flow behind it are
//!
//! ```text
//! x_t = x_{t−1} + α g(x_{t−1}, u_t),        τ dx/dt = g(x, u) = λ(x, u) ∘ (y(x, u) − x)
//! ```
//!
//! and, with H = 1 where x > 0 and 0 elsewhere, the Jacobian of the flow is
//!
//! ```text
//! ∂λ_i/∂x_j = H_j λ_i (1 − λ_i) W_λ[j, i]
//! ∂y_i/∂x_j = H_j (γ_j W_rec[j, i] + Σ_k r_k γ_k (1 − γ_k) W_γ[j, k] W_rec[k, i])
//! ∂g_i/∂x_j = ∂λ_i/∂x_j (y_i − x_i) + λ_i (∂y_i/∂x_j − δ_ij)
//! ```
//!
//! Without gates λ = γ = 1.

use neuropil_learn::player::Player;
use neuropil_math::real::Real;
use neuropil_nn::cell::Cell;

/// The equations of one network.
#[derive(Clone, Debug)]
pub struct Dynamics {
    n: usize,
    n_inputs: usize,
    alpha: f64,
    x0: Vec<f64>,
    drive: Pathway,
    /// Update and recurrent gate.
    gates: Option<(Pathway, Pathway)>,
    /// N × outputs.
    w_out: Vec<f64>,
    b_out: Vec<f64>,
}

/// What reaches one set of N units: weights from the units that exist, from the inputs, and a bias.
#[derive(Clone, Debug)]
struct Pathway {
    /// For each target the units that it hears, with their weights.
    recurrent: Vec<Vec<(usize, f64)>>,
    /// Inputs × N.
    input: Vec<f64>,
    bias: Vec<f64>,
}

impl Pathway {
    /// Σ_j source_j W\[j, i\] + Σ_k u_k W_in\[k, i\] + b_i for every target i.
    fn reach(&self, source: &[f64], u: &[f64]) -> Vec<f64> {
        let n = self.bias.len();
        let target = |i: usize| {
            let heard: f64 = self.recurrent[i]
                .iter()
                .map(|&(j, weight)| source[j] * weight)
                .sum();
            let shown: f64 = u.iter().enumerate().map(|(k, u)| u * self.input[k * n + i]).sum();
            heard + shown + self.bias[i]
        };
        (0..n).map(target).collect()
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Drive and gates at one state and input.
struct Parts {
    update: Vec<f64>,
    recurrent: Vec<f64>,
    drive: Vec<f64>,
}

impl Dynamics {
    /// The equations of a network with units in continuous time; `alpha` = Δt/τ. None for a linear read-out, which
    /// has no dynamics, and for long short-term memory, which counts steps.
    pub fn of<R: Real>(player: &Player<R>, alpha: f64) -> Option<Self> {
        let shape = player.network.shape();
        if !matches!(shape.cell, Cell::Gated | Cell::Leaky) {
            return None;
        }
        let (n, layout) = (shape.n_rates(), player.network.layout());
        let values: Vec<f64> = player
            .params
            .iter()
            .zip(&player.network.mask().0)
            .map(|(value, &exists)| if exists { value.f64() } else { 0.0 })
            .collect();
        let array = |name: &str| layout.view(&values, name);
        // Column blocks of `w_in` and `b_in`: drive, update gate, recurrent gate.
        let blocks = array("b_in").len() / n;
        let pathway = |block: usize, recurrent: &[f64], width: usize, first: usize| Pathway {
            recurrent: (0..n)
                .map(|i| {
                    let weights = (0..n).map(|j| (j, recurrent[j * width + first + i]));
                    weights.filter(|(_, weight)| *weight != 0.0).collect()
                })
                .collect(),
            input: (0..shape.n_inputs * n)
                .map(|k| array("w_in")[(k / n) * blocks * n + block * n + k % n])
                .collect(),
            bias: array("b_in")[block * n..][..n].to_vec(),
        };
        Some(Self {
            n,
            n_inputs: shape.n_inputs,
            alpha,
            x0: array("x0").to_vec(),
            drive: pathway(0, array("w_rec"), n, 0),
            gates: (shape.cell == Cell::Gated).then(|| {
                let gates = array("w_gates");
                (pathway(1, gates, 2 * n, 0), pathway(2, gates, 2 * n, n))
            }),
            w_out: array("w_out").to_vec(),
            b_out: array("b_out").to_vec(),
        })
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.n
    }

    /// Number of inputs.
    pub fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    /// Number of outputs.
    pub fn n_outputs(&self) -> usize {
        self.b_out.len()
    }

    /// The state before the first step.
    pub fn initial_state(&self) -> &[f64] {
        &self.x0
    }

    fn parts(&self, r: &[f64], u: &[f64]) -> Parts {
        let (update, recurrent) = match &self.gates {
            Some((update, recurrent)) => (
                update.reach(r, u).into_iter().map(logistic).collect(),
                recurrent.reach(r, u).into_iter().map(logistic).collect(),
            ),
            None => (vec![1.0; self.n], vec![1.0; self.n]),
        };
        let gated: Vec<f64> = r
            .iter()
            .zip(&recurrent)
            .map(|(r, gamma): (&f64, &f64)| r * gamma)
            .collect();
        Parts {
            drive: self.drive.reach(&gated, u),
            update,
            recurrent,
        }
    }

    /// Moves the state `x` on by one step, given the rates that the units hear, the input and what is added to the
    /// drive of each unit (noise, currents).
    pub fn step(&self, x: &mut [f64], rates: &[f64], u: &[f64], added: &[f64]) {
        let parts = self.parts(rates, u);
        for i in 0..self.n {
            let y = parts.drive[i] + added[i];
            x[i] += self.alpha * parts.update[i] * (y - x[i]);
        }
    }

    /// The flow g(x, u) = τ dx/dt without noise.
    pub fn flow(&self, x: &[f64], u: &[f64]) -> Vec<f64> {
        let parts = self.parts(&rates(x), u);
        (0..self.n)
            .map(|i| parts.update[i] * (parts.drive[i] - x[i]))
            .collect()
    }

    /// The Jacobian of the flow, ∂g_i/∂x_j at \[i\]\[j\], row-major.
    pub fn jacobian(&self, x: &[f64], u: &[f64]) -> Vec<f64> {
        let n = self.n;
        let r = rates(x);
        let parts = self.parts(&r, u);
        let mut jacobian = vec![0.0; n * n];
        for i in 0..n {
            for &(j, weight) in &self.drive.recurrent[i] {
                jacobian[i * n + j] += parts.recurrent[j] * weight;
            }
        }
        if let Some((update, recurrent)) = &self.gates {
            // Unit j moves the gate of k, through which k reaches i.
            for i in 0..n {
                for &(k, weight) in &self.drive.recurrent[i] {
                    let gamma = parts.recurrent[k];
                    let through = r[k] * gamma * (1.0 - gamma) * weight;
                    if through != 0.0 {
                        for &(j, gate) in &recurrent.recurrent[k] {
                            jacobian[i * n + j] += through * gate;
                        }
                    }
                }
            }
            for i in 0..n {
                let lambda = parts.update[i];
                jacobian[i * n..][..n]
                    .iter_mut()
                    .for_each(|entry| *entry *= lambda);
                let slope = lambda * (1.0 - lambda) * (parts.drive[i] - x[i]);
                for &(j, weight) in &update.recurrent[i] {
                    jacobian[i * n + j] += slope * weight;
                }
            }
        }
        for (e, entry) in jacobian.iter_mut().enumerate() {
            if x[e % n] <= 0.0 {
                *entry = 0.0;
            }
        }
        for i in 0..n {
            jacobian[i * n + i] -= parts.update[i];
        }
        jacobian
    }

    /// Probabilities of the actions: the soft-max of the read-out of `rates`.
    pub fn probabilities(&self, rates: &[f64]) -> Vec<f64> {
        let n_outputs = self.b_out.len();
        let mut z = self.b_out.clone();
        for (r, weights) in rates.iter().zip(self.w_out.chunks_exact(n_outputs)) {
            z.iter_mut().zip(weights).for_each(|(z, weight)| *z += r * weight);
        }
        let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        z.iter_mut().for_each(|z| *z = (*z - largest).exp());
        let sum: f64 = z.iter().sum();
        z.into_iter().map(|z| z / sum).collect()
    }
}

/// r = max(0, x).
pub fn rates(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| x.max(0.0)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::draw_players;
    use crate::resolve::resolve;
    use neuropil_math::rng::{Key, Purpose};
    use neuropil_nn::network::{History, Keep, Network};
    use neuropil_tasks::registry;
    use rand::RngExt;

    /// A fresh policy of `rdm` with a read-out that is not zero.
    pub(crate) fn policy(settings: &[&str]) -> Player<f64> {
        let task = registry::find("rdm", None).unwrap();
        let config = resolve(&task, |layers| {
            settings.iter().try_for_each(|setting| layers.set(setting))
        });
        let (policy, _) = draw_players(&config.unwrap().value, &task, 0).unwrap();
        let mut stream = Key::new(3).stream(Purpose::Test, 0);
        let mut params: Vec<f64> = policy.params.iter().map(|&x| f64::from(x)).collect();
        let layout = policy.network.layout();
        for name in ["w_out", "b_out", "b_in"] {
            for value in layout.view_mut(&mut params, name) {
                *value = stream.random::<f64>() - 0.5;
            }
        }
        let network = Network::new(policy.network.shape(), policy.network.mask().clone(), 0.1);
        Player::new(network, params, 0.004, 0.0)
    }

    #[test]
    fn steps_are_those_of_the_engine() {
        for cell in ["gated", "leaky"] {
            let player = policy(&["policy.units=30", &format!("policy.cell=\"{cell}\"")]);
            let dynamics = Dynamics::of(&player, 0.1).unwrap();
            let network = &player.network;
            let mut history = History::<f64, 8>::new(network.shape(), 20, Keep::All);
            network.begin(&mut history, None);
            let mut stream = Key::new(4).stream(Purpose::Test, 0);
            let mut x = dynamics.initial_state().to_vec();
            for t in 1..20 {
                let u: Vec<f64> = (0..3).map(|_| stream.random()).collect();
                let q: Vec<f64> = (0..30).map(|_| stream.random::<f64>() - 0.5).collect();
                for (lanes, &u) in history.input_mut(t).as_chunks_mut::<8>().0.iter_mut().zip(&u) {
                    *lanes = [u; 8];
                }
                for (lanes, &q) in history.noise_mut(t).as_chunks_mut::<8>().0.iter_mut().zip(&q) {
                    *lanes = [q; 8];
                }
                network.advance(&mut history, t);
                let heard = rates(&x);
                dynamics.step(&mut x, &heard, &u, &q);
                for (i, lanes) in history.state(t).as_chunks::<8>().0.iter().enumerate() {
                    assert!((lanes[3] - x[i]).abs() < 1e-12, "{cell}, step {t}, unit {i}");
                }
            }
        }
    }

    #[test]
    fn the_jacobian_is_that_of_finite_differences() {
        for cell in ["gated", "leaky"] {
            let player = policy(&[
                "policy.units=20",
                "policy.connection_probability=0.3",
                &format!("policy.cell=\"{cell}\""),
            ]);
            let dynamics = Dynamics::of(&player, 0.1).unwrap();
            let mut stream = Key::new(5).stream(Purpose::Test, 0);
            for _ in 0..5 {
                let x: Vec<f64> = (0..20).map(|_| 2.0 * stream.random::<f64>() - 0.7).collect();
                let u: Vec<f64> = (0..3).map(|_| stream.random()).collect();
                let jacobian = dynamics.jacobian(&x, &u);
                let h = 1e-6;
                for j in 0..20 {
                    let moved = |by: f64| {
                        let mut x = x.clone();
                        x[j] += by;
                        dynamics.flow(&x, &u)
                    };
                    let (up, down) = (moved(h), moved(-h));
                    for i in 0..20 {
                        let slope = (up[i] - down[i]) / (2.0 * h);
                        let found = jacobian[i * 20 + j];
                        assert!(
                            (slope - found).abs() < 1e-7,
                            "{cell} [{i}, {j}]: {found}, not {slope}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_linear_read_out_has_no_dynamics() {
        let task = registry::find("rdm-linear-value", None).unwrap();
        let config = resolve(&task, |_| Ok(())).unwrap().value;
        let (_, value) = draw_players(&config, &task, 0).unwrap();
        assert!(Dynamics::of(&value, 0.1).is_none());
    }
}
