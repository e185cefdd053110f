//! Results of runs and of tests, told.

use crate::analysis::Finding;
use crate::analysis::activity::Recorded;
use crate::report::{data_rows, shown_as};
use crate::testing::{ConditionResult, Tested};
use neuropil_draw::Figure;
use neuropil_study::{Measure, Origin, Shown, Table, Tell};
use neuropil_tasks::performance::Performance;
use neuropil_tasks::task::Task;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a validation measured. In a world that answers no trial is decided: its own measures are told instead; where no answer
/// is right or wrong, the reward alone.
pub fn measures(performance: &Performance, task: &Task) -> Vec<Measure> {
    let in_a_world = task.world.is_some();
    let mut decided = Measure::percent(
        "percent_decided",
        "decided",
        100.0 * performance.fraction_decided(),
    );
    let mut correct = Measure::percent(
        "percent_correct",
        "correct",
        100.0 * performance.fraction_correct(),
    );
    decided.told = task.judges();
    correct.told = task.judges() && performance.n_decided > 0;
    let mut reward = Measure::new("mean_reward", "reward", performance.mean_reward);
    (reward.signed, reward.unit) = (true, if in_a_world { "per session" } else { "per trial" });
    let own = performance.quantities.iter().filter_map(|(name, &value)| {
        if in_a_world {
            (name != "reward").then(|| Measure::new(name, name, value))
        } else {
            let own = task.quantities.iter().any(|q| q.name == *name && q.is_own());
            own.then(|| Measure::percent(format!("percent_{name}"), name, 100.0 * value))
        }
    });
    [decided, correct]
        .into_iter()
        .chain(own)
        .chain([reward])
        .collect()
}

/// A finding with its figure.
pub(super) struct Told<'a> {
    pub(super) finding: &'a Finding,
    pub(super) figure: Figure,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.finding.serialize(serializer)
    }
}

impl Tell for Told<'_> {
    fn sentences(&self) -> Vec<String> {
        vec![self.figure.title.clone()]
    }

    fn table(&self) -> Table {
        let (headers, rows) = data_rows(&self.figure);
        Table::of_rows(&headers, &rows)
    }

    fn figures(&self, _: &Origin) -> Vec<Shown> {
        vec![shown_as(&self.figure.name, self.figure.clone())]
    }
}

/// Test trials, told by condition.
#[derive(Debug, Serialize)]
pub(super) struct TestTold {
    task: String,
    seed: u64,
    dt_ms: f64,
    n_trials: usize,
    percent_decided: f64,
    percent_correct: f64,
    mean_reward: f64,
    criterion: BTreeMap<String, f64>,
    criterion_met: bool,
    conditions: Vec<ConditionResult>,
    #[serde(skip)]
    factors: Vec<String>,
    /// Quantities of the criterion that the task itself defines.
    #[serde(skip)]
    own: Vec<String>,
    #[serde(skip)]
    in_a_world: bool,
    #[serde(skip)]
    judged: bool,
}

impl TestTold {
    pub(super) fn of(task: &Task, seed: u64, tested: &Tested) -> Self {
        let p = &tested.performance;
        Self {
            task: task.definition.name.clone(),
            seed,
            dt_ms: task.dt_ms,
            n_trials: p.n_trials,
            percent_decided: 100.0 * p.fraction_decided(),
            percent_correct: 100.0 * p.fraction_correct(),
            mean_reward: p.mean_reward,
            criterion: p.quantities.clone(),
            criterion_met: p.meets(task),
            conditions: tested.by_condition(task),
            factors: task.columns().map(|column| column.name.clone()).collect(),
            own: task
                .quantities
                .iter()
                .filter(|q| q.is_own() && p.quantities.contains_key(&q.name))
                .map(|q| q.name.clone())
                .collect(),
            in_a_world: task.world.is_some(),
            judged: task.judges(),
        }
    }
}

impl Tell for TestTold {
    fn sentences(&self) -> Vec<String> {
        if self.in_a_world {
            let own = self
                .criterion
                .iter()
                .map(|(name, value)| format!("{name} {value:.3}"));
            return vec![format!(
                "{} sessions: {}",
                self.n_trials,
                own.collect::<Vec<_>>().join(", ")
            )];
        }
        let own: String = self
            .own
            .iter()
            .map(|name| format!("{name} {:.1} %, ", 100.0 * self.criterion[name]))
            .collect();
        if !self.judged {
            let n = self.n_trials;
            return vec![format!(
                "{n} trials, of which none is right or wrong: {own}reward {:+.3}",
                self.mean_reward
            )];
        }
        vec![format!(
            "{} trials: decided {:.1} %, correct {:.1} %, {own}reward {:+.3}",
            self.n_trials, self.percent_decided, self.percent_correct, self.mean_reward
        )]
    }

    fn table(&self) -> Table {
        if self.in_a_world {
            return Table::new();
        }
        let percent = |part: usize, whole: usize| {
            if whole == 0 {
                "–".to_owned()
            } else {
                format!("{:.1}", 100.0 * part as f64 / whole as f64)
            }
        };
        let factor = |name: &String| {
            let shown = |c: &ConditionResult| match &c.factors[name] {
                serde_json::Value::String(label) => label.clone(),
                number => number.to_string(),
            };
            self.conditions.iter().map(shown).collect::<Vec<String>>()
        };
        let column =
            |of: &dyn Fn(&ConditionResult) -> String| self.conditions.iter().map(of).collect::<Vec<String>>();
        let time = |c: &ConditionResult| {
            c.mean_reaction_time_ms
                .map_or("–".to_owned(), |ms| format!("{ms:.0}"))
        };
        let factors = self.factors.iter();
        let table = factors
            .fold(Table::new(), |table, name| table.with(name, factor(name)))
            .with("trials", column(&|c| c.n.to_string()));
        let table = if self.judged {
            table
                .with("decided %", column(&|c| percent(c.decided, c.n)))
                .with("correct %", column(&|c| percent(c.correct, c.decided)))
        } else {
            table
        };
        table.with("RT ms", column(&time))
    }
}

/// Recorded trials, and where they are.
#[derive(Debug, Serialize)]
pub(super) struct ActivityKept {
    task: String,
    seed: u64,
    n_trials: usize,
    times_ms: Vec<f64>,
    n_policy_units: usize,
    n_value_units: usize,
    file: PathBuf,
}

impl ActivityKept {
    pub(super) fn of(task: &Task, seed: u64, recorded: &Recorded, file: &Path) -> Self {
        Self {
            task: task.definition.name.clone(),
            seed,
            n_trials: recorded.behaviour.n_trials(),
            times_ms: recorded.policy.times_ms.clone(),
            n_policy_units: recorded.policy.n_units,
            n_value_units: recorded.value.n_units,
            file: file.to_owned(),
        }
    }
}

impl Tell for ActivityKept {
    fn sentences(&self) -> Vec<String> {
        vec![format!(
            "{} trials, {} units of the policy and {} of the value network at {} times",
            self.n_trials,
            self.n_policy_units,
            self.n_value_units,
            self.times_ms.len()
        )]
    }
}
