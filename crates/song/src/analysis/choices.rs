//! What was chosen, and how often it was right, by anything that varies.

use serde::{Deserialize, Serialize};

use super::levels::{Level, sorted};
use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Choices by each of several quantities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    /// Trials.
    pub n_trials: usize,
    /// Names of the actions that can be chosen.
    pub actions: Vec<String>,
    /// Whether choices are right or wrong at all.
    pub judged: bool,
    /// One table for each quantity.
    pub tables: Vec<ChoiceTable>,
}

/// Choices by one quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChoiceTable {
    /// The quantity.
    pub by: String,
    /// Its values are numbers.
    pub is_numeric: bool,
    /// One row a level.
    pub rows: Vec<ChoiceRow>,
}

/// Choices at one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChoiceRow {
    /// The level.
    pub level: Level,
    /// Trials with a choice among all.
    pub answered: Proportion,
    /// Right ones among those that were right or wrong; none where there are none. Where some trials have no right answer, giving
    /// none counts as right in them and as wrong in others.
    pub correct: Option<Proportion>,
    /// Each action among the choices; none where there are none.
    pub chosen: Vec<Option<Proportion>>,
}

/// Counts choices by `by`, or by all that varies.
///
/// # Errors
/// No trial ended in a choice, or nothing varies.
pub fn choices(behaviour: &Behaviour, by: Option<&str>) -> Result<Choices, AnalysisError> {
    if !behaviour.chosen.contains(&true) {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let actions = 1..behaviour.actions.len();
    let row = |level: &Level| {
        let chosen: Vec<usize> = level
            .trials
            .iter()
            .copied()
            .filter(|&t| behaviour.chosen[t])
            .collect();
        let judged: Vec<usize> = level
            .trials
            .iter()
            .copied()
            .filter(|&t| behaviour.right(t).is_some())
            .collect();
        let of = |action| Proportion::among(&chosen, |trial| behaviour.action[trial] == Some(action));
        Some(ChoiceRow {
            answered: Proportion::among(&level.trials, |trial| behaviour.chosen[trial])?,
            correct: Proportion::among(&judged, |trial| behaviour.right(trial) == Some(true)),
            chosen: actions.clone().map(of).collect(),
            level: level.clone(),
        })
    };
    let tables = sorted(behaviour, by, |_| true)?;
    Ok(Choices {
        n_trials: behaviour.n_trials(),
        actions: behaviour.actions[1..].to_vec(),
        judged: behaviour.correct.iter().any(Option::is_some),
        tables: tables
            .iter()
            .map(|sorted| ChoiceTable {
                by: sorted.by.clone(),
                is_numeric: sorted.is_numeric,
                rows: sorted.levels.iter().filter_map(row).collect(),
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;
    use neuropil_math::stats::normal;

    #[test]
    fn to_withhold_is_right_where_no_answer_is() {
        let found = choices(&synthetic::detector(20_000, 1), Some("target")).unwrap();
        let correct = |row: usize| found.tables[0].rows[row].correct.unwrap();
        let (false_alarms, hits) = (
            1.0 - normal::cdf(synthetic::CRITERION + synthetic::DPRIME / 2.0),
            1.0 - normal::cdf(synthetic::CRITERION - synthetic::DPRIME / 2.0),
        );
        assert!((correct(0).value - (1.0 - false_alarms)).abs() < 0.01);
        assert!((correct(1).value - hits).abs() < 0.02);
        assert_eq!(correct(0).n + correct(1).n, 20_000);
    }

    #[test]
    fn accuracy_grows_with_coherence_and_choices_follow_the_direction() {
        let found = choices(&synthetic::rdm(20_000, 1), None).unwrap();
        let table = |by: &str| found.tables.iter().find(|table| table.by == by).unwrap();
        let correct: Vec<f64> = table("coherence")
            .rows
            .iter()
            .map(|row| row.correct.unwrap().value)
            .collect();
        assert!(correct.windows(2).all(|pair| pair[0] < pair[1]), "{correct:?}");
        assert!((correct[0] - 0.5).abs() < 0.03 && correct[4] > 0.98);
        let right = |row: usize| table("direction").rows[row].chosen[1].unwrap().value;
        assert!(right(0) < 0.3 && right(1) > 0.7);
        assert!(found.judged && found.actions == ["left", "right"]);
    }
}
