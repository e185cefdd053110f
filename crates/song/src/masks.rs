//! Masks of weights from files: who is connected to whom, as an anatomist would give it.

use crate::array_file::{ArrayFile, ArrayFileError};
use crate::config::NetworkConfig;
use neuropil_nn::network::Shape;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Masks of a network's parameter arrays, row-major, as its settings name them; `who` is the network in messages.
///
/// An `.npz` file holds an array of the parameter's name and shape, a `.csv` file one row of zeros and ones a line,
/// from × to.
///
/// # Errors
/// A file that is missing, of another kind or shape, or holds anything but zeros and ones.
pub fn read_masks(
    who: &str,
    net: &NetworkConfig,
    shape: Shape,
) -> Result<BTreeMap<String, Vec<bool>>, Box<ArrayFileError>> {
    let layout = shape.layout();
    let mut masks = BTreeMap::new();
    for (name, path) in &net.masks {
        let entry = layout.entries().iter().find(|entry| entry.name == *name);
        let shape = &entry.expect("the settings were checked").shape;
        let file = ArrayFile {
            path: PathBuf::from(path),
            field: format!("{who}.masks.{name}"),
            array: name,
            shape,
            expected: format!("{} rows of {} zeros and ones, from × to", shape[0], shape[1]),
            meaning: "0: no connection, 1: a connection; no header",
        };
        let flag = |(i, x): (usize, f64)| match x {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(file.wrong_value(i, x)),
        };
        let flags: Result<Vec<bool>, _> = file.read()?.into_iter().enumerate().map(flag).collect();
        masks.insert(name.clone(), flags?);
    }
    Ok(masks)
}
