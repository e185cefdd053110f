//! Power and calibration of the association on invented predictions, seed by seed.
//!
//! Predictions of most regions evolve along the tree by themselves; those of planted regions follow the trait. What the
//! scan finds is compared with what was planted.

use neuropil_math::rng::{Key, Purpose};

use crate::associate::{Filters, Plan, Rounds, Study};
use crate::cnn::Architecture;
use crate::error::InputError;
use crate::matrix::Matrix;
use crate::model::{self, Sets};
use crate::phylo::simulate::Trait as Evolving;
use crate::simulate::{Invention, invent, region_name, training};
use crate::traits::{Kind, Trait};
use crate::tree::Tree;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Regions.
    pub regions: usize,
    /// Regions that follow the trait.
    pub planted: usize,
    /// How much the logit of a planted prediction follows the trait, in standard deviations of both.
    pub effect: f64,
    /// Permulations after each round.
    pub totals: [u64; 2],
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            regions: 400,
            planted: 20,
            effect: 1.5,
            totals: [999, 9_999],
        }
    }
}

/// What one seed came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Calibration {
    /// Seed.
    pub seed: u64,
    /// Planted regions with q < 0.1.
    pub recovered: usize,
    /// Planted regions.
    pub planted: usize,
    /// Other regions with q < 0.1.
    pub false_discoveries: usize,
    /// p-value of the Kolmogorov–Smirnov test that the p-values of all other regions are uniform.
    pub null_ks_p: f64,
    /// Fraction of them at or below 0.05.
    pub null_below_005: f64,
    /// These p-values by region, none where there is no result.
    pub null_p: Vec<Option<f64>>,
}

/// p-values of the Kolmogorov–Smirnov test over studies, one for each region without a planted effect that all of them tested.
///
/// The regions of one study meet the same trait on the same tree, so their p-values are no sample of a uniform law even where all is
/// well; those of one region in study after study are.
pub fn over_studies(found: &[&Calibration]) -> Vec<f64> {
    let most = found.iter().map(|study| study.null_p.len()).max().unwrap_or(0);
    (0..most)
        .filter_map(|region| {
            let of = |study: &&Calibration| study.null_p.get(region).copied().flatten();
            let mut p: Vec<f64> = found.iter().map(of).collect::<Option<_>>()?;
            p.sort_by(f64::total_cmp);
            Some(kolmogorov_smirnov(&p))
        })
        .collect()
}

impl Calibration {
    /// False among all discoveries; 0 without any.
    pub fn false_discovery_rate(&self) -> f64 {
        self.false_discoveries as f64 / (self.false_discoveries + self.recovered).max(1) as f64
    }
}

/// Tries one seed on a tree.
///
/// # Errors
/// A tree of fewer than three tips.
pub fn calibrate(tree: &Tree, trial: &Trial, seed: u64) -> Result<Calibration, InputError> {
    let key = Key::new(seed);
    let rate = 1.0 / tree.mean_height();
    let species: Vec<String> = tree.tip_names().map(str::to_owned).collect();
    let y = Evolving::brownian(rate).simulate(tree, &mut key.stream(Purpose::Generate, 0));
    let mut values = Vec::with_capacity(trial.regions * species.len());
    for region in 0..trial.regions {
        let mut random = key.stream(Purpose::Generate, 1 + region as u64);
        let x = Evolving::brownian(rate).simulate(tree, &mut random);
        let pull = match region {
            r if r >= trial.planted => 0.0,
            r if r % 2 == 0 => trial.effect,
            _ => -trial.effect,
        };
        let missing = Evolving::brownian(rate).simulate(tree, &mut random);
        for tip in 0..species.len() {
            // A fifth or so is missing, clade by clade, as assemblies are.
            let value = 1.0 / (1.0 + (-(x[tip] + pull * y[tip])).exp());
            values.push(if missing[tip] > 1.0 { f64::NAN } else { value });
        }
    }
    let matrix = Matrix {
        regions: (0..trial.regions).map(|i| format!("peak{}", i + 1)).collect(),
        species: species.clone(),
        values,
        notes: Vec::new(),
    };
    let response = Trait {
        name: "trait".into(),
        kind: Kind::Continuous,
        species,
        values: y.into_iter().map(Some).collect(),
        notes: Vec::new(),
    };
    judge(tree, matrix, &response, trial.planted, &trial.totals, seed)
}

/// One seed of an invented study, from sequences to associations.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct WholeWay {
    /// Area under the receiver operating characteristic of the test chromosomes.
    pub auroc: f64,
    /// Epochs of training.
    pub epochs: usize,
    /// What became of the planted regions.
    pub found: Calibration,
}

/// Invents a study, trains a network on its sequences, predicts the orthologs and relates them to the trait.
///
/// # Errors
/// Numbers that cannot be, a training that fails.
pub fn whole_way(plan: &Invention) -> Result<WholeWay, InputError> {
    let mut study = invent(plan)?;
    let sets = Sets::invented(std::mem::take(&mut study.training));
    let architecture = Architecture::named("small", plan.length)?;
    let learned = model::learn(architecture, sets, &training(), plan.seed, &mut |_| true)?;
    let columns = (0..study.tree.n_tips())
        .map(|tip| {
            let (rows, sequences): (Vec<usize>, Vec<Vec<u8>>) = study
                .orthologs
                .iter()
                .enumerate()
                .filter(|(_, orthologs)| !orthologs[tip].is_empty())
                .map(|(region, orthologs)| (region, orthologs[tip].clone()))
                .unzip();
            rows.into_iter()
                .zip(model::predict(&learned.network, &sequences))
                .collect()
        })
        .collect();
    let species: Vec<String> = study.tree.tip_names().map(str::to_owned).collect();
    let regions = (0..plan.regions).map(region_name).collect();
    let matrix = model::matrix(regions, species.clone(), columns);
    let response = Trait {
        name: "brain_residual".into(),
        kind: Kind::Continuous,
        species,
        values: study.response.iter().copied().map(Some).collect(),
        notes: Vec::new(),
    };
    Ok(WholeWay {
        auroc: learned.test.map_or(f64::NAN, |test| test.auroc),
        epochs: learned.history.len(),
        found: judge(
            &study.tree,
            matrix,
            &response,
            plan.planted,
            &Trial::default().totals,
            plan.seed,
        )?,
    })
}

/// Tests all regions, of which the first `planted` ones should be found.
fn judge(
    tree: &Tree,
    matrix: Matrix,
    response: &Trait,
    planted: usize,
    totals: &[u64],
    seed: u64,
) -> Result<Calibration, InputError> {
    let study = Study::new(tree, matrix, response, Filters::default())?;
    let plan = Plan {
        seed,
        totals: totals.to_vec(),
        thresholds: vec![0.05],
        ..Plan::default()
    };
    let mut rounds = Rounds::scan(&study, &plan);
    rounds.run(None, &mut |_| {})?;
    let results = rounds.results();
    let found = |is_planted: bool| {
        results
            .iter()
            .enumerate()
            .filter(|(i, r)| (*i < planted) == is_planted && r.q.is_some_and(|q| q < 0.1))
            .count()
    };
    let null_p: Vec<Option<f64>> = results[planted..]
        .iter()
        .map(|result| Some(result.permuted?.p))
        .collect();
    let mut null: Vec<f64> = null_p.iter().copied().flatten().collect();
    null.sort_by(f64::total_cmp);
    Ok(Calibration {
        seed,
        recovered: found(true),
        planted: results[..planted].iter().filter(|r| r.fit.is_some()).count(),
        false_discoveries: found(false),
        null_ks_p: kolmogorov_smirnov(&null),
        null_below_005: null.iter().filter(|p| **p <= 0.05).count() as f64 / null.len().max(1) as f64,
        null_p,
    })
}

/// p-value of the hypothesis that sorted values are uniform on \[0, 1\] (Kolmogorov's series, with Stephens's correction).
pub fn kolmogorov_smirnov(sorted: &[f64]) -> f64 {
    let n = sorted.len() as f64;
    if sorted.is_empty() {
        return f64::NAN;
    }
    let distance = sorted
        .iter()
        .enumerate()
        .map(|(i, &p)| (p - i as f64 / n).max((i + 1) as f64 / n - p))
        .fold(0.0, f64::max);
    let z = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    if z < 0.2 {
        return 1.0;
    }
    let series: f64 = (1..=100)
        .map(|k| (if k % 2 == 1 { 2.0 } else { -2.0 }) * (-2.0 * f64::from(k * k) * z * z).exp())
        .sum();
    series.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_judged_over_studies() {
        let study = |p: f64| Calibration {
            seed: 1,
            recovered: 0,
            planted: 0,
            false_discoveries: 0,
            null_ks_p: 0.0,
            null_below_005: 0.0,
            // Even over studies, always small, not tested in one study.
            null_p: vec![Some(p), Some(0.01 * p), (p > 0.1).then_some(p)],
        };
        let studies: Vec<Calibration> = (0..40).map(|i| study((f64::from(i) + 0.5) / 40.0)).collect();
        let found = over_studies(&studies.iter().collect::<Vec<_>>());
        assert_eq!(found.len(), 2);
        assert!(found[0] > 0.99 && found[1] < 1e-6, "{found:?}");
    }

    #[test]
    fn uniform_values_pass_and_others_do_not() {
        let even: Vec<f64> = (0..200).map(|i| (f64::from(i) + 0.5) / 200.0).collect();
        assert!(kolmogorov_smirnov(&even) > 0.99);
        let squared: Vec<f64> = even.iter().map(|p| p * p).collect();
        assert!(kolmogorov_smirnov(&squared) < 1e-4);
        // Critical value of n = 100 at 0.05: D = 0.1340.
        let mut shifted: Vec<f64> = (0..100)
            .map(|i| (f64::from(i) + 0.5) / 100.0 + 0.129)
            .map(|p: f64| p.min(1.0))
            .collect();
        shifted.sort_by(f64::total_cmp);
        assert!(
            (kolmogorov_smirnov(&shifted) - 0.05).abs() < 0.01,
            "{}",
            kolmogorov_smirnov(&shifted)
        );
    }
}
