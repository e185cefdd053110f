//! Sweeps: many runs of one experiment that differ in settings and seeds.
//!
//! A sweep is a list of numbered runs with complete settings, in a folder of its own. Each is done by whoever comes to
//! it first, on this machine or another; what a run comes to depends on its settings alone.

pub mod folder;
pub mod slurm;

use crate::error::Problem;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Settings that differ between the runs of a sweep, by their dotted keys, in the order in which they were given.
pub type Settings = Vec<(String, Value)>;

/// A sweep as it is written in a file.
///
/// ```
/// use neuropil_lab::sweep::Sweep;
/// let sweep = Sweep::parse("sweep.toml", r#"
///     experiment = "rdm"
///     seeds = "1..2"
///     [grid]
///     policy.units = [50, 100]
/// "#)?;
/// let runs = sweep.runs(1)?;
/// assert_eq!(runs.len(), 4);
/// assert_eq!((runs[3].cell, runs[3].seed), (2, 2));
/// assert_eq!(runs[3].assignments(), ["policy.units=100"]);
/// # Ok::<(), neuropil_lab::error::Problem>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// What to run: whatever `neuropil train` takes.
    pub experiment: String,
    /// Updates of every run, whatever the criterion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<u64>,
    /// Seeds of every cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Seeds>,
    /// Settings of all runs.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub set: Table,
    /// Values of settings, in all combinations.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub grid: Table,
    /// Combinations of settings, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Table>,
    /// Settings that are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<Random>,
}

/// Seeds: `3`, `[1, 5, 9]` or `"1..20"`, both ends included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Seeds {
    /// One.
    One(u64),
    /// Each of these.
    Each(Vec<u64>),
    /// From one to another.
    Range(String),
}

/// Settings drawn at random, each sample a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// Number of samples.
    pub samples: u64,
    /// Seed of the draws; that of a run is another.
    #[serde(default = "one")]
    pub seed: u64,
    /// Where from: `{ uniform = [0, 1] }`, `{ log = [1e-4, 1e-2] }`, `{ integer = [20, 200] }`, or a list to choose from.
    pub of: Table,
}

fn one() -> u64 {
    1
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Number, from 1.
    pub number: usize,
    /// Number of its combination of settings, from 1: runs of one cell differ in the seed alone.
    pub cell: usize,
    /// Seed.
    pub seed: u64,
    /// Settings that differ between cells.
    pub varied: Settings,
    /// Settings of all runs.
    pub fixed: Settings,
}

impl Run {
    /// All settings of the sweep as `key=value`.
    pub fn assignments(&self) -> Vec<String> {
        let all = self.fixed.iter().chain(&self.varied);
        all.map(|(key, value)| format!("{key}={value}")).collect()
    }
}

/// More runs than this are a mistake.
const MOST_RUNS: usize = 1_000_000;

impl Sweep {
    /// Reads a sweep.
    ///
    /// # Errors
    /// The text is not TOML, or not a sweep: says where.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let problem = Problem::bare(error.message());
            match error.span() {
                Some(span) => problem.in_text(file, text, span),
                None => problem.in_file(file),
            }
        })
    }

    /// The runs, numbered; seeds vary fastest, then the last setting. `default_seed` is that of an experiment without
    /// seeds.
    ///
    /// # Errors
    /// Seeds or settings that are not understood, or none to vary; too many runs.
    pub fn runs(&self, default_seed: u64) -> Result<Vec<Run>, Problem> {
        let seeds = match &self.seeds {
            None => vec![default_seed],
            Some(seeds) => seeds.list()?,
        };
        let fixed = flat(&self.set);
        let mut cells: Vec<Settings> = match &self.list[..] {
            [] => vec![Vec::new()],
            list => list.iter().map(flat).collect(),
        };
        for (key, values) in flat(&self.grid) {
            let Value::Array(values) = values else {
                let hint = format!("write `{key} = [{values}]`, or put it under [set]");
                return Err(Problem::new(
                    format!("grid: {key} is {values}, expected a list of values"),
                    hint,
                ));
            };
            if values.is_empty() {
                let message = format!("grid: {key} is an empty list, expected the values to run");
                return Err(Problem::new(message, "give at least one"));
            }
            let many = cells
                .len()
                .saturating_mul(values.len())
                .saturating_mul(seeds.len());
            refuse_many(many)?;
            cells = product(
                &cells,
                &values
                    .iter()
                    .map(|value| vec![(key.clone(), value.clone())])
                    .collect::<Vec<_>>(),
            );
        }
        if let Some(random) = &self.random {
            let many = (random.samples as usize)
                .saturating_mul(cells.len())
                .saturating_mul(seeds.len());
            refuse_many(many)?;
            cells = product(&cells, &random.draw()?);
        }
        refuse_many(cells.len().saturating_mul(seeds.len()))?;
        let mut runs = Vec::new();
        for (c, varied) in cells.iter().enumerate() {
            for &seed in &seeds {
                runs.push(Run {
                    number: runs.len() + 1,
                    cell: c + 1,
                    seed,
                    varied: varied.clone(),
                    fixed: fixed.clone(),
                });
            }
        }
        Ok(runs)
    }
}

fn refuse_many(runs: usize) -> Result<(), Problem> {
    if runs <= MOST_RUNS {
        return Ok(());
    }
    let message = format!("{runs} runs, expected at most {MOST_RUNS}");
    Err(Problem::new(message, "fewer values, or `random` samples of them"))
}

fn product(first: &[Settings], second: &[Settings]) -> Vec<Settings> {
    let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| a.iter().chain(b).cloned().collect()).collect()
}

/// Dotted keys of nested tables, in their order. A table that says how to draw a value is one.
fn flat(table: &Table) -> Settings {
    let mut settings = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if Law::of(inner).is_none() => {
                let inner = flat(inner);
                settings.extend(
                    inner
                        .into_iter()
                        .map(|(rest, value)| (format!("{key}.{rest}"), value)),
                );
            }
            value => settings.push((key.clone(), value.clone())),
        }
    }
    settings
}

impl Seeds {
    /// All of them.
    ///
    /// # Errors
    /// A range that is none, no seed, or one twice.
    pub fn list(&self) -> Result<Vec<u64>, Problem> {
        let seeds = match self {
            Self::One(seed) => vec![*seed],
            Self::Each(seeds) => seeds.clone(),
            Self::Range(text) => {
                let wrong = || {
                    let message = format!("`{text}` is not a range of seeds, expected `A..B` with A ≤ B");
                    Problem::new(message, "as in 1..20; both ends count")
                };
                let (from, to) = text.split_once("..").ok_or_else(wrong)?;
                let number = |part: &str| {
                    part.trim()
                        .trim_start_matches('=')
                        .parse::<u64>()
                        .map_err(|_| wrong())
                };
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return Err(wrong());
                }
                refuse_many(usize::try_from(to - from).unwrap_or(usize::MAX).saturating_add(1))?;
                (from..=to).collect()
            }
        };
        let mut sorted = seeds.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("seed {} is given twice, expected each once", twice[0]);
            return Err(Problem::new(message, "equal seeds give equal runs"));
        }
        if seeds.is_empty() {
            return Err(Problem::new(
                "no seeds, expected at least one",
                "as in `seeds = \"1..20\"`",
            ));
        }
        Ok(seeds)
    }
}

/// How a setting is drawn.
enum Law<'a> {
    Uniform(&'a Value),
    Log(&'a Value),
    Integer(&'a Value),
}

impl<'a> Law<'a> {
    fn of(table: &'a Table) -> Option<Self> {
        let mut entries = table.iter();
        let (Some((name, bounds)), None) = (entries.next(), entries.next()) else {
            return None;
        };
        match name.as_str() {
            "uniform" => Some(Self::Uniform(bounds)),
            "log" => Some(Self::Log(bounds)),
            "integer" => Some(Self::Integer(bounds)),
            _ => None,
        }
    }
}

impl Random {
    /// The samples: sample i is the same however many there are.
    fn draw(&self) -> Result<Vec<Settings>, Problem> {
        if self.samples == 0 {
            return Err(Problem::new(
                "random: samples is 0, expected a whole number ≥ 1",
                "as in `samples = 20`",
            ));
        }
        let laws = flat(&self.of);
        let sample = |i: u64| {
            let mut rng = Key::new(self.seed).at(i).stream(Purpose::Sweep, 0);
            let draw = |(key, law): &(String, Value)| {
                let u: f64 = rng.random();
                drawn(key, law, u).map(|value| (key.clone(), value))
            };
            laws.iter().map(draw).collect::<Result<Settings, Problem>>()
        };
        (0..self.samples).map(sample).collect()
    }
}

/// The value at `u`, uniform in [0, 1), of a law.
fn drawn(key: &str, law: &Value, u: f64) -> Result<Value, Problem> {
    let wrong = || {
        let message = format!("random: {key} is {law}, expected a law or a list to choose from");
        let hint =
            "{ uniform = [0, 1] }, { log = [1e-4, 1e-2] } or { integer = [20, 200] }, the lower bound first";
        Problem::new(message, hint)
    };
    let bounds = |value: &Value| {
        let number = |value: &Value| value.as_float().or(value.as_integer().map(|n| n as f64));
        match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => match (number(low), number(high)) {
                (Some(low), Some(high)) if low < high && low.is_finite() && high.is_finite() => {
                    Ok((low, high))
                }
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    };
    match law {
        Value::Array(choices) if !choices.is_empty() => {
            let i = (u * choices.len() as f64) as usize;
            Ok(choices[i.min(choices.len() - 1)].clone())
        }
        Value::Table(table) => match Law::of(table).ok_or_else(wrong)? {
            Law::Uniform(value) => {
                let (low, high) = bounds(value)?;
                Ok((low + u * (high - low)).into())
            }
            Law::Log(value) => match bounds(value)? {
                (low, high) if low > 0.0 => Ok((low.ln() + u * (high / low).ln()).exp().into()),
                _ => Err(wrong()),
            },
            Law::Integer(value) => {
                let (low, high) = bounds(value)?;
                Ok(Value::Integer(
                    (low + (u * (high - low + 1.0)).floor()).min(high) as i64
                ))
            }
        },
        _ => Err(wrong()),
    }
}

/// Values of `KEY=A,B,C`: parts between commas that stand in no bracket and no quotes.
///
/// ```
/// use neuropil_lab::sweep::values;
/// assert_eq!(values("1,[2,3],\"a,b\""), ["1", "[2,3]", "\"a,b\""]);
/// ```
pub fn values(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quoted) = (Vec::new(), 0, 0_i32, None);
    for (at, c) in text.char_indices() {
        match (quoted, c) {
            (Some(quote), c) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(text[from..].trim());
    parts
}

/// A value as TOML reads it; what TOML does not understand is text.
pub fn value(text: &str) -> Value {
    let table = toml::from_str::<Table>(&format!("value = {text}"));
    match table.ok().and_then(|mut table| table.remove("value")) {
        Some(value) => value,
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Result<Vec<Run>, Problem> {
        Sweep::parse("sweep.toml", text)?.runs(7)
    }

    #[test]
    fn lists_grids_and_seeds_multiply_in_the_order_in_which_they_stand() {
        let runs = runs(
            "experiment = 'rdm'\nseeds = [3, 1]\n[set]\npolicy.cell = 'leaky'\n[grid]\nb = [1, 2]\na.c = [true, false]\n\
             [[list]]\nx = 1\n[[list]]\nx = 2\n",
        )
        .unwrap();
        assert_eq!(runs.len(), 2 * 2 * 2 * 2);
        let told = |i: usize| {
            (
                runs[i].number,
                runs[i].cell,
                runs[i].seed,
                runs[i].assignments().join(" "),
            )
        };
        assert_eq!(
            told(0),
            (1, 1, 3, "policy.cell=\"leaky\" x=1 b=1 a.c=true".into())
        );
        assert_eq!(
            told(1),
            (2, 1, 1, "policy.cell=\"leaky\" x=1 b=1 a.c=true".into())
        );
        assert_eq!(
            told(2),
            (3, 2, 3, "policy.cell=\"leaky\" x=1 b=1 a.c=false".into())
        );
        assert_eq!(
            told(15),
            (16, 8, 1, "policy.cell=\"leaky\" x=2 b=2 a.c=false".into())
        );
    }

    #[test]
    fn a_sweep_of_seeds_alone_is_one_cell() {
        let runs = runs("experiment = 'rdm'\nseeds = '2..4'").unwrap();
        let seeds: Vec<(usize, u64)> = runs.iter().map(|run| (run.cell, run.seed)).collect();
        assert_eq!(seeds, [(1, 2), (1, 3), (1, 4)]);
        assert_eq!(self::runs("experiment = 'rdm'").unwrap()[0].seed, 7);
    }

    #[test]
    fn samples_follow_their_laws_and_do_not_depend_on_their_number() {
        let text = |samples: u64| {
            format!(
                "experiment = 'rdm'\n[random]\nsamples = {samples}\nseed = 3\n[random.of]\nu.v = {{ uniform = [-1, 1] }}\n\
                 l = {{ log = [1e-4, 1e-2] }}\nn = {{ integer = [2, 5] }}\nc = ['a', 'b', 'c']\n"
            )
        };
        let many = runs(&text(3000)).unwrap();
        assert_eq!(runs(&text(10)).unwrap()[..], many[..10]);
        let column = |key: &str| -> Vec<Value> {
            many.iter()
                .map(|run| run.varied.iter().find(|(k, _)| k == key).unwrap().1.clone())
                .collect()
        };
        let below = |key: &str, bound: f64| {
            column(key)
                .iter()
                .filter(|value| value.as_float().unwrap() < bound)
                .count()
        };
        // Binomial with p = 0.5: five standard deviations are 137.
        assert!(below("u.v", 0.0).abs_diff(1500) < 137 && below("l", 1e-3).abs_diff(1500) < 137);
        assert!(below("u.v", -1.0) == 0 && below("l", 1e-2) == 3000);
        for n in 2..=5 {
            let count = column("n")
                .iter()
                .filter(|value| value.as_integer() == Some(n))
                .count();
            assert!(count.abs_diff(750) < 120, "{n}: {count}");
        }
        assert_eq!(
            column("c")
                .iter()
                .filter(|value| value.as_str() == Some("d"))
                .count(),
            0
        );
        let a = column("c")
            .iter()
            .filter(|value| value.as_str() == Some("a"))
            .count();
        assert!(a.abs_diff(1000) < 130, "{a}");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, words) in [
            (
                "experiment = 'rdm'\n[grid]\na = 3",
                "grid: a is 3, expected a list",
            ),
            ("experiment = 'rdm'\n[grid]\na = []", "grid: a is an empty list"),
            (
                "experiment = 'rdm'\nseeds = '3..1'",
                "`3..1` is not a range of seeds",
            ),
            ("experiment = 'rdm'\nseeds = []", "no seeds"),
            ("experiment = 'rdm'\nseeds = [1, 2, 1]", "seed 1 is given twice"),
            (
                "experiment = 'rdm'\nseeds = '0..18446744073709551615'",
                "runs, expected at most",
            ),
            (
                "experiment = 'rdm'\n[random]\nsamples = 2\n[random.of]\na = { log = [0, 1] }",
                "random: a is",
            ),
            (
                "experiment = 'rdm'\n[random]\nsamples = 2\n[random.of]\na = 5",
                "expected a law",
            ),
            (
                "experiment = 'rdm'\n[random]\nsamples = 0\n[random.of]\na = [1]",
                "samples is 0",
            ),
            ("experiment = 'rdm'\ngrids = 1", "sweep.toml:2:1"),
            ("seeds = 3", "missing field `experiment`"),
        ] {
            let problem = runs(text).unwrap_err().to_string();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn values_of_the_command_line_are_those_of_a_file() {
        assert_eq!(value("0.5"), Value::Float(0.5));
        assert_eq!(value("gated"), Value::String("gated".into()));
        assert_eq!(value("[1, 2]").as_array().map(Vec::len), Some(2));
        assert_eq!(values("gated,leaky"), ["gated", "leaky"]);
    }
}
