//! A checked task, ready to draw trials.

use crate::definition::Definition;
use crate::expr::Expr;
use crate::quantity::Quantity;
use crate::trial::{Condition, Outcome, Row, Segment, Trial};
use crate::world::Rules;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// τ in the noise of inputs, ms: √(2τσ²/Δt) per step.
const NOISE_TAU_MS: f64 = 100.0;
/// Tolerance for "divides evenly" and "begins at this step", in steps.
pub(crate) const GRID: f64 = 1e-9;

/// A factor: one or more columns that are drawn together.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Name.
    pub name: String,
    /// Columns: name and one value per level.
    pub columns: Vec<Column>,
    /// Number of levels.
    pub n_levels: usize,
}

/// One column of a factor.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name, as expressions use it.
    pub name: String,
    /// Value per level; labels as their code.
    pub values: Vec<f64>,
    /// Label per level, if the column has labels.
    pub labels: Option<Vec<String>>,
}

/// A duration in ms, as drawn.
#[derive(Clone, Debug)]
pub(crate) enum Span {
    Fixed(f64),
    Exponential {
        fixed: f64,
        mean: f64,
        min: f64,
        max: f64,
    },
    Uniform {
        fixed: f64,
        low: f64,
        high: f64,
    },
    /// Depends on the condition alone.
    Computed {
        expr: Box<Expr>,
        shortest: f64,
        longest: f64,
    },
}

impl Span {
    /// Shortest and longest draw in ms.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        match *self {
            Span::Fixed(ms) => (ms, ms),
            Span::Computed {
                shortest, longest, ..
            } => (shortest, longest),
            Span::Exponential { fixed, min, max, .. } => (fixed + min, fixed + max),
            Span::Uniform { fixed, low, high } => (fixed + low, fixed + high),
        }
    }

    /// `values` are those of the scope for the trial's condition.
    fn draw(&self, dt_ms: f64, values: &[f64], stream: &mut ChaCha8Rng) -> f64 {
        let floor = |ms: f64| (ms / dt_ms + GRID).floor() * dt_ms;
        match *self {
            Span::Fixed(ms) => ms,
            Span::Computed { ref expr, .. } => floor(expr.number(values).expect("checked at load")),
            Span::Exponential {
                fixed,
                mean,
                min,
                max,
            } => {
                let law = Exp::new(1.0 / mean).expect("the loader checked the mean");
                loop {
                    let ms: f64 = law.sample(stream);
                    if (min..max).contains(&ms) {
                        return fixed + floor(ms);
                    }
                }
            }
            Span::Uniform { fixed, low, high } => fixed + floor(stream.random_range(low..high)),
        }
    }
}

/// Combination number `id` of the levels of some factors; the first factor varies fastest.
pub(crate) fn condition(factors: &[Factor], id: usize) -> Condition {
    let mut rest = id;
    let mut values = Vec::new();
    for factor in factors {
        let level = rest % factor.n_levels;
        rest /= factor.n_levels;
        values.extend(factor.columns.iter().map(|column| column.values[level]));
    }
    Condition { id, values }
}

/// An epoch of the task.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Name.
    pub name: String,
    pub(crate) after: Option<usize>,
    pub(crate) wait: Span,
    /// `None`: until the end of the trial.
    pub(crate) duration: Option<Span>,
    pub(crate) when: Option<Expr>,
}

/// What an input shows.
#[derive(Clone, Debug)]
pub(crate) struct Show {
    pub(crate) input: usize,
    /// One flag per epoch: shown during any of these …
    pub(crate) during: Vec<bool>,
    /// … or, if set, during none of them.
    pub(crate) except: bool,
    pub(crate) mean: Expr,
    pub(crate) noise: f64,
    pub(crate) when: Option<Expr>,
}

/// What an action earns.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) action: usize,
    pub(crate) during: Vec<bool>,
    pub(crate) when: Option<Expr>,
    pub(crate) correct: Option<Expr>,
    pub(crate) reward: Option<Expr>,
}

/// Names of the active epochs of a row, and whether it is the last step.
type RowKey = (usize, u64, bool);

/// A task: what an animal is asked.
#[derive(Debug)]
pub struct Task {
    /// The TOML form, with everything that it extends filled in.
    pub definition: Definition,
    /// TOML text that it was loaded from.
    pub text: String,
    /// Factors.
    pub factors: Vec<Factor>,
    /// Epochs.
    pub epochs: Vec<Epoch>,
    /// Rules of the world that answers; none for a task of trial tables.
    pub world: Option<Box<dyn Rules>>,
    /// Lessons before the task itself, in order: the same task with changes, each until its own criterion holds.
    pub lessons: Vec<Task>,
    /// Quantities of the criterion.
    pub quantities: Vec<Quantity>,
    /// Inputs that ever have noise.
    pub noisy_inputs: Vec<usize>,
    /// Number of steps of the longest trial.
    pub n_steps: usize,
    /// Time step in ms.
    pub dt_ms: f64,
    pub(crate) derived: Vec<Expr>,
    pub(crate) constants: Vec<f64>,
    pub(crate) shows: Vec<Show>,
    pub(crate) answers: Vec<Answer>,
    /// Reward of reaching the last step; that of an abort if absent.
    pub(crate) terminal: Option<Expr>,
    pub(crate) rows: Mutex<BTreeMap<RowKey, Arc<Row>>>,
}

impl Task {
    /// The lesson number `number`, or the task itself when all lessons are over.
    pub fn lesson(&self, number: usize) -> &Task {
        self.lessons.get(number).unwrap_or(self)
    }

    /// Number of inputs.
    pub fn n_inputs(&self) -> usize {
        self.definition.inputs.len()
    }

    /// Number of actions.
    pub fn n_actions(&self) -> usize {
        self.definition.actions.len()
    }

    /// Rewards at step t count exp(−t · this).
    pub fn discount_per_step(&self) -> f64 {
        self.definition.rewards.tau_ms.map_or(0.0, |tau| self.dt_ms / tau)
    }

    /// All columns of all factors, in the order of [`Condition::values`].
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.factors.iter().flat_map(|factor| &factor.columns)
    }

    /// Number of combinations of the factors.
    pub fn n_conditions(&self) -> usize {
        self.factors.iter().map(|factor| factor.n_levels).product()
    }

    /// Combination number `id`; the first factor varies fastest.
    pub fn condition(&self, id: usize) -> Condition {
        condition(&self.factors, id)
    }

    /// Every combination once.
    pub fn conditions(&self) -> Vec<Condition> {
        (0..self.n_conditions()).map(|id| self.condition(id)).collect()
    }

    /// The condition with the given value in each column (labels as text), if there is one.
    pub fn find_condition(&self, wanted: &BTreeMap<String, String>) -> Option<Condition> {
        self.conditions().into_iter().find(|condition| {
            self.columns().zip(&condition.values).all(|(column, &value)| {
                wanted
                    .get(&column.name)
                    .is_none_or(|text| match self.label(column, value) {
                        Some(label) => label == text,
                        None => text.parse() == Ok(value),
                    })
            })
        })
    }

    /// Label of a value of a column, if the column has labels.
    pub fn label<'a>(&self, column: &'a Column, value: f64) -> Option<&'a str> {
        let labels = column.labels.as_ref()?;
        column
            .values
            .iter()
            .position(|&v| v == value)
            .map(|level| &labels[level][..])
    }

    /// A random trial: factors uniform and independent, durations drawn.
    pub fn draw(&self, stream: &mut ChaCha8Rng) -> Trial {
        let mut id = 0;
        let mut stride = 1;
        for factor in &self.factors {
            id += stride * stream.random_range(0..factor.n_levels);
            stride *= factor.n_levels;
        }
        self.compile(self.condition(id), &BTreeMap::new(), stream)
    }

    /// A trial of a given condition; `fixed` epoch durations (ms, by name; `NAME.wait` for a wait) replace draws.
    pub fn compile(
        &self,
        condition: Condition,
        fixed: &BTreeMap<String, f64>,
        stream: &mut ChaCha8Rng,
    ) -> Trial {
        let values = self.values(&condition);
        let mut ends = Vec::with_capacity(self.epochs.len());
        let mut epochs = Vec::with_capacity(self.epochs.len());
        for epoch in &self.epochs {
            let wait = fixed.get(&format!("{}.wait", epoch.name)).copied();
            let start = epoch.after.map_or(0.0, |after| ends[after])
                + wait.unwrap_or_else(|| epoch.wait.draw(self.dt_ms, &values, stream));
            let end = match (&epoch.duration, fixed.get(&epoch.name)) {
                (None, _) => self.definition.tmax_ms,
                (Some(_), Some(&ms)) => start + ms,
                (Some(span), None) => start + span.draw(self.dt_ms, &values, stream),
            };
            // Every draw is made whether the epoch is there or not, so that streams stay aligned.
            ends.push(end);
            let there = epoch
                .when
                .as_ref()
                .is_none_or(|when| when.truth(&values).expect("checked at load"));
            epochs.push(there.then(|| (self.step(start), self.step(end))));
        }
        let segments = self.segments(&condition, &epochs, &values);
        Trial {
            n_steps: self.n_steps,
            segments,
            epochs,
            condition,
        }
    }

    /// First index at or after `ms`.
    fn step(&self, ms: f64) -> usize {
        (ms / self.dt_ms - GRID).ceil() as usize
    }

    /// Values of the scope for a condition: factors, labels, derived quantities.
    pub(crate) fn values(&self, condition: &Condition) -> Vec<f64> {
        let mut values = condition.values.clone();
        values.extend(&self.constants);
        for derived in &self.derived {
            let value = derived.number(&values).expect("checked at load");
            values.push(value);
        }
        values
    }

    fn segments(
        &self,
        condition: &Condition,
        epochs: &[Option<(usize, usize)>],
        values: &[f64],
    ) -> Vec<Segment> {
        let mut starts = vec![0, self.n_steps - 1];
        starts.extend(epochs.iter().flatten().flat_map(|&(start, end)| [start, end]));
        starts.retain(|&start| start < self.n_steps);
        starts.sort_unstable();
        starts.dedup();
        let mut rows = self
            .rows
            .lock()
            .expect("no thread panics while it holds the rows");
        starts
            .into_iter()
            .map(|start| {
                let last = start == self.n_steps - 1;
                let active = |(i, epoch): (usize, &Option<(usize, usize)>)| match epoch {
                    Some((from, to)) if (*from..*to).contains(&start) && !last => 1 << i,
                    _ => 0,
                };
                let active = epochs.iter().enumerate().map(active).sum();
                let row = rows
                    .entry((condition.id, active, last))
                    .or_insert_with(|| Arc::new(self.row(active, last, values).expect("checked at load")));
                Segment {
                    start,
                    row: Arc::clone(row),
                }
            })
            .collect()
    }

    /// What holds while the epochs of the bit set `active` do.
    pub(crate) fn row(&self, active: u64, last: bool, values: &[f64]) -> Result<Row, crate::expr::ExprError> {
        let during = |flags: &[bool]| {
            flags
                .iter()
                .enumerate()
                .any(|(i, &flag)| flag && active >> i & 1 == 1)
        };
        let holds = |when: &Option<Expr>| when.as_ref().map_or(Ok(true), |when| when.truth(values));
        let (mut inputs, mut noise_sd) = (vec![0.0; self.n_inputs()], vec![0.0; self.n_inputs()]);
        for show in &self.shows {
            if during(&show.during) != show.except && holds(&show.when)? {
                inputs[show.input] = show.mean.number(values)?;
                noise_sd[show.input] = (2.0 * NOISE_TAU_MS * show.noise).sqrt() / self.dt_ms.sqrt();
            }
        }
        let rewards = &self.definition.rewards;
        if self.world.is_some() {
            // The world shows and judges; its trials are without content.
            let neutral = Outcome {
                reward: 0.0,
                ends: false,
                chosen: false,
                correct: None,
            };
            let outcomes = vec![neutral; self.n_actions()];
            return Ok(Row {
                inputs,
                noise_sd,
                outcomes,
                target: None,
            });
        }
        let abort = Outcome {
            reward: rewards.abort,
            ends: true,
            chosen: false,
            correct: None,
        };
        let mut outcomes = vec![abort; self.n_actions()];
        outcomes[0] = Outcome {
            reward: 0.0,
            ends: false,
            chosen: false,
            correct: None,
        };
        for answer in &self.answers {
            if during(&answer.during) && holds(&answer.when)? {
                let correct = answer
                    .correct
                    .as_ref()
                    .map(|correct| correct.truth(values))
                    .transpose()?;
                let usual = if correct == Some(false) {
                    rewards.wrong
                } else {
                    rewards.correct
                };
                let reward = answer
                    .reward
                    .as_ref()
                    .map_or(Ok(usual), |reward| reward.number(values))?;
                outcomes[answer.action] = Outcome {
                    reward,
                    ends: true,
                    chosen: true,
                    correct,
                };
            }
        }
        let correct = outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| outcome.correct == Some(true));
        let best = correct.max_by(|a, b| a.1.reward.total_cmp(&b.1.reward).then(b.0.cmp(&a.0)));
        let target = (!last).then(|| best.map_or(0, |(action, _)| action));
        if last {
            let reward = match &self.terminal {
                Some(terminal) => terminal.number(values)?,
                None => rewards.abort,
            };
            outcomes.fill(Outcome {
                reward,
                ends: true,
                chosen: false,
                correct: None,
            });
        }
        Ok(Row {
            inputs,
            noise_sd,
            outcomes,
            target,
        })
    }
}
