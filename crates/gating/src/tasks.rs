//! A sequence of tasks from one data set: permuted, rotated or split.
//!
//! Permutations, angles and class orders are drawn once, task by task from streams of their own, so that those of task k
//! depend neither on how many tasks there are nor on anything else that is drawn; they are kept as they are, not as a seed.

use crate::data::{Dataset, Half};
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What makes a task out of a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All classes; the pixels in an order of the task's own, the first task included.
    #[default]
    Permuted,
    /// All classes; the picture turned by an angle of the task's own (the first task's is 0).
    Rotated,
    /// Some classes of the whole set.
    Split,
}

/// Which outputs answer a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// The same for every task: labels count from 0 in every task.
    #[default]
    Single,
    /// Outputs of its own for every task; the others do not compete.
    Multi,
    /// One output per class of all tasks, and all compete: the task is not told ("class-incremental").
    All,
}

/// The tasks, in order; what was drawn is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tasks {
    /// How they are made.
    pub kind: Kind,
    /// Which outputs answer.
    pub head: Head,
    /// Pixel of the picture that input i shows, for every task; empty but for permuted tasks.
    pub permutations: Vec<Vec<u32>>,
    /// Angle of every task, degrees; empty but for rotated tasks.
    pub angles: Vec<f64>,
    /// Classes of every task, by their numbers in the data set.
    pub classes: Vec<Vec<usize>>,
}

/// `out[i] = of[permutation[i]]`.
///
/// ```
/// use neuropil_gating::tasks::permuted;
/// assert_eq!(permuted(&[10, 20, 30], &[2, 0, 1]), [30, 10, 20]);
/// ```
pub fn permuted<T: Copy>(of: &[T], permutation: &[u32]) -> Vec<T> {
    permutation.iter().map(|&i| of[i as usize]).collect()
}

/// The permutation that undoes another.
pub fn inverse(permutation: &[u32]) -> Vec<u32> {
    let mut inverse = vec![0; permutation.len()];
    permutation
        .iter()
        .enumerate()
        .for_each(|(i, &p)| inverse[p as usize] = i as u32);
    inverse
}

/// A uniform permutation of `n` (Fisher & Yates).
fn draw(n: usize, key: Key, index: u64) -> Vec<u32> {
    let mut rng = key.stream(Purpose::Shuffle, index);
    let mut all: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        all.swap(i, rng.random_range(0..=i));
    }
    all
}

impl Tasks {
    /// Tasks with the same classes and pixels in other orders.
    pub fn permutations(data: &Dataset, n_tasks: usize, key: Key) -> Self {
        let pixels = data.train.size();
        Self {
            kind: Kind::Permuted,
            head: Head::Single,
            permutations: (0..n_tasks).map(|task| draw(pixels, key, task as u64)).collect(),
            angles: Vec::new(),
            classes: vec![(0..data.classes.len()).collect(); n_tasks],
        }
    }

    /// Tasks with the same classes and pictures turned: by 0 in the first, by a random angle in every other.
    pub fn rotations(data: &Dataset, n_tasks: usize, key: Key) -> Self {
        let angle = |task: usize| {
            if task == 0 {
                0.0
            } else {
                key.stream(Purpose::Shuffle, task as u64).random_range(0.0..360.0)
            }
        };
        Self {
            kind: Kind::Rotated,
            head: Head::Single,
            permutations: Vec::new(),
            angles: (0..n_tasks).map(angle).collect(),
            classes: vec![(0..data.classes.len()).collect(); n_tasks],
        }
    }

    /// Tasks of `per_task` classes each: blocks in the order of the labels, or of `order`.
    ///
    /// # Errors
    /// More classes asked for than there are; a task without a training example, by name.
    pub fn split(
        data: &Dataset,
        n_tasks: usize,
        per_task: usize,
        order: Option<&[usize]>,
        head: Head,
    ) -> Result<Self, GatingError> {
        let all: Vec<usize> = order.map_or_else(|| (0..data.classes.len()).collect(), <[usize]>::to_vec);
        if per_task == 0 || n_tasks * per_task > all.len() {
            return Err(Problem::new(
                format!(
                    "{n_tasks} tasks of {per_task} classes, but the data have {} classes",
                    all.len()
                ),
                "`tasks.n` times `tasks.classes_per_task` is at most the number of classes",
            )
            .into());
        }
        let counts = data.counts(Half::Train);
        let classes: Vec<Vec<usize>> = all
            .chunks_exact(per_task)
            .take(n_tasks)
            .map(<[usize]>::to_vec)
            .collect();
        for (task, classes) in classes.iter().enumerate() {
            if classes.iter().all(|&class| counts[class] == 0) {
                let names: Vec<&str> = classes
                    .iter()
                    .map(|&class| data.classes[class].name.as_str())
                    .collect();
                let message = format!(
                    "task {task} holds only class {}, of which there is no training example",
                    names.join(", ")
                );
                return Err(Problem::new(message, "leave the class out, or put it beside others").into());
            }
        }
        Ok(Self {
            kind: Kind::Split,
            head,
            permutations: Vec::new(),
            angles: Vec::new(),
            classes,
        })
    }

    /// A random order of the classes.
    pub fn class_order(n_classes: usize, key: Key) -> Vec<usize> {
        draw(n_classes, key, 1 << 32)
            .into_iter()
            .map(|class| class as usize)
            .collect()
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// No task at all?
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Outputs that a network for all tasks needs.
    pub fn n_outputs(&self) -> usize {
        match self.head {
            Head::Single => self.classes.iter().map(Vec::len).max().unwrap_or(0),
            Head::Multi | Head::All => self.classes.iter().map(Vec::len).sum(),
        }
    }

    /// Where the outputs of a task begin under more than one head.
    fn begin(&self, task: usize) -> usize {
        if self.head == Head::Single {
            0
        } else {
            self.classes[..task].iter().map(Vec::len).sum()
        }
    }

    /// Outputs that compete in a task.
    pub fn head_of(&self, task: usize) -> Range<usize> {
        match self.head {
            Head::Single | Head::Multi => self.begin(task)..self.begin(task) + self.classes[task].len(),
            Head::All => 0..self.n_outputs(),
        }
    }

    /// What is asked and told, in one sentence.
    pub fn scenario(&self) -> String {
        let n = counted(self.len());
        let what = match self.kind {
            Kind::Permuted => format!(
                "{n}, each all {} classes with pixels in another order",
                self.n_outputs()
            ),
            Kind::Rotated => format!(
                "{n}, each all {} classes turned by another angle",
                self.n_outputs()
            ),
            Kind::Split => format!("{n} of {} classes each", self.classes.first().map_or(0, Vec::len)),
        };
        let told = match (self.head, self.kind) {
            (Head::Multi, _) => {
                "outputs of its own for each task: task-incremental, the task is known at test"
            }
            (Head::All, _) => {
                "all classes of all tasks compete: class-incremental, the task is not known at test"
            }
            (Head::Single, Kind::Split) => "the same outputs for every task, labels count from 0 in each",
            (Head::Single, _) => {
                "the same outputs for every task: domain-incremental if no gate, rule or head tells the task"
            }
        };
        format!("{what}; {told}")
    }

    /// Examples of a task in one half, by their numbers in the data set.
    pub fn examples(&self, data: &Dataset, half: Half, task: usize) -> Vec<u32> {
        let numbers = data.numbers(half).iter().enumerate();
        match self.kind {
            Kind::Split => numbers
                .filter(|(_, class)| self.classes[task].contains(class))
                .map(|(i, _)| i as u32)
                .collect(),
            _ => (0..data.half(half).len() as u32).collect(),
        }
    }

    /// The output that is right for an example in a task.
    ///
    /// # Panics
    /// When the example's class is not one of the task's.
    pub fn label(&self, data: &Dataset, half: Half, task: usize, example: usize) -> usize {
        let class = data.numbers(half)[example];
        let place = self.classes[task].iter().position(|&own| own == class);
        self.begin(task) + place.expect("an example of the task")
    }

    /// Inputs of one example in a task.
    pub fn copy(&self, data: &Dataset, half: Half, task: usize, example: usize, row: &mut [f32]) {
        match self.kind {
            Kind::Split => data.copy(half, example, row),
            Kind::Permuted => {
                let mut raw = vec![0.0; row.len()];
                data.copy(half, example, &mut raw);
                row.iter_mut()
                    .zip(&self.permutations[task])
                    .for_each(|(row, &from)| *row = raw[from as usize]);
            }
            Kind::Rotated => {
                let mut raw = vec![0.0; row.len()];
                data.copy(half, example, &mut raw);
                turn(&raw, data.train.shape, self.angles[task], row);
            }
        }
    }
}

/// A number of tasks in words.
pub(crate) fn counted(n: usize) -> String {
    match n {
        1 => "one task".to_owned(),
        n => format!("{n} tasks"),
    }
}

/// A picture turned about its middle, between pixels bilinearly, 0 outside.
fn turn(raw: &[f32], [rows, columns, channels]: [usize; 3], degrees: f64, out: &mut [f32]) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (middle_r, middle_c) = ((rows as f64 - 1.0) / 2.0, (columns as f64 - 1.0) / 2.0);
    let at = |r: f64, c: f64, channel: usize| {
        let inside = r >= 0.0 && c >= 0.0 && r < rows as f64 && c < columns as f64;
        if inside {
            f64::from(raw[(r as usize * columns + c as usize) * channels + channel])
        } else {
            0.0
        }
    };
    for place in 0..rows * columns {
        let (y, x) = (
            (place / columns) as f64 - middle_r,
            (place % columns) as f64 - middle_c,
        );
        let (r, c) = (middle_r + cos * y - sin * x, middle_c + sin * y + cos * x);
        let (r0, c0) = (r.floor(), c.floor());
        let (fr, fc) = (r - r0, c - c0);
        for channel in 0..channels {
            let value = (1.0 - fr) * ((1.0 - fc) * at(r0, c0, channel) + fc * at(r0, c0 + 1.0, channel))
                + fr * ((1.0 - fc) * at(r0 + 1.0, c0, channel) + fc * at(r0 + 1.0, c0 + 1.0, channel));
            out[place * channels + channel] = value as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_drawn_task_by_task_and_the_first_is_one_too() {
        let digits = Dataset::open("digits", &Default::default()).unwrap();
        let key = Key::new(4);
        let (few, many) = (
            Tasks::permutations(&digits, 3, key),
            Tasks::permutations(&digits, 30, key),
        );
        assert_eq!(few.permutations[..], many.permutations[..3]);
        assert!(
            few.permutations[0]
                .iter()
                .enumerate()
                .any(|(i, &p)| i != p as usize)
        );
        let (mut raw, mut shown) = (vec![0.0; 64], vec![0.0; 64]);
        for (half, example) in [(Half::Train, 17), (Half::Test, 5)] {
            digits.copy(half, example, &mut raw);
            few.copy(&digits, half, 2, example, &mut shown);
            assert_eq!(shown, permuted(&raw, &few.permutations[2]));
        }
        let p = &few.permutations[1];
        assert_eq!(permuted(&permuted(&raw, p), &inverse(p)), raw);
    }

    #[test]
    fn a_picture_turned_by_a_quarter_and_back_is_itself() {
        let raw: Vec<f32> = (0..64).map(|i| i as f32).collect();
        let (mut once, mut back) = (vec![0.0; 64], vec![0.0; 64]);
        turn(&raw, [8, 8, 1], 90.0, &mut once);
        turn(&once, [8, 8, 1], -90.0, &mut back);
        assert!(raw.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3) && once != raw);
    }

    #[test]
    fn labels_of_split_tasks_by_head() {
        let digits = Dataset::open("digits", &Default::default()).unwrap();
        for (head, outputs, first, label) in [
            (Head::Single, 2, 0..2, 1),
            (Head::Multi, 10, 4..6, 5),
            (Head::All, 10, 0..10, 5),
        ] {
            let tasks = Tasks::split(&digits, 5, 2, None, head).unwrap();
            assert_eq!((tasks.n_outputs(), tasks.head_of(2)), (outputs, first));
            let examples = tasks.examples(&digits, Half::Train, 2);
            let five = examples
                .iter()
                .find(|&&i| digits.numbers(Half::Train)[i as usize] == 5)
                .unwrap();
            assert_eq!(tasks.label(&digits, Half::Train, 2, *five as usize), label);
        }
        assert!(
            Tasks::split(&digits, 6, 2, None, Head::Single)
                .unwrap_err()
                .to_string()
                .contains("10 classes")
        );
    }
}
