//! A checked task, ready to draw trials.

use crate::definition::Definition;
use crate::expr::{Expr, Known};
use crate::law::Law;
use crate::quantity::Quantity;
use crate::trial::{Condition, Pulse, Row, Trial};
use crate::world::Rules;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Tolerance for "divides evenly" and "begins at this step", in steps.
pub(crate) const GRID: f64 = 1e-9;

/// A factor with levels: one or more columns that are drawn together.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Name.
    pub name: String,
    /// Columns: name and one value per level.
    pub columns: Vec<Column>,
    /// Number of levels.
    pub n_levels: usize,
    pub(crate) odds: Odds,
    pub(crate) per: Per,
}

/// How often a level of a factor is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Trial,
    Block,
    Session,
}

/// How likely the levels of a factor are.
#[derive(Clone, Debug)]
pub(crate) enum Odds {
    /// All the same.
    Equal,
    /// In proportion to these, one per level.
    Listed(Vec<Expr>),
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

/// A factor without levels: drawn anew in every trial.
#[derive(Clone, Debug)]
pub struct Continuous {
    /// Name, as expressions use it.
    pub name: String,
    pub(crate) law: Law,
}

/// A ring of inputs or outputs tuned to an angle.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// Name.
    pub name: String,
    /// Number of the first of its inputs.
    pub first: usize,
    /// Number of units.
    pub units: usize,
    /// Angle after which the tuning repeats, degrees.
    pub period_deg: f64,
    pub(crate) tuning: Tuning,
    pub(crate) height: f64,
    pub(crate) baseline: f64,
}

/// Shape of the tuning curves of a ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tuning {
    /// exp(κ (cos Δ − 1)).
    Cosine(f64),
    /// exp(−Δ²/2σ²), σ in degrees.
    Gaussian(f64),
}

impl Ring {
    /// Numbers of its inputs.
    pub fn inputs(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.units
    }

    /// Angle that a unit of the ring prefers, degrees.
    pub fn preferred_deg(&self, unit: usize) -> f64 {
        unit as f64 * self.period_deg / self.units as f64
    }

    /// What a unit does at an angle.
    pub fn response(&self, unit: usize, angle_deg: f64) -> f64 {
        let away = angle_deg - self.preferred_deg(unit);
        let shape = match self.tuning {
            Tuning::Cosine(kappa) => {
                let turns = 360.0 / self.period_deg;
                (kappa * ((turns * away).to_radians().cos() - 1.0)).exp()
            }
            Tuning::Gaussian(width) => {
                let half = self.period_deg / 2.0;
                let away = (away + half).rem_euclid(self.period_deg) - half;
                (-0.5 * (away / width).powi(2)).exp()
            }
        };
        self.baseline + self.height * shape
    }

    /// Name of a unit's channel.
    pub(crate) fn channel(&self, unit: usize) -> String {
        format!("{}-{}", self.name, unit + 1)
    }
}

/// An epoch of the task.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Name.
    pub name: String,
    pub(crate) after: Option<usize>,
    pub(crate) wait: Law,
    /// `None`: until the end of the trial.
    pub(crate) duration: Option<Law>,
    pub(crate) when: Option<Expr>,
    pub(crate) weight: Option<Expr>,
}

/// When something holds: during any epoch of a set or, if `except`, during none of them, and under a condition.
#[derive(Clone, Debug)]
pub(crate) struct When {
    /// One flag per epoch.
    pub(crate) during: Vec<bool>,
    pub(crate) except: bool,
    pub(crate) condition: Option<Expr>,
    /// What holds then depends on the time.
    pub(crate) moving: bool,
}

impl When {
    /// Is one of the epochs of the bit set `active` among those in which it holds?
    pub(crate) fn during(&self, active: u64) -> bool {
        let any = (0..self.during.len()).any(|i| self.during[i] && active >> i & 1 == 1);
        any != self.except
    }
}

/// What an input, or a ring of inputs, shows.
#[derive(Clone, Debug)]
pub(crate) struct Show {
    pub(crate) inputs: Range<usize>,
    pub(crate) when: When,
    pub(crate) what: Shown,
    pub(crate) noise: f64,
}

/// How it is shown.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// The same mean on every channel, in place of what was there.
    Mean(Expr),
    /// Tuning curves at an angle, added to what is there.
    Bump { ring: Ring, angle: Expr, strength: Expr },
}

impl Shown {
    pub(crate) fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Mean(mean) => vec![mean],
            Self::Bump { angle, strength, .. } => vec![angle, strength],
        }
    }

    pub(crate) fn show(&self, known: Known<'_>, inputs: &mut [f64]) {
        match self {
            Self::Mean(mean) => inputs.fill(mean.value(known)),
            Self::Bump {
                ring,
                angle,
                strength,
            } => {
                let (angle, strength) = (angle.value(known), strength.value(known));
                for (unit, input) in inputs.iter_mut().enumerate() {
                    *input += strength * ring.response(unit, angle);
                }
            }
        }
    }
}

/// What a teacher would have an output be: a value or, of a unit of a ring, its response to an angle.
#[derive(Clone, Debug)]
pub(crate) struct Taught {
    pub(crate) output: usize,
    pub(crate) when: When,
    pub(crate) value: Expr,
    pub(crate) tuned: Option<(Ring, usize)>,
}

impl Taught {
    pub(crate) fn value(&self, known: Known<'_>) -> f64 {
        let value = self.value.value(known);
        let tuned = self.tuned.as_ref();
        tuned.map_or(value, |(ring, unit)| ring.response(*unit, value))
    }
}

/// What an action earns.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) action: usize,
    pub(crate) when: When,
    pub(crate) correct: Option<Expr>,
    pub(crate) reward: Option<Expr>,
    pub(crate) ends: bool,
}

/// Where the kinds of values stand among those of a trial.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places {
    /// What is known of the session, if the trials are parts of one.
    pub(crate) session: usize,
    pub(crate) draws: usize,
    pub(crate) counts: usize,
    pub(crate) derived: usize,
    /// `t_ms` and `epoch_ms`.
    pub(crate) time: usize,
}

/// Sessions of the trials of a task.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// The task of each trial.
    pub task: Arc<Task>,
    /// Trials of a session.
    pub trials: usize,
    /// Trials of a block; one block if absent.
    pub(crate) block: Option<Law>,
}

/// A condition, the active epochs of a row, and whether it is the last step.
type RowKey = (usize, u64, bool);

/// A task: what an animal is asked.
#[derive(Debug)]
pub struct Task {
    /// The TOML form, with everything that it extends filled in.
    pub definition: Definition,
    /// TOML text that it was loaded from.
    pub text: String,
    /// Factors with levels.
    pub factors: Vec<Factor>,
    /// Factors without levels.
    pub continuous: Vec<Continuous>,
    /// Rings among the inputs.
    pub rings: Vec<Ring>,
    /// Epochs.
    pub epochs: Vec<Epoch>,
    /// Names of the outputs that a teacher gives values to; none if it names actions.
    pub outputs: Vec<String>,
    /// Rules of the world that answers; none for a task of trial tables.
    pub world: Option<Box<dyn Rules>>,
    pub(crate) sessions: Option<Sessions>,
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
    pub(crate) places: Places,
    pub(crate) derived: Vec<Derived>,
    pub(crate) constants: Vec<f64>,
    pub(crate) shows: Vec<Show>,
    pub(crate) events: Vec<crate::event::Event>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) taught: Vec<Taught>,
    /// Reward of reaching the last step; that of an abort, or 0 where an answer goes on, if absent.
    pub(crate) terminal: Option<Expr>,
    pub(crate) rows: Mutex<BTreeMap<RowKey, Arc<Row>>>,
}

/// A derived quantity.
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    pub(crate) name: String,
    pub(crate) expr: Expr,
    /// It depends on counts of events, so it is known when these are drawn.
    pub(crate) late: bool,
}

/// A trial as it is laid out: values of the scope, and epochs in ms and steps.
pub(crate) struct Layout {
    pub(crate) values: Vec<f64>,
    pub(crate) spans_ms: Vec<(f64, f64)>,
    pub(crate) epochs: Vec<Option<(usize, usize)>>,
    pub(crate) pulses: Vec<Pulse>,
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

impl Task {
    /// The lesson number `number`, or the task itself when all lessons are over.
    pub fn lesson(&self, number: usize) -> &Task {
        self.lessons.get(number).unwrap_or(self)
    }

    /// The sessions of its trials, if the task is made of any.
    pub fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
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

    /// Quantities that are angles, those that a ring shows or is to show, with the degrees after which each repeats.
    pub fn periods_deg(&self) -> BTreeMap<String, f64> {
        let shown = self.shows.iter().filter_map(|show| match &show.what {
            Shown::Bump { ring, angle, .. } => Some((angle, ring.period_deg)),
            Shown::Mean(_) => None,
        });
        let taught = self.taught.iter().filter_map(|taught| {
            let (ring, _) = taught.tuned.as_ref()?;
            Some((&taught.value, ring.period_deg))
        });
        let angles: Vec<(&Expr, f64)> = shown.chain(taught).collect();
        let own = self.columns().map(|column| column.name.as_str());
        own.chain(self.recorded())
            .filter_map(|name| {
                let (_, period) = angles.iter().find(|(angle, _)| angle.is(name))?;
                Some((name.to_owned(), *period))
            })
            .collect()
    }

    /// All columns of all factors, in the order of [`Condition::values`].
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.factors.iter().flat_map(|factor| &factor.columns)
    }

    /// Names of what is known of a trial beside its condition, in the order of [`Trial::recorded`]: continuous factors,
    /// counts of events, derived quantities.
    pub fn recorded(&self) -> impl Iterator<Item = &str> {
        let continuous = self.continuous.iter().map(|factor| factor.name.as_str());
        let counts = self.events.iter().map(|event| event.name.as_str());
        let derived = self.derived.iter().map(|derived| derived.name.as_str());
        continuous.chain(counts).chain(derived)
    }

    /// Whether a trial can be right or wrong; never in a world that answers, which has measures of its own.
    pub fn judges(&self) -> bool {
        self.world.is_none() && self.answers.iter().any(|answer| answer.correct.is_some())
    }

    /// What a network is trained on, in the plural: trials, or sessions of them.
    pub fn unit(&self) -> &'static str {
        if self.world.is_some() {
            "sessions"
        } else {
            "trials"
        }
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

    /// Do trials of one condition differ in more than their durations?
    pub(crate) fn varies(&self) -> bool {
        !self.continuous.is_empty() || !self.events.is_empty()
    }

    /// A random trial: factors drawn by their odds, independently, then all that is drawn within a condition.
    pub fn draw(&self, stream: &mut ChaCha8Rng) -> Trial {
        let condition = self.draw_condition(stream);
        self.compile(condition, &BTreeMap::new(), stream)
    }

    /// Odds of the levels of factor `i`, where they are not equal, given the number of the condition so far, what is known
    /// of the session and of its earlier trials.
    pub(crate) fn odds_of(
        &self,
        i: usize,
        id: usize,
        session: &[f64],
        before: &[Vec<f64>],
    ) -> Option<Vec<f64>> {
        let Odds::Listed(odds) = &self.factors[i].odds else {
            return None;
        };
        let mut now = self.condition(id).values;
        now.extend(&self.constants);
        now.extend(session);
        now.resize(self.places.time + 2, 0.0);
        let known = Known { now: &now, before };
        Some(odds.iter().map(|odds| odds.value(known).max(0.0)).collect())
    }

    /// A combination of the factors' levels.
    fn draw_condition(&self, stream: &mut ChaCha8Rng) -> Condition {
        let mut id = 0;
        let mut stride = 1;
        for (i, factor) in self.factors.iter().enumerate() {
            let level = match self.odds_of(i, id, &[], &[]) {
                None => stream.random_range(0..factor.n_levels),
                Some(odds) => pick(&odds, stream),
            };
            id += stride * level;
            stride *= factor.n_levels;
        }
        self.condition(id)
    }

    /// A trial of a given condition; `fixed` epoch durations (ms, by name; `NAME.wait` for a wait) replace draws.
    pub fn compile(
        &self,
        condition: Condition,
        fixed: &BTreeMap<String, f64>,
        stream: &mut ChaCha8Rng,
    ) -> Trial {
        let layout = self.lay_out(&condition, fixed, (&[], &[]), stream);
        self.table(condition, layout, &[])
    }

    /// Draws what is drawn within a condition, given what is known of the session and of its earlier trials.
    pub(crate) fn lay_out(
        &self,
        condition: &Condition,
        fixed: &BTreeMap<String, f64>,
        (session, before): (&[f64], &[Vec<f64>]),
        stream: &mut ChaCha8Rng,
    ) -> Layout {
        let mut values = self.values(condition, (session, before), stream);
        let floor = |ms: f64| (ms / self.dt_ms + GRID).floor() * self.dt_ms;
        let mut spans_ms: Vec<(f64, f64)> = Vec::with_capacity(self.epochs.len());
        let mut epochs = Vec::with_capacity(self.epochs.len());
        // Names are looked up only where durations are fixed: thousands of trials are laid out before a validation.
        let fixed_wait = |epoch: &Epoch| {
            let waits = Some(fixed).filter(|fixed| !fixed.is_empty())?;
            waits.get(&format!("{}.wait", epoch.name)).copied()
        };
        for epoch in &self.epochs {
            let known = Known { now: &values, before };
            let draw = |law: &Law, stream: &mut ChaCha8Rng| law.draw(known, floor, stream).max(0.0);
            let start = epoch.after.map_or(0.0, |after| spans_ms[after].1)
                + fixed_wait(epoch).unwrap_or_else(|| draw(&epoch.wait, stream));
            let end = match (&epoch.duration, fixed.get(&epoch.name)) {
                (None, _) => self.definition.tmax_ms,
                (Some(_), Some(&ms)) => start + ms,
                (Some(law), None) => start + draw(law, stream),
            };
            // Every draw is made whether the epoch is there or not, so that streams stay aligned.
            spans_ms.push((start, end));
            let there = epoch.when.as_ref().is_none_or(|when| when.holds(known));
            let to_the_last = epoch.duration.is_none() && self.definition.answers_at_end;
            let end = if to_the_last { self.n_steps } else { self.step(end) };
            epochs.push(there.then(|| (self.step(start), end)));
        }
        let mut pulses = Vec::new();
        for (i, event) in self.events.iter().enumerate() {
            let known = Known { now: &values, before };
            let grid = (self.dt_ms, self.n_steps);
            let n = event.draw(grid, known, &spans_ms, &epochs, &mut pulses, stream);
            values[self.places.counts + i] = n as f64;
        }
        pulses.sort_by_key(|pulse: &Pulse| (pulse.step, pulse.input));
        self.derive(&mut values, before, true);
        Layout {
            values,
            spans_ms,
            epochs,
            pulses,
        }
    }

    /// First index at or after `ms`.
    pub(crate) fn step(&self, ms: f64) -> usize {
        (ms / self.dt_ms - GRID).ceil() as usize
    }

    /// Values of the scope for a trial of a condition: factors, labels, what is drawn, what follows from it.
    fn values(
        &self,
        condition: &Condition,
        (session, before): (&[f64], &[Vec<f64>]),
        stream: &mut ChaCha8Rng,
    ) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.places.time + 2);
        values.extend(&condition.values);
        values.extend(&self.constants);
        values.extend(session);
        values.resize(self.places.draws, 0.0);
        for factor in &self.continuous {
            let known = Known { now: &values, before };
            let x = factor.law.draw(known, |x| x, stream);
            values.push(x);
        }
        values.resize(self.places.time + 2, 0.0);
        self.derive(&mut values, before, false);
        values
    }

    /// Fills in derived quantities, those that counts of events come into or the others.
    fn derive(&self, values: &mut [f64], before: &[Vec<f64>], late: bool) {
        for (i, derived) in self.derived.iter().enumerate() {
            if derived.late == late {
                values[self.places.derived + i] = derived.expr.value(Known { now: values, before });
            }
        }
    }

    /// Values of the scope for a condition of a task in which nothing else is drawn; what is drawn is 0.
    pub(crate) fn values_of(&self, trial: &Trial) -> Vec<f64> {
        let mut values = trial.condition.values.clone();
        values.extend(&self.constants);
        values.resize(self.places.draws, 0.0);
        values.extend(&trial.recorded);
        values.resize(self.places.time + 2, 0.0);
        values
    }

    /// What a time step that is not the file's own moves: epochs whose begin or end lies between two steps, in words.
    pub fn moved(&self) -> Vec<String> {
        if let Some(sessions) = self.sessions() {
            return sessions.task.moved();
        }
        let mut moved: Vec<String> = Vec::new();
        let mut seen = vec![false; self.epochs.len()];
        for condition in self.conditions().into_iter().take(1000) {
            let mut stream =
                neuropil_math::rng::Key::new(0).stream(neuropil_math::rng::Purpose::Condition, 0);
            let layout = self.lay_out(&condition, &BTreeMap::new(), (&[], &[]), &mut stream);
            for (i, epoch) in self.epochs.iter().enumerate() {
                let (Some((from, to)), (start, end)) = (layout.epochs[i], layout.spans_ms[i]) else {
                    continue;
                };
                let [first, last] = [from, to].map(|step| step as f64 * self.dt_ms);
                let off = |a: f64, b: f64| (a - b).abs() > 1e-6 * self.dt_ms;
                let to_the_last = epoch.duration.is_none() && self.definition.answers_at_end;
                if !seen[i] && (off(first, start) || !to_the_last && off(last, end)) {
                    seen[i] = true;
                    moved.push(format!(
                        "`{}` from {start} to {end} ms takes {} steps, at {first} to {} ms",
                        epoch.name,
                        to - from,
                        last - self.dt_ms
                    ));
                }
            }
        }
        moved
    }

    /// What training would run into without a word: epochs that the time step moves, and answers that are never right.
    pub fn doubts(&self) -> Vec<String> {
        // What a trial of a session is made of is known within the session only.
        if self.world.is_some() {
            return Vec::new();
        }
        let mut doubts = self.moved();
        if !doubts.is_empty() {
            doubts = vec![format!(
                "at a time step of {} ms epochs are moved: {}",
                self.dt_ms,
                doubts.join("; ")
            )];
        }
        doubts.extend(self.never_right());
        doubts.extend(self.punished_withholding());
        doubts
    }

    /// The first condition in which no answer is right and to give none is punished, where others have a right answer.
    fn punished_withholding(&self) -> Option<String> {
        const CONDITIONS: usize = 500;
        if self.definition.rewards.terminal.is_some() {
            return None;
        }
        let mut stream = neuropil_math::rng::Key::new(0).stream(neuropil_math::rng::Purpose::Condition, 0);
        let (mut answerable, mut punished) = (false, None);
        for condition in self.conditions().into_iter().take(CONDITIONS) {
            let layout = self.lay_out(&condition, &BTreeMap::new(), (&[], &[]), &mut stream);
            let trial = self.table(condition, layout, &[]);
            if trial.answerable() {
                answerable = true;
            } else if punished.is_none() {
                let reward = trial.row_at(trial.n_steps - 1).outcomes[0].reward;
                punished = (reward < 0.0).then_some((trial, reward));
            }
        }
        let (trial, reward) = punished.filter(|_| answerable)?;
        let columns = self.columns().zip(&trial.condition.values);
        let of = columns.map(|(column, &value)| match self.label(column, value) {
            Some(label) => format!("{} {label}", column.name),
            None => format!("{} {value}", column.name),
        });
        Some(format!(
            "in trials with {} no answer is right, and to give none earns {reward}: if they are to be sat out, write \
             `[rewards] terminal = 0`",
            of.collect::<Vec<_>>().join(", ")
        ))
    }

    /// Answers that are to be right under a condition, and are not in any trial that was looked at.
    fn never_right(&self) -> Vec<String> {
        const TRIALS: usize = 2000;
        let mut wanted: Vec<usize> = self
            .answers
            .iter()
            .filter(|answer| answer.correct.is_some())
            .map(|answer| answer.action)
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let draws = if self.varies() {
            TRIALS.div_ceil(self.n_conditions())
        } else {
            1
        };
        let mut stream = neuropil_math::rng::Key::new(0).stream(neuropil_math::rng::Purpose::Condition, 0);
        let mut looked = 0;
        'trials: for condition in self.conditions() {
            for _ in 0..draws {
                if wanted.is_empty() || looked == TRIALS {
                    break 'trials;
                }
                looked += 1;
                let layout = self.lay_out(&condition, &BTreeMap::new(), (&[], &[]), &mut stream);
                let trial = self.table(condition.clone(), layout, &[]);
                let right = |action: usize| {
                    let mut rows = trial.segments.iter().map(|segment| &segment.row);
                    rows.any(|row| row.outcomes[action].correct == Some(true))
                };
                wanted.retain(|&action| !right(action));
            }
        }
        let line = |action: usize| {
            format!(
                "the answer `{}` is never right in {looked} trials: is its `correct` possible, and in which epoch?",
                self.definition.actions[action]
            )
        };
        wanted.into_iter().map(line).collect()
    }

    /// Checks durations that are to replace draws.
    ///
    /// # Errors
    /// An epoch that there is not, a duration that is no number ≥ 0, or a trial that would last beyond `tmax_ms`: what was
    /// found, and a hint.
    pub fn check_fixed(&self, fixed: &BTreeMap<String, f64>) -> Result<(), (String, String)> {
        for (name, ms) in fixed {
            let epoch = name.strip_suffix(".wait").unwrap_or(name);
            if !self.epochs.iter().any(|known| known.name == epoch) {
                let names: Vec<&str> = self.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
                return Err((
                    format!("unknown epoch `{epoch}`"),
                    format!("epochs: {}", names.join(", ")),
                ));
            }
            if !(ms.is_finite() && *ms >= 0.0) {
                return Err((
                    format!("{name} = {ms}, expected a duration ≥ 0 ms"),
                    "write `EPOCH=MS`".to_owned(),
                ));
            }
        }
        let tmax = self.definition.tmax_ms;
        for condition in self.conditions() {
            let mut stream =
                neuropil_math::rng::Key::new(0).stream(neuropil_math::rng::Purpose::Condition, 0);
            let layout = self.lay_out(&condition, fixed, (&[], &[]), &mut stream);
            let ends = layout.spans_ms.iter().zip(&self.epochs);
            let late = ends
                .filter(|&((start, end), _)| *end > tmax + 1e-6 || *start >= tmax)
                .map(|((_, end), epoch)| (*end, &epoch.name))
                .next();
            if let Some((end, name)) = late {
                return Err((
                    format!(
                        "with these durations epoch `{name}` would last until {end} ms, and trials end at {tmax} ms"
                    ),
                    "make the epochs shorter, or `tmax_ms` of the task longer".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// A level, in proportion to the odds; the first one if there are none.
pub(crate) fn pick(odds: &[f64], stream: &mut ChaCha8Rng) -> usize {
    let total: f64 = odds.iter().sum();
    let mut left = stream.random::<f64>() * total;
    for (level, odds) in odds.iter().enumerate() {
        if left < *odds {
            return level;
        }
        left -= odds;
    }
    odds.iter().rposition(|&odds| odds > 0.0).unwrap_or(0)
}
