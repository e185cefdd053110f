//! From TOML text to a checked [`Task`].

mod answering;
mod check;
mod criterion;
mod curriculum;
mod epochs;
mod events;
mod factors;
mod laws;
mod place;
mod shows;

use crate::definition::{Definition, NumberOrText};
use crate::expand;
use crate::expr::{Expr, Scope};
use crate::registry;
use crate::task::{Epoch, GRID, Places, Task};
use crate::world::Rules;
use neuropil_lab::error::{Problem, did_you_mean, nearest};
use place::Source;
use std::collections::BTreeMap;
use std::sync::Mutex;
use toml::{Table, Value};

impl Task {
    /// Loads a task from TOML text; `name` stands for the text in errors. `dt_ms` replaces the time step.
    ///
    /// # Errors
    /// The first problem of the text, and where it is.
    pub fn parse(name: &str, text: &str, dt_ms: Option<f64>) -> Result<Self, Problem> {
        let source = Source { name, text };
        let own: Table = toml::from_str(text)
            .map_err(|error: toml::de::Error| source.located(error.message(), error.span()))?;
        let merged = source.filled_in(own)?;
        let task = source.task(merged.clone(), dt_ms, Vec::new())?;
        let lessons = source.lessons(&merged, &task, dt_ms)?;
        source.with_lessons(task, lessons)
    }
}

impl Source<'_> {
    /// A table with everything that it extends, and that this extends in turn.
    fn filled_in(&self, mut own: Table) -> Result<Table, Problem> {
        while let Some(base) = own.get("extends").cloned() {
            let Some(base) = base.as_str() else {
                let message = format!("extends = {base}, expected the name of a task in quotes");
                return Err(self.error(&["extends"], message, None));
            };
            let found = registry::text(base).ok_or_else(|| {
                let hint = nearest(base, registry::names()).map(|name| format!("did you mean `{name}`?"));
                self.error(&["extends"], format!("unknown task `{base}`"), hint)
            })?;
            let base: Table = toml::from_str(found).expect("library tasks parse");
            own = overlay(base, own);
        }
        Ok(own)
    }

    /// The task of a table in which everything that it extends is filled in; `labels` are known whether or not its
    /// factors have them.
    fn task(&self, mut merged: Table, dt_ms: Option<f64>, labels: Vec<String>) -> Result<Task, Problem> {
        let world = self.world(&mut merged)?;
        expand::expand(&mut merged).map_err(|(path, message, hint)| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            self.error(&path, message, hint)
        })?;
        let definition: Definition = merged
            .try_into()
            .map_err(|error: toml::de::Error| self.of_serde(&[], &error))?;
        Loader {
            source: *self,
            definition,
            scope: Scope::default(),
            places: Places::default(),
            constants: Vec::new(),
            labels,
            conditions: Vec::new(),
            late: Vec::new(),
            dt_replaced: dt_ms.is_some(),
            world,
        }
        .load(dt_ms)
    }
}

/// `top` over `base`, table by table; the aliases of the base are not inherited, and what it extends comes next.
fn overlay(mut base: Table, mut top: Table) -> Table {
    base.remove("aliases");
    top.remove("extends");
    merge(&mut base, top);
    base
}

/// Keys that make a table another thing than the one that it is laid over: it replaces it whole.
const KINDS: [&str; 5] = ["values", "exponential", "normal", "uniform", "one_of"];

fn merge(base: &mut Table, top: Table) {
    for (key, value) in top {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new))
                if !KINDS.iter().any(|kind| new.contains_key(*kind)) =>
            {
                merge(old, new);
            }
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
    places: Places,
    constants: Vec<f64>,
    /// Labels of the factors' levels; the place of a label is its value.
    labels: Vec<String>,
    /// Values of the scope in every condition, as far as they are known before the epochs.
    conditions: Vec<Vec<f64>>,
    /// Positions of derived quantities that depend on events.
    late: Vec<usize>,
    /// The time step is not the file's own.
    dt_replaced: bool,
    world: Option<Box<dyn Rules>>,
}

/// Steps of the longest trial.
const MOST_STEPS: f64 = 1e6;

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
        self.check_names()?;
        self.check_numbers()?;
        let rings = self.rings()?;
        let outputs = self.outputs(&rings)?;
        self.check_lists()?;
        let dt_ms = dt_ms.unwrap_or(self.definition.dt_ms);
        let factors = self.factors()?;
        let continuous = self.continuous()?;
        self.counts()?;
        let derived = self.derived()?;
        self.places.time = self.scope.names().len();
        self.conditions = self.conditions(&factors, &continuous, &derived)?;
        let epochs = self.epochs()?;
        self.check_world(dt_ms)?;
        self.check_time(dt_ms, &epochs)?;
        let events = self.events(&epochs)?;
        for name in ["t_ms", "epoch_ms"] {
            self.declare(&["factors"], name)?;
        }
        let shows = self.shows(&rings, &epochs)?;
        let answers = self.answers(&epochs)?;
        let taught = self.taught(&outputs, &epochs)?;
        let terminal = self.definition.rewards.terminal.as_ref();
        let terminal = terminal.map(|given| self.number(&["rewards", "terminal"], given));
        let terminal = terminal.transpose()?;
        let quantities = self.quantities(&answers)?;
        self.check_analysis(&epochs)?;
        let noisy = |input: &usize| {
            shows
                .iter()
                .any(|show| show.inputs.contains(input) && show.noise > 0.0)
        };
        let task = Task {
            noisy_inputs: (0..self.definition.inputs.len()).filter(noisy).collect(),
            n_steps: (self.definition.tmax_ms / dt_ms + GRID).floor() as usize + 1,
            dt_ms,
            text: self.source.text.to_owned(),
            definition: self.definition.clone(),
            factors,
            continuous,
            rings,
            epochs,
            outputs: outputs.into_iter().map(|(name, _)| name).collect(),
            quantities,
            places: self.places,
            derived,
            constants: self.constants.clone(),
            shows,
            events,
            answers,
            taught,
            terminal,
            rows: Mutex::new(BTreeMap::new()),
            world: self.world.take(),
            sessions: None,
            lessons: Vec::new(),
        };
        if task.world.is_none() {
            self.check_trials(&task)?;
        }
        self.in_sessions(task)
    }

    /// The task of sessions of the given one, if it has any.
    fn in_sessions(&self, task: Task) -> Result<Task, Problem> {
        let Some(session) = &self.definition.session else {
            return Ok(task);
        };
        let path = ["session", "trials"];
        if task.world.is_some() || !task.outputs.is_empty() {
            let message = "a session is made of trials that are answered by actions".to_owned();
            return self.error(&["session"], message, Some("leave it out".to_owned()));
        }
        let steps = (session.trials as f64) * (task.n_steps as f64);
        if session.trials == 0 || steps > MOST_STEPS {
            let message = format!(
                "session.trials is {}: {steps} steps of all trials together, expected 1 to {MOST_STEPS}",
                session.trials
            );
            return self.error(&path, message, None);
        }
        let block = session.block.as_ref();
        let block = block
            .map(|given| self.duration(&["session", "block"], given))
            .transpose()?;
        if let Some(law) = &block
            && (law.uses(|_| true) || law.bounds((&[0.0; 0]).into()).is_ok_and(|(low, _)| low < 1.0))
        {
            let message = "session.block is a number of trials ≥ 1, or a law with numbers".to_owned();
            let hint = "write `block = 20` or `block = { uniform = [15, 26] }`".to_owned();
            return self.error(&["session", "block"], message, Some(hint));
        }
        Ok(task.in_sessions(session.trials, block))
    }

    fn expr(&self, path: &[&str], text: &str) -> Result<Expr, Problem> {
        Expr::parse(text, &self.scope).map_err(|error| self.source.of_expr(path, text, error))
    }

    /// A number, or an expression that comes to one.
    fn number(&self, path: &[&str], given: &NumberOrText) -> Result<Expr, Problem> {
        match given {
            NumberOrText::Number(x) if x.is_finite() => Ok(Expr::constant(*x)),
            NumberOrText::Number(x) => self.error(
                path,
                format!("{} is {x}, expected a finite number", path.join(".")),
                None,
            ),
            NumberOrText::Text(text) => {
                let expr = self.expr(path, text)?.numeric();
                expr.map_err(|error| self.source.of_expr(path, text, error))
            }
        }
    }

    fn condition(&self, path: &[&str], text: Option<&String>) -> Result<Option<Expr>, Problem> {
        let condition = |text: &String| {
            let expr = self.expr(path, text)?.condition();
            expr.map_err(|error| self.source.of_expr(path, text, error))
        };
        text.map(condition).transpose()
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
        let known: Vec<&str> = list.iter().map(String::as_str).collect();
        let position = list.iter().position(|known| known == name);
        position.ok_or_else(|| self.unknown(&[table, name], what, name, &known))
    }
}

/// The entries of a value that is one entry or a list, each with its place in the list.
fn entries(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(i, one)| (i.to_string(), one))
            .collect(),
        one => vec![(String::new(), one)],
    }
}
