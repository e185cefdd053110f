//! Sets of regions that ask whether differences between orthologs and between tissues are predicted.

use std::collections::BTreeMap;

use super::labels::{Clades, Labels, Measured};
use super::{Criterion, SetResult};
use crate::matrix::Matrix;
use crate::metrics::Metrics;

/// One set: labels and predictions.
pub(super) struct Set {
    criterion: Criterion,
    of: String,
    open: Vec<bool>,
    scores: Vec<f64>,
}

impl Set {
    fn new(criterion: Criterion, of: impl Into<String>) -> Self {
        Self {
            criterion,
            of: of.into(),
            open: Vec::new(),
            scores: Vec::new(),
        }
    }

    /// Adds a region in a species where it has a prediction.
    fn add(&mut self, matrix: &Matrix, (region, species): (usize, usize), open: bool) {
        let score = matrix.row(region)[species];
        if !score.is_nan() {
            self.open.push(open);
            self.scores.push(score);
        }
    }

    pub(super) fn result(self) -> SetResult {
        let n_open = self.open.iter().filter(|open| **open).count();
        SetResult {
            criterion: self.criterion,
            of: self.of,
            n_open,
            n_closed: self.open.len() - n_open,
            metrics: Metrics::of(&self.open, &self.scores),
        }
    }
}

/// All sets that the labels allow, the whole one first; those without any region are left out.
pub(super) fn sets(matrix: &Matrix, labels: &Labels, clades: &Clades) -> Vec<Set> {
    let by_region = by_region(&labels.target);
    let mut sets = whole(matrix, &labels.target);
    sets.extend(species_specific(matrix, &by_region));
    sets.extend(clade_specific(matrix, &by_region, clades));
    sets.extend(tissue_specific(matrix, labels));
    let first = sets[0].criterion;
    sets.retain(|set| set.criterion == first || !set.open.is_empty());
    sets
}

/// The species in which every region was measured.
fn by_region(measured: &Measured) -> BTreeMap<usize, Vec<(usize, bool)>> {
    let mut regions: BTreeMap<usize, Vec<(usize, bool)>> = BTreeMap::new();
    for (&(region, species), &open) in measured {
        regions.entry(region).or_default().push((species, open));
    }
    regions
}

fn whole(matrix: &Matrix, measured: &Measured) -> Vec<Set> {
    let mut all = Set::new(Criterion::Whole, "all");
    let mut each: BTreeMap<usize, Set> = BTreeMap::new();
    for (&(region, species), &open) in measured {
        all.add(matrix, (region, species), open);
        let set = each
            .entry(species)
            .or_insert_with(|| Set::new(Criterion::Species, &matrix.species[species]));
        set.add(matrix, (region, species), open);
    }
    std::iter::once(all).chain(each.into_values()).collect()
}

/// Open in one species and closed in all others that were measured, against the reverse; predictions are those of that
/// species. First all species together.
fn species_specific(matrix: &Matrix, regions: &BTreeMap<usize, Vec<(usize, bool)>>) -> Vec<Set> {
    let mut all = Set::new(Criterion::SpeciesSpecific, "all");
    let mut each: BTreeMap<usize, Set> = BTreeMap::new();
    for (&region, measured) in regions.iter().filter(|(_, measured)| measured.len() > 1) {
        for &(species, open) in measured {
            let differs = |&(other, state): &(usize, bool)| other == species || state != open;
            if measured.iter().all(differs) {
                all.add(matrix, (region, species), open);
                let set = each
                    .entry(species)
                    .or_insert_with(|| Set::new(Criterion::SpeciesSpecific, &matrix.species[species]));
                set.add(matrix, (region, species), open);
            }
        }
    }
    std::iter::once(all).chain(each.into_values()).collect()
}

/// Open in all species of a clade and closed in all others that were measured, against the reverse; predictions are those
/// of the species of the clade.
fn clade_specific(
    matrix: &Matrix,
    regions: &BTreeMap<usize, Vec<(usize, bool)>>,
    clades: &Clades,
) -> Vec<Set> {
    let set = |(number, name): (usize, &String)| {
        let mut set = Set::new(Criterion::CladeSpecific, name);
        for (&region, measured) in regions {
            let (inside, outside): (Vec<_>, Vec<_>) = measured
                .iter()
                .copied()
                .partition(|&(species, _)| clades.of[species] == Some(number));
            let (Some(&(_, open)), false) = (inside.first(), outside.is_empty()) else {
                continue;
            };
            if inside.iter().all(|&(_, state)| state == open)
                && outside.iter().all(|&(_, state)| state != open)
            {
                for (species, _) in inside {
                    set.add(matrix, (region, species), open);
                }
            }
        }
        set
    };
    clades.names.iter().enumerate().map(set).collect()
}

/// Of the regions open in another tissue, those open in the tissue of the network against those closed in it.
fn tissue_specific(matrix: &Matrix, labels: &Labels) -> Vec<Set> {
    let set = |(tissue, measured): (&String, &Measured)| {
        let mut set = Set::new(Criterion::TissueSpecific, tissue);
        for (&place, _) in measured.iter().filter(|(_, open)| **open) {
            if let Some(&open) = labels.target.get(&place) {
                set.add(matrix, place, open);
            }
        }
        set
    };
    labels.others.iter().map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four regions in three species; the prediction of region r in species s is r/10 + s/100.
    fn matrix() -> Matrix {
        Matrix {
            regions: ["r0", "r1", "r2", "r3"].map(String::from).to_vec(),
            species: ["mouse", "rat", "bat"].map(String::from).to_vec(),
            values: (0..12).map(|i| f64::from(i / 3 * 10 + i % 3) / 100.0).collect(),
            notes: Vec::new(),
        }
    }

    fn found(sets: &[Set], criterion: Criterion, of: &str) -> Vec<(bool, f64)> {
        let set = sets.iter().find(|set| set.criterion == criterion && set.of == of);
        let set = set.unwrap_or_else(|| panic!("no {criterion:?} of {of}"));
        set.open.iter().copied().zip(set.scores.iter().copied()).collect()
    }

    #[test]
    fn every_criterion_takes_the_regions_it_is_about() {
        let states = [
            // mouse, rat, bat
            [Some(true), Some(true), Some(false)],
            [Some(false), Some(true), Some(true)],
            [Some(false), Some(false), Some(true)],
            [Some(true), None, Some(true)],
        ];
        let mut labels = Labels::default();
        for (region, states) in states.iter().enumerate() {
            for (species, state) in states.iter().enumerate() {
                if let Some(open) = state {
                    labels.target.insert((region, species), *open);
                }
            }
        }
        let liver = [((0, 0), true), ((1, 0), true), ((2, 0), false), ((3, 1), true)];
        labels.others.insert("liver".into(), liver.into_iter().collect());
        let clades = Clades {
            names: vec!["Glires".into(), "Chiroptera".into()],
            of: vec![Some(0), Some(0), Some(1)],
        };
        let sets = sets(&matrix(), &labels, &clades);
        assert_eq!(found(&sets, Criterion::Whole, "all").len(), 11);
        assert_eq!(found(&sets, Criterion::Species, "rat").len(), 3);
        // Region 0: closed in the bat alone; 1: closed in the mouse alone; 2: open in the bat alone; 3: no difference.
        assert_eq!(
            found(&sets, Criterion::SpeciesSpecific, "all"),
            [(false, 0.02), (false, 0.1), (true, 0.22)]
        );
        assert_eq!(
            found(&sets, Criterion::SpeciesSpecific, "bat"),
            [(false, 0.02), (true, 0.22)]
        );
        assert_eq!(
            found(&sets, Criterion::CladeSpecific, "Glires"),
            [(true, 0.0), (true, 0.01), (false, 0.2), (false, 0.21)]
        );
        assert_eq!(
            found(&sets, Criterion::CladeSpecific, "Chiroptera"),
            [(false, 0.02), (true, 0.22)]
        );
        // Open in liver of the mouse: region 0, open in the tissue, and 1, closed. The rat's region 3 was not measured.
        assert_eq!(
            found(&sets, Criterion::TissueSpecific, "liver"),
            [(true, 0.0), (false, 0.1)]
        );
    }

    #[test]
    fn numbers_of_a_set_that_is_told_apart_perfectly_and_of_one_class() {
        let mut set = Set::new(Criterion::Whole, "all");
        for (region, open) in [(0, false), (1, false), (3, true)] {
            set.add(&matrix(), (region, 0), open);
        }
        let result = set.result();
        let metrics = result.metrics.expect("both classes");
        assert_eq!((result.n_open, result.n_closed), (1, 2));
        assert_eq!(
            (metrics.auroc, metrics.auprc_positive, metrics.aunpv_specificity),
            (1.0, 1.0, 1.0)
        );
        let mut set = Set::new(Criterion::Whole, "all");
        set.add(&matrix(), (0, 0), true);
        assert_eq!(set.result().metrics, None);
    }
}
