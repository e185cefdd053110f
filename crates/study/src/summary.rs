//! What a training run came to.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A named number with its unit, and how it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Name in JSON: `percent_correct`.
    pub name: String,
    /// Name for people: `correct`.
    pub label: String,
    /// Value.
    pub value: f64,
    /// Unit behind the value; may be empty.
    pub unit: &'static str,
    /// Digits behind the point.
    pub digits: usize,
    /// Whether a plus stands before values that are not negative.
    pub signed: bool,
    /// Whether it is shown to people; one that means nothing here is kept for programs alone.
    pub told: bool,
}

impl Measure {
    /// A measure with three digits behind the point and no unit.
    pub fn new(name: impl Into<String>, label: impl Into<String>, value: f64) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            value,
            unit: "",
            digits: 3,
            signed: false,
            told: true,
        }
    }

    /// A percentage with one digit behind the point.
    pub fn percent(name: impl Into<String>, label: impl Into<String>, value: f64) -> Self {
        Self {
            unit: "%",
            digits: 1,
            ..Self::new(name, label, value)
        }
    }

    /// The value as text, without its unit; a dash if it is not told.
    pub fn shown(&self) -> String {
        match (self.told, self.signed) {
            (false, _) => "–".to_owned(),
            (true, false) => format!("{:.*}", self.digits, self.value),
            (true, true) => format!("{:+.*}", self.digits, self.value),
        }
    }

    /// The value as text with its unit.
    pub fn with_unit(&self) -> String {
        format!("{} {}", self.shown(), self.unit).trim_end().to_owned()
    }
}

/// What a run came to; its JSON is one flat object in which each measure is a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The job's name.
    pub task: String,
    /// Seed.
    pub seed: u64,
    /// Was the criterion met?
    pub criterion_met: bool,
    /// Updates made.
    pub updates: u64,
    /// Training trials or examples seen.
    pub trials: u64,
    /// What they are, in the plural, where people read: `trials`, `sessions`, `pairs`.
    #[serde(skip)]
    pub unit: &'static str,
    /// Times that networks were drawn anew.
    pub restarts: u64,
    /// What the last validation measured.
    #[serde(flatten, serialize_with = "as_fields")]
    pub measures: Vec<Measure>,
    /// The quantities that the criterion speaks of, and what else was measured, in the last validation.
    pub criterion: BTreeMap<String, f64>,
    /// Wall time of all sessions, s.
    pub wall_seconds: f64,
    /// Where the run is.
    pub run_dir: PathBuf,
    /// It was asked to stop before its end.
    #[serde(skip)]
    pub interrupted: bool,
}

fn as_fields<S: Serializer>(measures: &[Measure], serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_map(Some(measures.len()))?;
    for measure in measures {
        fields.serialize_entry(&measure.name, &measure.value)?;
    }
    fields.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_fields_between_the_others_and_say_their_unit() {
        let mut reward = Measure::new("mean_reward", "reward", 0.25);
        (reward.signed, reward.unit) = (true, "per trial");
        let summary = Summary {
            task: "rdm".to_owned(),
            seed: u64::MAX,
            criterion_met: true,
            updates: 10,
            trials: 200,
            unit: "trials",
            restarts: 0,
            measures: vec![Measure::percent("percent_correct", "correct", 87.54), reward],
            criterion: BTreeMap::from([("correct".to_owned(), 0.8754)]),
            wall_seconds: 1.5,
            run_dir: "runs/rdm-s1".into(),
            interrupted: false,
        };
        let json = serde_json::to_string(&summary).unwrap();
        let fields =
            r#""restarts":0,"percent_correct":87.54,"mean_reward":0.25,"criterion":{"correct":0.8754}"#;
        assert!(
            json.contains(fields) && json.contains("18446744073709551615"),
            "{json}"
        );
        assert_eq!(summary.measures[0].with_unit(), "87.5 %");
        assert_eq!(summary.measures[1].with_unit(), "+0.250 per trial");
    }
}
