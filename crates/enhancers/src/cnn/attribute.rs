//! Which bases a prediction rests on.
//!
//! Every method gives a score to each letter at each position, shaped \[position\]\[A, C, G, T\], in units of the logit of
//! open chromatin. [`explain`] takes the mean over both strands, as predictions do; the functions of the single methods
//! look at one strand.

mod deeplift;
mod gradients;
mod mutagenesis;
mod references;
mod scores;

use neuropil_math::real::Real;

use super::network::Network;
use crate::sequence::reverse_complement;

pub use deeplift::deeplift;
pub use gradients::{gradient, path_gradient};
pub use mutagenesis::mutagenesis;
pub use references::references;
pub use scores::{Normalisation, Scores};

/// A way of telling which bases count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Change of the logit by every exchange of a base, from the mean over the four letters of a position.
    Mutagenesis,
    /// DeepLIFT with the rescale rule, mean over these references.
    DeepLift(Vec<Vec<u8>>),
    /// Mean gradient between all zeros and the sequence, at so many midpoints.
    IntegratedGradients(usize),
    /// Gradient at the sequence.
    Gradient,
}

impl Method {
    /// Scores of one strand.
    fn of<R: Real>(&self, network: &Network<R>, bases: &[u8]) -> Vec<f64> {
        match self {
            Self::Mutagenesis => Scores::new(bases, mutagenesis(network, bases))
                .normalised(Normalisation::Pointwise)
                .hypothetical()
                .to_vec(),
            Self::DeepLift(references) => deeplift(network, bases, references),
            Self::IntegratedGradients(steps) => path_gradient(network, bases, *steps),
            Self::Gradient => gradient(network, bases),
        }
    }

    /// The same method for the other strand.
    fn reversed(&self) -> Self {
        match self {
            Self::DeepLift(references) => {
                Self::DeepLift(references.iter().map(|bases| reverse_complement(bases)).collect())
            }
            other => other.clone(),
        }
    }
}

/// Scores of a sequence, given by the numbers of its bases: the mean of those of its two strands.
///
/// # Panics
/// When the sequence or a reference is not of the network's length, or there is no reference or step.
pub fn explain<R: Real>(network: &Network<R>, bases: &[u8], method: &Method) -> Scores {
    let forward = method.of(network, bases);
    let reverse = method.reversed().of(network, &reverse_complement(bases));
    // The other strand is read backwards and T stands for A: both axes are turned round.
    let mean = forward
        .iter()
        .zip(reverse.iter().rev())
        .map(|(a, b)| 0.5 * (a + b));
    Scores::new(bases, mean.collect())
}

/// Effect of an exchange: predicted activity with the alternative bases at `position` minus that with those there.
pub fn variant_effect<R: Real>(
    network: &Network<R>,
    bases: &[u8],
    position: usize,
    alternative: &[u8],
) -> f64 {
    let mut mutant = bases.to_vec();
    mutant[position..position + alternative.len()].copy_from_slice(alternative);
    let values = network.predict(&[bases.to_vec(), mutant]);
    values[1] - values[0]
}
