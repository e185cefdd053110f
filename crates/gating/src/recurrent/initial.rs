//! Initial parameters of the recurrent networks, and which of them exist.

use super::settings::{RecurrentSettings, Unit};
use crate::masse2018::cognitive::{EXCITATORY, GAMMA_SHAPE, INITIAL, INITIAL_RATE, RELEASE, SLOW_FAST_MS};
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::init::uniform;
use neuropil_nn::network::Shape;
use neuropil_nn::params::Layout;
use neuropil_nn::synapse::Synapse;
use rand_distr::{Distribution, Gamma};

/// Does each unit inhibit? Every n-th does, n the units over the inhibitory ones.
fn inhibits(n: usize) -> Vec<bool> {
    let inhibitory = n - (EXCITATORY * n as f64).round() as usize;
    let every = n.checked_div(inhibitory).unwrap_or(usize::MAX);
    (0..n)
        .map(|unit| (unit + 1).is_multiple_of(every) && (unit + 1) / every <= inhibitory)
        .collect()
}

/// Which parameters exist: of excitatory and inhibitory units, no weight from a unit to itself and no output of an
/// inhibitory one.
pub(crate) fn exists(cell: Unit, shape: Shape, layout: &Layout) -> Vec<bool> {
    let mut exists = vec![true; layout.len()];
    if cell == Unit::EiStp {
        let n = shape.n_units;
        let own = layout.view_mut(&mut exists, "w_rec").iter_mut().step_by(n + 1);
        own.for_each(|exists| *exists = false);
        let rows = layout
            .view_mut(&mut exists, "w_out")
            .chunks_exact_mut(shape.n_outputs);
        for (row, inhibits) in rows.zip(inhibits(n)) {
            row.fill(!inhibits);
        }
    }
    exists
}

/// Parameters before the first task.
///
/// Weights of an LSTM and read-outs are uniform on ±0.05, all biases 0, that of forget gates included; input and recurrent
/// weights of excitatory and inhibitory units are 0.05 times a gamma variable of shape ¼. States begin at 0, rates of
/// those units at 0.1.
pub(crate) fn initial(settings: &RecurrentSettings, shape: Shape, dt_ms: f64, key: Key) -> Vec<f32> {
    let layout = shape.layout();
    let mut theta = vec![0.0; layout.len()];
    for (index, entry) in layout.entries().iter().enumerate() {
        let mut stream = key.stream(Purpose::Init, index as u64);
        let weights = layout.view_mut(&mut theta, &entry.name);
        match (settings.network.cell, &*entry.name) {
            (Unit::EiStp, "w_in" | "w_rec") => {
                let law = Gamma::new(GAMMA_SHAPE, INITIAL).expect("a gamma distribution");
                weights.fill_with(|| law.sample(&mut stream));
            }
            (_, "w_in" | "w_rec" | "w_gates" | "w_out") => uniform(weights, INITIAL, &mut stream),
            _ => {}
        }
    }
    if settings.network.cell == Unit::EiStp {
        plastic(shape.n_units, &layout, dt_ms, &mut theta);
    }
    let exists = exists(settings.network.cell, shape, &layout);
    let both = theta.iter().zip(exists);
    both.map(|(&theta, exists)| if exists { theta as f32 } else { 0.0 })
        .collect()
}

/// Constants of the synapses, which facilitate for odd and depress for even units, and the state that they begin with.
fn plastic(n: usize, layout: &Layout, dt_ms: f64, theta: &mut [f64]) {
    let one = |(unit, inhibits): (usize, bool)| {
        let facilitates = unit % 2 == 1;
        let [slow, fast] = SLOW_FAST_MS.map(|tau| dt_ms / tau);
        Synapse {
            sign: if inhibits { -1.0 } else { 1.0 },
            release: RELEASE[usize::from(!facilitates)],
            facilitation: if facilitates { slow } else { fast },
            depression: if facilitates { fast } else { slow },
            step_s: dt_ms / 1000.0,
        }
    };
    let synapses: Vec<Synapse> = inhibits(n).into_iter().enumerate().map(one).collect();
    layout
        .view_mut(theta, "synapse")
        .copy_from_slice(&Synapse::array(&synapses));
    let x0 = layout.view_mut(theta, "x0");
    x0[..n].fill(1.0);
    x0[n..2 * n]
        .iter_mut()
        .zip(&synapses)
        .for_each(|(u, synapse)| *u = synapse.release);
    x0[2 * n..].fill(INITIAL_RATE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fifth_unit_inhibits() {
        let of = |n: usize| -> Vec<usize> { (0..n).filter(|&unit| inhibits(n)[unit]).collect() };
        assert_eq!(of(10), [4, 9]);
        let paper = of(256);
        assert_eq!((paper.len(), paper[0], paper[50]), (51, 4, 254));
    }
}
