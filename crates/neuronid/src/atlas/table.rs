//! An atlas as a file: a table with one row a neuron.

use super::{Atlas, AtlasNeuron, Metric};
use crate::error::{NeuronidError, content};
use neuropil_study::Table;
use std::collections::HashSet;
use std::path::Path;

const PLACE: [&str; 3] = ["x_um", "y_um", "z_um"];
const COLOUR: [&str; 3] = ["r", "g", "b"];
/// Upper triangles of the covariances of positions (µm²) and of colours.
const SPREAD: [[&str; 6]; 2] = [
    ["xx_um2", "xy_um2", "xz_um2", "yy_um2", "yz_um2", "zz_um2"],
    ["rr", "rg", "rb", "gg", "gb", "bb"],
];
const UPPER: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];

impl Atlas {
    /// One row a neuron: its mean place, and colour if there are colours, so that the table is a template like any other;
    /// `spread_um`, the root of the mean squared distance from that place; and the covariances.
    pub fn table(&self) -> Table {
        let of = |value: &dyn Fn(&AtlasNeuron) -> f64| self.neurons.iter().map(value).collect::<Vec<f64>>();
        let names: Vec<String> = self.neurons.iter().map(|neuron| neuron.name.clone()).collect();
        let spread = |neuron: &AtlasNeuron| (0..3).map(|k| neuron.covariance[k][k]).sum::<f64>().sqrt();
        let mut table = Table::new().with("name", names);
        for (k, name) in PLACE.into_iter().enumerate() {
            table = table.with(name, of(&|neuron| neuron.mean[k]));
        }
        table = table.with("spread_um", of(&spread));
        let parts = if self.coloured() { 2 } else { 1 };
        if parts == 2 {
            for (k, name) in COLOUR.into_iter().enumerate() {
                table = table.with(name, of(&|neuron| neuron.mean[3 + k]));
            }
        }
        for (part, columns) in SPREAD.iter().enumerate().take(parts) {
            for (name, (i, j)) in columns.iter().zip(UPPER) {
                table = table.with(*name, of(&|neuron| neuron.covariance[3 * part + i][3 * part + j]));
            }
        }
        table
    }

    /// Reads what [`Atlas::table`] made.
    ///
    /// # Errors
    /// Not a table with names, places and covariances; a name that stands twice; a covariance that is not positive definite.
    pub fn read(path: &Path) -> Result<Self, NeuronidError> {
        let table = Table::read(path)?;
        let parts = if table.find(&["rr"]).is_some() { 2 } else { 1 };
        if table.find(&[SPREAD[0][0]]).is_none() {
            return Err(content(
                path,
                "no covariances",
                "an atlas as `neuropil neuronid atlas` writes it (a mean animal without them is a `--template`)",
            ));
        }
        let mut neurons: Vec<AtlasNeuron> = table
            .texts("name")?
            .into_iter()
            .map(|name| AtlasNeuron {
                name,
                mean: [0.0; 6],
                covariance: [[0.0; 6]; 6],
            })
            .collect();
        for (part, columns) in [PLACE, COLOUR].iter().enumerate().take(parts) {
            for (k, name) in columns.iter().enumerate() {
                let values = table.finite(name)?;
                neurons
                    .iter_mut()
                    .zip(values)
                    .for_each(|(neuron, value)| neuron.mean[3 * part + k] = value);
            }
            for (name, (i, j)) in SPREAD[part].iter().zip(UPPER) {
                for (neuron, value) in neurons.iter_mut().zip(table.finite(name)?) {
                    neuron.covariance[3 * part + i][3 * part + j] = value;
                    neuron.covariance[3 * part + j][3 * part + i] = value;
                }
            }
        }
        let mut seen = HashSet::new();
        for (row, neuron) in neurons.iter().enumerate() {
            if neuron.name.is_empty() || !seen.insert(&neuron.name) {
                return Err(table.wrong("name", row, "each neuron once, by its name").into());
            }
        }
        if neurons.is_empty() {
            return Err(content(path, "no rows", "one row a neuron"));
        }
        Metric::of(&neurons, 3 * parts)
            .map_err(|error| content(path, error.to_string(), "a covariance as it was written"))?;
        Ok(Self { neurons })
    }
}
