//! Supervised learning of trials by a recurrent network, step by step.
//!
//! loss = Σ weight · cross-entropy over steps and trials; with weight = mask/(steps · trials) it is that of Masse et al. (2018),
//! in which masked steps count in the denominator. A unit whose gate is 0 has rate 0, is heard by nobody and moves nothing:
//! the network of the other units ([`among`]) is the same network.

use neuropil_math::real::Real;
use neuropil_nn::loss::cross_entropy;
use neuropil_nn::network::{Backward, History, Keep, Network, Shape};
use neuropil_nn::params::Gathered;
use rayon::prelude::*;

/// Trials of equal length and what is right at every step.
#[derive(Clone, Copy, Debug)]
pub struct Trials<'a, R> {
    /// Steps.
    pub n_steps: usize,
    /// Trials.
    pub n_trials: usize,
    /// Inputs \[step\]\[trial\]\[input\].
    pub inputs: &'a [R],
    /// The right output \[step\]\[trial\].
    pub targets: &'a [usize],
    /// Weight of the loss \[step\]\[trial\].
    pub weights: &'a [f64],
}

/// What a pass over trials gives.
#[derive(Clone, Debug)]
pub struct Passed<R> {
    /// Loss.
    pub loss: f64,
    /// Its gradient, laid out like the parameters.
    pub gradient: Vec<R>,
    /// Outputs \[step\]\[trial\]\[output\].
    pub logits: Vec<R>,
    /// Rates \[step\]\[trial\]\[unit\].
    pub rates: Vec<R>,
}

/// Shape and parameters of the network of some units.
///
/// Arrays of all units, inputs and outputs are known by their names; those of states and gates hold several blocks of units.
pub fn among(shape: Shape, active: &[usize]) -> (Shape, Gathered) {
    let n = shape.n_units;
    let blocks = move |size: usize| -> Option<Vec<usize>> {
        Some(
            (0..size / n)
                .flat_map(|block| active.iter().map(move |&unit| block * n + unit))
                .collect(),
        )
    };
    let gathered = shape.layout().gathered(|entry, axis| match (&*entry.name, axis) {
        ("w_in" | "w_gates" | "w_rec" | "synapse", 1) | ("x0" | "b_in" | "b_rec", 0) => {
            blocks(entry.shape[axis])
        }
        ("w_gates" | "w_rec" | "w_out", 0) => blocks(entry.shape[axis]),
        _ => None,
    });
    (
        Shape {
            n_units: active.len(),
            ..shape
        },
        gathered,
    )
}

/// Loss and gradient of trials; blocks of `L` trials run on the threads of the pool, results are added in their order.
pub fn pass<R: Real, const L: usize>(network: &Network<R>, trials: Trials<R>) -> Passed<R> {
    let shape = network.shape();
    let (outputs, units) = (shape.n_outputs, shape.n_rates());
    let blocks: Vec<Block<R>> = (0..trials.n_trials.div_ceil(L))
        .into_par_iter()
        .map(|block| one::<R, L>(network, trials, block * L))
        .collect();
    let mut passed = Passed {
        loss: 0.0,
        gradient: vec![R::ZERO; network.layout().len()],
        logits: vec![R::ZERO; trials.n_steps * trials.n_trials * outputs],
        rates: vec![R::ZERO; trials.n_steps * trials.n_trials * units],
    };
    for (index, block) in blocks.into_iter().enumerate() {
        passed.loss += block.loss;
        passed
            .gradient
            .iter_mut()
            .zip(&block.gradient)
            .for_each(|(sum, &g)| *sum += g);
        let lanes = L.min(trials.n_trials - index * L);
        for (all, rows, width) in [
            (&mut passed.logits, &block.logits, outputs),
            (&mut passed.rates, &block.rates, units),
        ] {
            for step in 0..trials.n_steps {
                for lane in 0..lanes {
                    let to = (step * trials.n_trials + index * L + lane) * width;
                    (0..width).for_each(|k| all[to + k] = rows[(step * width + k) * L + lane]);
                }
            }
        }
    }
    passed
}

/// Results of one block, lane-wise: \[step\]\[row\]\[L\].
struct Block<R> {
    loss: f64,
    gradient: Vec<R>,
    logits: Vec<R>,
    rates: Vec<R>,
}

fn one<R: Real, const L: usize>(network: &Network<R>, trials: Trials<R>, first: usize) -> Block<R> {
    let shape = network.shape();
    let (n, outputs, units) = (trials.n_steps, shape.n_outputs, shape.n_rates());
    let lanes = L.min(trials.n_trials - first);
    let mut history = History::<R, L>::new(shape, n + 1, Keep::All);
    for step in 0..n {
        let rows = history.input_mut(step + 1);
        for lane in 0..lanes {
            let from =
                &trials.inputs[(step * trials.n_trials + first + lane) * shape.n_inputs..][..shape.n_inputs];
            from.iter()
                .enumerate()
                .for_each(|(input, &value)| rows[input * L + lane] = value);
        }
    }
    network.begin(&mut history, None);
    network.project(&mut history, 1..n + 1);
    let (mut logits, mut rates) = (vec![R::ZERO; n * outputs * L], vec![R::ZERO; n * units * L]);
    for step in 0..n {
        network.recur(&mut history, step + 1);
        network.read_out(
            &history,
            step + 1,
            &mut logits[step * outputs * L..][..outputs * L],
        );
        rates[step * units * L..][..units * L].copy_from_slice(history.read(step + 1));
    }
    let mut d_outputs = vec![R::ZERO; (n + 1) * outputs * L];
    let (mut loss, mut z, mut d) = (0.0, vec![R::ZERO; outputs], vec![R::ZERO; outputs]);
    for step in 0..n {
        for lane in 0..lanes {
            let place = step * trials.n_trials + first + lane;
            (0..outputs).for_each(|k| z[k] = logits[(step * outputs + k) * L + lane]);
            loss += cross_entropy(
                &z,
                outputs,
                0..outputs,
                &trials.targets[place..=place],
                |_| trials.weights[place],
                &mut d,
            );
            (0..outputs).for_each(|k| d_outputs[((step + 1) * outputs + k) * L + lane] = d[k]);
        }
    }
    let lengths: Vec<usize> = (0..L).map(|lane| if lane < lanes { n + 1 } else { 0 }).collect();
    let mut gradients = network.gradients::<L>();
    let block = Backward {
        d_outputs: &d_outputs,
        lengths: &lengths,
        rate_penalty: 0.0,
        from_x0: true,
    };
    network.backward(&history, block, &mut gradients);
    let mut gradient = vec![R::ZERO; network.layout().len()];
    network.collect(&mut gradients, &mut gradient);
    Block {
        loss,
        gradient,
        logits,
        rates,
    }
}
