//! Scores by registration: rigid, nonrigid, or by nearest points.

use crate::cpd::{Planar, Registered, Stiffness, Stop, nonrigid, planar, squared_distances};
use crate::decide::{Outliers, Scores};
use crate::error::NeuronidError;
use crate::frame::{along_x, rolled};
use crate::icp::icp;
use crate::worm::{Point, Worm};

/// Spread of a registered neuron about its counterpart, units of the network.
const SPREAD: f64 = 0.05;
/// Distance in spreads from which "no counterpart" is likelier than a neuron.
const REACH: f64 = 3.0;
/// When the rigid registration from a start ends.
const START: Stop = Stop {
    outliers: crate::yu2021::CPD_OUTLIERS,
    iterations: 60,
    variance: crate::yu2021::CPD_RIGID_STOP.1,
};
/// Rigid registrations that go on to nonrigid drift: the best of those from all rolls.
const GO_ON: usize = 2;

/// By what a cloud is registered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum By {
    Icp,
    Rigid,
    Nonrigid(Stiffness),
}

/// Scores \[test\]\[template + 1\]: −d²/2s² plus colour, "no counterpart" counting as a neuron [`REACH`] spreads away; from
/// the start of largest total. Both clouds are laid along x, and the test is tried from both ends in several rolls: laboratories lay
/// worms on either side, and on none.
pub(super) fn scores(
    template: &Worm,
    test: &Worm,
    by: By,
    alike: &[f64],
    weight: f64,
) -> Result<Vec<f64>, NeuronidError> {
    let (fixed, moving) = (along_x(&template.normalised()), along_x(&test.normalised()));
    let mut starts = Vec::new();
    for start in rolled(&moving) {
        let rigid: Registered = match by {
            By::Icp => icp(&fixed, &start)?,
            _ => planar(&fixed, &start, Planar::Full, START)?,
        };
        let scores = of_places(&rigid.moved, &fixed, alike, weight);
        starts.push((total(&scores, fixed.len())?, rigid.moved, scores));
    }
    starts.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let By::Nonrigid(stiffness) = by {
        starts.truncate(GO_ON);
        for (sum, moved, scores) in &mut starts {
            let soft = nonrigid(&fixed, moved, stiffness, Stop::nonrigid())?;
            *scores = of_places(&soft.moved, &fixed, alike, weight);
            *sum = total(scores, fixed.len())?;
        }
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
    }
    Ok(starts.swap_remove(0).2)
}

fn of_places(moved: &[Point], fixed: &[Point], alike: &[f64], weight: f64) -> Vec<f64> {
    let near: Vec<f64> = squared_distances(moved, fixed)
        .iter()
        .zip(alike)
        .map(|(d, c)| weight * c - d / (2.0 * SPREAD * SPREAD))
        .collect();
    near.chunks_exact(fixed.len())
        .flat_map(|row| row.iter().copied().chain([-REACH * REACH / 2.0]))
        .collect()
}

/// Total score of the best assignment.
fn total(values: &[f64], n_template: usize) -> Result<f64, NeuronidError> {
    let decided = Scores { values, n_template }.decide(Outliers::Auto)?;
    Ok(decided.iter().map(|d| d.log_p).filter(|p| p.is_finite()).sum())
}
