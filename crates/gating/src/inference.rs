//! What it costs not to be told the task: gates chosen by the network's own certainty.
//!
//! A batch of examples of one unknown task is shown with the gates (and rule) of every task learnt so far; those with the
//! lowest mean entropy of the answers are taken. Without gates or rules there is nothing to choose.

use neuropil_study::{Table, Tell};
use serde::Serialize;

/// Accuracy with the task given and with the task inferred.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inferred {
    /// What they are, in the plural.
    pub what: &'static str,
    /// Test examples of a task that the choice is made from, at once.
    pub examples: usize,
    /// The task chosen for each task.
    pub chosen: Vec<usize>,
    /// Fraction of tasks that were recognised.
    pub recognised: f64,
    /// Mean accuracy on these examples with the task given.
    pub given: f64,
    /// Mean accuracy with the task inferred.
    pub inferred: f64,
}

/// Infers each of `n` tasks from `examples` of them; `tested` gives the accuracy and the mean entropy of the answers on a
/// task's test examples with the gates and rule of another.
pub fn infer(
    what: &'static str,
    examples: usize,
    n: usize,
    tested: impl Fn(usize, usize) -> (f64, f64),
) -> Inferred {
    let one = |task: usize| {
        let found: Vec<(f64, f64)> = (0..n).map(|as_if| tested(task, as_if)).collect();
        let least = (0..n).fold(0, |least, k| if found[k].1 < found[least].1 { k } else { least });
        (least, found[task].0, found[least].0)
    };
    let all: Vec<(usize, f64, f64)> = (0..n).map(one).collect();
    let mean = |of: &dyn Fn(&(usize, f64, f64)) -> f64| all.iter().map(of).sum::<f64>() / n.max(1) as f64;
    Inferred {
        what,
        examples,
        recognised: all
            .iter()
            .enumerate()
            .filter(|(task, found)| *task == found.0)
            .count() as f64
            / n.max(1) as f64,
        given: mean(&|found| found.1),
        inferred: mean(&|found| found.2),
        chosen: all.iter().map(|found| found.0).collect(),
    }
}

impl Tell for Inferred {
    fn sentences(&self) -> Vec<String> {
        vec![format!(
            "With the task inferred from {} {} at once (least entropy over all gates): {:.1} % of the tasks recognised, {:.1} % correct in place of {:.1} %.",
            self.examples,
            self.what,
            100.0 * self.recognised,
            100.0 * self.inferred,
            100.0 * self.given
        )]
    }

    fn table(&self) -> Table {
        Table::new()
            .with("task", (0..self.chosen.len()).collect::<Vec<usize>>())
            .with("taken_for", self.chosen.clone())
    }
}
