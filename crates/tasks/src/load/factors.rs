//! Factors, derived quantities, and the conditions that they make.

use super::{Loader, identifier, number_or_text};
use crate::expr::Expr;
use crate::task::{Column, Factor, condition};
use neuropil_lab::error::Problem;
use toml::Value;

const MOST_CONDITIONS: usize = 100_000;

impl Loader<'_> {
    pub(super) fn factors(&mut self) -> Result<Vec<Factor>, Problem> {
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

    fn declare(&mut self, path: &[&str], name: &str) -> Result<(), Problem> {
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

    pub(super) fn derived(&mut self) -> Result<Vec<Expr>, Problem> {
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

    pub(super) fn conditions(&self, factors: &[Factor], derived: &[Expr]) -> Result<Vec<Vec<f64>>, Problem> {
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
}
