//! Recurrent units, one file each: what a unit is made of, its initial values, and the elementwise passes that stand
//! between the products.
//!
//! A file has a constant and four functions, and `of_cell` is the only place that knows which file is which:
//! - `SIZES`: how many gates and state values a unit has, and how its rate follows from them,
//! - `layout`: its parameter arrays,
//! - `initial`: the values that are not drawn,
//! - `forward`: the state at t from that at t − 1 and what inputs and noise add at t,
//! - `backward`: from the gradient of the state and the rate at t to those at t − 1.

pub(crate) mod ei_stp;
pub(crate) mod gated;
pub(crate) mod leaky;
pub(crate) mod linear;
pub(crate) mod lstm;
mod shape;

pub use shape::Shape;

use crate::product::Product;
use neuropil_math::real::Real;
use serde::{Deserialize, Serialize};

/// Kind of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Song's modified gated unit.
    Gated,
    /// Leaky rectified unit without gates.
    Leaky,
    /// Long short-term memory: counts steps, whatever Δt and τ are.
    Lstm,
    /// Excitatory and inhibitory rectified units whose synapses depress and facilitate: see [`crate::synapse`]. It has no
    /// name in settings: whoever offers it has settings for its constants as well.
    #[serde(skip)]
    EiStp,
    /// No dynamics: the state is the input itself, read out linearly.
    Linear,
}

/// Evaluates an expression with `$unit` standing for the file of a cell.
macro_rules! of_cell {
    ($cell:expr, $unit:ident => $body:expr) => {
        match $cell {
            $crate::cell::Cell::Gated => {
                use $crate::cell::gated as $unit;
                $body
            }
            $crate::cell::Cell::Leaky => {
                use $crate::cell::leaky as $unit;
                $body
            }
            $crate::cell::Cell::Lstm => {
                use $crate::cell::lstm as $unit;
                $body
            }
            $crate::cell::Cell::EiStp => {
                use $crate::cell::ei_stp as $unit;
                $body
            }
            $crate::cell::Cell::Linear => {
                use $crate::cell::linear as $unit;
                $body
            }
        }
    };
}
pub(crate) use of_cell;

/// How many of what a unit has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Gates; each adds a block of N columns to the input weights, after the drive's.
    pub(crate) gates: usize,
    /// State values, the rate (or what it is the rectified part of) last.
    pub(crate) states: usize,
    /// The unit hears the others through a drive of its own; without, its state is the input.
    pub(crate) dynamic: bool,
    /// The rate is the rectified last state value.
    pub(crate) rectifies: bool,
    /// The drive hears something else than the rates of the step before.
    pub(crate) hears_other: bool,
    /// Rates are part of the state, so that a gain on them is one on the state.
    pub(crate) takes_gains: bool,
}

impl Cell {
    /// How many of what a unit has.
    pub(crate) fn sizes(self) -> Sizes {
        of_cell!(self, unit => unit::SIZES)
    }

    /// Gates of every unit.
    pub fn gates(self) -> usize {
        self.sizes().gates
    }

    /// Blocks of N columns in the input weights: the drive's, then the gates'.
    pub fn blocks(self) -> usize {
        let sizes = self.sizes();
        if sizes.dynamic { 1 + sizes.gates } else { 0 }
    }

    /// Can [`History::set_gains`](crate::network::History::set_gains) be used?
    pub fn takes_gains(self) -> bool {
        self.sizes().takes_gains
    }
}

/// What every step of a network has in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a, R> {
    /// α = Δt/τ.
    pub(crate) alpha: R,
    /// Products of the gates and of the drive.
    pub(crate) gates: Option<&'a Product<R>>,
    pub(crate) drive: Option<&'a Product<R>>,
    /// Constants of the synapses, \[[`ROWS`](crate::synapse::ROWS)\]\[N\]; empty for units without.
    pub(crate) synapse: &'a [R],
}

impl<'a, R> Parts<'a, R> {
    pub(crate) fn gates(&self) -> &'a Product<R> {
        self.gates.expect("a unit with gates has their product")
    }

    pub(crate) fn drive(&self) -> &'a Product<R> {
        self.drive.expect("a unit with a drive has its product")
    }
}

/// One step forward. Rows are \[unit\]\[L\].
#[derive(Debug)]
pub(crate) struct Forward<'a, R> {
    /// \[u; 1\] at t.
    pub(crate) inputs: &'a [R],
    /// State at t − 1 and, to be written, at t; \[state\]\[L\].
    pub(crate) previous: &'a [R],
    pub(crate) x: &'a mut [R],
    /// What inputs, biases and noise add to the gates and to the drive; becomes what the backward pass needs.
    pub(crate) activity: &'a mut [R],
    pub(crate) y: &'a mut [R],
    /// \[r; u; 1\]: rates at t − 1, to become those at t.
    pub(crate) source: &'a mut [R],
    /// The same for what the drive hears instead of the rates.
    pub(crate) heard: &'a mut [R],
    /// Gains of the rates, if any.
    pub(crate) gains: Option<&'a [R]>,
}

/// One step backward. Rows are \[unit\]\[L\].
#[derive(Debug)]
pub(crate) struct Backward<'a, R> {
    /// State at t and at t − 1.
    pub(crate) x: &'a [R],
    pub(crate) previous: &'a [R],
    /// What the forward pass left of gates and drive.
    pub(crate) activity: &'a [R],
    pub(crate) y: &'a [R],
    /// Gradient of the rates and of the state at t, to become that at t − 1.
    pub(crate) dr: &'a mut [R],
    pub(crate) dx: &'a mut [R],
    /// To be written: δa of the gates and δy, and what gates and drive heard.
    pub(crate) d_gates: &'a mut [R],
    pub(crate) d_drive: &'a mut [R],
    pub(crate) rates: &'a mut [R],
    pub(crate) heard: &'a mut [R],
    /// Gains of the rates, if any.
    pub(crate) gains: Option<&'a [R]>,
}

/// Multiplies rates, or their gradients, by the gains.
pub(crate) fn apply_gains<R: Real>(gains: Option<&[R]>, rates: &mut [R]) {
    if let Some(gains) = gains {
        for (r, &gain) in rates.iter_mut().zip(gains) {
            *r *= gain;
        }
    }
}
