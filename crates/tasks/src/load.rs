//! From TOML text to a checked [`Task`].

mod answering;
mod curriculum;
mod epochs;
mod factors;

use crate::definition::{AnswerDefinition, CriterionDefinition, Definition, NumberOrText, ShowDefinition};
use crate::expr::{Expr, ExprError, Scope};
use crate::quantity::{Quantity, Source as Counted};
use crate::registry;
use crate::task::{Answer, Epoch, GRID, Show, Task};
use crate::world::Rules;
use neuropil_lab::error::{Problem, did_you_mean, nearest};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Mutex;
use toml::de::DeTable;
use toml::{Table, Value};

/// Text that errors point into.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    /// An error at the deepest part of `path` that the text has.
    fn error(&self, path: &[&str], message: impl Into<String>, hint: Option<String>) -> Problem {
        self.located(message, self.locate(path)).hinted(hint)
    }

    /// An error at some bytes of the text, or about all of it.
    fn located(&self, message: impl Into<String>, span: Option<std::ops::Range<usize>>) -> Problem {
        let problem = Problem::bare(message);
        match span {
            Some(span) => problem.in_text(self.name, self.text, span),
            None => problem.in_file(self.name),
        }
    }

    fn of_expr(&self, path: &[&str], (message, hint): ExprError) -> Problem {
        self.error(path, format!("{}: {message}", path.join(".")), hint)
    }

    fn locate(&self, path: &[&str]) -> Option<std::ops::Range<usize>> {
        let root = DeTable::parse(self.text).ok()?;
        let mut table = root.get_ref();
        let mut found = None;
        for part in path {
            let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == part) else {
                break;
            };
            found = Some(key.span());
            match value.get_ref().as_table() {
                Some(inner) => table = inner,
                None => {
                    found = Some(value.span());
                    break;
                }
            }
        }
        found
    }

    fn parse<T: DeserializeOwned>(&self, path: &[&str], value: &Value) -> Result<T, Problem> {
        value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| self.of_serde(path, &error))
    }

    /// An error of the deserialiser, with the nearest known key as hint.
    fn of_serde(&self, path: &[&str], error: &toml::de::Error) -> Problem {
        let message = error.message().to_owned();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let (mut path, mut hint) = (path.to_vec(), None);
        if let (true, Some((&wrong, known))) = (message.starts_with("unknown field"), quoted.split_first()) {
            path.push(wrong);
            hint = nearest(wrong, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
        }
        let message = message.replace("unknown variant", "unknown value");
        let span = self.locate(&path).or(error.span());
        self.located(message, span).hinted(hint)
    }
}

impl Task {
    /// Loads a task from TOML text; `name` stands for the text in errors. `dt_ms` replaces the time step.
    ///
    /// # Errors
    /// The first problem of the text, and where it is.
    pub fn parse(name: &str, text: &str, dt_ms: Option<f64>) -> Result<Self, Problem> {
        let source = Source { name, text };
        let own: Table = toml::from_str(text)
            .map_err(|error: toml::de::Error| source.located(error.message(), error.span()))?;
        let mut merged = own;
        if let Some(base) = merged.get("extends").cloned() {
            let Some(base) = base.as_str() else {
                let message = format!("extends = {base}, expected the name of a task in quotes");
                return Err(source.error(&["extends"], message, None));
            };
            let found = registry::text(base).ok_or_else(|| {
                let hint = nearest(base, registry::names()).map(|name| format!("did you mean `{name}`?"));
                source.error(&["extends"], format!("unknown task `{base}`"), hint)
            })?;
            let base: Table = toml::from_str(found).expect("library tasks parse");
            merged = overlay(base, merged);
        }
        let task = source.task(merged.clone(), dt_ms, Vec::new())?;
        let lessons = source.lessons(&merged, &task, dt_ms)?;
        source.with_lessons(task, lessons)
    }
}

impl Source<'_> {
    /// The task of a table in which everything that it extends is filled in; `labels` are known whether or not its
    /// factors have them.
    fn task(&self, mut merged: Table, dt_ms: Option<f64>, labels: Vec<String>) -> Result<Task, Problem> {
        let world = self.world(&mut merged)?;
        let definition: Definition = merged
            .try_into()
            .map_err(|error: toml::de::Error| self.of_serde(&[], &error))?;
        Loader {
            source: *self,
            definition,
            scope: Scope::default(),
            constants: Vec::new(),
            labels,
            conditions: Vec::new(),
            dt_replaced: false,
            world,
        }
        .load(dt_ms)
    }
}

/// `top` over `base`, table by table; the name and aliases of the base are not inherited.
fn overlay(mut base: Table, top: Table) -> Table {
    for key in ["aliases", "extends"] {
        base.remove(key);
    }
    merge(&mut base, top);
    base
}

fn merge(base: &mut Table, top: Table) {
    for (key, value) in top {
        match (base.get_mut(&key), value) {
            // A quantity written anew replaces the old one whole where its keys say different things.
            (Some(Value::Table(old)), Value::Table(new)) if !new.contains_key("values") => merge(old, new),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

struct Loader<'a> {
    source: Source<'a>,
    definition: Definition,
    scope: Scope,
    constants: Vec<f64>,
    /// Labels of the factors' levels; the place of a label is its value.
    labels: Vec<String>,
    /// Values of the scope in every condition.
    conditions: Vec<Vec<f64>>,
    /// The time step is not the file's own.
    dt_replaced: bool,
    world: Option<Box<dyn Rules>>,
}

impl Loader<'_> {
    fn error<T>(&self, path: &[&str], message: String, hint: Option<String>) -> Result<T, Problem> {
        Err(self.source.error(path, message, hint))
    }

    /// An error with the time step: at its place in the file, if it comes from there.
    fn dt_error<T>(&self, message: String, hint: Option<String>) -> Result<T, Problem> {
        if self.dt_replaced {
            return Err(Problem::bare(message).hinted(hint));
        }
        self.error(&["dt_ms"], message, hint)
    }

    fn load(mut self, dt_ms: Option<f64>) -> Result<Task, Problem> {
        self.check_lists()?;
        self.dt_replaced = dt_ms.is_some();
        let dt_ms = dt_ms.unwrap_or(self.definition.dt_ms);
        let factors = self.factors()?;
        let derived = self.derived()?;
        self.conditions = self.conditions(&factors, &derived)?;
        let epochs = self.epochs()?;
        self.check_world(dt_ms)?;
        self.check_time(dt_ms, &epochs)?;
        let shows = self.shows(&epochs)?;
        let answers = self.answers(&epochs)?;
        let terminal = self.definition.rewards.terminal.as_ref().map(text_of);
        let terminal = self.optional(&["rewards", "terminal"], terminal.as_ref())?;
        let quantities = self.quantities()?;
        let noisy = |input: &usize| shows.iter().any(|show| show.input == *input && show.noise > 0.0);
        let task = Task {
            noisy_inputs: (0..self.definition.inputs.len()).filter(noisy).collect(),
            n_steps: (self.definition.tmax_ms / dt_ms + GRID).floor() as usize + 1,
            dt_ms,
            text: self.source.text.to_owned(),
            definition: self.definition.clone(),
            factors,
            epochs,
            quantities,
            derived,
            constants: self.constants.clone(),
            shows,
            answers,
            terminal,
            rows: Mutex::new(BTreeMap::new()),
            world: self.world.take(),
            lessons: Vec::new(),
        };
        if task.world.is_none() {
            self.check_rows(&task)?;
        }
        Ok(task)
    }

    fn check_lists(&self) -> Result<(), Problem> {
        let d = &self.definition;
        if d.inputs.is_empty() {
            return self.error(&["inputs"], "no inputs, expected at least one name".into(), None);
        }
        if d.actions.len() < 2 {
            let found = d.actions.len();
            let hint = Some("the first action is to go on fixating, the others are choices".into());
            return self.error(
                &["actions"],
                format!("{found} actions, expected at least two"),
                hint,
            );
        }
        for (key, list) in [("inputs", &d.inputs), ("actions", &d.actions)] {
            if let Some(twice) = list
                .iter()
                .enumerate()
                .find(|(i, name)| list[..*i].contains(name))
            {
                return self.error(&[key], format!("`{}` is listed twice", twice.1), None);
            }
        }
        for (key, count) in [("trials_per_update", d.trials_per_update)] {
            if count == 0 {
                return self.error(&[key], format!("{key} is 0, expected a whole number ≥ 1"), None);
            }
        }
        if d.rewards.tau_ms.is_some_and(|tau| tau.is_nan() || tau <= 0.0) {
            return self.error(
                &["rewards", "tau_ms"],
                "rewards.tau_ms must be > 0 ms".into(),
                None,
            );
        }
        Ok(())
    }

    fn expr(&self, path: &[&str], text: &str) -> Result<Expr, Problem> {
        Expr::parse(text, &self.scope).map_err(|error| self.source.of_expr(path, error))
    }

    fn optional(&self, path: &[&str], text: Option<&String>) -> Result<Option<Expr>, Problem> {
        text.map(|text| self.expr(path, text)).transpose()
    }

    fn unknown(&self, path: &[&str], what: &str, name: &str, known: &[&str]) -> Problem {
        let hint = did_you_mean(name, &format!("{what}s"), known);
        self.source
            .error(path, format!("unknown {what} `{name}`"), Some(hint))
    }

    fn flags(&self, path: &[&str], names: &[String], epochs: &[Epoch]) -> Result<Vec<bool>, Problem> {
        let mut flags = vec![false; epochs.len()];
        let known: Vec<&str> = epochs.iter().map(|epoch| epoch.name.as_str()).collect();
        for name in names {
            let position = epochs.iter().position(|epoch| &epoch.name == name);
            flags[position.ok_or_else(|| self.unknown(path, "epoch", name, &known))?] = true;
        }
        Ok(flags)
    }

    fn position(&self, table: &str, name: &str, list: &[String], what: &str) -> Result<usize, Problem> {
        list.iter().position(|known| known == name).ok_or_else(|| {
            let known: Vec<&str> = list.iter().map(String::as_str).collect();
            self.unknown(&[table, name], what, name, &known)
        })
    }

    fn shows(&self, epochs: &[Epoch]) -> Result<Vec<Show>, Problem> {
        let mut shows = Vec::new();
        for (name, value) in &self.definition.show {
            let input = self.position("show", name, &self.definition.inputs, "input")?;
            let entries = match value {
                Value::Array(entries) => entries.clone(),
                one => vec![one.clone()],
            };
            let mut taken = vec![false; epochs.len()];
            for entry in &entries {
                let given: ShowDefinition = self.source.parse(&["show", name], entry)?;
                let (names, except) = match (&given.during, &given.except) {
                    (Some(during), None) => (during, false),
                    (None, Some(except)) => (except, true),
                    _ => {
                        let message =
                            format!("show.{name} needs either `during` or `except`, a list of epochs");
                        return self.error(&["show", name], message, None);
                    }
                };
                let during = self.flags(&["show", name], names, epochs)?;
                if given.noise.is_nan() || given.noise < 0.0 {
                    let message = format!("show.{name}.noise is {}, expected a variance ≥ 0", given.noise);
                    return self.error(&["show", name, "noise"], message, None);
                }
                if let Some(i) = (0..epochs.len()).find(|&i| taken[i] && during[i] && given.when.is_none()) {
                    let message = format!("show.{name} is given twice for epoch `{}`", epochs[i].name);
                    return self.error(&["show", name], message, None);
                }
                taken
                    .iter_mut()
                    .zip(&during)
                    .for_each(|(taken, during)| *taken |= during);
                let mean = self.expr(&["show", name, "mean"], &text_of(&given.mean))?;
                let when = self.optional(&["show", name, "when"], given.when.as_ref())?;
                shows.push(Show {
                    input,
                    during,
                    except,
                    mean,
                    noise: given.noise,
                    when,
                });
            }
        }
        Ok(shows)
    }

    fn answers(&self, epochs: &[Epoch]) -> Result<Vec<Answer>, Problem> {
        let mut answers = Vec::new();
        for (name, value) in &self.definition.answers {
            let action = self.position("answers", name, &self.definition.actions, "action")?;
            if action == 0 {
                let message =
                    format!("`{name}`, the first action, is to go on fixating and cannot be an answer");
                return self.error(&["answers", name], message, None);
            }
            let given: AnswerDefinition = self.source.parse(&["answers", name], value)?;
            let during = self.flags(&["answers", name, "during"], &given.during, epochs)?;
            let when = self.optional(&["answers", name, "when"], given.when.as_ref())?;
            let correct = self.optional(&["answers", name, "correct"], given.correct.as_ref())?;
            let reward = given.reward.as_ref().map(text_of);
            let reward = self.optional(&["answers", name, "reward"], reward.as_ref())?;
            answers.push(Answer {
                action,
                during,
                when,
                correct,
                reward,
            });
        }
        Ok(answers)
    }

    fn quantities(&self) -> Result<Vec<Quantity>, Problem> {
        let mut scope = self.scope.clone();
        for name in ["decided", "chosen", "correct", "action"] {
            scope.add(name);
        }
        for action in &self.definition.actions {
            scope.add(&identifier(action));
        }
        let mut quantities = Vec::new();
        for (name, value) in &self.definition.criterion {
            let path = ["criterion", name.as_str()];
            let given: CriterionDefinition = self.source.parse(&path, value)?;
            if let Some(world) = &self.world {
                quantities.push(self.measure(name, &given, &**world)?);
                continue;
            }
            let (of, over) = match (&given.of, name.as_str()) {
                (Some(of), _) => (of.clone(), given.over.clone()),
                (None, "decided") => ("decided == 1".to_owned(), given.over.clone()),
                (None, "correct") => {
                    let over = given.over.clone().unwrap_or_else(|| "decided == 1".to_owned());
                    ("correct == 1".to_owned(), Some(over))
                }
                (None, _) => {
                    let hint = Some("`of` says which trials count: `of = \"action == CHOOSE_SURE\"`".into());
                    return self.error(&path, format!("criterion.{name} has no `of`"), hint);
                }
            };
            let parse =
                |text: &String| Expr::parse(text, &scope).map_err(|error| self.source.of_expr(&path, error));
            let bounds = [given.at_least, given.above, given.at_most];
            if bounds.iter().all(Option::is_none) || bounds.iter().flatten().any(|b| !(0.0..=1.0).contains(b))
            {
                let message =
                    format!("criterion.{name} needs `at_least`, `above` or `at_most`, fractions from 0 to 1");
                return self.error(&path, message, None);
            }
            quantities.push(Quantity {
                name: name.clone(),
                source: Counted::Ends {
                    of: Box::new(parse(&of)?),
                    over: over.as_ref().map(parse).transpose()?.map(Box::new),
                },
                at_least: given.at_least,
                above: given.above,
                at_most: given.at_most,
            });
        }
        Ok(quantities)
    }

    /// Evaluates every expression in every condition, and looks for a reward worth learning for.
    fn check_rows(&self, task: &Task) -> Result<(), Problem> {
        let mut reachable = false;
        for values in &self.conditions {
            for epoch in &task.epochs {
                if let Some(when) = &epoch.when {
                    when.truth(values)
                        .map_err(|e| self.source.of_expr(&["epochs", &epoch.name, "when"], e))?;
                }
            }
            for show in &task.shows {
                let name = &self.definition.inputs[show.input];
                let mean = show.mean.number(values).map(|_| ());
                let when = show
                    .when
                    .as_ref()
                    .map_or(Ok(true), |when| when.truth(values))
                    .map(|_| ());
                mean.and(when)
                    .map_err(|e| self.source.of_expr(&["show", name], e))?;
            }
            for answer in &task.answers {
                let at = ["answers", self.definition.actions[answer.action].as_str()];
                let truth = |expr: &Option<Expr>| expr.as_ref().map_or(Ok(true), |expr| expr.truth(values));
                truth(&answer.when)
                    .and(truth(&answer.correct))
                    .map_err(|e| self.source.of_expr(&at, e))?;
                let reward = answer
                    .reward
                    .as_ref()
                    .map_or(Ok(0.0), |reward| reward.number(values));
                reward.map_err(|e| self.source.of_expr(&at, e))?;
            }
            if let Some(terminal) = &task.terminal {
                let path = ["rewards", "terminal"];
                terminal
                    .number(values)
                    .map_err(|e| self.source.of_expr(&path, e))?;
            }
            for epoch in 0..task.epochs.len() {
                let row = task
                    .row(1 << epoch, false, values)
                    .map_err(|e| self.source.of_expr(&[], e))?;
                reachable |= row
                    .outcomes
                    .iter()
                    .any(|o| o.chosen && o.reward > self.definition.rewards.abort);
            }
        }
        if reachable {
            return Ok(());
        }
        let hint = Some("give an action a `reward`, or a `correct` condition, during some epoch".into());
        self.error(
            &["answers"],
            "no action ever earns more than an abort: there is nothing to learn".into(),
            hint,
        )
    }
}

fn text_of(given: &NumberOrText) -> String {
    match given {
        NumberOrText::Number(x) if *x < 0.0 => format!("0 - {}", -x),
        NumberOrText::Number(x) => format!("{x}"),
        NumberOrText::Text(text) => text.clone(),
    }
}

fn number_or_text(value: &Value) -> Option<String> {
    value
        .clone()
        .try_into()
        .ok()
        .map(|given: NumberOrText| text_of(&given))
}

/// A name as expressions write it.
pub(crate) fn identifier(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}
