//! Networks for tests, drawn from a simple law.

use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::init::{in_degree, uniform};
use neuropil_nn::network::{Mask, Shape};
use rand::RngExt;

/// How to draw a network.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub(crate) input_gain: f64,
    pub(crate) output_bias: f64,
    /// Fraction of the units that each unit hears in every recurrent block.
    pub(crate) density: f64,
    /// About the spectral radius of every recurrent block.
    pub(crate) radius: f64,
    /// Signs of the presynaptic units; 0 is free.
    pub(crate) signs: Option<Vec<i8>>,
    /// Units that inhibit are not read out.
    pub(crate) excitatory_readout: bool,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            input_gain: 1.7,
            output_bias: 0.0,
            density: 1.0,
            radius: 2.0,
            signs: None,
            excitatory_readout: false,
        }
    }
}

impl Drawing {
    /// Parameters and mask; the read-out is 0 but for its bias.
    pub(crate) fn draw(&self, shape: Shape, seed: u64) -> (Vec<f64>, Mask) {
        let (layout, n, key) = (shape.layout(), shape.n_units, Key::new(seed));
        let (mut params, mut mask): (Vec<f64>, _) = (shape.initial(), vec![true; layout.len()]);
        layout.view_mut(&mut params, "b_out").fill(self.output_bias);
        let mut stream = key.stream(Purpose::Init, 0);
        uniform(layout.view_mut(&mut params, "w_in"), self.input_gain, &mut stream);
        let k = (self.density * n as f64) as usize;
        for (index, name) in ["w_rec", "w_gates"].into_iter().enumerate() {
            let columns = layout.view(&params, name).len() / n;
            let mut masks = key.stream(Purpose::Mask, index as u64);
            let exists = in_degree(n, columns, k, &mut masks);
            let size = self.radius * (3.0 / k as f64).sqrt();
            for (i, w) in layout.view_mut(&mut params, name).iter_mut().enumerate() {
                let sign = self.signs.as_ref().map_or(0, |signs| signs[i / columns]);
                let draw = size * (2.0 * stream.random::<f64>() - 1.0);
                let signed = if sign == 0 {
                    draw
                } else {
                    draw.abs() * f64::from(sign)
                };
                *w = if exists[i] { signed } else { 0.0 };
            }
            layout.view_mut(&mut mask, name).copy_from_slice(&exists);
        }
        if let Some(signs) = self.signs.as_ref().filter(|_| self.excitatory_readout) {
            let read = layout.view_mut(&mut mask, "w_out");
            for (flag, i) in read.iter_mut().zip(0..) {
                *flag = signs[i / shape.n_outputs] >= 0;
            }
        }
        (params, Mask(mask))
    }
}
