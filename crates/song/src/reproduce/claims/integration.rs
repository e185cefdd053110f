//! Figure 2: context, two modalities, working memory.

use super::{Claim, Runs, cues, curves, space, tuning};

pub(super) fn integration(mante: &Runs, multisensory: &Runs, romo: &Runs) -> Vec<Claim> {
    vec![
        mante.judge(
            (
                "Fig. 2",
                "the irrelevant modality is nearly ignored",
                "near flat",
                "slope of the relevant over that of the irrelevant modality, smaller of both contexts: ≥ 5",
            ),
            1,
            |run| {
                let found = curves(run)?;
                let slope = |context: &str, modality: &str| {
                    let curve = found.curve(&format!("{context} context, {modality} coherence"))?;
                    Some(curve.least_squares?.slope.abs())
                };
                let ratio = |relevant: &str, other: &str| Some(slope(relevant, relevant)? / slope(relevant, other)?);
                let ratio = ratio("motion", "color")?.min(ratio("color", "motion")?);
                Some((ratio, ratio >= 5.0))
            },
        ),
        mante.judge(
            (
                "Fig. 2",
                "units have mixed selectivity",
                "mixed",
                "share of active units with coefficients above 0.1 for at least two of choice, motion, colour, context (%): > 10",
            ),
            0,
            |run| {
                let reduction = &space(run)?.reduction;
                let large = |unit: usize, axis: usize| {
                    reduction.coefficients_at(axis, reduction.time_of_max[axis])[unit].abs() > 0.1
                };
                let mixed = (0..reduction.n_units).filter(|&unit| (0..4).filter(|&axis| large(unit, axis)).count() > 1);
                let share = 100.0 * mixed.count() as f64 / reduction.n_units as f64;
                Some((share, share > 10.0))
            },
        ),
        multisensory.judge(
            (
                "Fig. 2, table 2",
                "cues are combined near the optimum",
                "1/σ² reached over optimum: 0.90 to 1.06 in six networks",
                "0.85 to 1.15",
            ),
            2,
            |run| {
                let found = cues(run)?;
                let share = found.reached / found.optimum;
                Some((share, (0.85..=1.15).contains(&share)))
            },
        ),
        romo.judge(
            (
                "Fig. 2",
                "delay activity codes the first frequency monotonically, in both directions",
                "positive and negative units",
                "share of tuned units that are monotonic (%): ≥ 50, with units of both signs",
            ),
            0,
            |run| {
                let found = tuning(run)?;
                let share = 100.0 * found.n_monotonic as f64 / (found.n_positive + found.n_negative).max(1) as f64;
                Some((share, share >= 50.0 && found.n_positive > 0 && found.n_negative > 0))
            },
        ),
    ]
}
