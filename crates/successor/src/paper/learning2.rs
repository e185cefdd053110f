//! Fig. 2 d–i: how fast transitions are learned.

use super::{Effort, in_order, interval};
use crate::error::SuccessorError;
use crate::fang2023::{BASELINE_GAIN, RETRIEVAL_GAIN, STEPS_PER_SECOND};
use crate::figures::matrix_panel;
use crate::matrix::Matrix;
use crate::network::{Input, RnnS, RnnSConfig};
use crate::rate::Rate;
use crate::sr;
use crate::td::{FeedForwardTd, TdConfig};
use crate::world::World;
use neuropil_draw::{Color, Figure, Mark, Panel, Series};
use neuropil_study::{Band, Claim, Found, Origin, Shown, Table, Tell};
use serde::{Deserialize, Serialize};

const STATES: usize = 25;
const STEPS: usize = 3001;
const EVERY: usize = 50;
/// Walks of the figure: name, weights left, right, stay.
const WALKS: [(&str, [f64; 3]); 3] = [
    ("left-biased", [5.0, 1.0, 1.0]),
    ("unbiased", [1.0, 1.0, 1.0]),
    ("staying", [1.0, 1.0, 5.0]),
];

/// The learners compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Adaptive,
    Static(f64),
    Td(f64),
}

fn kinds() -> Vec<(String, Kind)> {
    let power = |exponent: f64| 10_f64.powf(exponent);
    let mut all = vec![("RNN-S adaptive".to_owned(), Kind::Adaptive)];
    let statics = [(-1.0, "10⁻¹"), (-1.5, "10⁻¹·⁵"), (-2.0, "10⁻²")];
    all.extend(statics.map(|(e, name)| (format!("RNN-S η = {name}"), Kind::Static(power(e)))));
    let differences = [(-0.5, "10⁻⁰·⁵"), (-1.0, "10⁻¹"), (-1.5, "10⁻¹·⁵")];
    all.extend(differences.map(|(e, name)| (format!("FF-TD η = {name}"), Kind::Td(power(e)))));
    all
}

/// One learner on one kind of walk; every list has one value per sampled step and walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Walk.
    pub walk: String,
    /// Learner.
    pub learner: String,
    /// Sampled steps.
    pub steps: Vec<usize>,
    /// Mean row sum of T̂, step × walk; empty for FF-TD.
    pub row_sums: Vec<Vec<f64>>,
    /// Mean absolute error of T̂, step × walk; empty for FF-TD.
    pub transition_errors: Vec<Vec<f64>>,
    /// Mean absolute error of M̂, step × walk.
    pub successor_errors: Vec<Vec<f64>>,
}

/// Fig. 2 d–i.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure2 {
    /// Learning curves.
    pub curves: Vec<Curves>,
    /// Row of state 8 of M̂ (γ = 0.9) at the start of each of the first laps, adaptive rate.
    pub induction_adaptive: Vec<Vec<f64>>,
    /// The same with the static rate 10^−1.5.
    pub induction_static: Vec<Vec<f64>>,
    /// M̂ (γ = 0.9) after 6000 steps, for each bias of Fig. 2b, 20 states.
    pub maps: Vec<Vec<Vec<f64>>>,
    /// Number of walks.
    pub n_walks: usize,
}

/// One sample of a learner: row sum, error of T̂, error of M̂.
type Sample = [f64; 3];

fn one_walk(kind: Kind, states: &[usize], t: &Matrix, m: &Matrix) -> Result<Vec<Sample>, SuccessorError> {
    let mut samples = Vec::new();
    let mut network = RnnS::new(
        STATES,
        RnnSConfig {
            rate: match kind {
                Kind::Static(rate) => Rate::Static { rate },
                _ => Rate::default(),
            },
            ..RnnSConfig::default()
        },
    )?;
    let rate = if let Kind::Td(rate) = kind { rate } else { 0.0 };
    let mut td = FeedForwardTd::new(
        STATES,
        TdConfig {
            discount: BASELINE_GAIN,
            rate,
            trace: 0.0,
        },
    )?;
    let eye = Matrix::identity(STATES);
    for (step, &state) in states.iter().enumerate() {
        match kind {
            Kind::Td(_) => drop(td.step(eye.row(state))),
            _ => drop(network.step(Input::State(state))?),
        }
        if step > 0 && step % EVERY == 0 {
            samples.push(match kind {
                Kind::Td(_) => [f64::NAN, f64::NAN, td.weights().mean_absolute_error(m)],
                _ => {
                    let learned = network.transitions();
                    let sums = learned.row_sums();
                    [
                        sums.iter().sum::<f64>() / STATES as f64,
                        learned.mean_absolute_error(t),
                        network.read_out(BASELINE_GAIN)?.mean_absolute_error(m),
                    ]
                }
            });
        }
    }
    Ok(samples)
}

/// Computes Fig. 2 d–i and b.
///
/// # Errors
/// None that these settings could meet.
pub fn figure_2(effort: Effort) -> Result<Figure2, SuccessorError> {
    let n_walks = effort.walks(15, 5);
    let mut curves = Vec::new();
    for (part, (walk, [left, right, stay])) in WALKS.into_iter().enumerate() {
        let world = World::ring(STATES, left, right, stay)?;
        let t = world.transitions();
        let m = sr::ideal(&t, BASELINE_GAIN)?;
        for (learner, kind) in kinds() {
            let runs = in_order(n_walks, |i| {
                let states = world.walk(STEPS, effort.key(20 + part as u64, i));
                one_walk(kind, &states, &t, &m)
            })?;
            let pick = |k: usize| -> Vec<Vec<f64>> {
                (0..runs[0].len())
                    .map(|at| runs.iter().map(|run| run[at][k]).collect())
                    .collect()
            };
            let recurrent = !matches!(kind, Kind::Td(_));
            curves.push(Curves {
                walk: walk.to_owned(),
                learner,
                steps: (1..=runs[0].len()).map(|i| i * EVERY).collect(),
                row_sums: if recurrent { pick(0) } else { Vec::new() },
                transition_errors: if recurrent { pick(1) } else { Vec::new() },
                successor_errors: pick(2),
            });
        }
    }
    let maps = in_order(3, |i| {
        let [left, right, stay] = [[1.0, 1.0, 1.0], [1.0, 7.0, 1.0], [1.0, 1.0, 7.0]][i];
        let world = World::ring(20, left, right, stay)?;
        let mut network = RnnS::new(20, RnnSConfig::default())?;
        for state in world.walk(6000, effort.key(24, i)) {
            network.step(Input::State(state))?;
        }
        Ok(network.read_out(RETRIEVAL_GAIN)?.to_rows())
    })?;
    Ok(Figure2 {
        curves,
        induction_adaptive: induction(Rate::default(), effort)?,
        induction_static: induction(
            Rate::Static {
                rate: 10_f64.powf(-1.5),
            },
            effort,
        )?,
        maps,
        n_walks,
    })
}

/// Row of state 8 at the start of each lap: a lap ends when every state was visited since its start.
fn induction(rate: Rate, effort: Effort) -> Result<Vec<Vec<f64>>, SuccessorError> {
    const N: usize = 20;
    let world = World::ring(N, 0.5, 1.5, 1.0)?;
    let mut network = RnnS::new(
        N,
        RnnSConfig {
            rate,
            ..RnnSConfig::default()
        },
    )?;
    let (mut laps, mut seen) = (Vec::new(), [false; N]);
    for state in world.walk(8000, effort.key(25, 0)) {
        network.step(Input::State(state))?;
        seen[state] = true;
        if seen.iter().all(|seen| *seen) {
            seen = [false; N];
            laps.push(network.read_out(RETRIEVAL_GAIN)?.column(8));
        }
        if laps.len() == 10 {
            break;
        }
    }
    Ok(laps)
}

impl Figure2 {
    fn of(&self, walk: &str, learner: &str) -> &Curves {
        self.curves
            .iter()
            .find(|curves| curves.walk == walk && curves.learner == learner)
            .expect("a walk and a learner of the figure")
    }

    /// Values of all walks after a number of steps.
    fn after(curves: &Curves, values: &[Vec<f64>], step: usize) -> Vec<f64> {
        let at = curves
            .steps
            .iter()
            .position(|known| *known == step)
            .expect("a sampled step");
        values[at].clone()
    }

    /// What the paper reports, beside what was found.
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        // mean and sd over 15 walks of an independent implementation
        let targets = [
            (
                "left-biased",
                "RNN-S adaptive",
                100,
                0.02233,
                0.00126,
                0.01132,
                0.0008,
            ),
            (
                "left-biased",
                "RNN-S adaptive",
                3000,
                0.00596,
                0.0005,
                0.00257,
                0.00018,
            ),
            (
                "left-biased",
                "RNN-S η = 10⁻¹",
                3000,
                0.01059,
                0.00083,
                0.00625,
                0.00069,
            ),
            (
                "left-biased",
                "RNN-S η = 10⁻¹·⁵",
                3000,
                0.00596,
                0.00053,
                0.00348,
                0.00037,
            ),
            (
                "unbiased",
                "RNN-S adaptive",
                3000,
                0.00697,
                0.00043,
                0.00342,
                0.00029,
            ),
            (
                "staying",
                "RNN-S adaptive",
                3000,
                0.00585,
                0.00186,
                0.00411,
                0.00105,
            ),
        ];
        let three = |sd: f64| 3.0 * sd * (1.0 / 15.0 + 1.0 / self.n_walks as f64).sqrt();
        for (walk, learner, step, t, t_sd, m, m_sd) in targets {
            let curves = self.of(walk, learner);
            for (what, values, value, sd) in [
                ("T", &curves.transition_errors, t, t_sd),
                ("M at γ = 0.4", &curves.successor_errors, m, m_sd),
            ] {
                let found = Self::after(curves, values, step);
                let mean = interval(&found).0;
                claims.push(Claim::new(
                    "Fig. 2d–f, S2",
                    format!("mean absolute error of {what} after {step} steps, {walk}, {learner}"),
                    format!("{value} (measured independently)"),
                    Band::around(value, three(sd)).called(format!("{value} ± 3 standard errors")),
                    Found::one(mean).digits(5),
                ));
            }
        }
        let adaptive = self.of("left-biased", "RNN-S adaptive");
        let sums = Self::after(adaptive, &adaptive.row_sums, 500);
        claims.push(Claim::new(
            "Fig. 2d",
            "rows of T̂ sum to 1 within 3 minutes, adaptive rate",
            "normalised within minutes",
            Band::at_least(0.99),
            Found::one(interval(&sums).0),
        ));
        for walk in ["left-biased", "unbiased"] {
            let own = interval(&Self::after(
                self.of(walk, "RNN-S adaptive"),
                &self.of(walk, "RNN-S adaptive").successor_errors,
                3000,
            ))
            .0;
            let others = self
                .curves
                .iter()
                .filter(|curves| curves.walk == walk && curves.learner != "RNN-S adaptive");
            let best = others
                .map(|curves| interval(&Self::after(curves, &curves.successor_errors, 3000)).0)
                .fold(f64::INFINITY, f64::min);
            claims.push(Claim::new(
                "Fig. 2f",
                format!(
                    "error of M, adaptive rate over the best of six static learners after 3000 steps, {walk}"
                ),
                "lowest of all",
                Band::at_most(1.0),
                Found::one(own / best),
            ));
        }
        let forward =
            |rows: &[Vec<f64>]| -> f64 { rows.first().map_or(0.0, |row| row.iter().sum::<f64>() - row[8]) };
        claims.push(Claim::new(
            "Fig. 2g–i",
            "field after the first lap, adaptive over static rate (sum of M into state 8, without the diagonal)",
            "a field within the first laps with the adaptive rate only",
            Band::at_least(2.0),
            Found::one(forward(&self.induction_adaptive) / forward(&self.induction_static).max(1e-9)),
        ));
        claims
    }
}

impl Tell for Figure2 {
    fn sentences(&self) -> Vec<String> {
        self.curves
            .iter()
            .map(|curves| {
                let (mean, half) = interval(&Self::after(curves, &curves.successor_errors, 3000));
                format!(
                    "{}, {}: error of M {mean:.5} ± {half:.5} after 3000 steps ({} walks)",
                    curves.walk, curves.learner, self.n_walks
                )
            })
            .collect()
    }

    fn table(&self) -> Table {
        let (mut walks, mut learners, mut steps, mut sums, mut ts, mut ms) = (
            Vec::new(),
            Vec::new(),
            Vec::new(),
            Vec::new(),
            Vec::new(),
            Vec::new(),
        );
        for curves in &self.curves {
            for (at, &step) in curves.steps.iter().enumerate() {
                let mean = |values: &[Vec<f64>]| values.get(at).map_or(f64::NAN, |values| interval(values).0);
                walks.push(curves.walk.clone());
                learners.push(curves.learner.clone());
                steps.push(step);
                sums.push(mean(&curves.row_sums));
                ts.push(mean(&curves.transition_errors));
                ms.push(mean(&curves.successor_errors));
            }
        }
        Table::new()
            .with("walk", walks)
            .with("learner", learners)
            .with("step", steps)
            .with("row_sum", sums)
            .with("transition_error", ts)
            .with("successor_error", ms)
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let mut panels = Vec::new();
        for (walk, _) in WALKS {
            for (label, pick, log) in [
                ("mean row sum of T̂", 0_usize, false),
                ("mean absolute error of T̂", 1, true),
                ("mean absolute error of M̂", 2, true),
            ] {
                let mut panel = Panel::new("time (min)", label).note(walk);
                if log {
                    panel = panel.y_log();
                }
                for (k, curves) in self
                    .curves
                    .iter()
                    .filter(|curves| curves.walk == walk)
                    .enumerate()
                {
                    let values = [
                        &curves.row_sums,
                        &curves.transition_errors,
                        &curves.successor_errors,
                    ][pick];
                    if values.is_empty() {
                        continue;
                    }
                    let x: Vec<f64> = curves
                        .steps
                        .iter()
                        .map(|&step| step as f64 / STEPS_PER_SECOND / 60.0)
                        .collect();
                    let (y, half): (Vec<f64>, Vec<f64>) =
                        values.iter().map(|values| interval(values)).unzip();
                    let band: Vec<(f64, f64)> = y
                        .iter()
                        .zip(&half)
                        .map(|(y, half)| ((y - half).max(1e-6), y + half))
                        .collect();
                    let mark = if curves.learner.starts_with("FF-TD") {
                        Mark::Dashed
                    } else {
                        Mark::Line
                    };
                    let mut series = Series::line(x, y).color(Color::cycle(k)).mark(mark).band(band);
                    if pick == 2 && walk == WALKS[0].0 {
                        series = series.label(curves.learner.clone());
                    }
                    panel = panel.series(series);
                }
                panels.push(panel);
            }
        }
        let figure = |name: &str, title: &str, caption: String, panels: Vec<Panel>| Shown {
            figure: Figure {
                name: name.to_owned(),
                title: title.to_owned(),
                caption,
                columns: 3,
                panels,
            },
            numbers: self.table(),
        };
        let biases = ["unbiased", "to the right", "staying"];
        let maps = self.maps.iter().zip(biases).map(|(rows, note)| {
            matrix_panel(rows.clone(), "to state", "from state", "expected visits", false).note(note)
        });
        let laps = [
            (&self.induction_adaptive, "adaptive rate"),
            (&self.induction_static, "η = 10⁻¹·⁵"),
        ];
        let induction = laps.map(|(rows, note)| {
            matrix_panel(rows.clone(), "state", "lap", "M into state 8", false).note(note)
        });
        let caption = |what: &str| format!("{what}; seed {}.", origin.seed);
        vec![
            figure(
                "figure-2def",
                "Learning curves of RNN-S and FF-TD",
                caption(&format!(
                    "Ring of {STATES} states, γ = {BASELINE_GAIN}, {} walks; bands: 95 % confidence intervals of the mean",
                    self.n_walks
                )),
                panels,
            ),
            figure(
                "figure-2b",
                "M read out at γ = 0.9 after 6000 steps",
                caption("Ring of 20 states, one walk each"),
                maps.collect(),
            ),
            figure(
                "figure-2gh",
                "A field forms over laps",
                caption(
                    "Activity of the neuron of state 8 along a ring of 20 states (γ = 0.9) at the start of each of the first laps",
                ),
                induction.to_vec(),
            ),
        ]
    }
}
