//! What a data set holds, told before anything is trained on it.

use super::{Dataset, Half, Pixels, shape_words};
use neuropil_lab::hash::Summing;
use neuropil_study::{Table, Tell};
use serde::Serialize;

/// A data set in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// What it is.
    pub name: String,
    /// Rows, columns, channels.
    pub shape: [usize; 3],
    /// Examples to learn from.
    pub train: usize,
    /// Examples to be tested with.
    pub test: usize,
    /// Classes in the order of their numbers.
    pub classes: Vec<CheckedClass>,
    /// What stored values are multiplied by.
    pub scale: f32,
    /// What was assumed.
    pub notes: Vec<String>,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedClass {
    /// Its number here.
    pub number: usize,
    /// Label in the files.
    pub label: i64,
    /// Its name.
    pub name: String,
    /// Examples to learn from.
    pub train: usize,
    /// Examples to be tested with.
    pub test: usize,
}

/// What a run keeps of its data, to notice that they are no longer those that it learnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fingerprint {
    /// Examples to learn from, and to be tested with.
    pub(crate) train: usize,
    pub(crate) test: usize,
    /// Rows, columns, channels.
    pub(crate) shape: [usize; 3],
    /// Checksum of all values and labels.
    pub(crate) checksum: String,
}

impl Dataset {
    /// What is kept of the data, as they are learnt: features, where there is a front end.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut summing = Summing::default();
        for half in [&self.train, &self.test] {
            match &half.pixels {
                Pixels::Bytes(values) => summing.add(values),
                Pixels::Reals(values) => values.iter().for_each(|value| summing.add(&value.to_le_bytes())),
            }
            half.labels
                .iter()
                .for_each(|label| summing.add(&label.to_le_bytes()));
        }
        Fingerprint {
            train: self.train.len(),
            test: self.test.len(),
            shape: self.train.shape,
            checksum: summing.sum().to_string(),
        }
    }

    /// The data set in numbers.
    pub fn checked(&self) -> Checked {
        let (train, test) = (self.counts(Half::Train), self.counts(Half::Test));
        let class = |(number, class): (usize, &super::Class)| CheckedClass {
            number,
            label: class.label,
            name: class.name.clone(),
            train: train[number],
            test: test[number],
        };
        Checked {
            name: self.name.clone(),
            shape: self.train.shape,
            train: self.train.len(),
            test: self.test.len(),
            classes: self.classes.iter().enumerate().map(class).collect(),
            scale: self.scale,
            notes: self.notes.clone(),
        }
    }
}

impl Tell for Checked {
    fn sentences(&self) -> Vec<String> {
        let mut told = vec![format!(
            "{}: {} training and {} test examples of {}, {} classes.",
            self.name,
            self.train,
            self.test,
            shape_words(self.shape),
            self.classes.len()
        )];
        told.extend(self.notes.iter().map(|note| format!("Note: {note}.")));
        told
    }

    fn table(&self) -> Table {
        let of = &self.classes;
        Table::new()
            .with("class", of.iter().map(|class| class.number).collect::<Vec<_>>())
            .with("label", of.iter().map(|class| class.label).collect::<Vec<_>>())
            .with(
                "name",
                of.iter().map(|class| class.name.clone()).collect::<Vec<_>>(),
            )
            .with("train", of.iter().map(|class| class.train).collect::<Vec<_>>())
            .with("test", of.iter().map(|class| class.test).collect::<Vec<_>>())
    }
}
