//! Iterative closest points (Besl & McKay 1992), trimmed (Chetverikov et al. 2002): the simplest registration.

use crate::cpd::{Registered, square};
use crate::error::NeuronidError;
use crate::frame::rigid_fit;
use crate::worm::Point;

/// Iterations.
const ITERATIONS: usize = 50;
/// Share of the moving points, those farthest from any fixed one, that do not count.
const TRIMMED: f64 = 0.2;

/// Moves a cloud by proper rotations and shifts toward the nearest fixed points.
///
/// ```
/// use neuropil_neuronid::icp::icp;
/// let fixed: Vec<[f64; 3]> = (0..20).map(|i| [f64::from(i) * 0.1, f64::from(i % 5) * 0.07, f64::from(i % 3) * 0.05]).collect();
/// let moving: Vec<[f64; 3]> = fixed.iter().map(|p| [p[0] + 0.01, p[1] - 0.01, p[2]]).collect();
/// assert!(icp(&fixed, &moving)?.variance < 1e-12);
/// # Ok::<(), neuropil_neuronid::error::NeuronidError>(())
/// ```
///
/// # Errors
/// Fewer than three points.
pub fn icp(fixed: &[Point], moving: &[Point]) -> Result<Registered, NeuronidError> {
    crate::cpd::enough(fixed, moving)?;
    let mut moved = moving.to_vec();
    let (mut variance, mut iterations) = (f64::INFINITY, 0);
    while iterations < ITERATIONS {
        let mut pairs: Vec<(f64, usize, Point)> = moved
            .iter()
            .enumerate()
            .map(|(row, p)| {
                let nearest = fixed.iter().min_by(|a, b| square(a, p).total_cmp(&square(b, p)));
                let nearest = *nearest.expect("a fixed point");
                (square(&nearest, p), row, nearest)
            })
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        pairs.truncate(((1.0 - TRIMMED) * pairs.len() as f64).ceil() as usize);
        let pairs: Vec<(usize, Point)> = pairs.into_iter().map(|(_, row, p)| (row, p)).collect();
        let (next, left) = rigid_fit(&moved, &pairs);
        moved = next;
        iterations += 1;
        let now = left * left / 3.0;
        if now >= variance {
            break;
        }
        variance = now;
    }
    Ok(Registered {
        moved,
        variance,
        iterations,
        matrix: crate::cpd::IDENTITY,
        shift: [0.0; 3],
    })
}
