//! What a step of the optimiser must not undo: fixed arrays, absent read-out weights, Dale's law.
//!
//! Dale's law: all weights of one presynaptic unit have one sign. With w = s|θ|, s the sign of the unit, the gradient
//! with respect to θ is sign(θ)·s times that with respect to w. Keeping θ = w at all times, this is an ordinary step
//! after which a weight that has crossed 0 is reflected, and its momentum with it.

use crate::update::Player;
use neuropil_math::real::Real;
use neuropil_nn::adam::Adam;

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
        let Some(n_excitatory) = self.excitatory_units else {
            return;
        };
        let layout = self.network.layout().clone();
        let n = self.network.shape().n_units;
        let Adam { first, .. } = &mut self.adam;
        for name in ["w_rec", "w_gates"].into_iter().filter(|name| layout.has(name)) {
            let weights = layout.view_mut(&mut self.params, name);
            let columns = weights.len() / n;
            let moments = layout.view_mut(first, name);
            for (i, (w, m)) in weights.iter_mut().zip(moments).enumerate() {
                let excites = i / columns < n_excitatory;
                if (excites && *w < R::ZERO) || (!excites && *w > R::ZERO) {
                    *w = -*w;
                    *m = -*m;
                }
            }
        }
    }
}
