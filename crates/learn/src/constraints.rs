//! What a step of the optimiser must not undo: fixed arrays, absent read-out weights, Dale's law; and the pull back to
//! the initial weights.
//!
//! Dale's law: all weights of one presynaptic unit have one sign. With w = s|θ|, s the sign of the unit, the gradient
//! with respect to θ is sign(θ)·s times that with respect to w. Keeping θ = w at all times, this is an ordinary step
//! after which a weight that has crossed 0 is reflected, and its momentum with it. Of tied weights the gain is
//! reflected: their bases have the signs of their units.

use crate::player::Player;
use neuropil_math::real::Real;
use neuropil_nn::ties::FREE;

impl<R: Real> Player<R> {
    /// Sets to 0 the gradient of what does not move. Recurrent and input weights that do not exist have none anyway.
    pub(crate) fn hold(&self, gradient: &mut [R]) {
        let layout = self.network.layout();
        for name in &self.fixed {
            layout.view_mut(gradient, name).fill(R::ZERO);
        }
        let exists = layout.view(&self.network.mask().0, "w_out");
        for (g, &exists) in layout.view_mut(gradient, "w_out").iter_mut().zip(exists) {
            if !exists {
                *g = R::ZERO;
            }
        }
    }

    /// Puts weights that have crossed 0 back on the side of their presynaptic unit.
    pub(crate) fn obey_dale(&mut self) {
        let Some(signs) = &self.signs else {
            return;
        };
        let layout = self.network.layout();
        let n_params = self.params.len();
        for name in ["w_rec", "w_gates"] {
            let Some(from) = layout.offset(name) else {
                continue;
            };
            let n = layout.view(&self.params, name).len();
            let columns = n / signs.len();
            for i in 0..n {
                let (place, sign) = (from + i, signs[i / columns]);
                if sign == 0 {
                    continue;
                }
                let tied = self.ties.as_mut().filter(|ties| ties.group[place] != FREE);
                let (value, moment, crossed) = match tied {
                    Some(ties) => {
                        let group = ties.group[place] as usize;
                        let gain = &mut ties.gains[group];
                        let crossed = *gain < R::ZERO;
                        (gain, n_params + group, crossed)
                    }
                    None => {
                        let w = &mut self.params[place];
                        let crossed = if sign > 0 { *w < R::ZERO } else { *w > R::ZERO };
                        (w, place, crossed)
                    }
                };
                if crossed {
                    *value = -*value;
                    self.adam.first[moment] = -self.adam.first[moment];
                }
            }
        }
    }

    /// λ/m Σ (w − w⁰)² over the m existing recurrent and gate weights: adds its gradient, returns its value.
    pub(crate) fn pull_to_initial(&self, gradient: &mut [R]) -> f64 {
        let Some(initial) = &self.initial else {
            return 0.0;
        };
        let (layout, exists) = (self.network.layout(), &self.network.mask().0);
        let arrays = ["w_rec", "w_gates"].into_iter().filter(|name| layout.has(name));
        let existing: Vec<usize> = arrays
            .flat_map(|name| {
                let from = layout.offset(name).unwrap_or_default();
                (from..from + layout.view(exists, name).len()).filter(|&i| exists[i])
            })
            .collect();
        let weight = self.penalties.l2_initial / existing.len().max(1) as f64;
        let mut penalty = 0.0;
        for i in existing {
            let away = self.params[i].f64() - initial[i].f64();
            penalty += weight * away * away;
            gradient[i] += R::of(2.0 * weight * away);
        }
        penalty
    }
}
