//! Appendix 7: which normalisation of transition counts keeps a network stable.

use super::Effort;
use crate::error::SuccessorError;
use crate::sr;
use crate::td::Normalization;
use crate::world::World;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};

const STATES: usize = 20;
const STEPS: usize = 1811;
const EVERY: usize = 60;

/// Appendix 7: largest real part of the eigenvalues of the matrix itself, over one walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Appendix7 {
    /// Steps.
    pub steps: Vec<usize>,
    /// Name and, at each step, the largest real part.
    pub curves: Vec<(String, Vec<f64>)>,
}

fn normalizations() -> [(String, Normalization); 6] {
    [
        ("raw counts".to_owned(), Normalization::Raw),
        (
            "largest count · 1.75".to_owned(),
            Normalization::Global { scale: 1.75 },
        ),
        (
            "largest count · 2.25".to_owned(),
            Normalization::Global { scale: 2.25 },
        ),
        (
            "largest of the row · 2.25".to_owned(),
            Normalization::RowMaximum { scale: 2.25 },
        ),
        ("row sum".to_owned(), Normalization::RowSum),
        ("tanh".to_owned(), Normalization::Tanh),
    ]
}

/// Computes Appendix 7.
///
/// # Errors
/// None that these settings could meet.
pub fn appendix_7(effort: Effort) -> Result<Appendix7, SuccessorError> {
    let world = World::ring(STATES, 0.5, 1.0, 1.0)?;
    let walk = world.walk(STEPS, effort.key(70, 0));
    let steps: Vec<usize> = (1..=STEPS / EVERY).map(|k| k * EVERY).collect();
    let mut curves: Vec<(String, Vec<f64>)> = normalizations()
        .iter()
        .map(|(name, _)| (name.clone(), Vec::new()))
        .collect();
    for &step in &steps {
        let counts = sr::counts([&walk[..=step]], STATES)?;
        for ((_, normalization), (_, curve)) in normalizations().iter().zip(&mut curves) {
            curve.push(normalization.of(&counts).spectrum(1.0)?.max_real);
        }
    }
    Ok(Appendix7 { steps, curves })
}

impl Appendix7 {
    fn of(&self, name: &str) -> &[f64] {
        &self
            .curves
            .iter()
            .find(|(known, _)| known == name)
            .expect("a normalisation of the appendix")
            .1
    }

    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let last = |name: &str| self.of(name)[self.steps.len() - 1];
        let largest = |name: &str| self.of(name).iter().copied().fold(0.0, f64::max);
        vec![
            Claim::new(
                "App. 7",
                "raw counts, max Re λ after 10 min",
                "97.7 measured independently: unstable",
                Band::between(70.0, 130.0),
                Found::one(last("raw counts")).digits(1),
            ),
            Claim::new(
                "App. 7",
                "row sums, largest max Re λ",
                "1",
                Band::around(1.0, 1e-6),
                Found::one(largest("row sum")).digits(6),
            ),
            Claim::new(
                "App. 7",
                "largest count · 1.75, max Re λ after 10 min",
                "stable; 1.05 measured independently",
                Band::between(0.7, 1.3),
                Found::one(last("largest count · 1.75")),
            ),
            Claim::new(
                "App. 7",
                "tanh of counts, max Re λ after 10 min",
                "unstable",
                Band::at_least(1.0),
                Found::one(last("tanh")),
            ),
        ]
    }
}

impl Tell for Appendix7 {
    fn sentences(&self) -> Vec<String> {
        let last = |curve: &[f64]| curve[curve.len() - 1];
        self.curves
            .iter()
            .map(|(name, curve)| {
                format!(
                    "{name}: max Re λ = {:.2} after {} steps",
                    last(curve),
                    self.steps[self.steps.len() - 1]
                )
            })
            .collect()
    }

    fn table(&self) -> Table {
        let table = Table::new().with("step", self.steps.clone());
        self.curves.iter().fold(table, |table, (name, curve)| {
            table.with(name.clone(), curve.clone())
        })
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let minutes: Vec<f64> = self.steps.iter().map(|&step| step as f64 / 180.0).collect();
        let mut panel = Panel::new("time (min)", "max Re λ")
            .y_log()
            .h_line(1.0)
            .size(480.0, 320.0);
        for (k, (name, curve)) in self.curves.iter().enumerate() {
            panel = panel.series(
                Series::line(minutes.clone(), curve.clone())
                    .label(name.clone())
                    .color(Color::cycle(k)),
            );
        }
        vec![Shown {
            figure: Figure {
                name: "appendix-7".to_owned(),
                title: "Largest real part under six normalisations".to_owned(),
                caption: format!(
                    "Counts of transitions on a ring of {STATES} states made into synapses; seed {}.",
                    origin.seed
                ),
                columns: 1,
                panels: vec![panel],
            },
            numbers: self.table(),
        }]
    }
}
