//! Places in the text of a task file.

use crate::expand::stands_for;
use crate::expr::ExprError;
use neuropil_lab::error::{Problem, nearest};
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Value;
use toml::de::{DeTable, DeValue};

/// Text that errors point into.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// An error at the deepest part of `path` that the text has.
    pub(super) fn error(&self, path: &[&str], message: impl Into<String>, hint: Option<String>) -> Problem {
        self.located(message, self.locate(path)).hinted(hint)
    }

    /// An error at some bytes of the text, or about all of it; at a line and column if the line is too long to be shown.
    pub(super) fn located(&self, message: impl Into<String>, span: Option<Range<usize>>) -> Problem {
        let problem = Problem::bare(message);
        let Some(span) = span else {
            return problem.in_file(self.name);
        };
        let start = span.start.min(self.text.len());
        let (before, after) = self.text.split_at(start);
        let from = before.rfind('\n').map_or(0, |at| at + 1);
        let length = start - from + after.find('\n').unwrap_or(after.len());
        if length <= LONGEST_LINE {
            return problem.in_text(self.name, self.text, span);
        }
        let line = before.matches('\n').count() + 1;
        let column = before[from..].chars().count() + 1;
        problem.in_line(self.name, line, format!("column {column}"))
    }

    /// An error of the expression `text` at `path`, at the very word if the file has it as it is.
    pub(super) fn of_expr(&self, path: &[&str], text: &str, error: ExprError) -> Problem {
        let named: Vec<&str> = path.iter().copied().filter(|part| !part.is_empty()).collect();
        let message = format!("{}: {}", named.join("."), error.message);
        let mut span = self.locate(path);
        if let (Some(whole), Some(at)) = (span.clone(), error.at)
            && let Some(begins) = self.text[whole.clone()].find(text)
        {
            let begins = whole.start + begins;
            let end = begins + at.end.max(at.start + 1);
            span = Some(begins + at.start..end.min(whole.end));
        }
        self.located(message, span).hinted(error.hint)
    }

    pub(super) fn locate(&self, path: &[&str]) -> Option<Range<usize>> {
        let root = DeTable::parse(self.text).ok()?;
        let mut table = root.get_ref();
        let mut list: Option<&toml::de::DeArray<'_>> = None;
        let mut found = None;
        for part in path.iter().filter(|part| !part.is_empty()) {
            let value = if let Some(values) = list.take() {
                let Some(value) = part.parse::<usize>().ok().and_then(|i| values.get(i)) else {
                    break;
                };
                found = Some(value.span());
                value.get_ref()
            } else {
                let exact = table.iter().find(|(key, _)| key.get_ref() == part);
                let template = || table.iter().find(|(key, _)| stands_for(key.get_ref(), part));
                let Some((key, value)) = exact.or_else(template) else {
                    break;
                };
                found = Some(key.span());
                if !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_)) {
                    found = Some(value.span());
                }
                value.get_ref()
            };
            match value {
                DeValue::Table(inner) => table = inner,
                DeValue::Array(values) => list = Some(values),
                _ => break,
            }
        }
        found
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, path: &[&str], value: &Value) -> Result<T, Problem> {
        value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| self.of_serde(path, &error))
    }

    /// An error of the deserialiser in the words of the file, with the nearest known key as hint.
    pub(super) fn of_serde(&self, path: &[&str], error: &toml::de::Error) -> Problem {
        let message = error.message().to_owned();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let (mut span, mut hint) = (None, None);
        if let (true, Some((&wrong, known))) = (message.starts_with("unknown field"), quoted.split_first()) {
            span = self
                .only_key(wrong)
                .or_else(|| self.locate(&[path, &[wrong]].concat()));
            hint = nearest(wrong, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
        }
        let mut message = message.replace("unknown variant", "unknown value");
        for (theirs, ours) in [
            ("invalid type: ", "found "),
            ("missing field", "missing key"),
            ("floating point `", "the number `"),
            ("integer `", "the number `"),
            ("string \"", "the text \""),
            ("boolean `", "`"),
            ("expected f64", "expected a number"),
            ("expected usize", "expected a whole number"),
            ("expected a sequence", "expected a list"),
            ("found sequence", "found a list"),
            ("found map", "found a table"),
            ("expected a string", "expected a text in quotes"),
        ] {
            message = message.replace(theirs, ours);
        }
        let named: Vec<&str> = path.iter().copied().filter(|part| !part.is_empty()).collect();
        if !message.starts_with("unknown field") && !named.is_empty() {
            message = format!("{}: {message}", named.join("."));
        }
        let span = span.or_else(|| self.locate(path)).or(error.span());
        self.located(message, span).hinted(hint)
    }

    /// The key of this name, if the text has one alone.
    fn only_key(&self, name: &str) -> Option<Range<usize>> {
        fn within(table: &DeTable<'_>, name: &str, found: &mut Vec<Range<usize>>) {
            for (key, value) in table {
                if key.get_ref() == name {
                    found.push(key.span());
                }
                of(value.get_ref(), name, found);
            }
        }
        fn of(value: &DeValue<'_>, name: &str, found: &mut Vec<Range<usize>>) {
            match value {
                DeValue::Table(table) => within(table, name, found),
                DeValue::Array(values) => values.iter().for_each(|value| of(value.get_ref(), name, found)),
                _ => {}
            }
        }
        let root = DeTable::parse(self.text).ok()?;
        let mut found = Vec::new();
        within(root.get_ref(), name, &mut found);
        (found.len() == 1).then(|| found.swap_remove(0))
    }
}

/// Bytes of the longest line that can be shown with a mark under it.
const LONGEST_LINE: usize = 2000;
