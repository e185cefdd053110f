//! Traits of species: one value per species, continuous or of two classes.

use std::collections::HashMap;
use std::path::Path;

use crate::error::InputError;
use crate::names::species_key;
use crate::table::{Table, is_missing};

/// Pairs of words that mean no and yes.
const WORDS: [(&str, &str); 8] = [
    ("false", "true"),
    ("f", "t"),
    ("no", "yes"),
    ("n", "y"),
    ("nein", "ja"),
    ("nao", "sim"),
    ("non", "oui"),
    ("absent", "present"),
];

/// What kind of trait is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Any number.
    Continuous,
    /// 0 or 1.
    Binary,
}

/// A trait, species by species as the table has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Trait {
    /// Name of the column.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Species as written.
    pub species: Vec<String>,
    /// Values; missing ones `None`.
    pub values: Vec<Option<f64>>,
    /// Remarks on how it was read.
    pub notes: Vec<String>,
}

/// Reads the column `name` of a table of traits.
///
/// # Errors
/// As [`from_table`], with the file named.
pub fn read(path: &Path, name: &str, kind: Kind, known: &[String]) -> Result<Trait, InputError> {
    let text = crate::text::read_to_string(path)?;
    Table::parse(&text)
        .and_then(|table| from_table(&table, name, kind, known))
        .map_err(|error| error.in_file(path))
}

/// Takes the column `name` of a table; the column of species is the one that shares most names with `known`, the
/// first column where none does.
///
/// # Errors
/// A column that is missing or holds something else; one species on two lines; a trait without variation.
pub fn from_table(table: &Table, name: &str, kind: Kind, known: &[String]) -> Result<Trait, InputError> {
    let column = table.column(name)?;
    let species_column = species_column(table, known);
    let species: Vec<String> = table.rows.iter().map(|row| row[species_column].clone()).collect();
    let mut first: HashMap<String, usize> = HashMap::new();
    for (i, species) in species.iter().enumerate() {
        if species.is_empty() {
            return Err(InputError::new("a row has no species")
                .at_line(table.lines[i])
                .in_field(&table.header[species_column]));
        }
        if let Some(&other) = first.get(&species_key(species)) {
            return Err(InputError::new(format!(
                "`{species}` is the same species as `{}` on line {}",
                table.rows[other][species_column], table.lines[other]
            ))
            .at_line(table.lines[i])
            .in_field(&table.header[species_column])
            .hint("keep one row per species"));
        }
        first.insert(species_key(species), i);
    }
    let (values, mut notes) = match kind {
        Kind::Continuous => table.numbers(column)?,
        Kind::Binary => classes(table, column)?,
    };
    let present: Vec<f64> = values.iter().flatten().copied().collect();
    if present.len() < 3 {
        return Err(InputError::new(format!(
            "{} species have a value, expected at least 3",
            present.len()
        ))
        .in_field(name));
    }
    if present.iter().all(|value| *value == present[0]) {
        return Err(InputError::new(format!("the trait is {} in every species", present[0])).in_field(name));
    }
    notes.splice(..0, table.notes.iter().cloned());
    Ok(Trait {
        name: table.header[column].clone(),
        kind,
        species,
        values,
        notes,
    })
}

/// Column of species: the one with most names of `known`.
fn species_column(table: &Table, known: &[String]) -> usize {
    let keys: std::collections::HashSet<String> = known.iter().map(|name| species_key(name)).collect();
    let shared = |column: usize| {
        table
            .rows
            .iter()
            .filter(|row| keys.contains(&species_key(&row[column])))
            .count()
    };
    let mut best = (0, 0);
    for column in 0..table.header.len() {
        let count = shared(column);
        if count > best.1 {
            best = (column, count);
        }
    }
    best.0
}

/// A column as 0 and 1; a pair of words is mapped, and said, where all values are of it.
pub(crate) fn classes(table: &Table, column: usize) -> Result<(Vec<Option<f64>>, Vec<String>), InputError> {
    let fields: Vec<&str> = table.rows.iter().map(|row| row[column].as_str()).collect();
    let plain = |field: &str| field.to_lowercase().replace('\u{e3}', "a");
    let present: Vec<String> = fields
        .iter()
        .filter(|field| !is_missing(field))
        .map(|field| plain(field))
        .collect();
    let pair = WORDS
        .iter()
        .find(|(no, yes)| !present.is_empty() && present.iter().all(|field| field == no || field == yes));
    let number = |field: &str| match field.replace(',', ".").parse::<f64>() {
        Ok(value) if value == 0.0 || value == 1.0 => Some(value),
        _ => None,
    };
    let mut values = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        if is_missing(field) {
            values.push(None);
            continue;
        }
        let value = match pair {
            Some((_, yes)) => Some(f64::from(u8::from(plain(field) == *yes))),
            None => number(field),
        };
        let Some(value) = value else {
            let mut kinds: Vec<&str> = fields
                .iter()
                .copied()
                .filter(|field| !is_missing(field))
                .collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds.truncate(6);
            return Err(
                InputError::new(format!("`{field}` in a trait of two classes, expected 0 or 1"))
                    .at_line(table.lines[i])
                    .in_field(&table.header[column])
                    .hint(format!(
                        "the column holds {}; write 0 and 1 throughout",
                        kinds.join(", ")
                    )),
            );
        };
        values.push(Some(value));
    }
    let notes = pair
        .map(|(no, yes)| format!("`{}`: {no} is 0, {yes} is 1", table.header[column]))
        .into_iter()
        .collect();
    Ok((values, notes))
}
