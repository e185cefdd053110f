//! From log-probabilities to decisions: who is whom, how sure, and how many are right.

use crate::assign::assign;
use crate::error::NeuronidError;
use neuropil_nn::loss::softmax;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How many test neurons may be told to have no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outliers {
    /// As many as there are test neurons.
    Auto,
    /// At most this many; the published evaluation has 5, its figure of tracks 20.
    Copies(usize),
    /// None: the outlier column is left out, as in the published identification.
    None,
}

/// Scores of the neurons of a test worm: \[test neurons\]\[template neurons + 1\], the last column "no counterpart".
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    /// Values, row-major: log-probabilities, perhaps with colour added.
    pub values: &'a [f64],
    /// Template neurons n.
    pub n_template: usize,
}

/// What was decided about one test neuron.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The template neuron; none if it has no counterpart or was left over.
    pub template: Option<usize>,
    /// Score of that column (of the outlier column without a counterpart, −∞ if left over).
    pub log_p: f64,
    /// Softmax of the row at that column; over the template columns alone where the outlier column is left out.
    pub probability: f64,
    /// log-probability of the decision minus that of the best other column.
    pub margin: f64,
}

impl<'a> Scores<'a> {
    /// Number of test neurons.
    pub fn n_test(&self) -> usize {
        self.values.len() / (self.n_template + 1)
    }

    /// A test neuron's scores.
    pub fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * (self.n_template + 1)..][..=self.n_template]
    }

    /// Columns that count: all, or those of template neurons.
    fn counted(&self, outliers: Outliers) -> usize {
        self.n_template + usize::from(outliers != Outliers::None)
    }

    /// The assignment of largest total score.
    ///
    /// # Errors
    /// Scores that are no numbers.
    pub fn decide(&self, outliers: Outliers) -> Result<Vec<Decision>, NeuronidError> {
        let (m, n) = (self.n_test(), self.n_template);
        let copies = match outliers {
            Outliers::Auto => m,
            Outliers::Copies(copies) => copies,
            Outliers::None => 0,
        };
        let width = n + copies;
        if m == 0 || width == 0 {
            return Ok((0..m).map(|row| self.decision(row, None, outliers)).collect());
        }
        let cost: Vec<f64> = (0..m)
            .flat_map(|row| (0..width).map(move |c| -self.row(row)[c.min(n)]))
            .collect();
        let mut given = vec![None; m];
        for (row, column) in assign(&cost, width)? {
            given[row] = Some(column.min(n));
        }
        Ok((0..m)
            .map(|row| self.decision(row, given[row], outliers))
            .collect())
    }

    /// The best column of each row, whoever else has it.
    pub fn decide_each(&self, outliers: Outliers) -> Vec<Decision> {
        let best = |row: usize| self.ranked(row, outliers).first().copied();
        (0..self.n_test())
            .map(|row| self.decision(row, best(row), outliers))
            .collect()
    }

    fn decision(&self, row: usize, column: Option<usize>, outliers: Outliers) -> Decision {
        let Some(column) = column else {
            return Decision {
                template: None,
                log_p: f64::NEG_INFINITY,
                probability: 0.0,
                margin: f64::NEG_INFINITY,
            };
        };
        let scores = &self.row(row)[..self.counted(outliers)];
        let others = scores
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != column)
            .map(|(_, score)| *score);
        let second = others.fold(f64::NEG_INFINITY, f64::max);
        Decision {
            template: (column < self.n_template).then_some(column),
            log_p: scores[column],
            probability: softmax(scores, 0..scores.len())[column],
            margin: scores[column] - second,
        }
    }

    /// Columns by descending score, equals by column.
    fn ranked(&self, row: usize, outliers: Outliers) -> Vec<usize> {
        let scores = &self.row(row)[..self.counted(outliers)];
        let mut columns: Vec<usize> = (0..scores.len()).collect();
        columns.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        columns
    }

    /// The `k` best template neurons of a row with their probabilities.
    pub fn top(&self, row: usize, k: usize) -> Vec<(usize, f64)> {
        let probabilities = softmax(self.row(row), 0..self.n_template);
        let ranked = self.ranked(row, Outliers::None);
        ranked
            .into_iter()
            .take(k)
            .map(|column| (column, probabilities[column]))
            .collect()
    }
}

/// How many decisions are right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Right decisions.
    pub hits: usize,
    /// Test neurons whose partner is known and in the template.
    pub scorable: usize,
    /// hits/scorable; NaN without any.
    pub accuracy: f64,
    /// Decisions kept by the threshold, of all.
    pub kept: f64,
    /// hits/labelled: every labelled neuron without a partner counts as wrong.
    pub lower: f64,
    /// (hits + labelled without a partner)/labelled.
    pub upper: f64,
}

/// Decisions against the truth, pairs (test, template); those below `threshold` in probability are dropped and count
/// as wrong. `labelled` is the number of test neurons with a name.
pub fn accuracy(
    decisions: &[Decision],
    truth: &[(usize, usize)],
    labelled: usize,
    threshold: f64,
) -> Accuracy {
    let least = if threshold > 0.0 {
        threshold.ln()
    } else {
        f64::NEG_INFINITY
    };
    let kept = |decision: &Decision| decision.log_p >= least && decision.log_p > f64::NEG_INFINITY;
    let truth: HashMap<usize, usize> = truth.iter().copied().collect();
    let hit = |(row, decision): &(usize, &Decision)| {
        kept(decision) && decision.template.is_some() && decision.template == truth.get(row).copied()
    };
    let hits = decisions.iter().enumerate().filter(hit).count();
    let ratio = |part: usize, of: usize| {
        if of == 0 {
            f64::NAN
        } else {
            part as f64 / of as f64
        }
    };
    Accuracy {
        hits,
        scorable: truth.len(),
        accuracy: ratio(hits, truth.len()),
        kept: ratio(
            decisions.iter().filter(|decision| kept(decision)).count(),
            decisions.len(),
        ),
        lower: ratio(hits, labelled),
        upper: ratio(hits + labelled.saturating_sub(truth.len()), labelled),
    }
}

/// Fraction of scorable neurons whose partner is among the k best columns, k = 1…`most`.
pub fn cumulative_top(scores: &Scores<'_>, truth: &[(usize, usize)], most: usize) -> Vec<f64> {
    let rank = |&(row, column): &(usize, usize)| {
        let scores = scores.row(row);
        scores.iter().filter(|score| **score >= scores[column]).count()
    };
    let ranks: Vec<usize> = truth.iter().map(rank).collect();
    let within = |k| ranks.iter().filter(|rank| **rank <= k).count() as f64 / ranks.len().max(1) as f64;
    (1..=most).map(within).collect()
}

/// Bins of a reliability curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Mean probability of each bin; NaN if it is empty.
    pub confidence: Vec<f64>,
    /// Fraction right of each bin; NaN if it is empty.
    pub accuracy: Vec<f64>,
    /// Decisions of each bin.
    pub counts: Vec<usize>,
    /// Expected calibration error: mean distance of the two, weighted by counts.
    pub error: f64,
}

/// Probabilities against truths, in equal bins of probability.
pub fn reliability(decided: &[(f64, bool)], bins: usize) -> Reliability {
    let bin_of = |p: f64| ((p * bins as f64) as usize).min(bins - 1);
    let (mut sums, mut right, mut counts) = (vec![0.0; bins], vec![0; bins], vec![0; bins]);
    for &(p, is_right) in decided {
        let bin = bin_of(p);
        sums[bin] += p;
        right[bin] += usize::from(is_right);
        counts[bin] += 1;
    }
    let confidence: Vec<f64> = sums.iter().zip(&counts).map(|(sum, &n)| sum / n as f64).collect();
    let accuracy: Vec<f64> = right
        .iter()
        .zip(&counts)
        .map(|(&right, &n)| right as f64 / n as f64)
        .collect();
    let gaps = confidence
        .iter()
        .zip(&accuracy)
        .zip(&counts)
        .filter(|(_, n)| **n > 0);
    let error = gaps.map(|((c, a), &n)| (c - a).abs() * n as f64).sum::<f64>() / decided.len().max(1) as f64;
    Reliability {
        confidence,
        accuracy,
        counts,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neuron_without_counterpart_takes_the_outlier_column_and_leaves_its_rival_the_neuron() {
        let log_p: Vec<f64> = [[0.6_f64, 0.1, 0.3], [0.7, 0.1, 0.2]]
            .as_flattened()
            .iter()
            .map(|p| p.ln())
            .collect();
        let scores = Scores {
            values: &log_p,
            n_template: 2,
        };
        let auto = scores.decide(Outliers::Auto).unwrap();
        assert_eq!((auto[0].template, auto[1].template), (None, Some(0)));
        let forced = scores.decide(Outliers::None).unwrap();
        assert_eq!((forced[0].template, forced[1].template), (Some(1), Some(0)));
        assert!((forced[1].probability - 0.875).abs() < 1e-12);
        let each = scores.decide_each(Outliers::Auto);
        assert_eq!((each[0].template, each[1].template), (Some(0), Some(0)));
    }

    #[test]
    fn sure_and_right_is_calibrated() {
        let decided: Vec<(f64, bool)> = (0..100).map(|i| (0.75, i % 4 != 0)).collect();
        assert!(reliability(&decided, 10).error < 1e-12);
        assert!((reliability(&[(0.9, false)], 10).error - 0.9).abs() < 1e-12);
    }
}
