//! Arrays: SciPy's sparse matrices, and dense square ones, of any file that holds arrays.

use super::builder::NEURON;
use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::Csr;
use neuropil_lab::{array, memory};
use neuropil_math::arrays::{Array, Arrays, Values};
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the array that holds the neurons' ids.
///
/// Compared without case, `_` and a final `s`.
const IDS: &[&str] = &[
    "id",
    "label",
    "name",
    "neuron",
    "node",
    "rootid",
    "bodyid",
    "skid",
    "nodeid",
    "neuronid",
    "segmentid",
];

fn plain(name: &str) -> String {
    let name = name.to_lowercase().replace('_', "");
    name.strip_suffix('s').unwrap_or(&name).to_owned()
}

type Edges = Vec<(u32, u32, f64)>;

/// SciPy's CSR, CSC, COO, BSR or DIA, or a dense square matrix (`wanted` says which of several); ids from an array
/// `ids` if there is one, else 0, 1, ….
pub(super) fn connectome(path: &Path, wanted: Option<&str>) -> Result<Connectome, DataError> {
    let mut file = ArrayFile {
        path,
        arrays: array::read(path)?,
    };
    let (n, edges) =
        if wanted.is_none() && file.arrays.contains_key("shape") && file.arrays.contains_key("data") {
            file.sparse()?
        } else {
            file.dense(wanted)?
        };
    if let Some(&(i, j, w)) = edges.iter().find(|edge| !edge.2.is_finite()) {
        return Err(file.wrong("data", format!("{w} at ({i}, {j})"), "finite numbers"));
    }
    let (ids, labels) = file.ids(n)?;
    Ok(Connectome {
        ids,
        labels,
        layers: BTreeMap::from([("chem".to_owned(), Csr::from_edges(n, edges))]),
        sides: vec![Side::Centre; n],
        ..Connectome::default()
    })
}

struct ArrayFile<'a> {
    path: &'a Path,
    arrays: Arrays,
}

impl ArrayFile<'_> {
    fn wrong(&self, field: &str, found: impl Into<String>, expected: &str) -> DataError {
        DataError::field(self.path, 0, field, found, expected)
    }

    fn integers(&self, name: &str) -> Result<Vec<i64>, DataError> {
        let Some((_, values)) = self.arrays.get(name) else {
            return Err(self.wrong(name, "nothing", "an array of whole numbers"));
        };
        values
            .integers()
            .ok_or_else(|| self.wrong(name, values.kind(), "an array of whole numbers"))
    }

    /// Places from 0 to `below`.
    fn places(&self, name: &str, below: usize) -> Result<Vec<usize>, DataError> {
        let place = |value: i64| usize::try_from(value).ok().filter(|&place| place < below);
        let values = self.integers(name)?;
        values
            .iter()
            .map(|&value| {
                place(value)
                    .ok_or_else(|| self.wrong(name, value.to_string(), &format!("0 to {below}, without it")))
            })
            .collect()
    }

    /// Rows of a compressed matrix: where each begins in `n_entries`, and the end of the last.
    fn pointer(&self, rows: usize, n_entries: usize) -> Result<Vec<usize>, DataError> {
        let pointer = self.places("indptr", n_entries + 1)?;
        if pointer.len() != rows + 1 {
            return Err(self.wrong(
                "indptr",
                format!("{} values", pointer.len()),
                &format!("{}, one more than rows", rows + 1),
            ));
        }
        let rises = pointer.windows(2).all(|pair| pair[0] <= pair[1]);
        if !rises || pointer[0] != 0 || pointer[rows] != n_entries {
            return Err(self.wrong(
                "indptr",
                "values that do not rise from 0",
                &format!("the last to be {n_entries}"),
            ));
        }
        Ok(pointer)
    }

    fn data(&self) -> Result<(&[usize], Vec<f64>), DataError> {
        let (shape, values) = &self.arrays["data"];
        let numbers = values
            .numbers()
            .ok_or_else(|| self.wrong("data", values.kind(), "an array of numbers"))?;
        Ok((shape, numbers))
    }

    fn sparse(&self) -> Result<(usize, Edges), DataError> {
        let shape = self.integers("shape")?;
        let n = match shape[..] {
            [rows, columns] if rows == columns => usize::try_from(rows).ok(),
            _ => None,
        };
        let n = n.ok_or_else(|| self.wrong("shape", format!("{shape:?}"), "a square matrix"))?;
        memory::claim(self.path, &format!("{n} neurons"), n, NEURON)?;
        let format = match self.arrays.get("format") {
            Some((_, Values::Text(texts))) if texts.len() == 1 => texts[0].as_str(),
            Some((_, values)) => return Err(self.wrong("format", values.kind(), "the name of a format")),
            None => "csr",
        };
        let edges = match format {
            "csr" => self.compressed(n)?,
            "csc" => self
                .compressed(n)?
                .into_iter()
                .map(|(i, j, w)| (j, i, w))
                .collect(),
            "coo" => self.coordinates(n)?,
            "bsr" => self.blocks(n)?,
            "dia" => self.diagonals(n)?,
            other => {
                let found = format!("`{}`", neuropil_lab::file::shown(other));
                return Err(self.wrong("format", found, "csr, csc, coo, bsr or dia"));
            }
        };
        Ok((n, edges))
    }

    fn compressed(&self, n: usize) -> Result<Edges, DataError> {
        let (_, data) = self.data()?;
        let minor = self.places("indices", n)?;
        if minor.len() != data.len() {
            return Err(self.wrong(
                "indices",
                format!("{} places", minor.len()),
                &format!("{}, one a value", data.len()),
            ));
        }
        let pointer = self.pointer(n, data.len())?;
        let mut edges = Vec::with_capacity(data.len());
        for i in 0..n {
            for k in pointer[i]..pointer[i + 1] {
                edges.push((i as u32, minor[k] as u32, data[k]));
            }
        }
        Ok(edges)
    }

    fn coordinates(&self, n: usize) -> Result<Edges, DataError> {
        let (_, data) = self.data()?;
        let (rows, columns) = (self.places("row", n)?, self.places("col", n)?);
        if rows.len() != data.len() || columns.len() != data.len() {
            let found = format!("{} rows and {} columns", rows.len(), columns.len());
            return Err(self.wrong("row", found, &format!("{} of each, one a value", data.len())));
        }
        let places = rows.iter().zip(&columns).zip(&data);
        Ok(places.map(|((&i, &j), &w)| (i as u32, j as u32, w)).collect())
    }

    /// Rows of blocks: `data` is block × row × column.
    fn blocks(&self, n: usize) -> Result<Edges, DataError> {
        let (shape, data) = self.data()?;
        let &[n_blocks, height, width] = shape else {
            return Err(self.wrong("data", format!("shape {shape:?}"), "blocks × rows × columns"));
        };
        if height == 0 || width == 0 || !n.is_multiple_of(height) || !n.is_multiple_of(width) {
            return Err(self.wrong(
                "data",
                format!("blocks of {height} × {width}"),
                &format!("blocks that divide {n}"),
            ));
        }
        let minor = self.places("indices", n / width)?;
        if minor.len() != n_blocks {
            return Err(self.wrong(
                "indices",
                format!("{} places", minor.len()),
                &format!("{n_blocks}, one a block"),
            ));
        }
        let pointer = self.pointer(n / height, n_blocks)?;
        let mut edges = Vec::new();
        for row in 0..n / height {
            for block in pointer[row]..pointer[row + 1] {
                for (k, &w) in data[block * height * width..][..height * width]
                    .iter()
                    .enumerate()
                {
                    let (i, j) = (row * height + k / width, minor[block] * width + k % width);
                    if w != 0.0 {
                        edges.push((i as u32, j as u32, w));
                    }
                }
            }
        }
        Ok(edges)
    }

    /// Diagonals: `data[k, j]` stands at (j − offset k, j).
    fn diagonals(&self, n: usize) -> Result<Edges, DataError> {
        let (shape, data) = self.data()?;
        let offsets = self.integers("offsets")?;
        let &[n_diagonals, length] = shape else {
            return Err(self.wrong("data", format!("shape {shape:?}"), "diagonals × columns"));
        };
        if offsets.len() != n_diagonals {
            return Err(self.wrong(
                "offsets",
                format!("{} offsets", offsets.len()),
                &format!("{n_diagonals}, one a diagonal"),
            ));
        }
        let mut edges = Vec::new();
        for (k, &offset) in offsets.iter().enumerate() {
            for j in 0..length.min(n) {
                let i = (j as i64).saturating_sub(offset);
                let w = data[k * length + j];
                if (0..n as i64).contains(&i) && w != 0.0 {
                    edges.push((i as u32, j as u32, w));
                }
            }
        }
        Ok(edges)
    }

    /// The one square matrix of the file, or the one that is wanted.
    fn dense(&self, wanted: Option<&str>) -> Result<(usize, Edges), DataError> {
        let is_square = |array: &&Array| matches!(array.0[..], [rows, columns] if rows == columns);
        let square = |(name, array): (&String, &Array)| {
            (is_square(&array) && !matches!(array.1, Values::Text(_))).then(|| name.clone())
        };
        let names: Vec<String> = self.arrays.iter().filter_map(square).collect();
        let listed = || format!("`{}`", names.join("`, `"));
        let name = match (wanted, &names[..]) {
            (Some(wanted), _) if names.iter().any(|name| name == wanted) => wanted,
            (Some(wanted), []) => return Err(self.wrong(wanted, "no square matrix", "one of that name")),
            (Some(wanted), _) => {
                return Err(self.wrong(
                    wanted,
                    format!("only {}", listed()),
                    "a square matrix of that name",
                ));
            }
            (None, [one]) => one,
            (None, []) => {
                return Err(self.wrong(
                    "",
                    "no square matrix",
                    "SciPy sparse rows or a dense square matrix",
                ));
            }
            (None, several) => {
                let found = format!("{} square matrices, {}", several.len(), listed());
                return Err(self.wrong("", found, "one").hint(format!(
                    "`{}#{}` says which",
                    self.path.display(),
                    several[0]
                )));
            }
        };
        let (shape, values) = &self.arrays[name];
        let (n, values) = (shape[0], values.numbers().unwrap_or_default());
        memory::claim(self.path, &format!("{n} neurons"), n, NEURON)?;
        let nonzero = (0..values.len()).filter(|&k| values[k] != 0.0);
        Ok((
            n,
            nonzero
                .map(|k| ((k / n) as u32, (k % n) as u32, values[k]))
                .collect(),
        ))
    }

    /// Ids, or labels, of `n` neurons.
    fn ids(&mut self, n: usize) -> Result<(Vec<i64>, Option<Vec<String>>), DataError> {
        // An array of another length under one of the wider names may mean something else.
        let named = |wanted: &&str| {
            let mut all = self.arrays.iter();
            all.find(|(name, (_, values))| plain(name) == **wanted && (*name == "ids" || values.len() == n))
                .map(|(name, _)| name.clone())
        };
        let Some(name) = IDS.iter().find_map(named) else {
            return Ok(((0..n as i64).collect(), None));
        };
        let name = name.as_str();
        let Some((_, values)) = self.arrays.remove(name) else {
            return Ok((Vec::new(), None));
        };
        if values.len() != n {
            return Err(self.wrong(name, format!("{} ids", values.len()), &format!("{n}, one a row")));
        }
        let again = |id: String| self.wrong(name, format!("the id `{id}` again"), "every id once");
        if let Values::Text(labels) = values {
            if let Some(label) = twice(&labels) {
                let hint = "whole numbers lose digits as floating-point ones: save them as integers or text";
                return Err(again(label.clone()).hint(hint));
            }
            let numbers: Option<Vec<i64>> = labels.iter().map(|label| label.parse().ok()).collect();
            return Ok(match numbers {
                Some(ids) => (ids, None),
                None => ((0..n as i64).collect(), Some(labels)),
            });
        }
        let kind = values.kind();
        let hint = "ids beyond 2^53 lose digits as floating-point numbers: save them as integers or text";
        let Some(ids) = values.integers() else {
            return Err(self
                .wrong(
                    name,
                    format!("{kind} that are not whole or beyond 2^53"),
                    "whole numbers",
                )
                .hint(hint));
        };
        match twice(&ids) {
            Some(id) => Err(again(id.to_string()).hint(if kind == "whole numbers" { "" } else { hint })),
            None => Ok((ids, None)),
        }
    }
}

/// The first of some values that is there twice.
fn twice<T: Ord>(values: &[T]) -> Option<&T> {
    let mut sorted: Vec<&T> = values.iter().collect();
    sorted.sort_unstable();
    sorted
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_lab::array::Npz;

    fn load(fill: impl FnOnce(&mut Npz)) -> Result<Connectome, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let mut npz = Npz::default();
        fill(&mut npz);
        npz.write(&path).unwrap();
        connectome(&path, None).map_err(|error| error.to_string())
    }

    fn format(npz: &mut Npz, name: &str, n: i64) {
        npz.add_texts("format", &[], &[name.to_owned()]);
        npz.add("shape", &[2], vec![n, n]);
    }

    #[test]
    fn shapes_and_places_that_lie_are_refused() {
        let huge = load(|npz| {
            format(npz, "coo", 5_000_000_000);
            npz.add("data", &[1], vec![1.0]);
            npz.add("row", &[1], vec![4_999_999_999_i64]);
            npz.add("col", &[1], vec![0_i64]);
        });
        assert!(huge.unwrap_err().contains("5000000000 neurons, which take"));
        let short = load(|npz| {
            format(npz, "csr", 3);
            npz.add("data", &[1], vec![1.0]);
            npz.add("indices", &[1], vec![0_i32]);
            npz.add("indptr", &[2], vec![0_i32, 1]);
        });
        assert!(
            short
                .unwrap_err()
                .contains("indptr: 2 values, expected 4, one more than rows")
        );
        let outside = load(|npz| {
            format(npz, "csr", 1);
            npz.add("data", &[1], vec![1.0]);
            npz.add("indices", &[1], vec![-1_i32]);
            npz.add("indptr", &[2], vec![0_i32, 1]);
        });
        assert!(
            outside
                .unwrap_err()
                .contains("indices: -1, expected 0 to 1, without it")
        );
        let ids = load(|npz| {
            npz.add("w", &[2, 2], vec![0.0, 1.0, 0.0, 0.0]);
            npz.add("ids", &[2], vec![7_i64, 7]);
        });
        assert!(ids.unwrap_err().contains("ids: the id `7` again"));
    }

    #[test]
    fn floats_are_ids_while_they_keep_every_digit() {
        let c = load(|npz| {
            npz.add("w", &[2, 2], vec![0.0, 1.0, 0.0, 0.0]);
            npz.add("ids", &[2], vec![7.0, 3.0]);
        });
        assert_eq!(c.unwrap().ids, [7, 3]);
        let c = load(|npz| {
            npz.add("w", &[2, 2], vec![0.0, 1.0, 0.0, 0.0]);
            npz.add("ids", &[2], vec![7.2e17, 7.3e17]);
        });
        assert!(c.unwrap_err().contains("hint: ids beyond 2^53"));
    }
}
