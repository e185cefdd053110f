//! Factors, derived quantities, and the conditions that they make.

use super::Loader;
use crate::definition::{Drawn, NumberOrText};
use crate::expr::{Expr, identifier};
use crate::task::{Column, Continuous, Derived, Factor, Odds, Per, condition};
use neuropil_lab::error::Problem;
use neuropil_math::rng::{Key, Purpose};
use toml::Value;

const MOST_CONDITIONS: usize = 100_000;
/// Trials that are looked at when a task is loaded whose trials differ within a condition, and of each condition at most.
pub(super) const LOOKED_AT: usize = 2000;
pub(super) const MOST_EACH: usize = 200;
/// Keys that make a factor one without levels.
const LAWS: [&str; 4] = ["uniform", "normal", "exponential", "one_of"];
/// Keys of a factor with levels.
const KEYS: [&str; 5] = ["values", "unit", "probabilities", "weight", "per"];
/// Keys beside the columns of factors that are drawn together.
const ODDS: [&str; 2] = ["probabilities", "per"];
/// Names of what came of a trial, in criteria and in tables of trials.
const OUTCOMES: [&str; 8] = [
    "decided",
    "chosen",
    "correct",
    "action",
    "reward",
    "end_ms",
    "choice_ms",
    "n_steps",
];
/// Words that expressions need for themselves.
const KEYWORDS: [&str; 8] = ["if", "else", "and", "or", "not", "true", "false", "before"];

impl Loader<'_> {
    pub(super) fn factors(&mut self) -> Result<Vec<Factor>, Problem> {
        let mut factors = Vec::new();
        let mut labels = std::mem::take(&mut self.labels);
        for (name, value) in &self.definition.factors.clone() {
            let path = ["factors", name.as_str()];
            let (columns, unit) = match value {
                Value::Array(levels) => (vec![(name.clone(), levels.clone())], None),
                Value::Table(table) if LAWS.iter().any(|law| table.contains_key(*law)) => continue,
                Value::Table(table) if table.contains_key("values") => {
                    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
                        let message = format!("unknown key `{key}`, expected one of {}", KEYS.join(", "));
                        return self.error(&["factors", name, key], message, None);
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
                        .filter(|(key, _)| !ODDS.contains(&key.as_str()))
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
                odds: Odds::Equal,
                per: Per::Trial,
            });
        }
        for column in factors.iter().flat_map(|factor: &Factor| &factor.columns) {
            self.declare(&["factors", &column.name], &column.name)?;
        }
        for (code, label) in labels.iter().enumerate() {
            self.declare(&["factors"], &identifier(label))?;
            self.constants.push(code as f64);
        }
        self.session_names()?;
        for factor in &mut factors {
            factor.odds = self.odds(factor)?;
            factor.per = self.per(factor)?;
        }
        let n_conditions: usize = factors.iter().map(|factor| factor.n_levels).product();
        if n_conditions > MOST_CONDITIONS {
            let message =
                format!("{n_conditions} combinations of factors, expected at most {MOST_CONDITIONS}");
            return self.error(&["factors"], message, None);
        }
        Ok(factors)
    }

    /// Declares what is known of a session, and the names of its actions.
    fn session_names(&mut self) -> Result<(), Problem> {
        if self.definition.session.is_none() {
            self.places.session = self.scope.names().len();
            return Ok(());
        }
        self.scope.remember();
        for (code, action) in self.definition.actions.clone().iter().enumerate() {
            let name = identifier(action);
            if self.scope.position(&name).is_none() {
                self.scope.add(&name);
                self.constants.push(code as f64);
            }
        }
        self.places.session = self.scope.names().len();
        for name in crate::session::NAMES {
            self.declare(&["factors"], name)?;
        }
        Ok(())
    }

    /// How often the level of a factor is drawn.
    fn per(&self, factor: &Factor) -> Result<Per, Problem> {
        let name = factor.name.as_str();
        let given = self.definition.factors.get(name).and_then(Value::as_table);
        let Some(given) = given.and_then(|table| table.get("per")) else {
            return Ok(Per::Trial);
        };
        let path = ["factors", name, "per"];
        let blocks = self
            .definition
            .session
            .as_ref()
            .map(|session| session.block.is_some());
        match (given.as_str(), blocks) {
            (Some("trial"), _) => Ok(Per::Trial),
            (Some("session"), Some(_)) => Ok(Per::Session),
            (Some("block"), Some(true)) => Ok(Per::Block),
            (Some("block" | "session"), _) => {
                let message = format!("factors.{name}.per = {given}, and the task has none");
                let hint = "write `[session]` with `trials = 60` and `block = { uniform = [15, 26] }`";
                self.error(&path, message, Some(hint.to_owned()))
            }
            _ => {
                let message =
                    format!("factors.{name}.per = {given}, expected \"trial\", \"block\" or \"session\"");
                self.error(&path, message, None)
            }
        }
    }

    /// Odds of each level by an expression of `level`, the value in question.
    fn weights(&self, factor: &Factor, given: &Value) -> Result<Odds, Problem> {
        let path = ["factors", factor.name.as_str(), "weight"];
        let Some(text) = given.as_str() else {
            let message = format!("factors.{}.weight is no expression in quotes", factor.name);
            let hint = "write, for example, `weight = \"3 if level == before(side) else 1\"`";
            return self.error(&path, message, Some(hint.to_owned()));
        };
        let weight = Expr::of_argument(text, &self.scope, "level").and_then(|of| {
            let each = factor.columns[0].values.iter().map(|&level| of(level));
            each.collect::<Vec<Expr>>()
                .into_iter()
                .map(Expr::numeric)
                .collect()
        });
        let weight: Vec<Expr> = weight.map_err(|error| self.source.of_expr(&path, text, error))?;
        Ok(Odds::Listed(weight))
    }

    /// How likely the levels of a factor are.
    fn odds(&self, factor: &Factor) -> Result<Odds, Problem> {
        let name = factor.name.as_str();
        let given = self.definition.factors.get(name).and_then(Value::as_table);
        if let Some(weight) = given.and_then(|table| table.get("weight")) {
            return self.weights(factor, weight);
        }
        let Some(given) = given.and_then(|table| table.get("probabilities")) else {
            return Ok(Odds::Equal);
        };
        let path = ["factors", name, "probabilities"];
        let given: Vec<NumberOrText> = self.source.parse(&path, given)?;
        if given.len() != factor.n_levels {
            let message = format!(
                "factors.{name}: {} probabilities for {} levels",
                given.len(),
                factor.n_levels
            );
            return self.error(&path, message, None);
        }
        let odds: Result<Vec<Expr>, Problem> = given.iter().map(|p| self.number(&path, p)).collect();
        let numbers = given.iter().map(|p| match p {
            NumberOrText::Number(p) => Some(*p),
            NumberOrText::Text(_) => None,
        });
        if let Some(numbers) = numbers.collect::<Option<Vec<f64>>>() {
            let sum: f64 = numbers.iter().sum();
            if numbers.iter().any(|p| !(0.0..=1.0).contains(p)) || (sum - 1.0).abs() > 1e-6 {
                let message = format!(
                    "factors.{name}: the probabilities sum to {sum}, expected numbers from 0 to 1 that sum to 1"
                );
                return self.error(&path, message, None);
            }
        }
        Ok(Odds::Listed(odds?))
    }

    /// Factors without levels.
    pub(super) fn continuous(&mut self) -> Result<Vec<Continuous>, Problem> {
        self.places.draws = self.scope.names().len();
        let mut continuous = Vec::new();
        for (name, value) in &self.definition.factors.clone() {
            let path = ["factors", name.as_str()];
            let Some(table) = value
                .as_table()
                .filter(|table| LAWS.iter().any(|law| table.contains_key(*law)))
            else {
                continue;
            };
            let mut table = table.clone();
            table.remove("unit");
            let drawn: Drawn = self.source.parse(&path, &Value::Table(table))?;
            let law = self.law(&path, &drawn)?;
            self.declare(&path, name)?;
            continuous.push(Continuous {
                name: name.clone(),
                law,
            });
        }
        Ok(continuous)
    }

    /// Declares the numbers of events.
    pub(super) fn counts(&mut self) -> Result<(), Problem> {
        self.places.counts = self.scope.names().len();
        for name in self.definition.events.clone().keys() {
            self.declare(&["events", name], name)?;
        }
        Ok(())
    }

    /// Is the value at a position of the scope one that depends on events?
    pub(super) fn is_late(&self, position: usize) -> bool {
        (self.places.counts..self.places.derived).contains(&position) || self.late.contains(&position)
    }

    fn column(
        &self,
        path: &[&str],
        name: &str,
        levels: &[Value],
        unit: Option<&str>,
        labels: &mut Vec<String>,
    ) -> Result<Column, Problem> {
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

    pub(super) fn declare(&mut self, path: &[&str], name: &str) -> Result<(), Problem> {
        let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !valid || KEYWORDS.contains(&name) {
            let hint = Some("names start with a letter and go on with letters, digits and `_`".into());
            return self.error(path, format!("`{name}` cannot be used in expressions"), hint);
        }
        if self.scope.position(name).is_some() {
            return self.error(path, format!("the name `{name}` is used twice"), None);
        }
        if OUTCOMES.contains(&name) {
            let message = format!("`{name}` is the name of an outcome of trials");
            return self.error(path, message, Some("give it another name".to_owned()));
        }
        self.scope.add(name);
        Ok(())
    }

    /// Derived quantities and functions.
    pub(super) fn derived(&mut self) -> Result<Vec<Derived>, Problem> {
        self.places.derived = self.scope.names().len();
        let mut derived = Vec::new();
        for (name, value) in &self.definition.derived.clone() {
            let path = ["derived", name.as_str()];
            let given: NumberOrText = self.source.parse(&path, value)?;
            if let Some((function, arguments)) = name.split_once('(') {
                self.function(&path, function.trim(), arguments, &given)?;
                continue;
            }
            let expr = self.number(&path, &given)?;
            let late = expr.uses(|position| self.is_late(position));
            if late {
                self.late.push(self.scope.names().len());
            }
            self.declare(&path, name)?;
            derived.push(Derived {
                name: name.clone(),
                expr,
                late,
            });
        }
        Ok(derived)
    }

    /// Defines a function of the task's own, `"f(x, y)" = "x + y"`.
    fn function(
        &mut self,
        path: &[&str],
        name: &str,
        arguments: &str,
        given: &NumberOrText,
    ) -> Result<(), Problem> {
        let listed = arguments.trim_end().strip_suffix(')');
        let arguments: Vec<String> = listed
            .unwrap_or_default()
            .split(',')
            .map(|argument| argument.trim().to_owned())
            .collect();
        let word = |text: &str| {
            let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            letters && text.starts_with(|c: char| c.is_ascii_alphabetic()) && !KEYWORDS.contains(&text)
        };
        if listed.is_none() || !word(name) || !arguments.iter().all(|argument| word(argument)) {
            let message = format!("`{}` is not the form of a function", path[1]);
            let hint = "write, for example, `\"gauss(x, sd)\" = \"exp(-(x/sd)^2/2)\"`";
            return self.error(path, message, Some(hint.to_owned()));
        }
        let body = match given {
            NumberOrText::Number(x) => x.to_string(),
            NumberOrText::Text(text) => text.clone(),
        };
        let defined = self.scope.define(name, &arguments, &body);
        defined.map_err(|error| self.source.of_expr(path, &body, error))
    }

    /// Values of the scope in every condition before the epochs are known; where more is drawn, of several trials of it.
    pub(super) fn conditions(
        &self,
        factors: &[Factor],
        continuous: &[Continuous],
        derived: &[Derived],
    ) -> Result<Vec<Vec<f64>>, Problem> {
        let n: usize = factors.iter().map(|factor| factor.n_levels).product();
        let n_each = if continuous.is_empty() {
            1
        } else {
            (LOOKED_AT / n).clamp(1, MOST_EACH)
        };
        let mut conditions = Vec::with_capacity(n * n_each);
        for id in 0..n * n_each {
            let mut values = condition(factors, id / n_each).values;
            values.extend(&self.constants);
            values.resize(self.places.draws, 0.0);
            let mut stream = Key::new(0).stream(Purpose::Condition, id as u64);
            for factor in continuous {
                let bounds = factor.law.bounds((&values).into());
                bounds.map_err(|error| self.source.of_expr(&["factors", &factor.name], "", error))?;
                let x = factor.law.draw((&values).into(), |x| x, &mut stream);
                values.push(x);
            }
            values.resize(self.places.time + 2, 0.0);
            for (i, derived) in derived.iter().enumerate().filter(|(_, derived)| !derived.late) {
                let value = derived.expr.number(&values);
                values[self.places.derived + i] =
                    value.map_err(|e| self.source.of_expr(&["derived", &derived.name], "", e))?;
            }
            conditions.push(values);
        }
        Ok(conditions)
    }
}
