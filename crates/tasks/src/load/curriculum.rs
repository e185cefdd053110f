//! Lessons: the task with changes, until a criterion of their own holds.

use super::merge;
use super::place::Source;
use crate::task::Task;
use neuropil_lab::error::Problem;
use toml::{Table, Value};

/// Keys of a task that a lesson may change.
const CHANGEABLE: [&str; 10] = [
    "tmax_ms",
    "factors",
    "derived",
    "epochs",
    "show",
    "events",
    "answers",
    "rewards",
    "criterion",
    "world",
];

impl Source<'_> {
    /// The lessons of the task that a table made, in order; a lesson may speak of labels that it leaves out.
    pub(super) fn lessons(
        &self,
        table: &Table,
        task: &Task,
        dt_ms: Option<f64>,
    ) -> Result<Vec<Task>, Problem> {
        let path = ["curriculum"];
        let given = match table.get("curriculum") {
            None => return Ok(Vec::new()),
            Some(Value::Array(lessons)) => lessons,
            Some(other) => {
                let message = format!("curriculum = {other}, expected a list of lessons");
                let hint = "write each lesson as a `[[curriculum]]` table".to_owned();
                return Err(self.error(&path, message, Some(hint)));
            }
        };
        let mut lessons = Vec::new();
        for (i, lesson) in given.iter().enumerate() {
            let number = i + 1;
            let Some(changes) = lesson.as_table() else {
                let message = format!("lesson {number} is {lesson}, expected a table");
                return Err(self.error(&path, message, None));
            };
            if let Some(key) = changes.keys().find(|key| !CHANGEABLE.contains(&key.as_str())) {
                let message = format!("lesson {number} cannot change `{key}`");
                let hint = format!("a lesson may change {}", CHANGEABLE.join(", "));
                return Err(self.error(&path, message, Some(hint)));
            }
            if !changes.contains_key("criterion") {
                let message = format!("lesson {number} has no criterion, so it would never end");
                let hint = "write, for example, `criterion = { correct = { at_least = 0.8 } }`".to_owned();
                return Err(self.error(&path, message, Some(hint)));
            }
            let mut merged = table.clone();
            merged.remove("curriculum");
            let whole = merged.remove("criterion");
            merge(&mut merged, changes.clone());
            meant_as_in_the_task(&mut merged, whole.as_ref());
            let lesson = self.task(merged, dt_ms, labels(task)).map_err(|error| {
                let message = format!("lesson {number}: {}", error.message);
                self.located(message, self.locate(&path)).hinted(error.hint)
            })?;
            lessons.push(lesson);
        }
        Ok(lessons)
    }

    /// A task with its lessons, which must be as long and see and do the same.
    pub(super) fn with_lessons(&self, mut task: Task, lessons: Vec<Task>) -> Result<Task, Problem> {
        for (i, lesson) in lessons.iter().enumerate() {
            let number = i + 1;
            if lesson.n_steps > task.n_steps {
                let (found, expected) = (lesson.definition.tmax_ms, task.definition.tmax_ms);
                let message =
                    format!("lesson {number} lasts {found} ms, expected at most the task's {expected}");
                return Err(self.error(&["curriculum"], message, None));
            }
            if (lesson.n_inputs(), lesson.n_actions()) != (task.n_inputs(), task.n_actions()) {
                let message = format!(
                    "lesson {number} has {} inputs and {} actions, expected the task's {} and {}",
                    lesson.n_inputs(),
                    lesson.n_actions(),
                    task.n_inputs(),
                    task.n_actions()
                );
                return Err(self.error(&["curriculum"], message, None));
            }
        }
        task.lessons = lessons;
        Ok(task)
    }
}

/// A lesson's criterion is its own, but a quantity of the task's criterion counts the same trials in it, unless it says which.
fn meant_as_in_the_task(lesson: &mut Table, task: Option<&Value>) {
    let (Some(Value::Table(own)), Some(Value::Table(task))) = (lesson.get_mut("criterion"), task) else {
        return;
    };
    for (name, quantity) in own.iter_mut() {
        let (Some(quantity), Some(Value::Table(meant))) = (quantity.as_table_mut(), task.get(name)) else {
            continue;
        };
        if quantity.contains_key("of") {
            continue;
        }
        for key in ["of", "over"] {
            if let (Some(value), false) = (meant.get(key), quantity.contains_key(key)) {
                quantity.insert(key.to_owned(), value.clone());
            }
        }
    }
}

/// Labels of the factors' levels, each at the place of its value.
fn labels(task: &Task) -> Vec<String> {
    let columns = task.factors.iter().flat_map(|factor| &factor.columns);
    let mut labels = Vec::new();
    for label in columns.flat_map(|column| column.labels.iter().flatten()) {
        if !labels.contains(label) {
            labels.push(label.clone());
        }
    }
    labels
}
