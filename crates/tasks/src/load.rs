//! From TOML text to a checked [`Task`].

mod answering;
mod curriculum;

use crate::definition::{
    AnswerDefinition, CriterionDefinition, Definition, Drawn, Duration, EpochDefinition, NumberOrText,
    ShowDefinition,
};
use crate::error::{TaskError, nearest};
use crate::expr::{Expr, ExprError, Scope};
use crate::performance::{Quantity, Source as Counted};
use crate::registry;
use crate::task::{Answer, Column, Epoch, Factor, GRID, Show, Span, Task, condition};
use crate::world::Rules;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Mutex;
use toml::de::DeTable;
use toml::{Table, Value};

/// Epochs fit the bits of a set.
const MOST_EPOCHS: usize = 60;
const MOST_CONDITIONS: usize = 100_000;

/// Text that errors point into.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    /// An error at the deepest part of `path` that the text has.
    fn error(&self, path: &[&str], message: impl Into<String>, hint: Option<String>) -> TaskError {
        TaskError {
            source_name: self.name.to_owned(),
            source_text: self.text.to_owned(),
            span: self.locate(path),
            message: message.into(),
            hint,
        }
    }

    fn of_expr(&self, path: &[&str], (message, hint): ExprError) -> TaskError {
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

    fn parse<T: DeserializeOwned>(&self, path: &[&str], value: &Value) -> Result<T, TaskError> {
        value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| self.of_serde(path, &error))
    }

    /// An error of the deserialiser, with the nearest known key as hint.
    fn of_serde(&self, path: &[&str], error: &toml::de::Error) -> TaskError {
        let message = error.message().to_owned();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let (mut path, mut hint) = (path.to_vec(), None);
        if let (true, Some((&wrong, known))) = (message.starts_with("unknown field"), quoted.split_first()) {
            path.push(wrong);
            hint = nearest(wrong, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
        }
        let message = message.replace("unknown variant", "unknown value");
        let mut problem = self.error(&path, message, hint);
        problem.span = problem.span.or(error.span());
        problem
    }
}

impl Task {
    /// Loads a task from TOML text; `name` stands for the text in errors. `dt_ms` replaces the time step.
    ///
    /// # Errors
    /// The first problem of the text, and where it is.
    pub fn parse(name: &str, text: &str, dt_ms: Option<f64>) -> Result<Self, TaskError> {
        let source = Source { name, text };
        let own: Table = toml::from_str(text).map_err(|error| {
            let mut problem = source.error(&[], error.message(), None);
            problem.span = error.span();
            problem
        })?;
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
    fn task(&self, mut merged: Table, dt_ms: Option<f64>, labels: Vec<String>) -> Result<Task, TaskError> {
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
    fn error<T>(&self, path: &[&str], message: String, hint: Option<String>) -> Result<T, TaskError> {
        Err(self.source.error(path, message, hint))
    }

    /// An error with the time step: at its place in the file, if it comes from there.
    fn dt_error<T>(&self, message: String, hint: Option<String>) -> Result<T, TaskError> {
        let mut error = self.source.error(&["dt_ms"], message, hint);
        if self.dt_replaced {
            (error.span, error.source_text) = (None, String::new());
        }
        Err(error)
    }

    fn load(mut self, dt_ms: Option<f64>) -> Result<Task, TaskError> {
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

    fn check_lists(&self) -> Result<(), TaskError> {
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

    fn factors(&mut self) -> Result<Vec<Factor>, TaskError> {
        let mut factors = Vec::new();
        let mut labels = std::mem::take(&mut self.labels);
        for (name, value) in &self.definition.factors.clone() {
            let path = ["factors", name.as_str()];
            let (columns, unit) = match value {
                Value::Array(levels) => (vec![(name.clone(), levels.clone())], None),
                Value::Table(table) if table.contains_key("values") => {
                    if let Some(key) = table
                        .keys()
                        .find(|key| !["values", "unit"].contains(&key.as_str()))
                    {
                        return self.error(
                            &["factors", name, key],
                            format!("unknown key `{key}`, expected `values` or `unit`"),
                            None,
                        );
                    }
                    let levels = table["values"].as_array().cloned().unwrap_or_default();
                    (
                        vec![(name.clone(), levels)],
                        table.get("unit").and_then(Value::as_str),
                    )
                }
                Value::Table(table) => (
                    table
                        .iter()
                        .map(|(key, v)| (key.clone(), v.as_array().cloned().unwrap_or_default()))
                        .collect(),
                    None,
                ),
                other => {
                    let found = other.type_str();
                    let hint = Some(
                        "write `coherence = [0, 6.4]` or `offer = { n_a = [1, 2], n_b = [3, 1] }`".into(),
                    );
                    return self.error(
                        &path,
                        format!("factors.{name} is a {found}, expected a list"),
                        hint,
                    );
                }
            };
            let n_levels = columns.first().map_or(0, |(_, levels)| levels.len());
            if n_levels == 0 {
                return self.error(&path, format!("factors.{name} has no values"), None);
            }
            let mut parsed = Vec::new();
            for (column, levels) in columns {
                if levels.len() != n_levels {
                    let found = levels.len();
                    let message =
                        format!("factors.{name}: `{column}` has {found} values, expected {n_levels}");
                    return self.error(
                        &path,
                        message,
                        Some("columns of one factor are drawn together".into()),
                    );
                }
                parsed.push(self.column(&path, &column, &levels, unit, &mut labels)?);
            }
            factors.push(Factor {
                name: name.clone(),
                columns: parsed,
                n_levels,
            });
        }
        for column in factors.iter().flat_map(|factor: &Factor| &factor.columns) {
            self.declare(&["factors", &column.name], &column.name)?;
        }
        for (code, label) in labels.iter().enumerate() {
            self.declare(&["factors"], &identifier(label))?;
            self.constants.push(code as f64);
        }
        let n_conditions: usize = factors.iter().map(|factor| factor.n_levels).product();
        if n_conditions > MOST_CONDITIONS {
            let message =
                format!("{n_conditions} combinations of factors, expected at most {MOST_CONDITIONS}");
            return self.error(&["factors"], message, None);
        }
        Ok(factors)
    }

    fn column(
        &self,
        path: &[&str],
        name: &str,
        levels: &[Value],
        unit: Option<&str>,
        labels: &mut Vec<String>,
    ) -> Result<Column, TaskError> {
        let texts: Option<Vec<String>> = levels.iter().map(|v| v.as_str().map(str::to_owned)).collect();
        if let Some(texts) = texts {
            let mut code = |label: &String| {
                labels.iter().position(|known| known == label).unwrap_or_else(|| {
                    labels.push(label.clone());
                    labels.len() - 1
                }) as f64
            };
            let values = texts.iter().map(&mut code).collect();
            return Ok(Column {
                name: name.to_owned(),
                values,
                labels: Some(texts),
            });
        }
        let mut values = Vec::new();
        for level in levels {
            let number = level.as_float().or_else(|| level.as_integer().map(|i| i as f64));
            match number.filter(|x| x.is_finite()) {
                Some(x) if unit == Some("percent") && !(0.0..=100.0).contains(&x) => {
                    return self.error(path, format!("{name} {x} is outside 0 to 100 percent"), None);
                }
                Some(x) => values.push(x),
                None => {
                    let message =
                        format!("{name}: `{level}` among numbers, expected all numbers or all labels");
                    return self.error(path, message, None);
                }
            }
        }
        Ok(Column {
            name: name.to_owned(),
            values,
            labels: None,
        })
    }

    fn declare(&mut self, path: &[&str], name: &str) -> Result<(), TaskError> {
        let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !valid {
            let hint = Some("names start with a letter and go on with letters, digits and `_`".into());
            return self.error(path, format!("`{name}` cannot be used in expressions"), hint);
        }
        if self.scope.position(name).is_some() {
            return self.error(path, format!("the name `{name}` is used twice"), None);
        }
        self.scope.add(name);
        Ok(())
    }

    fn derived(&mut self) -> Result<Vec<Expr>, TaskError> {
        let mut derived = Vec::new();
        for (name, value) in &self.definition.derived.clone() {
            let path = ["derived", name.as_str()];
            let text = number_or_text(value).ok_or_else(|| {
                self.source.error(
                    &path,
                    format!("derived.{name} is not an expression in quotes"),
                    None,
                )
            })?;
            derived.push(self.expr(&path, &text)?);
            self.declare(&path, name)?;
        }
        Ok(derived)
    }

    fn conditions(&self, factors: &[Factor], derived: &[Expr]) -> Result<Vec<Vec<f64>>, TaskError> {
        let n: usize = factors.iter().map(|factor| factor.n_levels).product();
        let mut conditions = Vec::with_capacity(n);
        for id in 0..n {
            let mut values = condition(factors, id).values;
            values.extend(&self.constants);
            for (derived, name) in derived.iter().zip(self.definition.derived.keys()) {
                let value = derived
                    .number(&values)
                    .map_err(|e| self.source.of_expr(&["derived", name], e))?;
                values.push(value);
            }
            conditions.push(values);
        }
        Ok(conditions)
    }

    fn expr(&self, path: &[&str], text: &str) -> Result<Expr, TaskError> {
        Expr::parse(text, &self.scope).map_err(|error| self.source.of_expr(path, error))
    }

    fn optional(&self, path: &[&str], text: Option<&String>) -> Result<Option<Expr>, TaskError> {
        text.map(|text| self.expr(path, text)).transpose()
    }

    fn epochs(&self) -> Result<Vec<Epoch>, TaskError> {
        let mut epochs: Vec<Epoch> = Vec::new();
        for (name, given) in &self.ordered_epochs()? {
            let after = given.after.as_ref();
            let after = after.and_then(|after| epochs.iter().position(|epoch| &epoch.name == after));
            let span = |key: &str, given: Option<&Duration>| {
                given
                    .map(|given| self.span(&["epochs", name, key], given))
                    .transpose()
            };
            let wait = span("wait_ms", given.wait_ms.as_ref())?.unwrap_or(Span::Fixed(0.0));
            let duration = span("duration_ms", given.duration_ms.as_ref())?;
            if duration
                .as_ref()
                .is_some_and(|duration| duration.bounds().1 <= 0.0)
            {
                let message = format!("epoch `{name}` lasts 0 ms, expected a duration > 0 ms");
                return self.error(&["epochs", name, "duration_ms"], message, None);
            }
            let when = self.optional(&["epochs", name, "when"], given.when.as_ref())?;
            epochs.push(Epoch {
                name: name.clone(),
                after,
                wait,
                duration,
                when,
            });
        }
        if (epochs.is_empty() && self.world.is_none()) || epochs.len() > MOST_EPOCHS {
            let message = format!("{} epochs, expected 1 to {MOST_EPOCHS}", epochs.len());
            return self.error(&["epochs"], message, None);
        }
        Ok(epochs)
    }

    /// Epochs, all but the first with the one that they begin after, in the order of the file, but for those that begin
    /// after a later one: a task that extends another may put a new epoch before an old one.
    fn ordered_epochs(&self) -> Result<Vec<(String, EpochDefinition)>, TaskError> {
        let all: Vec<&str> = self.definition.epochs.keys().map(String::as_str).collect();
        let mut pending: Vec<(String, EpochDefinition)> = Vec::new();
        for (i, (name, value)) in self.definition.epochs.iter().enumerate() {
            let mut given: EpochDefinition = self.source.parse(&["epochs", name.as_str()], value)?;
            match &given.after {
                None => given.after = (i > 0).then(|| all[i - 1].to_owned()),
                Some(after) if !all.contains(&after.as_str()) => {
                    return Err(self.unknown(&["epochs", name, "after"], "epoch", after, &all));
                }
                Some(_) => {}
            }
            pending.push((name.clone(), given));
        }
        let mut ordered: Vec<(String, EpochDefinition)> = Vec::new();
        while !pending.is_empty() {
            let ready = pending.iter().position(|(_, given)| {
                let after = given.after.as_ref();
                after.is_none_or(|after| ordered.iter().any(|(name, _)| name == after))
            });
            let Some(ready) = ready else {
                let names: Vec<&str> = pending.iter().map(|(name, _)| name.as_str()).collect();
                let message = format!("epochs that wait for one another: {}", names.join(", "));
                let hint = Some("the first epoch of the file begins with the trial".to_owned());
                return self.error(&["epochs", names[0]], message, hint);
            };
            ordered.push(pending.remove(ready));
        }
        Ok(ordered)
    }

    fn unknown(&self, path: &[&str], what: &str, name: &str, known: &[&str]) -> TaskError {
        let hint = nearest(name, known.iter().copied()).map_or_else(
            || format!("{what}s: {}", known.join(", ")),
            |name| format!("did you mean `{name}`?"),
        );
        self.source
            .error(path, format!("unknown {what} `{name}`"), Some(hint))
    }

    fn span(&self, path: &[&str], given: &Duration) -> Result<Span, TaskError> {
        let at = path.join(".");
        let span = match given {
            Duration::Fixed(ms) => Span::Fixed(*ms),
            Duration::Computed(text) => {
                let expr = self.expr(path, text)?;
                let (mut shortest, mut longest) = (f64::INFINITY, f64::NEG_INFINITY);
                for values in &self.conditions {
                    let ms = expr.number(values).map_err(|e| self.source.of_expr(path, e))?;
                    (shortest, longest) = (shortest.min(ms), longest.max(ms));
                }
                Span::Computed {
                    expr: Box::new(expr),
                    shortest,
                    longest,
                }
            }
            Duration::Drawn(Drawn {
                fixed,
                exponential: Some(mean),
                min,
                max,
                uniform: None,
            }) => {
                let (min, max) = (min.unwrap_or(0.0), max.unwrap_or(f64::INFINITY));
                if mean.is_nan()
                    || *mean <= 0.0
                    || min.is_nan()
                    || max.is_nan()
                    || min >= max
                    || max.is_infinite()
                {
                    let message = format!("{at}: an exponential of mean {mean} in [{min}, {max}) ms");
                    return self.error(
                        path,
                        message,
                        Some("expected a mean > 0 and `min` < `max`".into()),
                    );
                }
                Span::Exponential {
                    fixed: *fixed,
                    mean: *mean,
                    min,
                    max,
                }
            }
            Duration::Drawn(Drawn {
                fixed,
                exponential: None,
                uniform: Some([low, high]),
                min: None,
                max: None,
            }) if low < high => Span::Uniform {
                fixed: *fixed,
                low: *low,
                high: *high,
            },
            Duration::Drawn(Drawn {
                uniform: Some([low, high]),
                ..
            }) if low >= high => {
                let message = format!("{at}: uniform from {low} to {high} ms, expected LOW < HIGH");
                let hint = Some("write `{ uniform = [LOW, HIGH] }`".into());
                return self.error(path, message, hint);
            }
            Duration::Drawn(_) => {
                let hint = Some(
                    "write `{ exponential = 330, min = 80, max = 1500 }` or `{ uniform = [1000, 2000] }`"
                        .into(),
                );
                return self.error(path, format!("{at} is not a known distribution"), hint);
            }
        };
        if span.bounds().0.is_nan() || span.bounds().0 < 0.0 {
            let message = format!("{at} can be {} ms, expected a duration ≥ 0 ms", span.bounds().0);
            return self.error(path, message, None);
        }
        Ok(span)
    }

    /// The time step must divide the longest trial and every fixed duration, and no epoch may be shorter.
    fn check_time(&self, dt_ms: f64, epochs: &[Epoch]) -> Result<(), TaskError> {
        let tmax = self.definition.tmax_ms;
        if !(tmax > 0.0 && tmax.is_finite()) {
            return self.error(
                &["tmax_ms"],
                format!("tmax_ms is {tmax}, expected a duration > 0 ms"),
                None,
            );
        }
        if !(dt_ms > 0.0 && dt_ms.is_finite()) {
            let hint = Some(format!(
                "the task's own time step is {} ms",
                self.definition.dt_ms
            ));
            let hint = hint.filter(|_| self.dt_replaced);
            return self.dt_error(format!("dt_ms is {dt_ms}, expected a time step > 0 ms"), hint);
        }
        let divides = |dt: f64, ms: f64| (ms / dt - (ms / dt).round()).abs() < 1e-6;
        if !divides(dt_ms, tmax) {
            let hint = Some(format!(
                "the nearest time steps that do are {}",
                nearest_divisors(tmax, dt_ms)
            ));
            return self.dt_error(format!("dt_ms = {dt_ms} does not divide tmax_ms = {tmax}"), hint);
        }
        let mut shortest = epochs
            .iter()
            .filter_map(|epoch| Some((epoch.duration.as_ref()?.bounds().0, epoch)));
        if let Some((ms, epoch)) = shortest.find(|&(ms, _)| ms > 0.0 && ms < dt_ms) {
            let message = format!(
                "dt_ms = {dt_ms} is longer than epoch `{}`, which can last only {ms} ms",
                epoch.name
            );
            return self.dt_error(message, Some(format!("take a time step of at most {ms} ms")));
        }
        let mut latest: Vec<f64> = Vec::new();
        for epoch in epochs {
            let start = epoch.after.map_or(0.0, |after| latest[after]) + epoch.wait.bounds().1;
            let end = epoch
                .duration
                .as_ref()
                .map_or(tmax, |duration| start + duration.bounds().1);
            if end > tmax + 1e-6 || start >= tmax {
                let message = format!(
                    "epoch `{}` can last until {end} ms, tmax_ms is {tmax}",
                    epoch.name
                );
                let hint = Some("make `tmax_ms` at least the longest sum of the epochs".into());
                return self.error(&["epochs", &epoch.name], message, hint);
            }
            latest.push(end);
        }
        Ok(())
    }

    fn flags(&self, path: &[&str], names: &[String], epochs: &[Epoch]) -> Result<Vec<bool>, TaskError> {
        let mut flags = vec![false; epochs.len()];
        let known: Vec<&str> = epochs.iter().map(|epoch| epoch.name.as_str()).collect();
        for name in names {
            let position = epochs.iter().position(|epoch| &epoch.name == name);
            flags[position.ok_or_else(|| self.unknown(path, "epoch", name, &known))?] = true;
        }
        Ok(flags)
    }

    fn position(&self, table: &str, name: &str, list: &[String], what: &str) -> Result<usize, TaskError> {
        list.iter().position(|known| known == name).ok_or_else(|| {
            let hint = nearest(name, list.iter().map(String::as_str)).map_or_else(
                || format!("{what}s: {}", list.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            self.source
                .error(&[table, name], format!("unknown {what} `{name}`"), Some(hint))
        })
    }

    fn shows(&self, epochs: &[Epoch]) -> Result<Vec<Show>, TaskError> {
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

    fn answers(&self, epochs: &[Epoch]) -> Result<Vec<Answer>, TaskError> {
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

    fn quantities(&self) -> Result<Vec<Quantity>, TaskError> {
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
    fn check_rows(&self, task: &Task) -> Result<(), TaskError> {
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

/// Time steps on both sides of `dt_ms` that divide `tmax`: whole milliseconds, if there are any.
fn nearest_divisors(tmax: f64, dt_ms: f64) -> String {
    let divides = |ms: &f64| (tmax / ms).fract() == 0.0;
    let below = (1..=dt_ms as u64).rev().map(|ms| ms as f64).find(divides);
    let above = (dt_ms.ceil() as u64..=tmax as u64)
        .map(|ms| ms as f64)
        .find(divides);
    let steps = (tmax / dt_ms).max(1.0);
    let below = below.unwrap_or(tmax / steps.ceil());
    let above = above.unwrap_or(tmax / steps.floor());
    format!("{below} ms and {above} ms")
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
