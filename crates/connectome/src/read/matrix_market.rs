//! Matrix Market files: coordinates and arrays (Boisvert et al., NISTIR 5935, 1996).

use super::builder::{Builder, NEURON};
use crate::error::DataError;
use neuropil_lab::{file, memory};
use std::collections::HashSet;
use std::path::Path;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Header {
    dense: bool,
    pattern: bool,
    symmetry: Symmetry,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Symmetry {
    General,
    /// a_ji = a_ij.
    Symmetric,
    /// a_ji = −a_ij.
    Skew,
}

/// Reads a square real matrix; neurons are numbered from 1 as in the file.
pub(super) fn read(path: &Path) -> Result<Builder, DataError> {
    let text = file::text(path)?;
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut builder = Builder::default();
    builder.layer("chem");
    let (_, first) = lines.next().unwrap_or((1, ""));
    let header = header(path, first, &mut builder)?;
    let mut matrix = Matrix {
        path,
        header,
        n: 0,
        builder,
        seen: HashSet::new(),
    };
    let mut body = lines.filter(|(_, line)| !line.starts_with('%') && !line.is_empty());
    let announced = matrix.sizes(body.next())?;
    let mut found = 0usize;
    for (line, text) in body {
        if found == announced {
            return Err(matrix.wrong(
                line,
                "",
                "more entries",
                &format!("the {announced} that are announced"),
            ));
        }
        if header.dense {
            matrix.dense(line, found, text)?;
        } else {
            matrix.coordinates(line, text)?;
        }
        found += 1;
    }
    if found != announced {
        return Err(matrix.wrong(
            0,
            "",
            &format!("{found} entries"),
            &format!("the {announced} that are announced"),
        ));
    }
    Ok(matrix.builder)
}

fn header(path: &Path, line: &str, builder: &mut Builder) -> Result<Header, DataError> {
    let wrong = |found: String, expected: &str| DataError::field(path, 1, "header", found, expected);
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    let word = |k: usize| words.get(k).map_or("", String::as_str);
    match word(0) {
        "%%matrixmarket" => {}
        "%matrixmarket" => builder.warn("the header begins with one `%` instead of two".to_owned()),
        _ => {
            let found = if line.is_empty() {
                "nothing".to_owned()
            } else {
                format!("`{}`", file::shown(line))
            };
            return Err(wrong(
                found,
                "`%%MatrixMarket matrix coordinate real general` or its kin",
            ));
        }
    }
    if word(1) != "matrix" {
        return Err(wrong(format!("`{}`", word(1)), "`matrix`"));
    }
    let dense = match word(2) {
        "coordinate" => false,
        "array" => true,
        other => {
            return Err(wrong(
                format!("`{}`", file::shown(other)),
                "`coordinate` or `array`",
            ));
        }
    };
    let pattern = match word(3) {
        "real" | "integer" | "double" => false,
        "pattern" if !dense => true,
        "complex" => {
            return Err(wrong(
                "complex weights".to_owned(),
                "`real`, `integer` or `pattern`",
            ));
        }
        other => {
            return Err(wrong(
                format!("`{}`", file::shown(other)),
                "`real`, `integer` or `pattern`",
            ));
        }
    };
    let symmetry = match word(4) {
        "general" => Symmetry::General,
        "symmetric" => Symmetry::Symmetric,
        "skew-symmetric" if !pattern => Symmetry::Skew,
        other => {
            let expected = "`general`, `symmetric` or `skew-symmetric`";
            return Err(wrong(format!("`{}`", file::shown(other)), expected));
        }
    };
    Ok(Header {
        dense,
        pattern,
        symmetry,
    })
}

struct Matrix<'a> {
    path: &'a Path,
    header: Header,
    n: usize,
    builder: Builder,
    /// Entries of a symmetric matrix, each of which may stand once.
    seen: HashSet<(u32, u32)>,
}

impl Matrix<'_> {
    fn wrong(&self, line: usize, field: &str, found: &str, expected: &str) -> DataError {
        DataError::field(self.path, line, field, found, expected)
    }

    /// Reads the line of sizes; returns how many entries follow.
    fn sizes(&mut self, line: Option<(usize, &str)>) -> Result<usize, DataError> {
        let (line, text) = line.unwrap_or((0, ""));
        let expected = if self.header.dense {
            "rows, columns"
        } else {
            "rows, columns, entries"
        };
        let sizes: Option<Vec<usize>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
        let (rows, columns, entries) = match (sizes.as_deref(), self.header.dense) {
            (Some(&[rows, columns, entries]), false) => (rows, columns, Some(entries)),
            (Some(&[rows, columns]), true) => (rows, columns, None),
            _ => {
                let found = if text.is_empty() {
                    "nothing".to_owned()
                } else {
                    format!("`{}`", file::shown(text))
                };
                return Err(self.wrong(line, "sizes", &found, expected));
            }
        };
        if rows != columns {
            return Err(self.wrong(
                line,
                "sizes",
                &format!("{rows} rows and {columns} columns"),
                "a square matrix",
            ));
        }
        memory::claim(self.path, &format!("{rows} neurons"), rows, NEURON)?;
        self.n = rows;
        (1..=rows).for_each(|k| _ = self.builder.number(k as i64));
        let cells = match self.header.symmetry {
            Symmetry::General => rows.saturating_mul(rows),
            Symmetry::Symmetric => rows.saturating_mul(rows + 1) / 2,
            Symmetry::Skew => rows.saturating_mul(rows.saturating_sub(1)) / 2,
        };
        Ok(entries.unwrap_or(cells))
    }

    fn value(&self, line: usize, text: Option<&str>) -> Result<f64, DataError> {
        let text = text.unwrap_or_default();
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        let found = || {
            if text.is_empty() {
                "nothing".to_owned()
            } else {
                format!("`{}`", file::shown(text))
            }
        };
        value.ok_or_else(|| self.wrong(line, "value", &found(), "a number"))
    }

    /// The entry number `k` of a dense matrix, whose columns follow one another.
    fn dense(&mut self, line: usize, k: usize, text: &str) -> Result<(), DataError> {
        let weight = self.value(line, Some(text))?;
        let n = self.n;
        // Columns of a half begin at (skew: below) the diagonal.
        let (mut column, mut row) = (0, k);
        if self.header.symmetry == Symmetry::General {
            (row, column) = (k % n, k / n);
        } else {
            let shift = usize::from(self.header.symmetry == Symmetry::Skew);
            while row >= n - column - shift {
                row -= n - column - shift;
                column += 1;
            }
            row += column + shift;
        }
        self.put(row as u32, column as u32, weight);
        Ok(())
    }

    fn coordinates(&mut self, line: usize, text: &str) -> Result<(), DataError> {
        let mut words = text.split_whitespace();
        let mut index = |name: &str| {
            let text = words.next().unwrap_or_default();
            let parsed = text.parse::<usize>().ok().filter(|v| (1..=self.n).contains(v));
            let found = format!("`{}`", file::shown(text));
            parsed.ok_or_else(|| self.wrong(line, name, &found, &format!("1 to {}", self.n)))
        };
        let (i, j) = (index("row")? as u32 - 1, index("column")? as u32 - 1);
        let weight = if self.header.pattern {
            1.0
        } else {
            self.value(line, words.next())?
        };
        if words.next().is_some() {
            let expected = if self.header.pattern {
                "row, column"
            } else {
                "row, column, value"
            };
            return Err(self.wrong(line, "", "more words", expected));
        }
        if self.header.symmetry != Symmetry::General {
            if !self.seen.insert((i.min(j), i.max(j))) {
                let found = format!("the entry of {} and {} again", i + 1, j + 1);
                return Err(self.wrong(line, "", &found, "one half of a symmetric matrix"));
            }
            if self.header.symmetry == Symmetry::Skew && i == j && weight != 0.0 {
                return Err(self.wrong(
                    line,
                    "value",
                    &format!("{weight} on the diagonal"),
                    "0, as skew symmetry demands",
                ));
            }
        }
        self.put(i, j, weight);
        Ok(())
    }

    fn put(&mut self, i: u32, j: u32, weight: f64) {
        self.builder.edge("chem", i, j, weight);
        if i != j {
            match self.header.symmetry {
                Symmetry::General => {}
                Symmetry::Symmetric => self.builder.edge("chem", j, i, weight),
                Symmetry::Skew => self.builder.edge("chem", j, i, -weight),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Csr;

    fn matrix(text: &str) -> Result<Csr, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.mtx");
        std::fs::write(&path, text).unwrap();
        let built = read(&path).and_then(|builder| builder.finish(&path));
        built
            .map(|c| c.layers["chem"].clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn halves_are_filled_with_their_sign() {
        let g = matrix("%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 5\n3 3 1\n").unwrap();
        assert_eq!((g.weight(0, 1), g.weight(1, 0), g.weight(2, 2)), (5.0, 5.0, 1.0));
        let g = matrix("%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 5\n").unwrap();
        assert_eq!((g.weight(1, 0), g.weight(0, 1)), (5.0, -5.0));
    }

    #[test]
    fn dense_arrays_are_read_column_by_column() {
        let g = matrix("%%MatrixMarket matrix array real general\n2 2\n0\n1\n2\n0\n").unwrap();
        assert_eq!((g.weight(1, 0), g.weight(0, 1)), (1.0, 2.0));
        let g = matrix("%%MatrixMarket matrix array real symmetric\n3 3\n1\n2\n3\n4\n5\n6\n").unwrap();
        assert_eq!(
            (g.weight(2, 0), g.weight(1, 1), g.weight(1, 2), g.weight(2, 2)),
            (3.0, 4.0, 5.0, 6.0)
        );
        let g = matrix("%%MatrixMarket matrix array real skew-symmetric\n3 3\n1\n2\n3\n").unwrap();
        assert_eq!(
            (g.weight(1, 0), g.weight(2, 0), g.weight(2, 1), g.weight(0, 1)),
            (1.0, 2.0, 3.0, -1.0)
        );
    }

    #[test]
    fn counts_and_words_are_checked() {
        for (text, expected) in [
            (
                "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 5\n",
                "1 entries, expected the 2 that are announced",
            ),
            (
                "%%MatrixMarket matrix coordinate real general\n2 2 0\n1 2 5\n",
                ":3: more entries",
            ),
            (
                "%%MatrixMarket matrix coordinate complex general\n2 2 0\n",
                "complex weights",
            ),
            (
                "%%MatrixMarket matrix coordinate real hermitian\n2 2 0\n",
                "`hermitian`, expected `general`",
            ),
            (
                "%%MatrixMarket vector coordinate real general\n2 2 0\n",
                "`vector`, expected `matrix`",
            ),
            ("2 2 0\n", "header: `2 2 0`, expected `%%MatrixMarket"),
            (
                "%%MatrixMarket matrix coordinate real general\n2 3 0\n",
                "2 rows and 3 columns, expected a square",
            ),
            (
                "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 3 5\n",
                "column: `3`, expected 1 to 2",
            ),
            (
                "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 2\n",
                "value: nothing, expected a number",
            ),
            (
                "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 2 3\n2 1 3\n",
                "the entry of 2 and 1 again",
            ),
            (
                "%%MatrixMarket matrix coordinate pattern general\n4000000000 4000000000 0\n",
                "4000000000 neurons, which take",
            ),
            ("", "header: nothing, expected"),
        ] {
            let message = matrix(text).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
