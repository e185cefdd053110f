//! The loss of a batch (Yu et al. 2021): cross-entropy of neurons whose partner or absence is known, and the entropy
//! of the others.
//!
//! ```text
//! L = − Σ log P_ab / count − λ Σ over rows without a partner, Σ_j P_j log P_j / count
//! ```

use neuropil_math::real::Real;
use std::collections::HashMap;

/// Label of a neuron without identity.
pub const UNLABELLED: i64 = -1;
/// Label of a point that is no neuron.
pub const OUTLIER: i64 = -2;

/// What each row of a test worm is to be matched with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partners {
    /// Rows with their template neuron.
    pub matched: Vec<(usize, usize)>,
    /// Rows whose partner is not known.
    pub unknown: Vec<usize>,
    /// Rows that have none.
    pub outliers: Vec<usize>,
}

impl Partners {
    /// By labels: identities from 0, [`UNLABELLED`], [`OUTLIER`]. Where the template has a label twice the later
    /// neuron counts. A neuron whose label the template lacks is of unknown partner, as published, or an outlier.
    ///
    /// ```
    /// use neuropil_neuronid::loss::Partners;
    /// let partners = Partners::of(&[5, -1, 7], &[7, -2, 3, 5], false);
    /// assert_eq!(partners.matched, [(0, 2), (3, 0)]);
    /// assert_eq!((partners.unknown, partners.outliers), (vec![2], vec![1]));
    /// ```
    pub fn of(template: &[i64], test: &[i64], missing_as_outlier: bool) -> Self {
        let places: HashMap<i64, usize> = template
            .iter()
            .enumerate()
            .filter(|(_, label)| **label >= 0)
            .map(|(place, &label)| (label, place))
            .collect();
        let mut partners = Self::default();
        for (row, &label) in test.iter().enumerate() {
            match places.get(&label) {
                Some(&place) => partners.matched.push((row, place)),
                None if label == OUTLIER || (missing_as_outlier && label >= 0) => partners.outliers.push(row),
                None => partners.unknown.push(row),
            }
        }
        partners
    }
}

/// Sums over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// − Σ log P over rows with a known answer.
    pub cross_entropy: f64,
    /// How many they are.
    pub known: usize,
    /// Σ of the entropies of the other rows, nats.
    pub entropy: f64,
    /// How many they are.
    pub unknown: usize,
    /// Known rows whose best column is the right one.
    pub right: usize,
}

impl Loss {
    /// The loss: mean cross-entropy plus `weight` times mean entropy.
    pub fn total(&self, weight: f64) -> f64 {
        self.cross_entropy / self.known.max(1) as f64 + weight * self.entropy / self.unknown.max(1) as f64
    }
}

/// The sums of a batch, from log P \[test neurons\]\[template neurons + 1\] of each worm.
pub fn loss<R: Real>(log_p: &[&[R]], partners: &[Partners], n_template: usize) -> Loss {
    let mut loss = Loss::default();
    for (log_p, partners) in log_p.iter().zip(partners) {
        let row = |row: usize| &log_p[row * (n_template + 1)..][..=n_template];
        for (a, b) in answers(partners, n_template) {
            let best = row(a)
                .iter()
                .enumerate()
                .fold(0, |best, (j, p)| if *p > row(a)[best] { j } else { best });
            loss.right += usize::from(best == b);
            loss.cross_entropy -= row(a)[b].f64();
            loss.known += 1;
        }
        for &a in &partners.unknown {
            loss.entropy -= row(a)
                .iter()
                .map(|p| p.f64().exp() * p.f64())
                .filter(|term| term.is_finite())
                .sum::<f64>();
            loss.unknown += 1;
        }
    }
    loss
}

/// Gradient of [`Loss::total`] with respect to log P of each worm.
pub fn gradient<R: Real>(
    log_p: &[&[R]],
    partners: &[Partners],
    n_template: usize,
    sums: &Loss,
    weight: f64,
) -> Vec<Vec<R>> {
    let known = R::of(-1.0 / sums.known.max(1) as f64);
    let unknown = -weight / sums.unknown.max(1) as f64;
    let one = |(log_p, partners): (&&[R], &Partners)| {
        let mut d = vec![R::ZERO; log_p.len()];
        for (a, b) in answers(partners, n_template) {
            d[a * (n_template + 1) + b] += known;
        }
        for &a in &partners.unknown {
            let places = a * (n_template + 1)..(a + 1) * (n_template + 1);
            for (d, p) in d[places.clone()].iter_mut().zip(&log_p[places]) {
                *d = R::of(unknown * p.f64().exp() * (p.f64() + 1.0));
            }
        }
        d
    };
    log_p.iter().zip(partners).map(one).collect()
}

/// Rows with the column that is right.
fn answers(partners: &Partners, n_template: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let outliers = partners.outliers.iter().map(move |&row| (row, n_template));
    partners.matched.iter().copied().chain(outliers)
}
