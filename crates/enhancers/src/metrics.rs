//! How well scores tell two classes apart, each number named by its class.
//!
//! Areas are those of scikit-learn: trapezoids, with a point at recall 0 and precision 1.

/// Numbers of one test set.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Metrics {
    /// Examples of class 1.
    pub n_positive: usize,
    /// Examples of class 0.
    pub n_negative: usize,
    /// Area under the receiver operating characteristic.
    pub auroc: f64,
    /// Area under precision against recall of class 1.
    pub auprc_positive: f64,
    /// Area under negative predictive value against specificity: the same of class 0.
    pub aunpv_specificity: f64,
    /// Average precision of class 1.
    pub average_precision: f64,
    /// Fraction classified rightly at a threshold of ½ (½ itself counts as class 0).
    pub accuracy: f64,
    /// Recall of class 1.
    pub sensitivity: f64,
    /// Recall of class 0.
    pub specificity: f64,
    /// Precision of class 1.
    pub precision: f64,
    /// Precision of class 0.
    pub npv: f64,
    /// Harmonic mean of precision and sensitivity.
    pub f1: f64,
    /// Mean negative log-likelihood.
    pub log_loss: f64,
}

/// Thresholds from high to low with the counts of both classes at or above.
fn counts(labels: &[bool], scores: &[f64]) -> Vec<(f64, usize, usize)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let (mut positive, mut negative) = (0, 0);
    let mut out = Vec::new();
    for (i, &at) in order.iter().enumerate() {
        if labels[at] {
            positive += 1;
        } else {
            negative += 1;
        }
        if order.get(i + 1).is_none_or(|&next| scores[next] != scores[at]) {
            out.push((scores[at], positive, negative));
        }
    }
    out
}

/// Points of a precision–recall curve from recall 0 up: (recall, precision), thresholds going down.
pub fn precision_recall(labels: &[bool], scores: &[f64]) -> Vec<(f64, f64)> {
    let total = labels.iter().filter(|&&label| label).count() as f64;
    let mut curve = vec![(0.0, 1.0)];
    curve.extend(
        counts(labels, scores)
            .into_iter()
            .map(|(_, p, n)| (p as f64 / total, p as f64 / (p + n) as f64)),
    );
    curve
}

/// Points of the receiver operating characteristic: (false positive rate, true positive rate).
pub fn operating_characteristic(labels: &[bool], scores: &[f64]) -> Vec<(f64, f64)> {
    let total = labels.iter().filter(|&&label| label).count() as f64;
    let others = labels.len() as f64 - total;
    let mut curve = vec![(0.0, 0.0)];
    curve.extend(
        counts(labels, scores)
            .into_iter()
            .map(|(_, p, n)| (n as f64 / others, p as f64 / total)),
    );
    curve
}

fn area(curve: &[(f64, f64)]) -> f64 {
    curve
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0)
        .sum()
}

/// Recall of class 1 at the lowest threshold whose precision is 1 − `fdr` or more; 0 without any.
pub fn recall_at_fdr(labels: &[bool], scores: &[f64], fdr: f64) -> f64 {
    let curve = precision_recall(labels, scores);
    curve[1..]
        .iter()
        .rev()
        .find(|point| point.1 >= 1.0 - fdr)
        .map_or(0.0, |point| point.0)
}

impl Metrics {
    /// Computes all; `None` without examples of both classes or with scores that are not probabilities.
    pub fn of(labels: &[bool], scores: &[f64]) -> Option<Self> {
        let n_positive = labels.iter().filter(|&&label| label).count();
        let n_negative = labels.len() - n_positive;
        if n_positive == 0
            || n_negative == 0
            || labels.len() != scores.len()
            || scores.iter().any(|s| !(0.0..=1.0).contains(s))
        {
            return None;
        }
        let swapped_labels: Vec<bool> = labels.iter().map(|label| !label).collect();
        let swapped_scores: Vec<f64> = scores.iter().map(|score| 1.0 - score).collect();
        let curve = precision_recall(labels, scores);
        let count = |truth: bool, said: bool| {
            labels
                .iter()
                .zip(scores)
                .filter(|&(&label, &score)| label == truth && (score > 0.5) == said)
                .count() as f64
        };
        let (tp, tn, fp, fneg) = (
            count(true, true),
            count(false, false),
            count(false, true),
            count(true, false),
        );
        let ratio = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
        let (precision, sensitivity) = (ratio(tp, tp + fp), ratio(tp, tp + fneg));
        let loss = |(&label, &score): (&bool, &f64)| {
            let score = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
            -(if label { score } else { 1.0 - score }).ln()
        };
        Some(Self {
            n_positive,
            n_negative,
            auroc: area(&operating_characteristic(labels, scores)),
            auprc_positive: area(&curve),
            aunpv_specificity: area(&precision_recall(&swapped_labels, &swapped_scores)),
            average_precision: curve
                .windows(2)
                .map(|pair| (pair[1].0 - pair[0].0) * pair[1].1)
                .sum(),
            accuracy: (tp + tn) / labels.len() as f64,
            sensitivity,
            specificity: ratio(tn, tn + fp),
            precision,
            npv: ratio(tn, tn + fneg),
            f1: ratio(2.0 * precision * sensitivity, precision + sensitivity),
            log_loss: labels.iter().zip(scores).map(loss).sum::<f64>() / labels.len() as f64,
        })
    }
}
