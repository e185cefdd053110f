//! What a scan works on: tree, matrix and trait, joined by the names of species and by nothing else.

use std::collections::HashMap;

use crate::error::InputError;
use crate::matrix::Matrix;
use crate::names::{Unmatched, species_key, unmatched};
use crate::traits::{Kind, Trait};
use crate::tree::{NONE, Tree};

/// Which regions are tested.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Least fraction of the common species that must have a prediction.
    pub min_fraction: f64,
    /// Least number of species in either class of a trait of two classes.
    pub min_foreground: usize,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            min_fraction: crate::kaplow2023::MIN_FRACTION,
            min_foreground: crate::kaplow2023::MIN_FOREGROUND,
        }
    }
}

/// Tree, predictions and trait of the species that all three have.
#[derive(Clone, Debug)]
pub struct Study {
    /// The tree of the common species; its tips give the order of species.
    pub tree: Tree,
    /// Trait of every tip.
    pub values: Vec<f64>,
    /// Kind of the trait.
    pub kind: Kind,
    /// Column of the matrix of every tip.
    pub columns: Vec<usize>,
    /// The predictions.
    pub matrix: Matrix,
    /// Names that did not match.
    pub unmatched: Vec<Unmatched>,
    /// Species of the tree and the matrix whose trait is missing.
    pub without_trait: Vec<String>,
    /// Which regions are tested.
    pub filters: Filters,
}

impl Study {
    /// Joins the three.
    ///
    /// # Errors
    /// Fewer than three species in common; a trait without variation among them; sister tips at distance zero.
    pub fn new(tree: &Tree, matrix: Matrix, response: &Trait, filters: Filters) -> Result<Self, InputError> {
        let study = Self::joined(tree, matrix, response, filters)?;
        study.check_twins()?;
        Ok(study)
    }

    /// Joins the three without a look at tips at distance zero.
    pub(crate) fn joined(
        tree: &Tree,
        matrix: Matrix,
        response: &Trait,
        filters: Filters,
    ) -> Result<Self, InputError> {
        let tips: Vec<String> = tree.tip_names().map(str::to_owned).collect();
        let column_of: HashMap<String, usize> = matrix
            .species
            .iter()
            .enumerate()
            .map(|(i, name)| (species_key(name), i))
            .collect();
        let value_of: HashMap<String, Option<f64>> = response
            .species
            .iter()
            .zip(&response.values)
            .map(|(name, value)| (species_key(name), *value))
            .collect();
        let mut missing = unmatched(&response.species, "traits", &tips, "tree");
        missing.extend(unmatched(&matrix.species, "matrix", &tips, "tree"));
        missing.extend(unmatched(&matrix.species, "matrix", &response.species, "traits"));
        let (mut kept, mut columns, mut values, mut without_trait) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (tip, name) in tips.iter().enumerate() {
            let key = species_key(name);
            let (Some(&column), Some(value)) = (column_of.get(&key), value_of.get(&key)) else {
                continue;
            };
            match value {
                Some(value) => {
                    kept.push(tip);
                    columns.push(column);
                    values.push(*value);
                }
                None => without_trait.push(name.clone()),
            }
        }
        if kept.len() < 3 {
            let example = missing.first().map_or_else(String::new, |u| {
                let near = u
                    .nearest
                    .as_ref()
                    .map_or_else(String::new, |near| format!("; the nearest is `{near}`"));
                format!(
                    "; `{}` of the {} is not in the {}{near}",
                    u.name, u.found_in, u.missing_from
                )
            });
            return Err(InputError::new(format!(
                "{} species are in tree, matrix and traits, expected at least 3{example}",
                kept.len()
            ))
            .hint("species are matched by name; case, and blanks, underscores or dots between words, do not matter"));
        }
        if values.iter().all(|value| *value == values[0]) {
            return Err(InputError::new(format!(
                "the trait is {} in all {} common species",
                values[0],
                values.len()
            ))
            .in_field(&response.name));
        }
        Ok(Self {
            tree: tree.keep(&kept)?,
            values,
            kind: response.kind,
            columns,
            matrix,
            unmatched: missing,
            without_trait,
            filters,
        })
    }

    /// Refuses tips at distance zero from a sister: their covariance is singular in every region that has both.
    pub(crate) fn check_twins(&self) -> Result<(), InputError> {
        let mut zero = vec![NONE; self.tree.n_nodes()];
        for (tip, &node) in self.tree.tips().iter().enumerate() {
            // Branches of length zero above do not part them.
            let mut up = node;
            let mut distance = 0.0;
            while self.tree.parents()[up] != NONE && distance == 0.0 {
                distance = self.tree.lengths()[up];
                if distance == 0.0 {
                    up = self.tree.parents()[up];
                    if zero[up] != NONE {
                        let error = crate::phylo::FitError::TwinTips(
                            self.tree.tip_name(zero[up]).into(),
                            self.tree.tip_name(tip).into(),
                        );
                        return Err(error.into());
                    }
                    zero[up] = tip;
                }
            }
        }
        Ok(())
    }

    /// Number of species in common.
    pub fn n_common(&self) -> usize {
        self.columns.len()
    }

    /// Predictions of a region for every tip, missing ones NaN.
    pub fn predictions(&self, region: usize) -> Vec<f64> {
        let row = self.matrix.row(region);
        self.columns.iter().map(|&column| row[column]).collect()
    }

    /// Tips with a prediction, their predictions, and why the region is not tested where it is not.
    pub(crate) fn region(&self, region: usize) -> Region {
        let mut found = Region::default();
        self.look(region, &mut found);
        found
    }

    /// The same, in the memory of another region.
    pub(crate) fn look(&self, region: usize, into: &mut Region) {
        let Region { tips, x, .. } = into;
        tips.clear();
        x.clear();
        let row = self.matrix.row(region);
        for (tip, &column) in self.columns.iter().enumerate() {
            let value = row[column];
            if !value.is_nan() {
                tips.push(tip);
                x.push(value);
            }
        }
        into.ones = match self.kind {
            Kind::Binary => tips.iter().filter(|&&tip| self.values[tip] == 1.0).count(),
            Kind::Continuous => 0,
        };
        into.reason = self.reason(into);
    }

    /// Why a region is not tested, if it is not.
    fn reason(&self, region: &Region) -> Option<String> {
        let Region { tips, x, ones, .. } = region;
        let (ones, n) = (*ones, tips.len());
        let least = self.filters.min_fraction * self.n_common() as f64;
        if (n as f64) < least {
            Some(format!(
                "{n} of {} species have a prediction, fewer than {}",
                self.n_common(),
                least.ceil()
            ))
        } else if n < 3 {
            Some(format!("{n} species have a prediction, fewer than 3"))
        } else if x.iter().all(|value| *value == x[0]) {
            Some("constant-predictor".to_owned())
        } else if self.kind == Kind::Binary && ones < self.filters.min_foreground.max(1) {
            Some(format!(
                "{ones} species of class 1 have a prediction, fewer than {}",
                self.filters.min_foreground.max(1)
            ))
        } else if self.kind == Kind::Binary && n - ones < self.filters.min_foreground.max(1) {
            Some(format!(
                "{} species of class 0 have a prediction, fewer than {}",
                n - ones,
                self.filters.min_foreground.max(1)
            ))
        } else if self.kind == Kind::Continuous
            && tips.iter().all(|&tip| self.values[tip] == self.values[tips[0]])
        {
            Some("constant-response".to_owned())
        } else {
            None
        }
    }
}

/// One region as the fits see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    pub(crate) tips: Vec<usize>,
    pub(crate) x: Vec<f64>,
    pub(crate) ones: usize,
    pub(crate) reason: Option<String>,
}
