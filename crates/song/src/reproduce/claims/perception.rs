//! Figure 1: a decision about motion, of fixed duration and in the network's own time.

use super::{
    Claim, Measured, Runs, correlation, duration, late_minus_early, learnt, mean, pooled, prediction,
    reaction,
};
use crate::analysis::chronometric;
use crate::reproduce::RunResult;
use std::collections::BTreeMap;

pub(super) fn perception(rdm: &Runs, rt: &Runs, linear: &Runs) -> Vec<Claim> {
    let mut claims = vec![
        rdm.judge(
            (
                "Fig. 1",
                "accuracy rises with motion coherence",
                "rises",
                "correlation of accuracy and log coherence > 0.8",
            ),
            2,
            |run| {
                let curves = &duration(run)?.curves;
                let points = curves
                    .iter()
                    .filter_map(|c| Some((c.coherence.ln(), pooled(&c.points)?)));
                let r = correlation(&points.collect::<Vec<_>>())?;
                Some((r, r > 0.8))
            },
        ),
        rdm.judge(
            (
                "Fig. 1",
                "accuracy rises with stimulus duration",
                "rises",
                "last third of the bins minus first third, mean over coherences, in points: > 0",
            ),
            1,
            |run| {
                let curves = &duration(run)?.curves;
                let rise = mean(
                    &curves
                        .iter()
                        .filter_map(|c| late_minus_early(&c.points))
                        .collect::<Vec<_>>(),
                )?;
                Some((100.0 * rise, rise > 0.0))
            },
        ),
        rdm.judge(
            (
                "Fig. 1, 3",
                "the predicted reward is ordered by coherence",
                "ordered",
                "correlation of the prediction before the choice with log coherence > 0.8",
            ),
            2,
            ordered_by_coherence,
        ),
    ];
    claims.push(rt.judge(
        (
            "Fig. 1, supplements",
            "reaction times fall with coherence",
            "fall",
            "correlation of mean time and log coherence, correct trials, < −0.8",
        ),
        2,
        |run| {
            let shown = reaction(run)?.levels.iter().filter(|c| c.value > 0.0);
            let points = shown.filter_map(|c| Some((c.value.ln(), c.correct.mean?)));
            let r = correlation(&points.collect::<Vec<_>>())?;
            Some((r, r < -0.8))
        },
    ));
    claims.push(rt.judge(
        (
            "Fig. 1, supplements",
            "errors are slower than correct choices of the same coherence",
            "slower",
            "mean difference over coherences with more than ten of both, ms: > 0",
        ),
        0,
        |run| {
            let both = reaction(run)?.levels.iter().filter(|c| {
                let enough = chronometric::FEW_TRIALS;
                c.value > 0.0 && c.correct.n > enough && c.error.n > enough
            });
            let difference = mean(
                &both
                    .filter_map(|c| Some(c.error.mean? - c.correct.mean?))
                    .collect::<Vec<_>>(),
            )?;
            Some((difference, difference > 0.0))
        },
    ));
    let mut suffices = learnt("Fig. 1, supplements", "rdm-linear-value", linear);
    "a linear value network suffices for the perceptual task".clone_into(&mut suffices.what);
    "suffices".clone_into(&mut suffices.paper);
    claims.push(suffices);
    claims
}

/// Correlation of the last prediction before the choice with log coherence, the means of both choices averaged.
fn ordered_by_coherence(run: &RunResult) -> Option<Measured> {
    let aligned = prediction(run)?
        .aligned
        .iter()
        .find(|aligned| aligned.event == "choice")?;
    let mut predicted: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for trace in aligned.traces.iter().filter(|trace| trace.n_trials >= 5) {
        if let Some(&last) = trace.mean.iter().rev().flatten().next() {
            predicted.entry(&trace.group).or_default().push(last);
        }
    }
    let mut points = Vec::new();
    for (group, means) in predicted {
        let coherence: f64 = group.strip_suffix(" %")?.parse().ok()?;
        if coherence > 0.0 {
            points.push((coherence.ln(), mean(&means)?));
        }
    }
    let r = correlation(&points)?;
    Some((r, r > 0.8))
}
