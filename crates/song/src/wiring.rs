//! Signs, types and initial values of units from files, as a connectome gives them.

use crate::array_file::{ArrayFile, ArrayFileError};
use crate::config::NetworkConfig;
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
) -> Result<Wiring, Box<ArrayFileError>> {
    let n = shape.n_units;
    let mut wiring = Wiring::default();
    let per_unit =
        |path: &str, setting: &str, array: &str, values: &str, meaning: &str, fit: &dyn Fn(f64) -> bool| {
            let file = ArrayFile {
                path: PathBuf::from(path),
                field: format!("{who}.{setting}"),
                array,
                shape: &[n],
                expected: format!("{n} {values}, one per unit"),
                meaning,
            };
            let values = file.read()?;
            match values.iter().position(|&x| !fit(x)) {
                Some(unit) => Err(file.wrong_value(unit, values[unit])),
                None => Ok(values),
            }
        };
    if let Some(path) = &net.signs {
        let meaning = "1: excites, -1: inhibits, 0: free";
        let is_sign = |x| [-1.0, 0.0, 1.0].contains(&x);
        let signs = per_unit(path, "signs", "sign", "signs (1, -1 or 0)", meaning, &is_sign)?;
        wiring.signs = Some(signs.into_iter().map(|x| x as i8).collect());
    }
    if let Some(path) = &net.types {
        let is_whole = |x: f64| x >= 0.0 && x < f64::from(u32::MAX) && x.fract() == 0.0;
        let meaning = "units with the same number are of one type";
        let types = per_unit(path, "types", "type", "whole numbers ≥ 0", meaning, &is_whole)?;
        wiring.types = Some(types.into_iter().map(|x| x as u32).collect());
    }
    let layout = shape.layout();
    for (name, path) in &net.initial {
        let entry = layout.entries().iter().find(|entry| entry.name == *name);
        let shape = &entry.expect("the settings were checked").shape;
        let columns = *shape.last().expect("parameter arrays have one or two dimensions");
        let array = format!("initial.{name}");
        let file = ArrayFile {
            path: PathBuf::from(path),
            field: format!("{who}.initial.{name}"),
            array: &array,
            shape,
            expected: match shape[..] {
                [rows, _] => format!("{rows} rows of {columns} numbers, from × to"),
                _ => format!("{columns} numbers"),
            },
            meaning: "a finite number; no header",
        };
        let values = file.read()?;
        let recurrent = matches!(&name[..], "w_rec" | "w_gates");
        let signs = wiring.signs.as_ref().filter(|_| recurrent);
        for (i, &w) in values.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            if !w.is_finite() {
                return Err(file.wrong_value(i, w));
            }
            if w != 0.0 && masks.get(name).is_some_and(|exists| !exists[i]) {
                let found = format!("{w} at [{row}, {column}], where {who}.masks.{name} has no connection");
                return Err(file.error(found, "0 where the mask is 0"));
            }
            if let Some(signs) = signs
                && w * f64::from(signs[row]) < 0.0
            {
                let kind = if signs[row] > 0 { "excites" } else { "inhibits" };
                let found = format!("{w} at [{row}, {column}], from a unit that {kind} by {who}.signs");
                return Err(file.error(found, "give weights the sign of the unit that they come from"));
            }
        }
        wiring.initial.insert(name.clone(), values);
    }
    Ok(wiring)
}
