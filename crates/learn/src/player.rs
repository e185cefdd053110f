//! A network with its parameters and everything that moves them.

use neuropil_math::real::Real;
use neuropil_nn::network::Network;
use neuropil_nn::optim::{Adam, AdamRule, Step, clip};
use neuropil_nn::ties::Ties;

/// Penalties on weights and rates; 0 switches one off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// L1 on recurrent weights, per weight.
    pub l1_recurrent: f64,
    /// L2 on recurrent and gate weights, per weight.
    pub l2_recurrent: f64,
    /// L2 on rates, per unit and executed step.
    pub l2_rates: f64,
    /// L2 on recurrent and gate weights minus their initial values, per existing weight.
    pub l2_initial: f64,
}

/// A network with its parameters and everything that moves them.
#[derive(Debug)]
pub struct Player<R> {
    /// The network; always loaded with `params`.
    pub network: Network<R>,
    /// Current parameters, flat.
    pub params: Vec<R>,
    /// Moments of the optimiser.
    pub adam: Adam<R>,
    /// Arrays that never move.
    pub fixed: Vec<String>,
    /// Learning rate.
    pub learning_rate: f64,
    /// Standard deviation of the recurrent noise per step.
    pub noise_sd: f64,
    /// Penalties.
    pub penalties: Penalties,
    /// Dale's law: +1 excites alone, −1 inhibits alone, 0 is free; one per unit.
    pub signs: Option<Vec<i8>>,
    /// Parameters that learn together.
    pub ties: Option<Ties<R>>,
    /// Initial parameters, where [`Penalties::l2_initial`] needs them.
    pub initial: Option<Vec<R>>,
}

impl<R: Real> Player<R> {
    /// A network about to learn from fresh moments, with nothing fixed and no penalty.
    pub fn new(mut network: Network<R>, params: Vec<R>, learning_rate: f64, noise_sd: f64) -> Self {
        network.load(&params);
        let adam = Adam::new(params.len(), AdamRule::default());
        Self {
            network,
            params,
            adam,
            fixed: Vec::new(),
            learning_rate,
            noise_sd,
            penalties: Penalties::default(),
            signs: None,
            ties: None,
            initial: None,
        }
    }

    /// Lets parameters learn together from now on, from fresh moments.
    pub fn tie(&mut self, ties: Ties<R>) {
        ties.spread(&mut self.params);
        self.network.load(&self.params);
        self.adam = Adam::new(self.params.len() + ties.gains.len(), self.adam.rule);
        self.ties = Some(ties);
    }

    /// Replaces the parameters.
    pub fn set_params(&mut self, params: &[R]) {
        self.params.copy_from_slice(params);
        self.network.load(&self.params);
    }

    /// Penalties on the weights: adds their gradient, returns their value.
    pub(crate) fn penalise_weights(&self, gradient: &mut [R]) -> f64 {
        let Penalties {
            l1_recurrent: l1,
            l2_recurrent: l2,
            ..
        } = self.penalties;
        let pull = self.pull_to_initial(gradient);
        let layout = self.network.layout();
        if (l1 == 0.0 && l2 == 0.0) || !layout.has("w_rec") {
            return pull;
        }
        let n = self.network.shape().n_units as f64;
        let n_blocks = layout.view(&self.params, "b_in").len() as f64 / n; // drive and gates
        let arrays = [
            ("w_rec", l1 / (n * n), l2 / (n_blocks * n * n)),
            ("w_gates", 0.0, l2 / (n_blocks * n * n)),
        ];
        let mut penalty = pull;
        for (name, l1, l2) in arrays.into_iter().filter(|(name, ..)| layout.has(name)) {
            let exists = layout.view(&self.network.mask().0, name);
            let weights = layout.view(&self.params, name).iter().zip(exists);
            for (g, (w, &exists)) in layout.view_mut(gradient, name).iter_mut().zip(weights) {
                if exists {
                    let w = w.f64();
                    penalty += l1 * w.abs() + l2 * w * w;
                    let sign = if w == 0.0 { 0.0 } else { w.signum() };
                    *g += R::of(l1 * sign + 2.0 * l2 * w);
                }
            }
        }
        penalty
    }

    fn step(&mut self, gradient: &mut [R], max_norm: f64) -> Step {
        let (rate, n) = (self.learning_rate, self.params.len());
        let Some(ties) = &mut self.ties else {
            let step = clip::to_norm(gradient, max_norm);
            self.adam.step(&mut self.params, gradient, rate);
            return step;
        };
        let mut moving = [&self.params[..], &ties.gains].concat();
        let mut gradient = ties.gather(gradient);
        let step = clip::to_norm(&mut gradient, max_norm);
        self.adam.step(&mut moving, &gradient, rate);
        self.params.copy_from_slice(&moving[..n]);
        ties.gains.copy_from_slice(&moving[n..]);
        step
    }

    /// Clips, steps and reloads; the gradient of fixed arrays counts as 0.
    pub(crate) fn apply(&mut self, gradient: &mut [R], max_norm: f64) -> Step {
        self.hold(gradient);
        let step = self.step(gradient, max_norm);
        self.obey_dale();
        if let Some(ties) = &self.ties {
            ties.spread(&mut self.params);
        }
        self.network.load(&self.params);
        step
    }
}
