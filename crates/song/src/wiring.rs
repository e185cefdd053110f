//! Signs, types and initial values of units from files, as a connectome gives them.

use crate::config::NetworkConfig;
use crate::masks::{Wanted, numbers};
use neuropil_lab::error::LabError;
use neuropil_nn::network::Shape;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What files say about a network beside its masks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wiring {
    /// +1 excites, −1 inhibits, 0 is free; one per unit.
    pub signs: Option<Vec<i8>>,
    /// Type of each unit.
    pub types: Option<Vec<u32>>,
    /// Initial values by parameter array, row-major, from × to.
    pub initial: BTreeMap<String, Vec<f64>>,
}

/// Reads the files that a network's settings name; `who` is the network in messages, `masks` what was read before.
///
/// # Errors
/// A file that is missing, of another kind or shape; a sign or type that is none; an initial weight that is not finite,
/// does not exist by its mask, or has another sign than its presynaptic unit.
pub fn read_wiring(
    who: &str,
    net: &NetworkConfig,
    shape: Shape,
    masks: &BTreeMap<String, Vec<bool>>,
) -> Result<Wiring, LabError> {
    let n = shape.n_units;
    let mut wiring = Wiring::default();
    if let Some(file) = &net.signs {
        let expected = format!("{n} signs (1, -1 or 0), one per unit, for {who}.signs");
        let values = per_unit(file, "sign", n, expected, &|x| [-1.0, 0.0, 1.0].contains(&x))?;
        wiring.signs = Some(values.into_iter().map(|x| x as i8).collect());
    }
    if let Some(file) = &net.types {
        let expected = format!("{n} whole numbers ≥ 0, one per unit, for {who}.types");
        let whole = |x: f64| x >= 0.0 && x < f64::from(u32::MAX) && x.fract() == 0.0;
        let values = per_unit(file, "type", n, expected, &whole)?;
        wiring.types = Some(values.into_iter().map(|x| x as u32).collect());
    }
    let layout = shape.layout();
    for (name, file) in &net.initial {
        let entry = layout.entries().iter().find(|entry| entry.name == name);
        let shape = &entry.expect("the settings were checked").shape;
        let columns = *shape.last().expect("parameter arrays have one or two dimensions");
        let expected = match shape[..] {
            [rows, _] => format!("{rows} rows of {columns} numbers, from × to, for the initial {who}.{name}"),
            _ => format!("{columns} numbers for the initial {who}.{name}"),
        };
        let array = format!("initial.{name}");
        let wanted = Wanted {
            path: PathBuf::from(file),
            array: &array,
            shape,
            expected,
        };
        let values = read(&wanted, columns)?;
        let signs = wiring
            .signs
            .as_ref()
            .filter(|_| matches!(&name[..], "w_rec" | "w_gates"));
        for (i, &w) in values.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let place = format!("{w} at [{row}, {column}]");
            if !w.is_finite() {
                return Err(wanted.not(place));
            }
            if w != 0.0 && masks.get(name).is_some_and(|exists| !exists[i]) {
                return Err(wanted.not(format!("{place}, where {who}.masks.{name} has no connection")));
            }
            if let Some(signs) = signs
                && w * f64::from(signs[row]) < 0.0
            {
                let kind = if signs[row] > 0 { "excites" } else { "inhibits" };
                return Err(wanted.not(format!("{place}, from a unit that {kind} by {who}.signs")));
            }
        }
        wiring.initial.insert(name.clone(), values);
    }
    Ok(wiring)
}

/// `n` numbers that `fit`.
fn per_unit(
    file: &str,
    array: &str,
    n: usize,
    expected: String,
    fit: &dyn Fn(f64) -> bool,
) -> Result<Vec<f64>, LabError> {
    let wanted = Wanted {
        path: PathBuf::from(file),
        array,
        shape: &[n],
        expected,
    };
    let values = read(&wanted, n)?;
    match values.iter().position(|&x| !fit(x)) {
        Some(unit) => Err(wanted.not(format!("{} for unit {unit}", values[unit]))),
        None => Ok(values),
    }
}

/// Numbers of an `.npz` array, or of a `.csv` file: a matrix has one row a line, a vector any number of lines.
fn read(wanted: &Wanted, columns: usize) -> Result<Vec<f64>, LabError> {
    match wanted.path.extension().and_then(|ending| ending.to_str()) {
        Some("npz") => {
            let (shape, values) = numbers(&wanted.path, wanted.array, wanted)?;
            if shape == wanted.shape {
                return Ok(values);
            }
            Err(wanted.not(format!("array `{}` has shape {shape:?}", wanted.array)))
        }
        Some("csv") => {
            let text = std::fs::read_to_string(&wanted.path).map_err(|source| LabError::Io {
                path: wanted.path.clone(),
                doing: "read",
                source,
            })?;
            let mut values = Vec::new();
            let mut rows = 0;
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                rows += 1;
                let before = values.len();
                for (column, cell) in line.split(',').map(str::trim).enumerate() {
                    let found = || format!("row {rows}, column {} is `{cell}`", column + 1);
                    values.push(cell.parse().map_err(|_| wanted.not(found()))?);
                }
                let found = values.len() - before;
                if wanted.shape.len() == 2 && found != columns {
                    return Err(wanted.not(format!("row {rows} has {found} values")));
                }
            }
            match wanted.shape {
                [n] if values.len() != *n => Err(wanted.not(format!("{} values", values.len()))),
                [n, _] if rows != *n => Err(wanted.not(format!("{rows} rows"))),
                _ => Ok(values),
            }
        }
        _ => Err(wanted.not("a file that is neither .npz nor .csv".to_owned())),
    }
}
