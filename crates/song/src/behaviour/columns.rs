//! Behaviour as plain named columns, for files.

use super::{Behaviour, BehaviourError};

const ONSET: &str = "_onset_ms";
const DURATION: &str = "_duration_ms";
const OUTCOMES: [&str; 6] = ["action", "chosen", "correct", "choice_ms", "reward", "n_steps"];

/// Only where trials differ in it.
pub(super) const ANSWERABLE: &str = "answerable";

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; NaN where there is none.
    Numbers(Vec<f64>),
    /// Words; empty where there is none.
    Labels(Vec<String>),
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Labels(labels) => labels.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn cell(&self, row: usize) -> String {
        match self {
            Self::Numbers(numbers) if numbers[row].is_nan() => String::new(),
            Self::Numbers(numbers) => numbers[row].to_string(),
            Self::Labels(labels) => labels[row].clone(),
        }
    }

    /// Numbers where every cell that is not empty reads as one and some cell does, words otherwise.
    fn parse(cells: Vec<String>) -> Self {
        let numbers: Option<Vec<f64>> = cells
            .iter()
            .map(|cell| {
                if cell.is_empty() {
                    Some(f64::NAN)
                } else {
                    cell.parse().ok()
                }
            })
            .collect();
        match numbers {
            Some(numbers) if cells.iter().any(|cell| !cell.is_empty()) => Self::Numbers(numbers),
            _ => Self::Labels(cells),
        }
    }
}

pub(super) fn onset(epoch: &str) -> String {
    format!("{epoch}{ONSET}")
}

pub(super) fn duration(epoch: &str) -> String {
    format!("{epoch}{DURATION}")
}

pub(super) fn is_reserved(name: &str) -> bool {
    OUTCOMES.contains(&name) || name == ANSWERABLE || name.ends_with(ONSET) || name.ends_with(DURATION)
}

impl Behaviour {
    /// All columns: factors by name, epochs as `EPOCH_onset_ms` and `EPOCH_duration_ms`, then the outcomes.
    ///
    /// `action` is the name of the action (empty for none), `chosen` and `correct` are 0, 1 or NaN. Where some
    /// trials have no right answer `answerable` is 0 in them and 1 in others.
    pub fn columns(&self) -> Vec<(String, Column)> {
        let numbers = |name: String, values: &[f64]| (name, Column::Numbers(values.to_vec()));
        let bit = |value: bool| f64::from(u8::from(value));
        let mut columns: Vec<_> = self
            .numbers
            .iter()
            .map(|(name, v)| numbers(name.clone(), v))
            .collect();
        columns.extend(
            self.labels
                .iter()
                .map(|(name, v)| (name.clone(), Column::Labels(v.clone()))),
        );
        columns.extend(self.onset_ms.iter().map(|(epoch, v)| numbers(onset(epoch), v)));
        columns.extend(
            self.duration_ms
                .iter()
                .map(|(epoch, v)| numbers(duration(epoch), v)),
        );
        let action = |index: &Option<usize>| index.map_or(String::new(), |index| self.actions[index].clone());
        let chosen = self.chosen.iter().map(|&chosen| bit(chosen)).collect();
        let correct = self
            .correct
            .iter()
            .map(|correct| correct.map_or(f64::NAN, bit))
            .collect();
        let n_steps = self.n_steps.iter().map(|&n| n as f64).collect();
        let outcomes = [
            Column::Labels(self.action.iter().map(action).collect()),
            Column::Numbers(chosen),
            Column::Numbers(correct),
            Column::Numbers(self.choice_ms.clone()),
            Column::Numbers(self.reward.clone()),
            Column::Numbers(n_steps),
        ];
        columns.extend(OUTCOMES.iter().map(|name| (*name).to_owned()).zip(outcomes));
        if !self.answerable.is_empty() {
            let bits = self
                .answerable
                .iter()
                .map(|&answerable| bit(answerable))
                .collect();
            columns.push((ANSWERABLE.to_owned(), Column::Numbers(bits)));
        }
        columns
    }

    /// The table of [`Behaviour::columns`] back, with what they do not say.
    ///
    /// # Errors
    /// Columns that are missing, have unequal lengths or hold values of the wrong kind.
    pub fn from_columns(
        task: &str,
        dt_ms: f64,
        actions: &[String],
        columns: Vec<(String, Column)>,
    ) -> Result<Self, BehaviourError> {
        let mut behaviour = Self {
            task: task.to_owned(),
            dt_ms,
            actions: actions.to_vec(),
            ..Self::default()
        };
        let mut present = [false; OUTCOMES.len()];
        for (name, column) in columns {
            if let Some(outcome) = OUTCOMES.iter().position(|outcome| *outcome == name) {
                present[outcome] = true;
                behaviour.set_outcome(OUTCOMES[outcome], column)?;
            } else if name == ANSWERABLE {
                let bits = bits(&name, column)?.into_iter();
                behaviour.answerable = bits.map(|bit| bit != Some(false)).collect();
            } else if let Some(epoch) = name.strip_suffix(ONSET) {
                behaviour
                    .onset_ms
                    .insert(epoch.to_owned(), numeric(&name, column)?);
            } else if let Some(epoch) = name.strip_suffix(DURATION) {
                behaviour
                    .duration_ms
                    .insert(epoch.to_owned(), numeric(&name, column)?);
            } else {
                match column {
                    Column::Numbers(values) => drop(behaviour.numbers.insert(name, values)),
                    Column::Labels(values) => drop(behaviour.labels.insert(name, values)),
                }
            }
        }
        if let Some(missing) = present.iter().position(|present| !present) {
            return Err(BehaviourError::Missing {
                column: OUTCOMES[missing],
            });
        }
        behaviour.validate()?;
        Ok(behaviour)
    }

    /// Comma-separated values with a header; numbers in the shortest form that reads back exactly.
    ///
    /// # Errors
    /// A table whose columns do not fit together.
    pub fn to_csv(&self) -> Result<String, BehaviourError> {
        self.validate()?;
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(columns.iter().map(|(name, _)| name))?;
        for row in 0..self.n_trials() {
            writer.write_record(columns.iter().map(|(_, column)| column.cell(row)))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads [`Behaviour::to_csv`]; a factor is numeric when every cell reads as a number.
    ///
    /// # Errors
    /// As [`Behaviour::from_columns`], or text that is not a table.
    pub fn from_csv(task: &str, dt_ms: f64, actions: &[String], text: &str) -> Result<Self, BehaviourError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let mut cells = vec![Vec::new(); names.len()];
        for record in reader.records() {
            for (column, cell) in cells.iter_mut().zip(record?.iter()) {
                column.push(cell.to_owned());
            }
        }
        let labelled = |name: &str| name == "action";
        let columns = names.into_iter().zip(cells).map(|(name, cells)| {
            let column = if labelled(&name) {
                Column::Labels(cells)
            } else {
                Column::parse(cells)
            };
            (name, column)
        });
        Self::from_columns(task, dt_ms, actions, columns.collect())
    }

    fn set_outcome(&mut self, name: &str, column: Column) -> Result<(), BehaviourError> {
        match name {
            "action" => self.action = self.read_actions(column)?,
            "chosen" => {
                self.chosen = bits(name, column)?
                    .into_iter()
                    .map(|bit| bit == Some(true))
                    .collect();
            }
            "correct" => self.correct = bits(name, column)?,
            "choice_ms" => self.choice_ms = numeric(name, column)?,
            "reward" => self.reward = numeric(name, column)?,
            _ => self.n_steps = numeric(name, column)?.into_iter().map(|n| n as usize).collect(),
        }
        Ok(())
    }

    fn read_actions(&self, column: Column) -> Result<Vec<Option<usize>>, BehaviourError> {
        let read = |(row, name): (usize, String)| {
            if name.is_empty() {
                return Ok(None);
            }
            let index = self.actions.iter().position(|action| *action == name);
            index.map(Some).ok_or_else(|| {
                wrong(
                    "action",
                    row,
                    name,
                    &format!("one of `{}`", self.actions.join("`, `")),
                )
            })
        };
        match column {
            Column::Labels(names) => names.into_iter().enumerate().map(read).collect(),
            Column::Numbers(numbers) => {
                let names = numbers.iter().map(f64::to_string);
                names.enumerate().map(read).collect()
            }
        }
    }
}

fn numeric(name: &str, column: Column) -> Result<Vec<f64>, BehaviourError> {
    match column {
        Column::Numbers(numbers) => Ok(numbers),
        // A column in which no trial has a value.
        Column::Labels(labels) if labels.iter().all(String::is_empty) => Ok(vec![f64::NAN; labels.len()]),
        Column::Labels(labels) => {
            let is_bad = |label: &String| !label.is_empty() && label.parse::<f64>().is_err();
            let row = labels.iter().position(is_bad).unwrap_or(0);
            Err(wrong(name, row, labels[row].clone(), "a number"))
        }
    }
}

fn bits(name: &str, column: Column) -> Result<Vec<Option<bool>>, BehaviourError> {
    let read = |(row, value): (usize, f64)| match value {
        0.0 => Ok(Some(false)),
        1.0 => Ok(Some(true)),
        value if value.is_nan() => Ok(None),
        value => Err(wrong(name, row, value.to_string(), "0, 1 or nothing")),
    };
    numeric(name, column)?.into_iter().enumerate().map(read).collect()
}

fn wrong(column: &str, row: usize, found: String, expected: &str) -> BehaviourError {
    BehaviourError::Value {
        column: column.to_owned(),
        row: row + 1,
        found,
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn actions() -> Vec<String> {
        ["fixate", "left", "right, or so"].map(str::to_owned).to_vec()
    }

    fn table(rows: &[(f64, bool, Option<usize>, Option<bool>)]) -> Behaviour {
        let numbers = |f: fn(&(f64, bool, Option<usize>, Option<bool>)) -> f64| rows.iter().map(f).collect();
        let mut behaviour = Behaviour {
            task: "rdm".into(),
            dt_ms: 10.0,
            actions: actions(),
            action: rows.iter().map(|row| row.2).collect(),
            chosen: rows.iter().map(|row| row.1).collect(),
            correct: rows.iter().map(|row| row.3).collect(),
            answerable: rows.iter().map(|row| row.1).collect(),
            choice_ms: numbers(|row| if row.1 { row.0.abs() } else { f64::NAN }),
            reward: numbers(|row| -row.0),
            n_steps: (0..rows.len()).collect(),
            ..Behaviour::default()
        };
        behaviour.numbers.insert("coherence".into(), numbers(|row| row.0));
        let context = |row: &(f64, bool, _, _)| if row.1 { "motion \"m\"" } else { "color,c" }.to_owned();
        behaviour
            .labels
            .insert("context".into(), rows.iter().map(context).collect());
        behaviour
            .onset_ms
            .insert("sure".into(), numbers(|row| if row.1 { 10.0 } else { f64::NAN }));
        behaviour.duration_ms.insert("sure".into(), numbers(|_| f64::NAN));
        behaviour
    }

    proptest! {
        #[test]
        fn columns_and_text_read_back_exactly(
            rows in prop::collection::vec(
                (-1e3_f64..1e3, any::<bool>(), prop::option::of(0_usize..3), any::<Option<bool>>()), 1..20),
        ) {
            let behaviour = table(&rows);
            let columns = behaviour.columns();
            let back = Behaviour::from_columns("rdm", 10.0, &actions(), columns.clone()).unwrap();
            // Debug writes NaN as such, so it compares what `==` cannot.
            prop_assert_eq!(format!("{:?}", back), format!("{:?}", behaviour));
            let text = behaviour.to_csv().unwrap();
            let back = Behaviour::from_csv("rdm", 10.0, &actions(), &text).unwrap();
            prop_assert_eq!(format!("{:?}", back), format!("{:?}", behaviour));
        }
    }

    #[test]
    fn bad_cells_are_named_by_row_and_column() {
        let text = table(&[(1.0, true, Some(1), Some(true))]).to_csv().unwrap();
        let words = |text: &str| {
            Behaviour::from_csv("rdm", 10.0, &actions(), text)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            words(&text.replace(",left,", ",up,")),
            "column `action`, row 1: found `up`, expected one of `fixate`, `left`, `right, or so`"
        );
        assert_eq!(words("coherence\n1\n"), "there is no column `action`");
        assert_eq!(
            words(&text.replace(",left,1,1,", ",left,1,2,")),
            "column `correct`, row 1: found `2`, expected 0, 1 or nothing"
        );
        assert_eq!(
            words(&text.replace(",left,1,1,1,", ",left,1,1,soon,")),
            "column `choice_ms`, row 1: found `soon`, expected a number"
        );
    }

    #[test]
    fn no_trials_are_a_header() {
        let text = table(&[]).to_csv().unwrap();
        assert_eq!(text.lines().count(), 1);
        assert_eq!(
            Behaviour::from_csv("rdm", 10.0, &actions(), &text)
                .unwrap()
                .n_trials(),
            0
        );
    }
}
