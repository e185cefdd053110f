//! What is told of a training: its epochs, and how well open and closed sequences are told apart.

use crate::cnn::train::Epoch;
use crate::figures;
use crate::metrics::{Metrics, operating_characteristic, precision_recall};
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_study::{Origin, Shown, Table, Tell};
use serde::Serialize;

/// What the analysis of the epochs shows.
pub(crate) const LEARNING: &str = "Losses and areas under the curves, epoch by epoch";
/// What the analysis of the test chromosomes shows.
pub(crate) const DISCRIMINATION: &str = "Open against closed sequences of the test chromosomes";

/// Epochs of a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Learnt {
    /// In order.
    pub epochs: Vec<Epoch>,
}

impl Tell for Learnt {
    fn sentences(&self) -> Vec<String> {
        let Some(last) = self.epochs.last() else {
            return vec!["no epoch is complete yet".to_owned()];
        };
        let best = self.epochs.iter().fold(
            last,
            |best, epoch| {
                if epoch.auroc > best.auroc { epoch } else { best }
            },
        );
        vec![format!(
            "{} epochs; the largest area under the ROC of the validation chromosomes, {:.3}, was reached after epoch {}",
            self.epochs.len(),
            best.auroc,
            best.epoch
        )]
    }

    fn table(&self) -> Table {
        let column = |value: fn(&Epoch) -> f64| self.epochs.iter().map(value).collect::<Vec<f64>>();
        Table::new()
            .with("epoch", column(|epoch| epoch.epoch as f64))
            .with("train_loss", column(|epoch| epoch.train_loss))
            .with("validation_loss", column(|epoch| epoch.validation_loss))
            .with("auroc", column(|epoch| epoch.auroc))
            .with("auprc", column(|epoch| epoch.auprc))
    }

    fn figures(&self, _: &Origin) -> Vec<Shown> {
        vec![Shown {
            figure: figures::training(&self.epochs),
            numbers: self.table(),
        }]
    }
}

/// A network on sequences of chromosomes that it did not learn from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Tested {
    /// Numbers.
    pub metrics: Metrics,
    /// Points (false positive rate, true positive rate).
    #[serde(skip)]
    pub roc: Vec<(f64, f64)>,
    /// Points (recall, precision) of open sequences.
    #[serde(skip)]
    pub precision_recall: Vec<(f64, f64)>,
}

impl Tested {
    /// Of labels and predictions; none without both classes.
    pub(super) fn of(labels: &[bool], scores: &[f64]) -> Option<Self> {
        Some(Self {
            metrics: Metrics::of(labels, scores)?,
            roc: operating_characteristic(labels, scores),
            precision_recall: precision_recall(labels, scores),
        })
    }
}

impl Tell for Tested {
    fn sentences(&self) -> Vec<String> {
        let m = &self.metrics;
        vec![format!(
            "AUROC {:.3}, AUPRC {:.3} (open), AUNPV-specificity {:.3} (closed); {:.1} % of {} open and {} closed sequences \
             right at a threshold of 0.5",
            m.auroc,
            m.auprc_positive,
            m.aunpv_specificity,
            100.0 * m.accuracy,
            m.n_positive,
            m.n_negative
        )]
    }

    fn table(&self) -> Table {
        let m = &self.metrics;
        let rows = [
            ("auroc", m.auroc),
            ("auprc_positive", m.auprc_positive),
            ("aunpv_specificity", m.aunpv_specificity),
            ("average_precision", m.average_precision),
            ("accuracy", m.accuracy),
            ("sensitivity", m.sensitivity),
            ("specificity", m.specificity),
            ("precision", m.precision),
            ("npv", m.npv),
            ("f1", m.f1),
            ("log_loss", m.log_loss),
        ];
        let (names, values): (Vec<String>, Vec<f64>) = rows
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .unzip();
        Table::new().with("measure", names).with("value", values)
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let (fpr, tpr): (Vec<f64>, Vec<f64>) = self.roc.iter().copied().unzip();
        let (recall, precision): (Vec<f64>, Vec<f64>) = self.precision_recall.iter().copied().unzip();
        let m = &self.metrics;
        let share = m.n_positive as f64 / (m.n_positive + m.n_negative) as f64;
        let square = |panel: Panel| panel.x_range(0.0, 1.0).y_range(0.0, 1.0);
        let chance = |y: [f64; 2]| {
            Series::line(vec![0.0, 1.0], y.to_vec())
                .color(Color::Grey)
                .label("by chance")
        };
        let figure = Figure {
            name: "discrimination".to_owned(),
            title: format!(
                "AUROC {:.3}, AUPRC {:.3} on the test chromosomes",
                m.auroc, m.auprc_positive
            ),
            caption: format!(
                "{}, seed {}: {} open and {} closed sequences of the test chromosomes, mean of both strands.",
                origin.of, origin.seed, m.n_positive, m.n_negative
            ),
            columns: 2,
            panels: vec![
                square(Panel::new("false positive rate", "true positive rate"))
                    .series(chance([0.0, 1.0]))
                    .series(Series::line(fpr.clone(), tpr.clone()).color(Color::Blue)),
                square(Panel::new("recall of open sequences", "precision"))
                    .series(chance([share, share]))
                    .series(Series::line(recall, precision).color(Color::Blue)),
            ],
        };
        let numbers = Table::new()
            .with("false_positive_rate", fpr)
            .with("true_positive_rate", tpr);
        vec![Shown { figure, numbers }]
    }
}
