//! How predictions go with the distance from a species.

use neuropil_math::stats::correlation::pearson;
use neuropil_math::stats::rank::rank;
use neuropil_math::stats::summary::{mean, variance};

use super::Ruler;
use super::labels::{Clades, Labels};
use super::smooth::lowess;
use crate::error::InputError;
use crate::matrix::Matrix;
use crate::names::{species_key, unmatched};
use crate::tree::Tree;

/// Share of the species that a point of the smooth curve rests on.
const SPAN: f64 = 0.9;

/// A quantity of every species against divergence time.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Trend {
    /// The quantity, species by species.
    pub values: Vec<f64>,
    /// Pearson's correlation with divergence time.
    pub pearson: f64,
    /// Its p-value, as if species were independent.
    pub pearson_p: f64,
    /// Spearman's correlation.
    pub spearman: f64,
    /// Its p-value by Student's t, as if species were independent.
    pub spearman_p: f64,
    /// Locally linear curve (divergence time, quantity).
    pub curve: Vec<(f64, f64)>,
}

/// Predictions of the regions open in a species, over all species.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Divergence {
    /// The species that times are counted from.
    pub source: String,
    /// Regions: open in the source where it was measured, and predicted in enough species.
    pub n_regions: usize,
    /// Species.
    pub species: Vec<String>,
    /// Time since each parted from the source, in units of the tree: half of the path between the two.
    pub time: Vec<f64>,
    /// Mean prediction over the regions.
    pub mean: Trend,
    /// Standard deviation of the predictions over the regions (n − 1).
    pub sd: Trend,
    /// Mean prediction of what was measured to be closed.
    pub closed_mean: Option<f64>,
}

/// Means and standard deviations of predictions against divergence.
///
/// # Errors
/// The source or the clade is not there; fewer than three species or two regions; values that do not vary.
pub fn divergence(
    matrix: &Matrix,
    labels: &Labels,
    clades: &Clades,
    ruler: &Ruler,
    notes: &mut Vec<String>,
) -> Result<Divergence, InputError> {
    let (source, start) = find_source(matrix, ruler)?;
    let columns = columns(matrix, clades, ruler, notes)?;
    let regions = regions(matrix, labels, source, &columns, ruler.min_fraction);
    if columns.len() < 3 || regions.len() < 2 {
        return Err(InputError::new(format!(
            "{} species and {} regions to set predictions against divergence, expected 3 and 2 or more",
            columns.len(),
            regions.len()
        )));
    }
    let mut found = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &(column, tip) in &columns {
        let values: Vec<f64> = regions
            .iter()
            .map(|&region| matrix.row(region)[column])
            .filter(|value| !value.is_nan())
            .collect();
        if values.len() < 2 {
            notes.push(format!(
                "`{}` has fewer than 2 predictions to compare",
                matrix.species[column]
            ));
            continue;
        }
        found.0.push(matrix.species[column].clone());
        found.1.push(time(ruler.tree, start, tip));
        found.2.push(mean(&values));
        found.3.push(variance(&values, 1).sqrt());
    }
    let (species, time, means, sds) = found;
    Ok(Divergence {
        source: matrix.species[source].clone(),
        n_regions: regions.len(),
        mean: trend(&time, means, "the mean prediction")?,
        sd: trend(&time, sds, "the standard deviation of predictions")?,
        species,
        time,
        closed_mean: closed_mean(matrix, labels),
    })
}

/// Column and tip of the source.
fn find_source(matrix: &Matrix, ruler: &Ruler) -> Result<(usize, usize), InputError> {
    let key = species_key(ruler.source);
    let column = matrix.species.iter().position(|name| species_key(name) == key);
    let missing = |names: &[String], from: &'static str| {
        let found = unmatched(&[ruler.source.to_owned()], "source", names, from);
        let error = InputError::new(format!("the source `{}` is not in the {from}", ruler.source));
        match found.into_iter().next().and_then(|unmatched| unmatched.nearest) {
            Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
            None => error,
        }
    };
    let tips: Vec<String> = ruler.tree.tip_names().map(str::to_owned).collect();
    let tip = ruler
        .tree
        .find(ruler.source)
        .ok_or_else(|| missing(&tips, "tree"))?;
    let column = column.ok_or_else(|| missing(&matrix.species, "matrix"))?;
    Ok((column, tip))
}

/// Columns of the matrix with their tips, of the clade that was asked for.
fn columns(
    matrix: &Matrix,
    clades: &Clades,
    ruler: &Ruler,
    notes: &mut Vec<String>,
) -> Result<Vec<(usize, usize)>, InputError> {
    let among = ruler.among.map(|name| clades.find(name)).transpose()?;
    let asked = |column: &usize| among.is_none() || clades.of[*column] == among;
    let mut columns = Vec::new();
    let mut missing = Vec::new();
    for column in (0..matrix.species.len()).filter(asked) {
        match ruler.tree.find(&matrix.species[column]) {
            Some(tip) => columns.push((column, tip)),
            None => missing.push(matrix.species[column].as_str()),
        }
    }
    if !missing.is_empty() {
        notes.push(format!(
            "species of the matrix that the tree lacks: {}",
            missing.join(", ")
        ));
    }
    Ok(columns)
}

/// Regions predicted in enough of the species; where the source was measured, those open in it.
fn regions(
    matrix: &Matrix,
    labels: &Labels,
    source: usize,
    columns: &[(usize, usize)],
    min_fraction: f64,
) -> Vec<usize> {
    let measured = labels.target.keys().any(|&(_, species)| species == source);
    let predicted = |region: usize| {
        let row = matrix.row(region);
        columns
            .iter()
            .filter(|(column, _)| !row[*column].is_nan())
            .count()
    };
    (0..matrix.regions.len())
        .filter(|&region| !measured || labels.target.get(&(region, source)) == Some(&true))
        .filter(|&region| predicted(region) as f64 >= min_fraction * columns.len() as f64)
        .collect()
}

fn time(tree: &Tree, a: usize, b: usize) -> f64 {
    let depths = tree.depths();
    let depth = |tip: usize| depths[tree.tips()[tip]];
    f64::midpoint(depth(a), depth(b)) - depths[tree.mrca(a, b)]
}

fn closed_mean(matrix: &Matrix, labels: &Labels) -> Option<f64> {
    let closed: Vec<f64> = labels
        .target
        .iter()
        .filter(|(_, open)| !**open)
        .map(|(&(region, species), _)| matrix.row(region)[species])
        .filter(|value| !value.is_nan())
        .collect();
    (!closed.is_empty()).then(|| mean(&closed))
}

fn trend(time: &[f64], values: Vec<f64>, what: &str) -> Result<Trend, InputError> {
    let wrong = |error| InputError::new(format!("{what} cannot be set against divergence: {error}"));
    let straight = pearson(time, &values).map_err(wrong)?;
    let ranked = pearson(&rank(time).of, &rank(&values).of).map_err(wrong)?;
    Ok(Trend {
        curve: lowess(time, &values, SPAN),
        pearson: straight.r,
        pearson_p: straight.p,
        spearman: ranked.r,
        spearman_p: ranked.p,
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_that_fall_and_spread_with_time() {
        let tree = Tree::parse("((((a:1,b:1):1,c:2):1,d:3):1,e:4);").expect("a tree");
        // Region 0 stays at 0.9, region 1 falls by a tenth a step, region 2 is closed, region 3 lacks most species.
        let gone = f64::NAN;
        let matrix = Matrix {
            regions: ["r0", "r1", "r2", "r3"].map(String::from).to_vec(),
            species: ["a", "b", "c", "d", "e"].map(String::from).to_vec(),
            values: [
                [0.9, 0.9, 0.9, 0.9, 0.9],
                [0.9, 0.8, 0.7, 0.6, 0.5],
                [0.1, 0.3, 0.1, 0.1, 0.1],
                [0.9, 0.1, gone, gone, gone],
            ]
            .concat(),
            notes: Vec::new(),
        };
        let target = [
            ((0, 0), true),
            ((1, 0), true),
            ((2, 0), false),
            ((2, 1), false),
            ((3, 0), true),
        ];
        let labels = Labels {
            target: target.into_iter().collect(),
            ..Labels::default()
        };
        let clades = Clades::default();
        let ruler = Ruler {
            tree: &tree,
            source: "A",
            among: None,
            min_fraction: 0.75,
        };
        let found = divergence(&matrix, &labels, &clades, &ruler, &mut Vec::new()).expect("a trend");
        assert_eq!(found.time, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found.n_regions, 2);
        for (mean, expected) in found.mean.values.iter().zip([0.9, 0.85, 0.8, 0.75, 0.7]) {
            assert!((mean - expected).abs() < 1e-12);
        }
        assert!((found.mean.pearson + 1.0).abs() < 1e-12 && (found.mean.spearman + 1.0).abs() < 1e-12);
        assert!((found.sd.pearson - 1.0).abs() < 1e-12);
        assert_eq!(found.closed_mean, Some(0.2));
        let lost = Ruler {
            source: "x",
            ..ruler.clone()
        };
        let error = divergence(&matrix, &labels, &clades, &lost, &mut Vec::new()).expect_err("no x");
        assert_eq!(error.to_string(), "the source `x` is not in the tree");
        let clade = Ruler {
            among: Some("Glires"),
            ..ruler
        };
        assert!(divergence(&matrix, &labels, &clades, &clade, &mut Vec::new()).is_err());
    }
}
