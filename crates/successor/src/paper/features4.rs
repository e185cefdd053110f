//! Fig. 4: dense features need the decorrelative rule, and their fields shift backwards.

use super::{Effort, in_order, interval};
use crate::dynamics::{Dynamics, respond};
use crate::error::SuccessorError;
use crate::fang2023::{BIN_CM, MEHTA_SHIFT_CM};
use crate::feature_rule::{FeatureLearner, FeatureRule, Terms};
use crate::features::{Border, FeatureKind, FeatureMap};
use crate::field_1d::{neuron_shift, population_shift, tuning};
use crate::matrix::Matrix;
use crate::world::{Shape, World};
use neuropil_draw::{Bars, Color, Figure, Mark, Panel, Series};
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};

const STATES: usize = 25;

/// Sizes of the terms of one rule over one walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Which rule learned.
    pub rule: FeatureRule,
    /// Step, Hebbian term, what the decorrelative and what the independent rule would take off.
    pub terms: Vec<(usize, f64, f64, f64)>,
    /// Spectral radius of 0.5 J at the end.
    pub radius: f64,
}

/// Shifts of one walk, bins; negative is backwards.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shifts {
    /// Dense and correlated features, or one-hot.
    pub dense: bool,
    /// Mean over places of the shift of the population.
    pub population: f64,
    /// Mean over neurons of the shift of their peaks.
    pub neurons: f64,
}

/// Fig. 4 b and d.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure4 {
    /// Balance of potentiation and normalisation, walk by walk.
    pub balances: Vec<Balance>,
    /// Shifts, walk by walk.
    pub shifts: Vec<Shifts>,
}

fn dense(p: f64, key: neuropil_math::rng::Key, border: Border) -> Result<Matrix, SuccessorError> {
    let kind = FeatureKind::CorrelatedDistributed {
        sigma: 2.0,
        p,
        features: 0,
        quantised: Vec::new(),
    };
    Ok(FeatureMap::draw(&kind, Shape::Ring, STATES, border, key)?.of_state)
}

fn balance(rule: FeatureRule, effort: Effort, walk: usize) -> Result<Balance, SuccessorError> {
    let key = effort.key(40, walk);
    let features = dense(0.03, key, Border::Reflect)?;
    let world = World::ring(STATES, 4.0, 1.0, 1.0)?;
    let mut learner = FeatureLearner::new(STATES, rule, 1e-3)?;
    let (mut terms, mut sums) = (Vec::new(), [Terms::default(); 2]);
    for (step, state) in world.walk(3001, key).into_iter().enumerate() {
        let row = features.row(state);
        if let Some((together, apart)) = learner.terms(row) {
            for (sum, now) in sums.iter_mut().zip([together, apart]) {
                sum.hebbian += now.hebbian / 100.0;
                sum.normalization += now.normalization / 100.0;
            }
        }
        learner.step(row)?;
        if step > 0 && step % 100 == 0 {
            terms.push((
                step,
                sums[0].hebbian,
                sums[0].normalization,
                sums[1].normalization,
            ));
            sums = [Terms::default(); 2];
        }
    }
    Ok(Balance {
        rule,
        terms,
        radius: learner.transitions().spectrum(0.5)?.radius,
    })
}

/// Curves of steps 0 to 99 against those of the whole walk.
fn shifts(dense_features: bool, effort: Effort, walk: usize) -> Result<Shifts, SuccessorError> {
    const GAIN: f64 = 0.8;
    let key = effort.key(41, walk);
    let world = World::ring(STATES, 1.0, 6.0, 1.0)?;
    let features = if dense_features {
        dense(0.02, key, Border::Reflect)?
    } else {
        Matrix::identity(STATES)
    };
    let states = world.walk(3000, key);
    let mut learner = FeatureLearner::new(STATES, FeatureRule::Decorrelative, 1e-2)?;
    let mut rows = Vec::with_capacity(states.len());
    for &state in &states {
        rows.push(respond(
            learner.transitions(),
            features.row(state),
            GAIN,
            Dynamics::FEATURES,
        )?);
        learner.step(features.row(state))?;
    }
    let before = tuning(&states[..100], &Matrix::from_rows(&rows[..100]), STATES);
    let after = tuning(&states, &Matrix::from_rows(&rows), STATES);
    Ok(Shifts {
        dense: dense_features,
        population: -population_shift(&before, &after).mean,
        neurons: neuron_shift(&before, &after).mean,
    })
}

/// Computes Fig. 4 b and d.
///
/// # Errors
/// None that these settings could meet.
pub fn figure_4(effort: Effort) -> Result<Figure4, SuccessorError> {
    let (n, m) = (effort.walks(25, 8), effort.walks(40, 20));
    let rules = [FeatureRule::Decorrelative, FeatureRule::Independent];
    Ok(Figure4 {
        balances: in_order(2 * n, |i| balance(rules[i / n], effort, i % n))?,
        shifts: in_order(2 * m, |i| shifts(i / m == 0, effort, i % m))?,
    })
}

impl Figure4 {
    fn of(&self, rule: FeatureRule) -> Vec<&Balance> {
        self.balances
            .iter()
            .filter(|balance| balance.rule == rule)
            .collect()
    }

    /// Mean of a term over steps 2500 to 3000 and all walks.
    fn late(balances: &[&Balance], pick: fn(&(usize, f64, f64, f64)) -> f64) -> f64 {
        let values: Vec<f64> = balances
            .iter()
            .flat_map(|b| b.terms.iter().filter(|t| t.0 > 2500).map(pick))
            .collect();
        interval(&values).0
    }

    fn population(&self, dense: bool) -> Vec<f64> {
        self.shifts
            .iter()
            .filter(|shifts| shifts.dense == dense)
            .map(|shifts| shifts.population)
            .collect()
    }

    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let decorrelative = self.of(FeatureRule::Decorrelative);
        let independent = self.of(FeatureRule::Independent);
        let ratio = Self::late(&decorrelative, |t| t.2) / Self::late(&decorrelative, |t| t.1);
        let apart = Self::late(&decorrelative, |t| t.3) / Self::late(&decorrelative, |t| t.1);
        let radius =
            |balances: &[&Balance]| interval(&balances.iter().map(|b| b.radius).collect::<Vec<_>>()).0;
        let dense = self.population(true);
        vec![
            Claim::new(
                "Fig. 4b",
                "decorrelative normalisation over Hebbian term, late",
                "balanced (1.03 measured independently)",
                Band::between(0.9, 1.15),
                Found::one(ratio),
            ),
            Claim::new(
                "Fig. 4b",
                "independent normalisation over Hebbian term, late",
                "too weak (0.42 measured independently)",
                Band::at_most(0.7),
                Found::one(apart),
            ),
            Claim::new(
                "Fig. 4b",
                "γρ at γ = 0.5, decorrelative",
                "0.498 (measured independently)",
                Band::around(0.498, 0.05),
                Found::one(radius(&decorrelative)),
            ),
            Claim::new(
                "Fig. 4b",
                "γρ at γ = 0.5, independent",
                "1.11 (measured independently): unstable",
                Band::at_least(1.0),
                Found::one(radius(&independent)),
            ),
            Claim::new(
                "Fig. 4d",
                "population shift, one-hot, bins",
                "none",
                Band::around(0.0, 0.05),
                Found::one(interval(&self.population(false)).0),
            ),
            Claim::new(
                "Fig. 4d",
                "population shift, dense and correlated features, bins of 5 cm",
                format!("backwards; −0.93 measured independently, −{MEHTA_SHIFT_CM} cm in rats"),
                Band::between(-1.6, -0.3),
                Found::one(interval(&dense).0),
            ),
        ]
    }
}

impl Tell for Figure4 {
    fn sentences(&self) -> Vec<String> {
        let (dense, half) = interval(&self.population(true));
        let one_hot = interval(&self.population(false)).0;
        vec![
            format!(
                "population shift with dense features {:.2} ± {:.2} cm, one-hot {:.2} cm ({} walks each)",
                dense * BIN_CM,
                half * BIN_CM,
                one_hot * BIN_CM,
                self.shifts.len() / 2
            ),
            format!(
                "{} walks per rule for the balance of potentiation and normalisation",
                self.balances.len() / 2
            ),
        ]
    }

    fn table(&self) -> Table {
        Table::new()
            .with("dense", self.shifts.iter().map(|x| x.dense).collect::<Vec<_>>())
            .with(
                "population_shift_bins",
                self.shifts.iter().map(|x| x.population).collect::<Vec<_>>(),
            )
            .with(
                "neuron_shift_bins",
                self.shifts.iter().map(|x| x.neurons).collect::<Vec<_>>(),
            )
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let mut panels = Vec::new();
        for (rule, note) in [
            (FeatureRule::Decorrelative, "learning with the decorrelative rule"),
            (FeatureRule::Independent, "learning with the independent rule"),
        ] {
            let balances = self.of(rule);
            let steps: Vec<usize> = balances[0].terms.iter().map(|t| t.0).collect();
            let minutes: Vec<f64> = steps.iter().map(|&step| step as f64 / 180.0).collect();
            let mean = |pick: fn(&(usize, f64, f64, f64)) -> f64| -> Vec<f64> {
                (0..steps.len())
                    .map(|i| balances.iter().map(|b| pick(&b.terms[i])).sum::<f64>() / balances.len() as f64)
                    .collect()
            };
            let line =
                |y: Vec<f64>, label: &str, color| Series::line(minutes.clone(), y).label(label).color(color);
            panels.push(
                Panel::new("time (min)", "mean size of the term")
                    .series(line(mean(|t| t.1), "Hebbian", Color::Black))
                    .series(line(mean(|t| t.2), "decorrelative", Color::Blue))
                    .series(line(mean(|t| t.3), "independent", Color::Vermillion).mark(Mark::Dashed))
                    .note(note),
            );
        }
        let histogram = |dense: bool| {
            let mut heights = vec![0.0; 16];
            let values = self.population(dense);
            values
                .iter()
                .for_each(|x| heights[(((x * BIN_CM + 12.0) / 1.5).clamp(0.0, 15.0)) as usize] += 1.0);
            Bars {
                label: Some(if dense { "dense, correlated" } else { "one-hot" }.to_owned()),
                color: if dense { Color::Blue } else { Color::Grey },
                edges: (0..=16).map(|k| -12.0 + 1.5 * f64::from(k)).collect(),
                heights,
            }
        };
        panels.push(
            Panel::new("population shift (cm)", "walks")
                .bars(histogram(false))
                .bars(histogram(true))
                .v_line(-MEHTA_SHIFT_CM),
        );
        vec![Shown {
            figure: Figure {
                name: "figure-4".to_owned(),
                title: "Terms of the update, and shifts of fields".to_owned(),
                caption: format!(
                    "Ring of {STATES} states; a, b: p = 0.03, σ = 2, η = 10⁻³; c: γ = 0.8, p = 0.02, σ = 2, η = 10⁻², line: rats (Mehta et al. 2000); seed {}.",
                    origin.seed
                ),
                columns: 3,
                panels,
            },
            numbers: self.table(),
        }]
    }
}
