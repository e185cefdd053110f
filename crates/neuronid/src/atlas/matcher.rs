//! The statistical atlas as a matcher (Varol et al. 2020; Yemini et al. 2021): assignment and affine regression in turns.

use super::{Atlas, Metric};
use crate::assign::assign;
use crate::error::NeuronidError;
use crate::frame::{along_x, turned};
use crate::worm::{Point, Worm};
use faer::Mat;
use faer::linalg::solvers::Solve;

/// How a worm is matched with an atlas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Rounds of assignment and regression.
    pub rounds: usize,
    /// Rolls about the body that are tried: this many over a full turn, from both ends.
    pub rolls: usize,
    /// Use colours, if the worm and the atlas have them.
    pub colours: bool,
    /// Add ½ ln |Σ| to costs.
    pub log_determinant: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rounds: 10,
            rolls: 25,
            colours: true,
            log_determinant: false,
        }
    }
}

/// A worm in an atlas.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// Costs \[neurons\]\[atlas neurons\] at the end.
    pub costs: Vec<f64>,
    /// Total cost of the assignment.
    pub total: f64,
}

/// Pairs that say how a worm lies: an affine map has twelve numbers, four pairs say no more than that.
const LEAST_PAIRS: usize = 8;
/// Rounds after which only the better half of the starts goes on.
const TRIAL_ROUNDS: usize = 3;

impl Atlas {
    /// Matches a worm: from each start an assignment and a covariance-weighted affine regression in turns; the start of
    /// least total cost. Mirror images are refused.
    ///
    /// # Errors
    /// Fewer than four neurons; a covariance that is not positive definite.
    pub fn match_worm(&self, worm: &Worm, rules: &Rules) -> Result<Matched, NeuronidError> {
        if worm.points.len() < 4 {
            return Err(NeuronidError::Points {
                what: "the worm",
                found: worm.points.len(),
                needed: 4,
            });
        }
        let straight = along_x(&worm.points);
        let search = self.search(worm, &straight, rules)?;
        let centre = self.centre();
        let mut starts: Vec<(f64, Vec<Point>)> = Vec::new();
        for heading in 0..2 {
            let headed = turned(&straight, heading);
            for roll in 0..rules.rolls {
                let (sin, cos) = (std::f64::consts::TAU * roll as f64 / rules.rolls as f64).sin_cos();
                let start: Vec<Point> = headed
                    .iter()
                    .map(|p| {
                        [
                            p[0] + centre[0],
                            cos * p[1] - sin * p[2] + centre[1],
                            sin * p[1] + cos * p[2] + centre[2],
                        ]
                    })
                    .collect();
                starts.push(search.refine(start, TRIAL_ROUNDS)?);
            }
        }
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        starts.truncate(4);
        let mut best: Option<(f64, Vec<Point>)> = None;
        for (_, start) in starts {
            let found = search.refine(start, rules.rounds.saturating_sub(TRIAL_ROUNDS))?;
            if best.as_ref().is_none_or(|(least, _)| found.0 < *least) {
                best = Some(found);
            }
        }
        let (total, points) = best.expect("at least one start");
        Ok(Matched {
            costs: search.costs(&points),
            total,
        })
    }

    /// The same from one start: pairs (neuron of the worm, neuron of the atlas) that somebody else found. Nothing if they
    /// put the worm nowhere, or mirror it.
    ///
    /// # Errors
    /// A covariance that is not positive definite.
    pub fn match_from(
        &self,
        worm: &Worm,
        pairs: &[(usize, usize)],
        rules: &Rules,
    ) -> Result<Option<Matched>, NeuronidError> {
        let straight = along_x(&worm.points);
        let search = self.search(worm, &straight, rules)?;
        let start = search.regress(pairs).filter(|_| pairs.len() >= LEAST_PAIRS);
        let placed = start.filter(|start| start.iter().flatten().all(|x| x.is_finite()));
        let Some(start) = placed else { return Ok(None) };
        let (total, points) = search.refine(start, rules.rounds)?;
        Ok(Some(Matched {
            costs: search.costs(&points),
            total,
        }))
    }

    fn search<'a>(
        &'a self,
        worm: &'a Worm,
        straight: &'a [Point],
        rules: &Rules,
    ) -> Result<Search<'a>, NeuronidError> {
        let colours = worm.colours.as_ref().filter(|_| rules.colours && self.coloured());
        Ok(Search {
            atlas: self,
            metric: Metric::of(&self.neurons, if colours.is_some() { 6 } else { 3 })?,
            raw: straight,
            colours,
            log_determinant: rules.log_determinant,
        })
    }

    fn centre(&self) -> Point {
        let places: Vec<Point> = self
            .neurons
            .iter()
            .map(|neuron| [neuron.mean[0], neuron.mean[1], neuron.mean[2]])
            .collect();
        crate::worm::median(&places)
    }
}

/// One worm on its way into an atlas.
struct Search<'a> {
    atlas: &'a Atlas,
    metric: Metric,
    /// The worm along x, µm.
    raw: &'a [Point],
    colours: Option<&'a Vec<[f64; 3]>>,
    log_determinant: bool,
}

impl Search<'_> {
    fn costs(&self, points: &[Point]) -> Vec<f64> {
        let feature = |(row, &[x, y, z]): (usize, &Point)| {
            let [r, g, b] = self.colours.map_or([0.0; 3], |colours| colours[row]);
            [x, y, z, r, g, b]
        };
        let features: Vec<[f64; 6]> = points.iter().enumerate().map(feature).collect();
        self.metric.costs(&features, self.log_determinant)
    }

    /// Rounds of assignment and regression from a start; the total cost and the points in the frame of the atlas.
    fn refine(&self, mut points: Vec<Point>, rounds: usize) -> Result<(f64, Vec<Point>), NeuronidError> {
        for _ in 0..rounds {
            let (_, pairs) = self.assigned(&points)?;
            let Some(next) = self.regress(&pairs) else {
                break;
            };
            points = next;
        }
        Ok((self.assigned(&points)?.0, points))
    }

    fn assigned(&self, points: &[Point]) -> Result<(f64, Vec<(usize, usize)>), NeuronidError> {
        let costs = self.costs(points);
        let n = self.atlas.neurons.len();
        let pairs = assign(&costs, n)?;
        Ok((
            pairs.iter().map(|(row, column)| costs[row * n + column]).sum(),
            pairs,
        ))
    }

    /// The affine map of least squares in the metric of each neuron's covariance; none if it mirrors.
    fn regress(&self, pairs: &[(usize, usize)]) -> Option<Vec<Point>> {
        // Unknowns: three rows of (A, t), 12 in all; Σ (x̃ ⊗ Σ⁻¹ x̃ᵀ) β = Σ Σ⁻¹ μ ⊗ x̃.
        let mut normal = Mat::<f64>::zeros(12, 12);
        let mut right = Mat::<f64>::zeros(12, 1);
        for &(row, column) in pairs {
            let (mean, inverse, _) = &self.metric.neurons[column];
            let [x, y, z] = self.raw[row];
            let extended = [x, y, z, 1.0];
            for i in 0..3 {
                for j in 0..3 {
                    for a in 0..4 {
                        right[(i * 4 + a, 0)] += inverse[i][j] * mean[j] * extended[a];
                        for b in 0..4 {
                            normal[(i * 4 + a, j * 4 + b)] += inverse[i][j] * extended[a] * extended[b];
                        }
                    }
                }
            }
        }
        let found = normal.partial_piv_lu().solve(&right);
        let a = Mat::from_fn(3, 3, |i, j| found[(i * 4 + j, 0)]);
        let at = |p: &Point, i: usize| (0..3).map(|j| a[(i, j)] * p[j]).sum::<f64>() + found[(i * 4 + 3, 0)];
        let moved = self.raw.iter().map(|p| std::array::from_fn(|i| at(p, i)));
        (a.determinant() > 0.0).then(|| moved.collect())
    }
}
