//! Labelled pictures and vectors, in the forms in which their users hold them.
//!
//! | what | known by |
//! |---|---|
//! | `digits` | the 1,797 handwritten digits that come with neuropil (`data/README.md`) |
//! | MNIST, Fashion-MNIST, KMNIST, EMNIST | a folder with IDX files, packed with gzip or not |
//! | CIFAR-10, CIFAR-100 | a folder of binary batches, or of Python batches |
//! | ImageNet-32 | a folder of `train_data_batch_1`…, pickles or npz |
//! | Tiny-ImageNet | a folder with `wnids.txt` |
//! | own pictures | a folder of one folder per class, or `train.txt` and `test.txt` with one `path label` a line |
//! | own arrays | npz or HDF5 with `x_train`, `y_train`, `x_test`, `y_test`, or `data` and `labels` |
//! | own tables | CSV with a column `label` or `class` |
//!
//! Content decides, not names. What cannot be understood is refused; what was assumed is said in [`Dataset::notes`].

mod batches;
mod checked;
mod digits;
mod folders;
mod idx;
pub mod series;
mod tables;

pub use checked::{Checked, CheckedClass};
pub use idx::Idx;

use crate::error::GatingError;
use neuropil_lab::error::Problem;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Values of pictures, example by example.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// 0..=255.
    Bytes(Vec<u8>),
    /// As they are.
    Reals(Vec<f32>),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Reals(values) => values.len(),
        }
    }

    fn at(&self, place: usize) -> f32 {
        match self {
            Self::Bytes(values) => f32::from(values[place]),
            Self::Reals(values) => values[place],
        }
    }
}

/// Pictures or vectors with their labels: \[example\]\[row\]\[column\]\[channel\].
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// Rows, columns, channels; a vector is one row of one channel.
    pub shape: [usize; 3],
    /// Values, example by example.
    pub pixels: Pixels,
    /// Labels as they are stored.
    pub labels: Vec<i64>,
}

impl Pictures {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// No example at all?
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Largest value, at least 0.
    fn largest(&self) -> f32 {
        let values = (0..self.pixels.len()).map(|i| self.pixels.at(i));
        values.fold(0.0, f32::max)
    }

    /// Values of one example.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// One stored value.
    pub fn value(&self, example: usize, row: usize, column: usize, channel: usize) -> f32 {
        let [_, columns, channels] = self.shape;
        self.pixels
            .at(example * self.size() + (row * columns + column) * channels + channel)
    }

    /// Sum of all stored values.
    pub fn sum(&self) -> f64 {
        (0..self.pixels.len())
            .map(|place| f64::from(self.pixels.at(place)))
            .sum()
    }

    /// Planes \[channel\]\[row\]\[column\] as pixels \[row\]\[column\]\[channel\].
    fn from_planes(rows: usize, columns: usize, channels: usize, planes: &[u8]) -> Vec<u8> {
        let plane = rows * columns;
        let picture = |planes: &[u8]| -> Vec<u8> {
            (0..plane * channels)
                .map(|place| planes[place % channels * plane + place / channels])
                .collect()
        };
        planes.chunks_exact(plane * channels).flat_map(picture).collect()
    }

    fn extend(&mut self, other: Self) -> Result<(), Problem> {
        if other.shape != self.shape {
            let message = format!(
                "pictures of {} beside pictures of {}",
                shape_words(other.shape),
                shape_words(self.shape)
            );
            return Err(Problem::bare(message));
        }
        match (&mut self.pixels, other.pixels) {
            (Pixels::Bytes(all), Pixels::Bytes(more)) => all.extend(more),
            (Pixels::Reals(all), Pixels::Reals(more)) => all.extend(more),
            _ => return Err(Problem::bare("bytes beside floating-point numbers")),
        }
        self.labels.extend(other.labels);
        Ok(())
    }
}

/// Rows × columns × channels, for people.
pub(crate) fn shape_words([rows, columns, channels]: [usize; 3]) -> String {
    match (rows, channels) {
        (1, 1) => format!("{columns} values"),
        (_, 1) => format!("{rows} × {columns}"),
        _ => format!("{rows} × {columns} × {channels}"),
    }
}

/// A class: what its label is in the files, and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Label as stored.
    pub label: i64,
    /// Name, if the files say one; the label else.
    pub name: String,
}

/// Training and test examples with one numbering of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What it is.
    pub name: String,
    /// To learn from.
    pub train: Pictures,
    /// To be tested with.
    pub test: Pictures,
    /// Classes in the order of their numbers 0, 1, ….
    pub classes: Vec<Class>,
    /// What stored values are multiplied by.
    pub scale: f32,
    /// What was assumed or is worth knowing.
    pub notes: Vec<String>,
    numbers: [Vec<usize>; 2],
}

/// How files are read where they leave a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Which column of a table without a header is the label: `first` or `last`.
    #[serde(alias = "label-column")]
    pub label_column: Option<String>,
    /// Turn EMNIST's pictures upright.
    pub upright: bool,
    /// The coarse labels of CIFAR-100.
    pub coarse: bool,
    /// Folders of classes in the order of their numbers (2 before 10), not of their letters.
    #[serde(alias = "number-order")]
    pub number_order: bool,
}

/// Which half of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// To learn from.
    Train,
    /// To be tested with.
    Test,
}

/// What a reader found, before the halves are joined.
#[derive(Debug, Default)]
struct Found {
    name: String,
    train: Option<Pictures>,
    test: Option<Pictures>,
    names: BTreeMap<i64, String>,
    scale: Option<f32>,
    notes: Vec<String>,
    /// Labels between the least and the largest are classes, whether or not they have an example.
    counted: bool,
}

impl Dataset {
    /// Reads a data set: `digits`, a folder or a file.
    ///
    /// # Errors
    /// Nothing that is known, damaged files, labels without pictures, halves that do not fit: names the file.
    ///
    /// ```
    /// use neuropil_gating::data::Dataset;
    /// let digits = Dataset::open("digits", &Default::default())?;
    /// assert_eq!((digits.train.len(), digits.test.len(), digits.classes.len()), (1400, 397, 10));
    /// # Ok::<(), neuropil_gating::error::GatingError>(())
    /// ```
    pub fn open(place: &str, reading: &Reading) -> Result<Self, GatingError> {
        let path = Path::new(place);
        let found = match place {
            "digits" => digits::read()?,
            _ if path.is_dir() => folder(path, reading)?,
            _ => file(path, reading)?,
        };
        assemble(place, found)
    }

    /// Values of one example, scaled, into `row`.
    pub fn copy(&self, half: Half, example: usize, row: &mut [f32]) {
        let pictures = self.half(half);
        let size = pictures.size();
        match &pictures.pixels {
            Pixels::Bytes(values) => {
                let values = &values[example * size..][..size];
                row.iter_mut()
                    .zip(values)
                    .for_each(|(row, &value)| *row = f32::from(value) * self.scale);
            }
            Pixels::Reals(values) => {
                let values = &values[example * size..][..size];
                row.iter_mut()
                    .zip(values)
                    .for_each(|(row, &value)| *row = value * self.scale);
            }
        }
    }

    /// The same examples as something else sees them, so many at a time: `see` turns a range of them into values of `shape`.
    pub(crate) fn seen_through(
        &self,
        shape: [usize; 3],
        at_a_time: usize,
        see: impl Fn(Half, Range<usize>) -> Vec<f32> + Sync,
    ) -> Self {
        let half = |half: Half| {
            let pictures = self.half(half);
            let starts: Vec<usize> = (0..pictures.len()).step_by(at_a_time).collect();
            let parts: Vec<Vec<f32>> = starts
                .par_iter()
                .map(|&start| see(half, start..(start + at_a_time).min(pictures.len())))
                .collect();
            Pictures {
                shape,
                pixels: Pixels::Reals(parts.concat()),
                labels: pictures.labels.clone(),
            }
        };
        Self {
            train: half(Half::Train),
            test: half(Half::Test),
            scale: 1.0,
            name: self.name.clone(),
            classes: self.classes.clone(),
            notes: self.notes.clone(),
            numbers: self.numbers.clone(),
        }
    }

    /// The examples of one half.
    pub fn half(&self, half: Half) -> &Pictures {
        match half {
            Half::Train => &self.train,
            Half::Test => &self.test,
        }
    }

    /// Numbers of the classes of all examples of one half.
    pub fn numbers(&self, half: Half) -> &[usize] {
        &self.numbers[usize::from(half == Half::Test)]
    }

    /// Examples of each class in one half.
    pub fn counts(&self, half: Half) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.numbers(half).iter().for_each(|&class| counts[class] += 1);
        counts
    }
}

fn folder(path: &Path, reading: &Reading) -> Result<Found, GatingError> {
    let names = batches::names(path)?;
    if path.join("wnids.txt").is_file() {
        return folders::tiny_imagenet(path);
    }
    if path.join("train.txt").is_file() {
        return folders::lists(path);
    }
    // Archives are unpacked into folders that are called like the file in them.
    let files: Vec<String> = names
        .iter()
        .filter(|name| path.join(name).is_file())
        .cloned()
        .collect();
    if files.iter().any(|name| idx::is_named(name)) {
        return idx::folder(path, &files, reading);
    }
    if let Some(found) = batches::folder(path, &names, reading)? {
        return Ok(found);
    }
    if let Some(found) = tables::folder(path, &files, reading)? {
        return Ok(found);
    }
    if let Some(inner) = only_folder(path, &names)? {
        let mut found = folder(&inner, reading)?;
        found.notes.push(format!(
            "read from `{}` within it",
            inner.file_name().unwrap_or_default().display()
        ));
        return Ok(found);
    }
    if let Some(found) = folders::classes(path, reading)? {
        return Ok(found);
    }
    let known = "IDX files, CIFAR or ImageNet-32 batches, `train.txt`, or one folder of pictures per class";
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let message = format!(
        "no data set that is known, expected {known}; it holds {}",
        if shown.is_empty() {
            "nothing".to_owned()
        } else {
            shown.join(", ")
        }
    );
    Err(
        Problem::new(message, "`neuropil gating data check DIR` lists what is read")
            .in_file(path.display().to_string())
            .into(),
    )
}

/// The one folder that a folder holds, unless it is that of a class: downloaders put the files of a set into one.
fn only_folder(path: &Path, names: &[String]) -> Result<Option<PathBuf>, GatingError> {
    let [name] = names else {
        return Ok(None);
    };
    let inner = path.join(name);
    let is_class = inner.is_dir()
        && batches::names(&inner)?
            .iter()
            .any(|name| folders::is_picture(name));
    Ok((inner.is_dir() && !is_class).then_some(inner))
}

fn file(path: &Path, reading: &Reading) -> Result<Found, GatingError> {
    let bytes = neuropil_lab::file::bytes(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if idx::is_named(&name) || idx::looks_like(&bytes) {
        return Err(idx::alone(path, &name, &bytes));
    }
    match &bytes[..bytes.len().min(8)] {
        [b'P', b'K', 3, 4, ..] | [0x89, b'H', b'D', b'F', ..] => tables::arrays(path),
        [0x80, 2..=5, ..] => batches::pickled_file(path, &bytes, reading),
        _ => tables::csv(path, reading),
    }
}

/// Largest ratio of the largest values of both halves.
const MOST_APART: f32 = 8.0;

/// Joins the halves: one shape, one numbering of classes, and what is to be said.
fn assemble(place: &str, mut found: Found) -> Result<Dataset, GatingError> {
    let in_place = |problem: Problem| GatingError::from(problem.in_file(place));
    let mut train = match found.train.take() {
        Some(train) if !train.is_empty() => train,
        Some(_) => {
            return Err(in_place(Problem::new(
                "no training examples, expected at least one",
                "is the file whole?",
            )));
        }
        None => {
            return Err(in_place(Problem::new(
                "no training examples",
                "test examples alone can be looked at, not learnt from",
            )));
        }
    };
    let test = match found.test.take() {
        Some(test) => test,
        None => {
            let test = held_out(&mut train);
            found.notes.push(format!(
                "no test examples are here: every fifth example of each class, {} in all, is held out",
                test.len()
            ));
            test
        }
    };
    fit_together(&train, &test).map_err(in_place)?;
    let largest = train.largest();
    if matches!(train.pixels, Pixels::Bytes(_)) && largest > 1.0 && largest < 64.0 && found.scale.is_none() {
        found.notes.push(format!(
            "values go up to {largest} and were divided by 255, as bytes of pictures"
        ));
    }
    let scale = found.scale.unwrap_or(match train.pixels {
        // Truths, or pictures in black and white.
        Pixels::Bytes(_) if largest <= 1.0 => 1.0,
        Pixels::Bytes(_) => 1.0 / 255.0,
        Pixels::Reals(_) if largest > 1.5 => 1.0 / largest,
        Pixels::Reals(_) => 1.0,
    });
    let labels = labels_of(&found, &train, &test);
    say_labels(&mut found.notes, &labels, &train, &test);
    let number: BTreeMap<i64, usize> = labels
        .iter()
        .enumerate()
        .map(|(number, &label)| (label, number))
        .collect();
    let class = |&label: &i64| Class {
        label,
        name: found
            .names
            .get(&label)
            .cloned()
            .unwrap_or_else(|| label.to_string()),
    };
    Ok(Dataset {
        classes: labels.iter().map(class).collect(),
        numbers: [&train, &test].map(|half| half.labels.iter().map(|label| number[label]).collect()),
        name: found.name,
        train,
        test,
        scale,
        notes: found.notes,
    })
}

/// Refuses halves of different shapes or scales, and values that are no numbers.
fn fit_together(train: &Pictures, test: &Pictures) -> Result<(), Problem> {
    if train.shape != test.shape {
        let message = format!(
            "training examples of {}, test examples of {}",
            shape_words(train.shape),
            shape_words(test.shape)
        );
        return Err(Problem::new(message, "both halves need one shape"));
    }
    for (half, pictures) in [("train", train), ("test", test)] {
        if let Pixels::Reals(values) = &pictures.pixels
            && let Some(bad) = values.iter().position(|value| !value.is_finite())
        {
            let size = pictures.size();
            let message = format!(
                "{} in the {half} examples (example {}, value {}), expected finite numbers",
                values[bad],
                bad / size,
                bad % size
            );
            return Err(Problem::new(message, "leave the example out, or fill the value"));
        }
    }
    let (of_train, of_test) = (train.largest(), test.largest());
    let apart =
        of_train > 0.0 && of_test > 0.0 && !(1.0 / MOST_APART..=MOST_APART).contains(&(of_train / of_test));
    if of_test > 0.0 && (of_train > 2.0) != (of_test > 2.0) || apart && train.len().min(test.len()) >= 20 {
        let message = format!(
            "training values up to {of_train}, test values up to {of_test}: they are scaled differently"
        );
        return Err(Problem::new(
            message,
            "scale both halves alike, 0 to 255 or 0 to 1",
        ));
    }
    Ok(())
}

/// All labels in order: those of examples, those that have a name and, of classes that are counted, those between.
fn labels_of(found: &Found, train: &Pictures, test: &Pictures) -> Vec<i64> {
    let mut labels: BTreeSet<i64> = train.labels.iter().chain(&test.labels).copied().collect();
    if let (true, Some(&first), Some(&last)) = (found.counted, labels.first(), labels.last()) {
        labels.extend(first..=last);
    }
    labels.extend(found.names.keys());
    labels.into_iter().collect()
}

/// What labels tell: where they begin, gaps, classes that only one half has.
fn say_labels(notes: &mut Vec<String>, labels: &[i64], train: &Pictures, test: &Pictures) {
    let (Some(&first), Some(&last)) = (labels.first(), labels.last()) else {
        return;
    };
    if first != 0 {
        notes.push(format!(
            "labels begin at {first}, not at 0: class numbers are counted from 0 anew"
        ));
    }
    let gaps = (last - first + 1) as usize != labels.len();
    if gaps {
        let shown: Vec<String> = labels.iter().take(10).map(i64::to_string).collect();
        let more = if labels.len() > 10 { ", …" } else { "" };
        notes.push(format!(
            "labels have gaps: {} classes, {}{more}, which get the numbers 0 to {}",
            labels.len(),
            shown.join(", "),
            labels.len() - 1
        ));
    }
    let [train, test] = [train, test].map(|half| half.labels.iter().copied().collect::<BTreeSet<i64>>());
    for (where_to, absent) in [
        ("in either half", absent(labels, &[&train, &test], &[])),
        ("in train, only in test", absent(labels, &[&train], &[&test])),
        ("in test, only in train", absent(labels, &[&test], &[&train])),
    ] {
        if !absent.is_empty() {
            let s = if absent.len() > 1 { "classes" } else { "class" };
            notes.push(format!("{s} {} without an example {where_to}", absent.join(", ")));
        }
    }
}

/// Up to ten labels that none of some sets has and all of others have.
fn absent(labels: &[i64], from: &[&BTreeSet<i64>], but_in: &[&BTreeSet<i64>]) -> Vec<String> {
    let missing = |label: &&i64| from.iter().all(|set| !set.contains(label));
    let there = |label: &&i64| but_in.iter().all(|set| set.contains(label));
    let absent = labels.iter().filter(missing).filter(there);
    absent.take(10).map(i64::to_string).collect()
}

/// Takes every fifth example of each class out, of smaller classes the last; a class of one example stays.
fn held_out(all: &mut Pictures) -> Pictures {
    let mut sizes: BTreeMap<i64, usize> = BTreeMap::new();
    for label in &all.labels {
        *sizes.entry(*label).or_default() += 1;
    }
    let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
    let mut is_held = |label: &i64| {
        let (n, of) = (seen.entry(*label).or_default(), sizes[label]);
        *n += 1;
        if of < 5 {
            *n == of && of > 1
        } else {
            n.is_multiple_of(5)
        }
    };
    let held: Vec<bool> = all.labels.iter().map(&mut is_held).collect();
    let (rest, test) = (part(all, &held, false), part(all, &held, true));
    *all = rest;
    test
}

/// The examples that are held, or all others.
fn part(all: &Pictures, held: &[bool], wanted: bool) -> Pictures {
    fn kept<T: Copy>(values: &[T], size: usize, held: &[bool], wanted: bool) -> Vec<T> {
        let examples = values.chunks_exact(size).zip(held);
        let kept = examples.filter(|(_, held)| **held == wanted);
        kept.flat_map(|(values, _)| values).copied().collect()
    }
    Pictures {
        shape: all.shape,
        labels: kept(&all.labels, 1, held, wanted),
        pixels: match &all.pixels {
            Pixels::Bytes(values) => Pixels::Bytes(kept(values, all.size(), held, wanted)),
            Pixels::Reals(values) => Pixels::Reals(kept(values, all.size(), held, wanted)),
        },
    }
}
