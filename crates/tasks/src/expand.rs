//! Names with braces: `CUE-{place}` stands for one name per level of `place`.

use crate::expr::identifier;
use toml::{Table, Value};

/// Tables whose keys may have braces.
const TABLES: [&str; 6] = ["show", "answers", "targets", "events", "derived", "criterion"];
/// Lists whose names may have braces.
const LISTS: [&str; 2] = ["inputs", "actions"];
/// Names that one name may stand for.
const MOST_NAMES: usize = 10_000;

/// What a name in braces stands for: each level as names and as expressions write it.
type Levels = Vec<(String, String)>;

/// What is wrong with a name: the path to it, message, hint.
pub(crate) type Wrong = (Vec<String>, String, Option<String>);

/// Writes out every name with braces of a task's table.
pub(crate) fn expand(task: &mut Table) -> Result<(), Wrong> {
    let whole = task.clone();
    for list in LISTS {
        let Some(Value::Array(names)) = task.get_mut(list) else {
            continue;
        };
        let mut all = Vec::new();
        for name in std::mem::take(names) {
            match name.as_str() {
                Some(text) if text.contains('{') => {
                    let path = || vec![list.to_owned()];
                    let filled = fillings(text, &whole).map_err(|(m, h)| (path(), m, h))?;
                    all.extend(filled.iter().map(|one| Value::String(fill(text, one, true))));
                }
                _ => all.push(name),
            }
        }
        *names = all;
    }
    for table in TABLES {
        let Some(Value::Table(entries)) = task.get_mut(table) else {
            continue;
        };
        let mut all = Table::new();
        for (name, entry) in std::mem::take(entries) {
            if !name.contains('{') {
                all.insert(name, entry);
                continue;
            }
            let path = || vec![table.to_owned(), name.clone()];
            for one in fillings(&name, &whole).map_err(|(m, h)| (path(), m, h))? {
                all.insert(fill(&name, &one, true), within(&entry, &one));
            }
        }
        *entries = all;
    }
    Ok(())
}

/// Could the template have been written out to this name?
pub(crate) fn stands_for(template: &str, name: &str) -> bool {
    let mut parts = template.split(['{', '}']).step_by(2);
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    if !template.contains('{') {
        return rest.is_empty();
    }
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Every way to fill the braces of a name: pairs of what stands in braces and a level, each.
fn fillings(
    name: &str,
    task: &Table,
) -> Result<Vec<Vec<(String, (String, String))>>, (String, Option<String>)> {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = name;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((inner, behind)) = after.split_once('}') else {
            return Err((format!("`{name}`: `{{` is never closed"), None));
        };
        if !names.contains(&inner) {
            names.push(inner);
        }
        rest = behind;
    }
    let mut all = vec![Vec::new()];
    for inner in names {
        let levels = levels(inner, task).ok_or_else(|| {
            let known: Vec<&str> = ["for", "factors"]
                .iter()
                .filter_map(|table| task.get(*table)?.as_table())
                .flat_map(|table| table.keys().map(String::as_str))
                .collect();
            let message =
                format!("`{name}`: `{inner}` is neither a list of `[for]` nor a factor with levels");
            (message, Some(format!("known: {}", known.join(", "))))
        })?;
        if all.len() * levels.len() > MOST_NAMES {
            return Err((format!("`{name}` stands for more than {MOST_NAMES} names"), None));
        }
        all = all
            .iter()
            .flat_map(|before| {
                levels
                    .iter()
                    .map(|level| [before.clone(), vec![(inner.to_owned(), level.clone())]].concat())
            })
            .collect();
    }
    Ok(all)
}

fn levels(name: &str, task: &Table) -> Option<Levels> {
    let listed = |table: &str| task.get(table)?.as_table()?.get(name);
    let values = match listed("for").or_else(|| listed("factors")) {
        Some(Value::Array(values)) => values,
        Some(Value::Table(table)) => table.get("values")?.as_array()?,
        _ => column(name, task)?,
    };
    values.iter().map(level).collect()
}

/// A column of factors that are drawn together.
fn column<'a>(name: &str, task: &'a Table) -> Option<&'a Vec<Value>> {
    let mut together = task
        .get("factors")?
        .as_table()?
        .values()
        .filter_map(Value::as_table);
    together.find_map(|columns| columns.get(name)?.as_array())
}

fn level(value: &Value) -> Option<(String, String)> {
    match value {
        Value::String(label) => Some((label.clone(), identifier(label))),
        Value::Integer(i) => Some((i.to_string(), bracketed(*i as f64))),
        Value::Float(x) => Some((x.to_string(), bracketed(*x))),
        _ => None,
    }
}

fn bracketed(x: f64) -> String {
    if x < 0.0 { format!("({x})") } else { x.to_string() }
}

fn fill(text: &str, with: &[(String, (String, String))], as_name: bool) -> String {
    with.iter()
        .fold(text.to_owned(), |text, (inner, (name, expression))| {
            text.replace(&format!("{{{inner}}}"), if as_name { name } else { expression })
        })
}

/// An entry with the braces of all its texts filled.
fn within(entry: &Value, with: &[(String, (String, String))]) -> Value {
    match entry {
        Value::String(text) => Value::String(fill(text, with, false)),
        Value::Array(values) => Value::Array(values.iter().map(|value| within(value, with)).collect()),
        Value::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| (key.clone(), within(value, with)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_out_and_found_again() {
        let mut task: Table = toml::from_str(
            r#"
            inputs = ["FIXATION", "CUE-{place}", "{n}{letter}"]
            [for]
            n = [1, 2]
            letter = ["A", "B C"]
            [factors]
            place = { values = [-90, 90.5], unit = "degrees" }
            [answers]
            "GO-{place}" = { during = ["go"], correct = "place == {place}" }
            "#,
        )
        .unwrap();
        expand(&mut task).unwrap();
        let inputs: Vec<&str> = task["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        assert_eq!(
            inputs,
            ["FIXATION", "CUE--90", "CUE-90.5", "1A", "1B C", "2A", "2B C"]
        );
        assert_eq!(
            task["answers"]["GO--90"]["correct"].as_str(),
            Some("place == (-90)")
        );
        assert!(stands_for("CUE-{place}", "CUE-90.5") && stands_for("{n}{letter}", "1A"));
        assert!(!stands_for("CUE-{place}", "GO-90") && !stands_for("CUE", "CUE-1"));
        let mut wrong: Table = toml::from_str("inputs = [\"A-{b}\"]").unwrap();
        let (path, message, _) = expand(&mut wrong).unwrap_err();
        assert_eq!(path, ["inputs"]);
        assert_eq!(
            message,
            "`A-{b}`: `b` is neither a list of `[for]` nor a factor with levels"
        );
    }
}
