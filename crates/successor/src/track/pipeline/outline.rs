//! Which bins are states: round arenas have no corners.

use super::{Mapping, Outline, Pipeline, Scale};
use crate::fang2023 as paper;
use crate::fields::Grid;

/// Least ratio of the axes of what is called round without being told.
const ROUND: f64 = 0.75;

/// Centre and half axes of the arena, bins: its edges where they are given, else those of the track.
fn ellipse(mapping: &Mapping, positions: &[[f64; 2]], pipeline: &Pipeline) -> [(f64, f64); 2] {
    [0, 1].map(|axis| {
        let (low, high) = match pipeline.scale {
            Scale::Arena { .. } => (0.0, mapping.size_cm[axis]),
            _ => positions
                .iter()
                .map(|at| at[axis])
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                    (low.min(x), high.max(x))
                }),
        };
        (
            f64::midpoint(low, high) / mapping.bin_cm,
            (high - low) / 2.0 / mapping.bin_cm,
        )
    })
}

pub(super) fn grid(
    mapping: &Mapping,
    states: &[usize],
    positions: &[[f64; 2]],
    pipeline: &Pipeline,
    notes: &mut Vec<String>,
) -> Grid {
    let [width, height] = mapping.bins();
    let mut grid = Grid::full(width, height);
    let mut samples = vec![0; grid.bins()];
    states.iter().for_each(|&state| samples[state] += 1);
    let [(cx, rx), (cy, ry)] = ellipse(mapping, positions, pipeline);
    let radius = |x: f64, y: f64| ((x - cx) / rx).hypot((y - cy) / ry);
    let place = |bin: usize| ((bin / height) as f64, (bin % height) as f64);
    let centre_inside = |bin: usize| radius(place(bin).0 + 0.5, place(bin).1 + 0.5) <= 1.0;
    let wholly_outside = |bin: usize| {
        let (x, y) = place(bin);
        radius(cx.clamp(x, x + 1.0), cy.clamp(y, y + 1.0)) >= 1.0
    };
    let round = match pipeline.outline {
        Outline::Rectangle => false,
        Outline::Round => true,
        Outline::Auto => {
            let corners_empty = (0..grid.bins()).all(|bin| !wholly_outside(bin) || samples[bin] == 0);
            let inside: Vec<usize> = (0..grid.bins()).filter(|&bin| centre_inside(bin)).collect();
            let explored = inside
                .iter()
                .filter(|&&bin| samples[bin] >= paper::LEAST_SAMPLES)
                .count();
            // Along an oblong track corners are empty because the animal runs down the middle.
            let as_wide_as_high = rx.min(ry) >= ROUND * rx.max(ry);
            as_wide_as_high
                && width.min(height) >= 6
                && corners_empty
                && explored as f64 >= 0.9 * inside.len() as f64
        }
    };
    if round {
        for bin in 0..grid.bins() {
            grid.exists[bin] = centre_inside(bin) || samples[bin] > 0;
        }
        let without = grid.bins() - grid.area();
        let how = if pipeline.outline == Outline::Auto {
            ", as its empty corners say"
        } else {
            ""
        };
        notes.push(format!(
            "round arena{how}: {without} of {} bins are no states",
            grid.bins()
        ));
    }
    grid
}
