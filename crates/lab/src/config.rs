//! Settings in layers: defaults ← experiment ← file ← `--set key=value`.

pub mod seed;

use crate::error::{Problem, nearest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write;
use toml::de::DeTable;
use toml::{Table, Value};

/// Named layers of settings; later ones win.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    layers: Vec<Layer>,
    /// Tables, by their dotted keys, whose `kind` is a setting like any other.
    plain: &'static [&'static str],
}

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    text: String,
    table: Table,
}

/// Settings with where each value came from.
#[derive(Clone, Debug)]
pub struct Resolved<T> {
    /// The settings.
    pub value: T,
    layers: Layers,
}

impl Layers {
    /// No layer: defaults alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says of which tables, by their dotted keys, the `kind` is a setting like any other: another one leaves the rest as it is. A
    /// table of another `kind` otherwise has other keys, and takes the place of the one below.
    #[must_use]
    pub fn with_plain_kinds(mut self, keys: &'static [&'static str]) -> Self {
        self.plain = keys;
        self
    }

    /// Adds TOML text.
    ///
    /// # Errors
    /// The text is not TOML.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Problem> {
        let table: Table = toml::from_str(text)
            .map_err(|error| located(Problem::bare(error.message()), name, text, error.span()))?;
        self.layers.push(Layer {
            name: name.to_owned(),
            text: text.to_owned(),
            table,
        });
        Ok(())
    }

    /// Adds a table that has no text of its own.
    pub fn add_table(&mut self, name: &str, table: Table) {
        self.layers.push(Layer {
            name: name.to_owned(),
            text: String::new(),
            table,
        });
    }

    /// Adds one assignment `key.path=value`; a value that is not TOML counts as a string.
    ///
    /// # Errors
    /// No `=`, or a key that is not one.
    pub fn set(&mut self, assignment: &str) -> Result<(), Problem> {
        let problem = |message: String| {
            let hint = "write `--set training.check_every=20`";
            Problem::new(message, hint).in_text("--set", assignment, 0..assignment.len())
        };
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(problem(format!("`{assignment}` has no `=`, expected KEY=VALUE")));
        };
        let quoted = format!("{} = {}", key.trim(), Value::from(value.trim()));
        let text = if toml::from_str::<Table>(assignment).is_ok() {
            assignment.to_owned()
        } else {
            quoted
        };
        let table = toml::from_str(&text).map_err(|_| problem(format!("`{}` is not a key", key.trim())))?;
        self.layers.push(Layer {
            name: "--set".to_owned(),
            text,
            table,
        });
        Ok(())
    }

    /// Merges all layers over the defaults of `T`.
    ///
    /// # Errors
    /// An unknown key or a value of the wrong type, with the layer and the place that it stands in.
    pub fn resolve<T: Serialize + DeserializeOwned + Default>(&self) -> Result<Resolved<T>, Problem> {
        let mut merged = Table::try_from(T::default()).expect("defaults are a table");
        for layer in &self.layers {
            merge(&mut merged, &layer.table, "", self.plain);
        }
        match merged.clone().try_into() {
            Ok(value) => Ok(Resolved {
                value,
                layers: self.clone(),
            }),
            Err(error) => Err(self.explain::<T>(&error)),
        }
    }

    /// Finds the layer that makes the settings unreadable.
    fn explain<T: Serialize + DeserializeOwned + Default>(&self, error: &toml::de::Error) -> Problem {
        let defaults = Table::try_from(T::default()).expect("defaults are a table");
        for layer in &self.layers {
            let mut alone = defaults.clone();
            merge(&mut alone, &layer.table, "", self.plain);
            let Err(error) = alone.try_into::<T>() else {
                continue;
            };
            // Parsed from its own text, the error knows its place.
            let place = toml::from_str::<T>(&layer.text).err();
            let message = place.as_ref().unwrap_or(&error).message().to_owned();
            let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
            let hint = match quoted.split_first() {
                Some((wrong, known)) if message.starts_with("unknown") => {
                    nearest(wrong, known.iter().copied()).map(|name| format!("did you mean `{name}`?"))
                }
                _ => None,
            };
            let problem = Problem::bare(in_words(&message)).hinted(hint);
            return located(
                problem,
                &layer.name,
                &layer.text,
                place.and_then(|error| error.span()),
            );
        }
        Problem::bare(in_words(error.message()))
    }

    /// A problem with the value of `key_path` (`training.learning_rate`), at the last layer that sets it.
    pub fn problem_at(&self, key_path: &str, message: impl Into<String>, hint: Option<String>) -> Problem {
        let layer = self
            .layers
            .iter()
            .rev()
            .find(|layer| lookup(&layer.table, key_path).is_some());
        let problem = Problem::bare(message).hinted(hint);
        match layer {
            Some(layer) => located(problem, &layer.name, &layer.text, locate(&layer.text, key_path)),
            None => problem.in_file("defaults"),
        }
    }

    fn origin(&self, key_path: &str) -> Option<&str> {
        let layer = self
            .layers
            .iter()
            .rev()
            .find(|layer| lookup(&layer.table, key_path).is_some());
        layer.map(|layer| layer.name.as_str())
    }
}

/// A problem in a layer: at its place in the layer's text, if it has one.
fn located(problem: Problem, name: &str, text: &str, span: Option<std::ops::Range<usize>>) -> Problem {
    match span {
        Some(span) if !text.is_empty() => problem.in_text(name, text, span),
        _ => problem.in_file(name),
    }
}

/// What serde calls types, in a user's words.
pub fn in_words(message: &str) -> String {
    if let Some((found, _)) = message.split_once(", expected internally tagged enum") {
        return format!("{found}, expected a table that says its `kind`: `{{ kind = \"…\" }}`");
    }
    [
        ("expected usize", "expected a whole number ≥ 0"),
        ("expected u64", "expected a whole number ≥ 0"),
        ("expected f64", "expected a number"),
        ("unknown variant", "unknown value"),
    ]
    .iter()
    .fold(message.to_owned(), |message, (from, to)| {
        message.replace(from, to)
    })
}

/// A table of another `kind` has other keys, and takes the place of the one below, unless its kind is a `plain` one; `path` leads to
/// both.
fn merge(base: &mut Table, top: &Table, path: &str, plain: &[&str]) {
    let of_another_kind =
        |old: &Table, new: &Table| new.get("kind").is_some_and(|kind| Some(kind) != old.get("kind"));
    for (key, value) in top {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (base.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new))
                if plain.contains(&full.as_str()) || !of_another_kind(old, new) =>
            {
                merge(old, new, &full, plain);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn lookup<'a>(table: &'a Table, key_path: &str) -> Option<&'a Value> {
    match key_path.split_once('.') {
        None => table.get(key_path),
        Some((first, rest)) => lookup(table.get(first)?.as_table()?, rest),
    }
}

fn locate(text: &str, key_path: &str) -> Option<std::ops::Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut found = None;
    for part in key_path.split('.') {
        let (_, value) = table.iter().find(|(key, _)| key.get_ref() == part)?;
        found = Some(value.span());
        if let Some(inner) = value.get_ref().as_table() {
            table = inner;
        }
    }
    found
}

impl<T: Serialize> Resolved<T> {
    /// All settings as TOML; values that are not defaults say which layer they come from.
    ///
    /// The text parses back to the same settings.
    pub fn to_toml(&self) -> String {
        let table = Table::try_from(&self.value).expect("settings are a table");
        let mut text = String::new();
        self.write_table(&table, "", &mut text);
        text
    }

    fn write_table(&self, table: &Table, path: &str, text: &mut String) {
        let full = |key: &str| {
            if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            }
        };
        for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
            let origin = self
                .layers
                .origin(&full(key))
                .map(|name| format!(" # {name}"))
                .unwrap_or_default();
            let _ = writeln!(text, "{} = {value}{origin}", quote(key));
        }
        for (key, value) in table {
            if let Value::Table(inner) = value {
                let header: Vec<String> = full(key).split('.').map(quote).collect();
                let _ = write!(text, "\n[{}]\n", header.join("."));
                self.write_table(inner, &full(key), text);
            }
        }
    }

    /// The layers it was resolved from.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }
}

fn quote(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

/// Keys whose values differ, as `key: old → new`.
pub fn differences(old: &Table, new: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    compare(old, new, "", &mut lines);
    lines
}

fn compare(old: &Table, new: &Table, path: &str, lines: &mut Vec<String>) {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (old.get(key), new.get(key)) {
            (Some(Value::Table(old)), Some(Value::Table(new))) => compare(old, new, &full, lines),
            (old, new) if old != new => {
                let show = |value: Option<&Value>| value.map_or("unset".to_owned(), ToString::to_string);
                lines.push(format!("{full}: {} → {}", show(old), show(new)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        seed: u64,
        training: Training,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Training {
        learning_rate: f64,
        trials: usize,
    }
    impl Default for Settings {
        fn default() -> Self {
            Self {
                seed: 1,
                training: Training::default(),
            }
        }
    }
    impl Default for Training {
        fn default() -> Self {
            Self {
                learning_rate: 0.004,
                trials: 10,
            }
        }
    }

    fn layers() -> Layers {
        let mut layers = Layers::new();
        layers
            .add("rdm.toml", "[training]\ntrials = 20\nlearning_rate = 0.1\n")
            .unwrap();
        layers.set("training.learning_rate=0.2").unwrap();
        layers
    }

    #[test]
    fn later_layers_win_and_the_resolved_text_parses_back() {
        let resolved: Resolved<Settings> = layers().resolve().unwrap();
        assert_eq!(
            resolved.value.training,
            Training {
                learning_rate: 0.2,
                trials: 20
            }
        );
        let text = resolved.to_toml();
        assert!(
            text.contains("trials = 20 # rdm.toml") && text.contains("learning_rate = 0.2 # --set"),
            "{text}"
        );
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), resolved.value);
    }

    #[test]
    fn problems_point_at_the_layer_and_the_character() {
        let mut layers = layers();
        let located = layers
            .problem_at("training.trials", "training.trials is 20", None)
            .to_string();
        assert_eq!(located, "rdm.toml:2:10: training.trials is 20");
        layers
            .add("mine.toml", "seed = 2\n[training]\nlearning_rte = 1\n")
            .unwrap();
        let unknown = layers.resolve::<Settings>().unwrap_err().to_string();
        assert!(
            unknown.starts_with("mine.toml:3:1: unknown field `learning_rte`"),
            "{unknown}"
        );
        assert!(
            unknown.ends_with("hint: did you mean `learning_rate`?"),
            "{unknown}"
        );
        let mut layers = Layers::new();
        layers.set("training.trials=-3").unwrap();
        let wrong = layers.resolve::<Settings>().unwrap_err().to_string();
        assert!(wrong.starts_with("--set:1:") && wrong.contains("-3"), "{wrong}");
        assert!(Layers::new().set("training.trials").is_err());
    }

    #[test]
    fn a_table_of_another_kind_takes_the_place_of_the_one_below() {
        let over = |top: &str, plain: &[&str]| {
            let mut base: Table =
                toml::from_str("[rule]\nkind = 'exponential'\nrate = 1\ndecay = 2").unwrap();
            merge(&mut base, &toml::from_str(top).unwrap(), "", plain);
            base["rule"].clone()
        };
        let merged = |top: &str| over(top, &[]);
        let kept = over("rule.kind = 'constant'", &["rule"]);
        assert_eq!(
            (kept["decay"].as_integer(), kept["kind"].as_str()),
            (Some(2), Some("constant"))
        );
        let expected: Value = toml::from_str::<Table>("kind = 'constant'\nrate = 3")
            .unwrap()
            .into();
        assert_eq!(merged("rule = { kind = 'constant', rate = 3 }"), expected);
        for top in ["rule.rate = 3", "rule = { kind = 'exponential', rate = 3 }"] {
            assert_eq!(merged(top)["decay"].as_integer(), Some(2), "{top}");
        }
    }

    #[test]
    fn differences_name_key_and_both_values() {
        let old: Table = toml::from_str("a = 1\n[b]\nc = 2").unwrap();
        let new: Table = toml::from_str("a = 1\n[b]\nc = 3\nd = 'x'").unwrap();
        assert_eq!(differences(&old, &new), ["b.c: 2 → 3", "b.d: unset → \"x\""]);
    }
}
