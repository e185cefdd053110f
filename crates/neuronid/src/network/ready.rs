//! A network that identifies: nothing is kept for a backward pass, and weights are laid out for products once.

use super::encoder::{LayerPass, Weights};
use super::{Network, Normalise, Pass, Request};
use crate::worm::Point;
use neuropil_math::real::Real;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Mutex;

/// A network whose parameters change no more; made by [`Network::ready`].
///
/// All positions are normalised ([`crate::worm::Worm::normalised`]).
#[derive(Debug)]
pub struct Ready<R: Real> {
    network: Network<R>,
    layers: Vec<Weights<R>>,
    /// Room that the last match has left.
    room: Mutex<LayerPass<R>>,
}

impl<R: Real> Clone for Ready<R> {
    fn clone(&self) -> Self {
        Self {
            network: self.network.clone(),
            layers: self.layers.clone(),
            room: Mutex::default(),
        }
    }
}

impl<R: Real> Deref for Ready<R> {
    type Target = Network<R>;
    fn deref(&self) -> &Network<R> {
        &self.network
    }
}

impl<R: Real> Ready<R> {
    pub(super) fn new(network: Network<R>) -> Self {
        let layers = (0..network.shape.layers)
            .map(|layer| Weights::of(&network, layer))
            .collect();
        Self {
            network,
            layers,
            room: Mutex::default(),
        }
    }

    fn run(&self, worms: &[&[Point]], tests: &[usize]) -> Pass<R> {
        let request = Request {
            worms,
            reference: 0,
            tests,
            normalise: Normalise::Running,
            dropout: None,
        };
        let weights = |layer: usize| Cow::Borrowed(&self.layers[layer]);
        // Matches side by side find none, and make their own.
        let mut room = self
            .room
            .lock()
            .map_or_else(|_| LayerPass::default(), |mut room| std::mem::take(&mut *room));
        let pass = self.network.run(&request, weights, Some(&mut room));
        if let Ok(mut kept) = self.room.lock() {
            *kept = room;
        }
        pass
    }

    /// One worm encoded by itself, \[neurons\]\[width\]: what [`super::Encoder::Separate`] compares.
    pub fn encode(&self, worm: &[Point]) -> Vec<R> {
        self.run(&[worm], &[]).encoded
    }

    /// log P \[test neurons\]\[template neurons + 1\] of one test worm against a template; the last column is "no
    /// counterpart".
    pub fn match_one(&self, template: &[Point], test: &[Point]) -> Vec<f64> {
        let mut all = self.match_many(template, &[test]);
        all.pop().expect("one test worm")
    }

    /// The same against a template that was encoded before ([`Ready::encode`]), by a network of separate encoders.
    pub fn match_encoded(&self, template: &[R], test: &[Point]) -> Vec<f64> {
        let own = self.encode(test);
        self.network
            .scores(template, &own)
            .iter()
            .map(|p| p.f64())
            .collect()
    }

    /// The same for several test worms against one template, side by side.
    pub fn match_many(&self, template: &[Point], tests: &[&[Point]]) -> Vec<Vec<f64>> {
        let worms: Vec<&[Point]> = std::iter::once(template).chain(tests.iter().copied()).collect();
        let of_worms: Vec<usize> = (1..worms.len()).collect();
        let pass = self.run(&worms, &of_worms);
        let one = |k| pass.log_probabilities(k).iter().map(|p: &R| p.f64()).collect();
        (0..tests.len()).map(one).collect()
    }
}
