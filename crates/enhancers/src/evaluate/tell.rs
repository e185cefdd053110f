//! An evaluation in sentences, as a table and as figures.

use neuropil_draw::{Boxes, Color, Figure, Panel, Series};
use neuropil_lab::table::Table;
use neuropil_study::{Origin, Shown, Tell};

use super::{Criterion, Divergence, Evaluation, SetResult, Trend};
use crate::metrics::Metrics;

/// Numbers in the figure of the sets: name, colour, which.
const BARS: [(&str, Color, fn(&Metrics) -> f64); 3] = [
    ("AUROC", Color::Blue, |m| m.auroc),
    ("AUPRC of the open", Color::Vermillion, |m| m.auprc_positive),
    ("area under NPV and specificity", Color::Green, |m| {
        m.aunpv_specificity
    }),
];

/// Width of a group of bars, in units of the distance between groups.
const GROUP: f64 = 0.75;

impl SetResult {
    /// Criterion and what it is about, as one name.
    fn name(&self) -> String {
        match (self.criterion, self.of.as_str()) {
            (Criterion::Whole, _) => "whole".into(),
            (Criterion::Species, of) => of.into(),
            (Criterion::TissueSpecific, of) => format!("against {of}"),
            (criterion, of) => format!("{}, {of}", criterion.name()),
        }
    }

    fn sentence(&self) -> String {
        let counts = format!("{} open, {} closed", self.n_open, self.n_closed);
        match &self.metrics {
            Some(m) => format!(
                "{} ({counts}): AUROC {:.3}, AUPRC of the open {:.3}, area under NPV and specificity {:.3}",
                self.name(),
                m.auroc,
                m.auprc_positive,
                m.aunpv_specificity
            ),
            None => format!("{} ({counts}): one class alone, no numbers", self.name()),
        }
    }
}

impl Divergence {
    fn sentence(&self) -> String {
        let of = |what: &str, trend: &Trend| {
            format!(
                "{what} against time since the divergence from {}: Pearson {:.3}, Spearman {:.3}",
                self.source, trend.pearson, trend.spearman
            )
        };
        format!(
            "{}; {} ({} regions, {} species)",
            of("mean prediction", &self.mean),
            of("standard deviation", &self.sd),
            self.n_regions,
            self.species.len()
        )
    }

    fn figure(&self) -> Shown {
        let panel = |label: &str, trend: &Trend| {
            let (x, y): (Vec<f64>, Vec<f64>) = trend.curve.iter().copied().unzip();
            Panel::new(format!("time since the divergence from {}", self.source), label)
                .series(Series::points(self.time.clone(), trend.values.clone()))
                .series(Series::line(x, y).color(Color::Vermillion))
                .note(format!("r = {:.3}, ρ = {:.3}", trend.pearson, trend.spearman))
        };
        let mut mean = panel("mean prediction", &self.mean);
        if let Some(closed) = self.closed_mean {
            mean = mean.h_line(closed);
        }
        Shown {
            figure: Figure {
                name: "divergence".into(),
                title: "Predictions and divergence".into(),
                caption: format!(
                    "Mean and standard deviation of the predictions of {} regions, one point a species, with a locally \
                     linear curve over the nearest 90 % of the species; dashed: mean prediction of what was measured \
                     to be closed. Time is half of the path in the tree.",
                    self.n_regions
                ),
                columns: 2,
                panels: vec![mean, panel("standard deviation of predictions", &self.sd)],
            },
            numbers: Table::new()
                .with("species", self.species.clone())
                .with("time", self.time.clone())
                .with("mean", self.mean.values.clone())
                .with("sd", self.sd.values.clone()),
        }
    }
}

impl Evaluation {
    /// The sets as bars.
    fn bars(&self) -> Shown {
        let told: Vec<(String, &Metrics)> = self
            .sets
            .iter()
            .filter_map(|set| Some((set.name(), set.metrics.as_ref()?)))
            .collect();
        let width = GROUP / BARS.len() as f64;
        let boxes = BARS.iter().enumerate().map(|(bar, (label, color, of))| Boxes {
            label: Some((*label).into()),
            color: *color,
            at: told
                .iter()
                .enumerate()
                .map(|(i, (_, metrics))| {
                    let left = i as f64 - GROUP / 2.0 + width * bar as f64;
                    [left, left + width, 0.0, of(metrics)]
                })
                .collect(),
        });
        let ticks: Vec<(f64, String)> = told
            .iter()
            .enumerate()
            .map(|(i, (name, _))| (i as f64, name.clone()))
            .collect();
        let mut panel = Panel::new("", "area")
            .x_range(-0.5, told.len() as f64 - 0.5)
            .y_range(0.0, 1.0)
            .x_ticks(ticks)
            .h_line(0.5)
            .size((140.0 + 62.0 * told.len() as f64).clamp(360.0, 1000.0), 360.0);
        panel.boxes.extend(boxes);
        Shown {
            figure: Figure {
                name: "criteria".into(),
                title: "Sets of regions".into(),
                caption:
                    "Areas under the curves of every set of regions that has open and closed ones; 0.5 is \
                          chance of the first."
                        .into(),
                columns: 1,
                panels: vec![panel],
            },
            numbers: self.table(),
        }
    }
}

impl Tell for Evaluation {
    fn sentences(&self) -> Vec<String> {
        let sets = self.sets.iter().map(SetResult::sentence);
        sets.chain(self.divergence.iter().map(Divergence::sentence))
            .collect()
    }

    fn table(&self) -> Table {
        let number = |of: fn(&Metrics) -> f64| -> Vec<f64> {
            self.sets
                .iter()
                .map(|set| set.metrics.as_ref().map_or(f64::NAN, of))
                .collect()
        };
        let count = |of: fn(&SetResult) -> usize| -> Vec<i64> {
            self.sets.iter().map(|set| of(set) as i64).collect()
        };
        let words = |of: fn(&SetResult) -> String| -> Vec<String> { self.sets.iter().map(of).collect() };
        Table::new()
            .with("criterion", words(|set| set.criterion.name().into()))
            .with("of", words(|set| set.of.clone()))
            .with("n_open", count(|set| set.n_open))
            .with("n_closed", count(|set| set.n_closed))
            .with("auroc", number(|m| m.auroc))
            .with("auprc_positive", number(|m| m.auprc_positive))
            .with("aunpv_specificity", number(|m| m.aunpv_specificity))
            .with("average_precision", number(|m| m.average_precision))
            .with("accuracy", number(|m| m.accuracy))
            .with("sensitivity", number(|m| m.sensitivity))
            .with("specificity", number(|m| m.specificity))
            .with("precision", number(|m| m.precision))
            .with("npv", number(|m| m.npv))
            .with("f1", number(|m| m.f1))
            .with("log_loss", number(|m| m.log_loss))
    }

    fn figures(&self, _origin: &Origin) -> Vec<Shown> {
        let divergence = self.divergence.iter().map(Divergence::figure);
        std::iter::once(self.bars()).chain(divergence).collect()
    }
}
