//! Files of ids: which neurons are meant.

use super::columns;
use crate::data::Connectome;
use crate::error::DataError;
use neuropil_lab::file;
use neuropil_lab::table::{Records, is_missing};
use std::path::Path;

/// The neurons that a file names, ascending.
pub(crate) fn read(path: &Path, connectome: &Connectome) -> Result<Vec<usize>, DataError> {
    let text = file::text(path)?;
    let mut records = Records::new(path, &text);
    let (mut cells, mut chosen) = (Vec::new(), Vec::new());
    let (mut column, mut is_first) = (0, true);
    let mut headed = false;
    while let Some(line) = records.next_into(&mut cells)? {
        if std::mem::take(&mut is_first) && find(connectome, &cells[0]).is_none() {
            let head = cells.iter().map(std::convert::AsRef::as_ref);
            let named =
                columns::find(head.clone(), columns::ID).or_else(|| columns::find(head, columns::NAME));
            if let Some(named) = named {
                (column, headed) = (named, true);
                continue;
            }
        }
        // Several ids in a line, all of them neurons.
        if !headed && cells.len() > 1 {
            let all: Option<Vec<usize>> = cells.iter().map(|cell| find(connectome, cell)).collect();
            if let Some(all) = all {
                chosen.extend(all);
                continue;
            }
        }
        let name = cells.get(column).map_or("", |cell| cell.as_ref());
        if is_missing(name) && connectome.find(name).is_none() {
            let expected = "a neuron of this connectome";
            return Err(DataError::field(path, line, "id", format!("`{name}`"), expected));
        }
        let neuron = find(connectome, name).ok_or_else(|| {
            let found = format!("`{}`", file::shown(name));
            DataError::field(path, line, "id", found, "a neuron of this connectome")
        })?;
        chosen.push(neuron);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// The neuron of a cell, which a remark may follow.
fn find(connectome: &Connectome, cell: &str) -> Option<usize> {
    let before_remark = || cell.split_once('#').map(|(id, _)| id.trim());
    connectome
        .find(cell)
        .or_else(|| connectome.find(before_remark()?))
}
