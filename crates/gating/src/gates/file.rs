//! Gates that were made elsewhere: a table with the columns `task`, `layer` (from 1) and one per unit, in order.

use super::Gates;
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use neuropil_lab::table::Table;
use std::path::Path;

/// Reads a table of gates.
///
/// # Errors
/// A table without these columns, tasks or layers left out, and what [`Gates::given`] refuses.
pub(crate) fn read(path: &Path) -> Result<Gates, GatingError> {
    let table = Table::read(path)?;
    let named =
        |problem: GatingError| GatingError::from(Problem::from(problem).in_file(path.display().to_string()));
    let (tasks, layers) = (table.integers("task")?, table.integers("layer")?);
    let columns: Vec<String> = table
        .names()
        .filter(|name| !["task", "layer"].contains(name))
        .map(str::to_owned)
        .collect();
    let units: Vec<Vec<f64>> = columns
        .iter()
        .map(|name| table.numbers(name))
        .collect::<Result<_, _>>()?;
    let mut gates: Vec<Vec<Vec<f32>>> = Vec::new();
    for row in 0..table.n_rows() {
        let gate: Vec<f64> = units.iter().map(|column| column[row]).collect();
        // A narrower layer leaves its last columns empty.
        let width = gate
            .iter()
            .rposition(|gate| !gate.is_nan())
            .map_or(0, |last| last + 1);
        let (task, layer) = (tasks[row], layers[row]);
        let (next_task, next_layer) = match gates.last() {
            Some(last) if task + 1 == gates.len() as i64 => (task, last.len() as i64 + 1),
            _ => (gates.len() as i64, 1),
        };
        if (task, layer) != (next_task, next_layer) {
            let message = format!(
                "task {task}, layer {layer} in line {}, expected task {next_task}, layer {next_layer}",
                table.line(row)
            );
            return Err(named(
                Problem::new(message, "tasks from 0, in each the layers from 1, in order").into(),
            ));
        }
        if layer == 1 {
            gates.push(Vec::new());
        }
        let last = gates.last_mut().expect("a task that was begun");
        last.push(gate[..width].iter().map(|&gate| gate as f32).collect());
    }
    Gates::given(gates).map_err(named)
}
