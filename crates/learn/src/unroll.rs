//! Whole trials forward, whatever is done in them, then backward from any loss on the outputs.
//!
//! Where inputs do not depend on actions (trial tables, most supervised tasks) a block of trials runs through all of its
//! steps first, and is judged afterwards: what inputs add to all steps is then one large product. What an update learns
//! from the outputs is a [`Judge`]: [`crate::actor_critic`] for rewards, [`crate::targets`] for targets.

use crate::batch::Batch;
use crate::update::reduce;
use neuropil_math::noise::NoiseLanes;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::buffer::Buffer;
use neuropil_nn::network::{Backward, Gradients, History, Keep, Network};
use neuropil_tasks::environment::Environment;
use rayon::prelude::*;

/// Outputs of a block of trials, to be judged.
#[derive(Debug)]
pub struct Outputs<'a, R> {
    /// Trial of each lane; lanes beyond are empty.
    pub trials: &'a [u64],
    /// Steps of a trial, the initial state included.
    pub n_steps: usize,
    /// \[step\]\[output\]\[L\], step 0 the initial state.
    pub outputs: &'a [R],
    /// Gradient of the loss with respect to them, the same shape; zeros, to be written.
    pub d_outputs: &'a mut [R],
    /// Names the streams of the batch.
    pub key: Key,
}

/// What a batch is to be learnt from.
pub trait Judge<R, const L: usize>: Sync {
    /// What is added up over the blocks.
    type Report: Default + Clone + Send + std::iter::Sum;
    /// Judges one block: its loss and whatever else counts; writes the gradient of the loss.
    fn judge(&self, world: &mut dyn Environment, block: Outputs<'_, R>) -> Self::Report;
}

/// Buffers for batches of trials that are unrolled, kept from one to the next.
#[derive(Debug)]
pub struct Unrolled<R, const L: usize> {
    blocks: Vec<Block<R, L>>,
    gradient: Vec<R>,
    n_steps: usize,
}

#[derive(Debug)]
struct Block<R, const L: usize> {
    history: History<R, L>,
    inputs: Vec<f64>,
    outputs: Buffer<R>,
    d_outputs: Buffer<R>,
    gradients: Gradients<R, L>,
    flat: Vec<R>,
}

/// What runs: a network, its noise and its gains.
#[derive(Clone, Copy, Debug)]
pub struct Runner<'a, R> {
    /// The network, loaded.
    pub network: &'a Network<R>,
    /// Standard deviation per step of the recurrent noise.
    pub noise_sd: f64,
    /// Gains of the rates, if any, \[unit\] for all trials or \[trial\]\[unit\]: which part of the network a task may use.
    pub gains: Option<&'a [R]>,
}

impl<R: Real, const L: usize> Unrolled<R, L> {
    /// Buffers for batches of `n_trials` trials of `n_steps` steps, the initial state included.
    pub fn new(network: &Network<R>, n_trials: usize, n_steps: usize) -> Self {
        let shape = network.shape();
        let block = || Block {
            history: History::new(shape, n_steps, Keep::All),
            inputs: vec![0.0; shape.n_inputs * L],
            outputs: Buffer::zeros(n_steps * shape.n_outputs * L),
            d_outputs: Buffer::zeros(n_steps * shape.n_outputs * L),
            gradients: network.gradients(),
            flat: vec![R::ZERO; network.layout().len()],
        };
        Self {
            blocks: (0..n_trials.div_ceil(L)).map(|_| block()).collect(),
            gradient: vec![R::ZERO; network.layout().len()],
            n_steps,
        }
    }

    /// Gradient of the last batch that was learnt from.
    pub fn gradient(&self) -> &[R] {
        &self.gradient
    }

    /// Runs a batch and adds up what the judge makes of its blocks, in block order. Blocks share the current thread pool.
    pub fn run<J: Judge<R, L>>(
        &mut self,
        runner: Runner<R>,
        batch: &dyn Batch,
        key: Key,
        judge: &J,
    ) -> J::Report {
        self.pass(runner, batch, key, judge, false)
    }

    /// The same; then goes back from the judge's gradients, and leaves that of the parameters in
    /// [`Unrolled::gradient`].
    pub fn learn<J: Judge<R, L>>(
        &mut self,
        runner: Runner<R>,
        batch: &dyn Batch,
        key: Key,
        judge: &J,
    ) -> J::Report {
        let report = self.pass(runner, batch, key, judge, true);
        let n_blocks = batch.n_trials().div_ceil(L);
        let parts = self.blocks[..n_blocks].iter().map(|block| &block.flat[..]);
        reduce(&mut self.gradient, parts);
        report
    }

    fn pass<J: Judge<R, L>>(
        &mut self,
        runner: Runner<R>,
        batch: &dyn Batch,
        key: Key,
        judge: &J,
        learn: bool,
    ) -> J::Report {
        let n_steps = self.n_steps;
        assert!(
            batch.n_steps() == n_steps && batch.n_trials() <= self.blocks.len() * L,
            "buffers are made for one size of batch"
        );
        let ids: Vec<u64> = (0..batch.n_trials() as u64).collect();
        let one = |(block, ids): (&mut Block<R, L>, &[u64])| {
            let mut world = batch.open(key, ids, L);
            block.forward(runner, &mut *world, key, ids, n_steps);
            block.d_outputs.fill(R::ZERO);
            let outputs = Outputs {
                trials: ids,
                n_steps,
                outputs: &block.outputs,
                d_outputs: &mut block.d_outputs,
                key,
            };
            let report = judge.judge(&mut *world, outputs);
            if learn {
                block.backward(runner.network, ids.len(), n_steps);
            }
            report
        };
        let reports: Vec<J::Report> = self
            .blocks
            .par_iter_mut()
            .zip(ids.par_chunks(L))
            .map(one)
            .collect();
        reports.into_iter().sum()
    }
}

impl<R: Real, const L: usize> Block<R, L> {
    fn forward(
        &mut self,
        runner: Runner<R>,
        world: &mut dyn Environment,
        key: Key,
        ids: &[u64],
        n_steps: usize,
    ) {
        let (network, history) = (runner.network, &mut self.history);
        let mut noise = NoiseLanes::<L>::new(key, Purpose::PolicyNoise, ids);
        for t in 1..n_steps {
            world.observe(t, &mut self.inputs);
            for (u, &input) in history.input_mut(t).iter_mut().zip(&self.inputs) {
                *u = R::of(input);
            }
            noise.fill_normal(runner.noise_sd, history.noise_mut(t));
        }
        if let Some(gains) = runner.gains {
            let n = network.shape().n_rates();
            let mut rows = vec![R::ZERO; n * L];
            for (lane, &id) in ids.iter().enumerate() {
                let of_trial = if gains.len() == n {
                    gains
                } else {
                    &gains[id as usize * n..][..n]
                };
                for (row, &gain) in rows.as_chunks_mut::<L>().0.iter_mut().zip(of_trial) {
                    row[lane] = gain;
                }
            }
            history.set_gains(Some(&rows));
        } else {
            history.set_gains(None);
        }
        network.begin(history, None);
        network.project(history, 1..n_steps);
        let width = network.shape().n_outputs * L;
        for (t, outputs) in self.outputs.chunks_exact_mut(width).enumerate() {
            if t > 0 {
                network.recur(history, t);
            }
            network.read_out(history, t, outputs);
        }
    }

    fn backward(&mut self, network: &Network<R>, n_trials: usize, n_steps: usize) {
        let lengths: [usize; L] = std::array::from_fn(|lane| if lane < n_trials { n_steps } else { 0 });
        let going_back = Backward {
            d_outputs: &self.d_outputs,
            lengths: &lengths,
            rate_penalty: 0.0,
            from_x0: true,
        };
        network.backward(&self.history, going_back, &mut self.gradients);
        self.flat.fill(R::ZERO);
        network.collect(&mut self.gradients, &mut self.flat);
    }
}
