//! Which level of a quantity was answered with which action.

use serde::{Deserialize, Serialize};

use super::levels::{Level, Sorted, sorted};
use super::{AnalysisError, proportion::Proportion};
use crate::behaviour::Behaviour;

/// Choices against what was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// The quantity.
    pub by: String,
    /// Names of the actions that can be chosen.
    pub actions: Vec<String>,
    /// One row a level: each action among the choices.
    pub rows: Vec<ConfusionRow>,
    /// Information that a choice carries about the level, bits (plug-in estimate).
    pub information_bits: f64,
}

/// Choices at one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfusionRow {
    /// The level.
    pub level: Level,
    /// Each action among the choices.
    pub chosen: Vec<Proportion>,
}

/// The matrix of `by`, or of the quantity that the choices carry most information about.
///
/// # Errors
/// No trial ended in a choice, or nothing varies.
pub fn confusion(behaviour: &Behaviour, by: Option<&str>) -> Result<Confusion, AnalysisError> {
    if !behaviour.chosen.contains(&true) {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    if behaviour.actions.len() < 3 {
        return Err(AnalysisError::Needs {
            what: "two actions that can be chosen: this task has one",
            hint: "`choices` counts how often it was taken, `response-times` when",
        });
    }
    let all = sorted(behaviour, by, |trial| behaviour.chosen[trial])?;
    let tables: Vec<Confusion> = all.iter().map(|sorted| matrix(behaviour, sorted)).collect();
    let best = tables.into_iter().reduce(|best, next| {
        if next.information_bits > best.information_bits {
            next
        } else {
            best
        }
    });
    best.ok_or(AnalysisError::NothingVaries)
}

fn matrix(behaviour: &Behaviour, sorted: &Sorted) -> Confusion {
    let actions = 1..behaviour.actions.len();
    let row = |level: &Level| {
        let of = |action| Proportion::among(&level.trials, |trial| behaviour.action[trial] == Some(action));
        ConfusionRow {
            chosen: actions.clone().filter_map(of).collect(),
            level: level.clone(),
        }
    };
    let rows: Vec<ConfusionRow> = sorted.levels.iter().map(row).collect();
    let counts: Vec<Vec<usize>> = rows
        .iter()
        .map(|row| row.chosen.iter().map(|p| p.count).collect())
        .collect();
    Confusion {
        by: sorted.by.clone(),
        actions: behaviour.actions[1..].to_vec(),
        rows,
        information_bits: information(&counts),
    }
}

/// Mutual information of a table of counts, bits.
fn information(counts: &[Vec<usize>]) -> f64 {
    let total: usize = counts.iter().flatten().sum();
    let columns = counts.first().map_or(0, Vec::len);
    let column = |j: usize| counts.iter().map(|row| row[j]).sum::<usize>();
    let columns: Vec<usize> = (0..columns).map(column).collect();
    let mut bits = 0.0;
    for row in counts {
        let n: usize = row.iter().sum();
        for (&count, &m) in row.iter().zip(&columns).filter(|(count, _)| **count > 0) {
            let p = count as f64 / total as f64;
            bits += p * (count as f64 * total as f64 / (n as f64 * m as f64)).log2();
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn the_quantity_that_choices_tell_most_about_is_found() {
        let found = confusion(&synthetic::rdm(5000, 1), None).unwrap();
        assert_eq!(found.by, "direction");
        let diagonal = [found.rows[0].chosen[0], found.rows[1].chosen[1]];
        assert!(diagonal.iter().all(|p| p.value > 0.7), "{diagonal:?}");
        let asked = confusion(&synthetic::rdm(5000, 1), Some("coherence")).unwrap();
        assert!(asked.rows.len() == 5 && asked.information_bits < 0.01);
        assert_eq!(information(&[vec![10, 0], vec![0, 10]]), 1.0);
    }
}
