//! Constants of synapses that depress and facilitate: the array `synapse` of [`Cell::EiStp`](crate::cell::Cell::EiStp).
//!
//! They are part of the parameters, so that checkpoints and smaller networks gathered out of larger ones hold them; their
//! gradient is 0, so that no optimiser moves them.

/// What the synapses that leave one unit have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Synapse {
    /// +1: the unit excites, −1: it inhibits, 0: its weights are free.
    pub sign: f64,
    /// Release U at rest, 0 to 1.
    pub release: f64,
    /// Rate at which release returns to U, per step: Δt/τ of facilitation.
    pub facilitation: f64,
    /// Rate at which resources recover, per step: Δt/τ of depression.
    pub depression: f64,
    /// Length Δt of a step, s.
    pub step_s: f64,
}

/// Constants of a synapse, the rows of the array.
pub const ROWS: usize = 5;

impl Synapse {
    /// Synapses without short-term plasticity: what is released equals the rate.
    pub fn fixed(sign: f64) -> Self {
        Self {
            sign,
            release: 1.0,
            facilitation: 0.0,
            depression: 0.0,
            step_s: 0.0,
        }
    }

    /// The array of these units, \[[`ROWS`]\]\[unit\].
    ///
    /// ```
    /// use neuropil_nn::synapse::{ROWS, Synapse};
    /// let array = Synapse::array(&[Synapse::fixed(1.0), Synapse::fixed(-1.0)]);
    /// assert_eq!(array[..4], [1.0, -1.0, 1.0, 1.0]);
    /// assert_eq!(array.len(), 2 * ROWS);
    /// ```
    pub fn array(units: &[Self]) -> Vec<f64> {
        let rows: [fn(&Self) -> f64; ROWS] = [
            |s| s.sign,
            |s| s.release,
            |s| s.facilitation,
            |s| s.depression,
            |s| s.step_s,
        ];
        rows.iter().flat_map(|of| units.iter().map(of)).collect()
    }
}
