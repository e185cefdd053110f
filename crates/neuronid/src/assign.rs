//! Optimal assignment: the one-to-one pairing of least total cost.
//!
//! Shortest augmenting paths with potentials (Jonker & Volgenant 1987; Crouse 2016, for rectangular matrices).

use crate::error::NeuronidError;

/// Pairs (row, column) of least total cost in `cost` \[rows\]\[columns\], min(rows, columns) of them, rows ascending.
///
/// Costs may be +∞ (forbidden) but not NaN or −∞. Of equally good columns the lowest is taken first.
///
/// ```
/// use neuropil_neuronid::assign::assign;
/// let pairs = assign(&[4.0, 1.0, 3.0, 2.0, 0.0, 5.0], 3)?;
/// assert_eq!(pairs, [(0, 1), (1, 0)]);
/// # Ok::<(), neuropil_neuronid::error::NeuronidError>(())
/// ```
///
/// # Errors
/// No pairing avoids the forbidden pairs; a cost that is no number.
pub fn assign(cost: &[f64], columns: usize) -> Result<Vec<(usize, usize)>, NeuronidError> {
    let rows = cost.len().checked_div(columns).unwrap_or(0);
    if let Some(bad) = cost.iter().position(|c| c.is_nan() || *c == f64::NEG_INFINITY) {
        return Err(NeuronidError::Cost {
            row: bad / columns,
            column: bad % columns,
        });
    }
    if rows <= columns {
        let row_of = shortest_paths(rows, columns, |r, c| cost[r * columns + c])?;
        let mut pairs: Vec<(usize, usize)> = row_of
            .iter()
            .enumerate()
            .filter_map(|(column, row)| row.map(|row| (row, column)))
            .collect();
        pairs.sort_unstable();
        return Ok(pairs);
    }
    let column_of = shortest_paths(columns, rows, |c, r| cost[r * columns + c])?;
    Ok(column_of
        .iter()
        .enumerate()
        .filter_map(|(row, column)| column.map(|column| (row, column)))
        .collect())
}

/// For each column the row that it is given to; rows ≤ columns.
fn shortest_paths(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> f64,
) -> Result<Vec<Option<usize>>, NeuronidError> {
    let (mut u, mut v) = (vec![0.0; rows], vec![0.0; columns]);
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    for first in 0..rows {
        let mut distance = vec![f64::INFINITY; columns];
        let mut before: Vec<Option<usize>> = vec![None; columns];
        let mut done = vec![false; columns];
        let (mut row, mut last, mut length) = (first, None, 0.0);
        let end = loop {
            let mut nearest: Option<usize> = None;
            for column in (0..columns).filter(|&column| !done[column]) {
                let through = length + cost(row, column) - u[row] - v[column];
                if through < distance[column] {
                    (distance[column], before[column]) = (through, last);
                }
                let closer = nearest.is_none_or(|nearest| {
                    distance[column] < distance[nearest]
                        // Among equals a free column ends the search.
                        || (distance[column] == distance[nearest] && row_of[column].is_none() && row_of[nearest].is_some())
                });
                if closer {
                    nearest = Some(column);
                }
            }
            let column = nearest
                .filter(|&column| distance[column].is_finite())
                .ok_or(NeuronidError::Infeasible)?;
            (length, last, done[column]) = (distance[column], Some(column), true);
            match row_of[column] {
                Some(taken) => row = taken,
                None => break column,
            }
        };
        u[first] += length;
        for column in (0..columns).filter(|&column| done[column]) {
            if let Some(row) = row_of[column] {
                u[row] += length - distance[column];
            }
            v[column] -= length - distance[column];
        }
        let mut column = end;
        while let Some(previous) = before[column] {
            row_of[column] = row_of[previous];
            column = previous;
        }
        row_of[column] = Some(first);
    }
    Ok(row_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Least total cost by trying everything.
    fn exhaustive(cost: &[f64], columns: usize, row: usize, used: &mut Vec<bool>, skips: usize) -> f64 {
        let rows = cost.len() / columns;
        if row == rows {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        if skips > 0 {
            best = exhaustive(cost, columns, row + 1, used, skips - 1);
        }
        for column in 0..columns {
            if !used[column] {
                used[column] = true;
                let rest = exhaustive(cost, columns, row + 1, used, skips);
                best = best.min(cost[row * columns + column] + rest);
                used[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_pairing_is_cheaper(
            rows in 1_usize..6, columns in 1_usize..6, values in prop::collection::vec(0_i32..6, 25),
            forbidden in prop::collection::vec(prop::bool::weighted(0.2), 25),
        ) {
            let cost: Vec<f64> = (0..rows * columns)
                .map(|i| if forbidden[i] { f64::INFINITY } else { f64::from(values[i]) })
                .collect();
            let skips = rows.saturating_sub(columns);
            let best = exhaustive(&cost, columns, 0, &mut vec![false; columns], skips);
            match assign(&cost, columns) {
                Ok(pairs) => {
                    let total: f64 = pairs.iter().map(|&(r, c)| cost[r * columns + c]).sum();
                    prop_assert_eq!(pairs.len(), rows.min(columns));
                    prop_assert_eq!(total, best);
                    let mut columns: Vec<usize> = pairs.iter().map(|&(_, c)| c).collect();
                    columns.sort_unstable();
                    columns.dedup();
                    prop_assert_eq!(columns.len(), pairs.len());
                }
                Err(_) => prop_assert!(best.is_infinite()),
            }
        }
    }
}
