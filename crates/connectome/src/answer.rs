//! What the commands answer: one JSON value with ids, the same as a short table, and figures.

mod cascades;
mod circuits;
mod order;
mod senses;
mod sides;
mod types;
mod units;
mod wiring;

pub use cascades::{CascadeQuestion, cascade_answer, stops};
pub use circuits::{
    InfluenceQuestion, LayersQuestion, NullQuestion, PathsQuestion, Strong, influence_answer, layers_answer,
    list_paths, motifs_answer, nulls_answer, paths_answer,
};
pub use order::flow_answer;
pub use senses::integration_answer;
pub use sides::{hemispheres_answer, symmetry_answer};
pub(crate) use types::typed;
pub use types::{TypesQuestion, types_answer};
pub use units::{direction_answer, feedback_answer, recurrence_answer};
pub use wiring::{edges_answer, hubs_answer, stats_answer};

use crate::data::Connectome;
use crate::error::DataError;
use crate::figures::Drawn;
use neuropil_draw::DrawError;
use neuropil_lab::table::{Form, Table, csv_text};
use serde_json::Value;
use std::collections::BTreeMap;

/// An answer for people and for machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Everything, with the ids of the data.
    pub json: Value,
    /// Sentences with the main numbers.
    pub summary: Vec<String>,
    /// Headers of the table.
    pub headers: Vec<String>,
    /// All rows; people are shown the first.
    pub rows: Vec<Vec<String>>,
    /// Figures with the numbers they show.
    pub figures: Vec<Drawn>,
}

impl Answer {
    /// The answer without the figures that these data leave empty, which the summary names.
    pub fn drawable(mut self) -> Self {
        let summary = &mut self.summary;
        self.figures.retain(|(figure, _)| match figure.to_svg() {
            Err(DrawError::Empty { .. } | DrawError::Range { .. }) => {
                summary.push(format!("no figure `{}`: these data leave it empty", figure.name));
                false
            }
            _ => true,
        });
        self
    }

    /// The whole table as the bytes of a file.
    ///
    /// # Errors
    /// Parquet in a build without it.
    pub fn table_bytes(&self, form: Form) -> Result<Vec<u8>, DataError> {
        match form {
            // Numbers keep the digits that were chosen for them.
            Form::Csv => Ok(csv_text(&self.headers, &self.rows).into_bytes()),
            other => Ok(Table::of_rows(&self.headers, &self.rows).bytes(other)?),
        }
    }
}

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn ids(connectome: &Connectome, neurons: &[usize]) -> Vec<Value> {
    neurons.iter().map(|&i| connectome.id_json(i)).collect()
}

fn listed(values: &[f64]) -> String {
    values
        .iter()
        .map(|v| format!("{v:.1}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A number as JSON, `null` where it is not finite.
fn finite(x: f64) -> Value {
    if x.is_finite() { x.into() } else { Value::Null }
}

/// Neurons by the text of a column; those without a text are left out.
fn by_text(connectome: &Connectome, column: &str) -> BTreeMap<String, Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, text) in connectome.texts(column).into_iter().enumerate() {
        if !text.is_empty() {
            groups.entry(text).or_default().push(i);
        }
    }
    groups
}
