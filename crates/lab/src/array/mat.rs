//! MATLAB's MAT-files of version 5 as arrays by name.
//!
//! A field of a structure is `name.field`, of a structure array `name(2).field`, a cell `name{2}` (MATLAB counts from 1).
//! Matrices keep the axes that MATLAB gives them.

use super::npy;
use crate::error::LabError;
use crate::mat::{Content, Variable, parse_mat};
use neuropil_math::arrays::{Arrays, Values};
use std::path::Path;

/// Every variable of a file.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Arrays, LabError> {
    let damaged = |found| LabError::content(path, found, "a MATLAB file of version 5 to 7");
    let mut arrays = Arrays::new();
    for variable in parse_mat(bytes).map_err(damaged)? {
        let name = variable.name.clone();
        add(path, &mut arrays, name, variable)?;
    }
    Ok(arrays)
}

fn add(path: &Path, arrays: &mut Arrays, name: String, variable: Variable) -> Result<(), LabError> {
    let Variable { shape, content, .. } = variable;
    let array = match content {
        Content::Numbers(values) => {
            if npy::length(&shape) != Some(values.len()) {
                let found = format!("{} values for shape {shape:?}", values.len());
                return Err(LabError::place(path, 0, name, found, "as many as the shape says"));
            }
            let values = npy::row_major(&shape, &values);
            (shape, Values::F64(values))
        }
        Content::Text(text) => (vec![1], Values::Text(vec![text])),
        Content::Structure(elements) => {
            let n = elements.len();
            for (k, fields) in elements.into_iter().enumerate() {
                let place = if n == 1 {
                    String::new()
                } else {
                    format!("({})", k + 1)
                };
                for field in fields {
                    let inside = format!("{name}{place}.{}", field.name);
                    add(path, arrays, inside, field)?;
                }
            }
            return Ok(());
        }
        Content::Cells(cells) => {
            for (k, cell) in cells.into_iter().enumerate() {
                add(path, arrays, format!("{name}{{{}}}", k + 1), cell)?;
            }
            return Ok(());
        }
        // Objects, functions: nothing here asks for them.
        Content::Other(_) => return Ok(()),
    };
    if arrays.insert(name.clone(), array).is_some() {
        return Err(LabError::place(
            path,
            0,
            name,
            "two variables of one name",
            "every name once",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_and_cells_are_told_by_their_names() {
        let leaf = |name: &str, content| Variable {
            name: name.to_owned(),
            shape: vec![1, 2],
            content,
        };
        let numbers = || Content::Numbers(vec![1.0, 2.0]);
        let mut arrays = Arrays::new();
        let mut put = |name: &str, content| {
            add(
                Path::new("a.mat"),
                &mut arrays,
                name.to_owned(),
                leaf(name, content),
            )
        };
        put("x", numbers()).unwrap();
        put("s", Content::Structure(vec![vec![leaf("dt", numbers())]])).unwrap();
        put(
            "t",
            Content::Structure(vec![vec![leaf("a", numbers())], vec![leaf("a", numbers())]]),
        )
        .unwrap();
        put(
            "c",
            Content::Cells(vec![leaf("", Content::Text("cm".to_owned()))]),
        )
        .unwrap();
        assert!(
            put("x", numbers())
                .unwrap_err()
                .to_string()
                .contains("two variables of one name")
        );
        assert_eq!(
            arrays.keys().collect::<Vec<_>>(),
            ["c{1}", "s.dt", "t(1).a", "t(2).a", "x"]
        );
    }
}
