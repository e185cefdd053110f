//! Labelled adjacency matrices as CSV: rows presynaptic, columns postsynaptic.

use super::builder::Builder;
use super::columns::{self, POST, PRE};
use super::{count, number};
use crate::error::DataError;
use neuropil_lab::table::{Records, Separator};
use std::collections::BTreeMap;
use std::path::Path;

/// Whether a table is a labelled matrix: its first header is empty (or its rows are called as its columns are), and no
/// header names the ends of edges.
pub(super) fn is_labelled(path: &Path, text: &str) -> bool {
    let mut records = Records::new(path, text);
    let mut cells = Vec::new();
    if !matches!(records.next_into(&mut cells), Ok(Some(_))) || cells.len() < 2 {
        return false;
    }
    let head: Vec<String> = cells.iter().map(|cell| cell.clone().into_owned()).collect();
    let named = |names| columns::find(head.iter().map(String::as_str), names).is_some();
    if named(PRE) && named(POST) {
        return false;
    }
    if head[0].is_empty() {
        return true;
    }
    // A number is no name for the labels of rows: edges or a bare matrix.
    if head[0].parse::<f64>().is_ok() {
        return false;
    }
    // `neuron,A,B` over rows `A,0,1` and `B,1,0`.
    let mut rows = 0;
    while let Ok(Some(_)) = records.next_into(&mut cells) {
        rows += 1;
        if cells.len() != head.len() || !head[1..].iter().any(|name| *name == cells[0]) {
            return false;
        }
        if rows == head.len() - 1 {
            break;
        }
    }
    rows > 1
}

/// Reads a matrix whose row and column labels may differ (motor organs only receive); blank is 0.
pub(super) fn read(path: &Path, text: &str) -> Result<Builder, DataError> {
    let mut builder = Builder::default();
    builder.layer("chem");
    let (rows, columns) = parse(
        path,
        text,
        false,
        |row, column, weight, builder: &mut Builder| {
            let (pre, post) = (builder.node(row), builder.node(column));
            builder.edge("chem", pre, post, weight);
        },
        &mut builder,
    )?;
    rows.iter()
        .chain(&columns)
        .for_each(|name| _ = builder.node(name));
    Ok(builder)
}

/// The rows of a text that is nothing but as many rows of numbers as each has: a matrix without labels.
pub(super) fn bare(path: &Path, text: &str) -> Option<Vec<Vec<f64>>> {
    const FEWEST: usize = 3;
    let mut records = Records::new(path, text);
    let (mut cells, mut rows) = (Vec::new(), Vec::<Vec<f64>>::new());
    while let Ok(Some(_)) = records.next_into(&mut cells) {
        let row: Option<Vec<f64>> = cells.iter().map(|cell| cell.trim().parse().ok()).collect();
        let row = row?;
        if row.len() < FEWEST
            || rows.first().is_some_and(|first| first.len() != row.len())
            || rows.len() == row.len()
        {
            return None;
        }
        rows.push(row);
    }
    let first = rows.first()?;
    // Edges with a weight, and a type: no weight is 0, and ids are whole.
    let whole = |value: f64| value >= 0.0 && value.fract() == 0.0;
    let may_be_edges = first.len() <= 4
        && rows
            .iter()
            .all(|row| whole(row[0]) && whole(row[1]) && row[2] != 0.0);
    (rows.len() == first.len() && !may_be_edges).then_some(rows)
}

/// A matrix without labels, whose neurons are numbered from 0; a small one may as well be edges.
pub(super) fn of_numbers(path: &Path, rows: &[Vec<f64>]) -> Result<Builder, DataError> {
    let n = rows.len();
    if n <= 4 {
        let found = format!("{n} rows of {n} numbers without names");
        return Err(DataError::field(path, 0, "", found, "edges under a header, or a matrix with labels")
            .hint("edges: `pre,post,weight` in the first line; a matrix: names of the neurons in the first row and column"));
    }
    let mut builder = Builder::default();
    builder.layer("chem");
    let nodes: Vec<_> = (0..n).map(|i| builder.node(&i.to_string())).collect();
    for (i, row) in rows.iter().enumerate() {
        for (j, &weight) in row.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            if !weight.is_finite() {
                return Err(DataError::field(
                    path,
                    i + 1,
                    format!("column {}", j + 1),
                    format!("`{weight}`"),
                    "a number",
                ));
            }
            builder.edge("chem", nodes[i], nodes[j], weight);
        }
    }
    builder.warn(format!(
        "a matrix of {n} rows without labels: neurons are numbered from 0, rows presynaptic"
    ));
    Ok(builder)
}

/// Walks through the entries that are not 0; `square` demands equal sets of labels, and counts.
pub(super) fn parse<S>(
    path: &Path,
    text: &str,
    square: bool,
    mut entry: impl FnMut(&str, &str, f64, &mut S),
    state: &mut S,
) -> Result<(Vec<String>, Vec<String>), DataError> {
    let mut records = Records::new(path, text);
    let mut cells = Vec::new();
    let Some(line) = records.next_into(&mut cells)? else {
        return Err(DataError::field(path, 0, "", "an empty file", "a matrix"));
    };
    let columns: Vec<String> = cells
        .iter()
        .skip(1)
        .map(|cell| cell.clone().into_owned())
        .collect();
    let separator = records.separator();
    let mut matrix = Labelled {
        path,
        square,
        columns,
        rows: Vec::new(),
        row_lines: BTreeMap::new(),
    };
    matrix.unique_columns(line)?;
    let decimal_comma = separator == Separator::Byte(b';');
    let value = |line: usize, column: &str, cell: &str, records: &Records<'_>| -> Result<f64, DataError> {
        let weight = if decimal_comma && !cell.is_empty() {
            records.number(line, column, cell)?
        } else {
            number(path, line, column, cell)?
        };
        if square {
            count(path, line, column, weight)
        } else {
            Ok(weight)
        }
    };
    if let (Separator::Byte(byte), false) = (separator, text.contains(['"', '#'])) {
        // Plain lines: nearly all entries are zeros, and these are not parsed.
        let rest = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .skip_while(|(at, _)| *at <= line);
        for (line, text) in rest.filter(|(_, text)| !text.trim().is_empty()) {
            let mut fields = text.split(char::from(byte));
            let label = fields.next().unwrap_or_default().trim().to_owned();
            matrix.row(line, &label)?;
            let mut k = 0;
            for field in fields {
                if !matches!(field, "" | "0" | "0.0") {
                    let column = matrix.column(line, k)?;
                    let weight = value(line, column, field.trim(), &records)?;
                    if weight != 0.0 {
                        entry(&label, column, weight, state);
                    }
                }
                k += 1;
            }
            matrix.full(line, k)?;
        }
    } else {
        while let Some(line) = records.next_into(&mut cells)? {
            let label = cells[0].clone().into_owned();
            matrix.row(line, &label)?;
            for (k, cell) in cells[1..].iter().enumerate() {
                let column = matrix.column(line, k)?;
                let weight = value(line, column, cell, &records)?;
                if weight != 0.0 {
                    entry(&label, column, weight, state);
                }
            }
            matrix.full(line, cells.len() - 1)?;
        }
    }
    matrix.finish()
}

/// Labels of a matrix while it is read.
struct Labelled<'a> {
    path: &'a Path,
    square: bool,
    columns: Vec<String>,
    rows: Vec<String>,
    row_lines: BTreeMap<String, usize>,
}

impl Labelled<'_> {
    fn wrong(
        &self,
        line: usize,
        field: impl Into<String>,
        found: impl Into<String>,
        expected: &str,
    ) -> DataError {
        DataError::field(self.path, line, field, found, expected)
    }

    fn unique_columns(&self, line: usize) -> Result<(), DataError> {
        let mut seen = std::collections::BTreeSet::new();
        for (k, name) in self.columns.iter().enumerate() {
            if !seen.insert(name) {
                let found = format!("the id `{}` again", neuropil_lab::file::shown(name));
                return Err(self.wrong(line, format!("column {}", k + 2), found, "every id once"));
            }
        }
        Ok(())
    }

    fn row(&mut self, line: usize, label: &str) -> Result<(), DataError> {
        if self.row_lines.insert(label.to_owned(), line).is_some() {
            let found = format!("the id `{}` again", neuropil_lab::file::shown(label));
            return Err(self.wrong(line, "column 1", found, "every id once"));
        }
        self.rows.push(label.to_owned());
        Ok(())
    }

    fn column(&self, line: usize, k: usize) -> Result<&str, DataError> {
        let name = self.columns.get(k).map(String::as_str);
        let found = || format!("more than {} fields", self.columns.len() + 1);
        name.ok_or_else(|| self.wrong(line, "", found(), "as many as in line 1"))
    }

    fn full(&self, line: usize, k: usize) -> Result<(), DataError> {
        if k == self.columns.len() {
            return Ok(());
        }
        let expected = format!("{} as in line 1", self.columns.len() + 1);
        Err(self.wrong(line, "", format!("{} fields", k + 1), &expected))
    }

    fn finish(self) -> Result<(Vec<String>, Vec<String>), DataError> {
        if self.square {
            if self.rows.len() != self.columns.len() {
                let found = format!("{} rows and {} columns", self.rows.len(), self.columns.len());
                return Err(self.wrong(0, "", found, "a square matrix"));
            }
            if let Some(name) = self
                .columns
                .iter()
                .find(|name| !self.row_lines.contains_key(*name))
            {
                let found = format!("column `{}` without a row", neuropil_lab::file::shown(name));
                return Err(self.wrong(0, "", found, "the same ids in rows and columns"));
            }
        }
        Ok((self.rows, self.columns))
    }
}
