//! Figure 3: post-decision wagering.

use super::{Band, Claim, Found, Runs, bets, correlation, late_minus_early, mean};
use crate::analysis::proportion::Proportion;
use crate::reproduce::WAGER_UPDATES;

pub(super) fn confidence(wagers: &Runs, linear: &Runs) -> Vec<Claim> {
    let sure_against = |sure: &[(f64, Proportion)]| {
        let points = sure
            .iter()
            .map(|(coherence, p)| (coherence.max(1.0).ln(), p.value));
        correlation(&points.collect::<Vec<_>>())
    };
    let mut claims = vec![
        wagers.judge(
            (
                "Fig. 3",
                "the sure bet is taken less often at higher coherence",
                "falls",
                "correlation of P(sure) and log coherence < −0.8",
            ),
            2,
            |run| {
                let r = sure_against(&bets(run)?.sure)?;
                Some((r, r < -0.8))
            },
        ),
        wagers.judge(
            (
                "Fig. 3",
                "the sure bet is taken less often after longer stimuli",
                "falls",
                "last third of the bins minus first third, mean over coherences, in points: < 0",
            ),
            1,
            |run| {
                let falls = bets(run)?
                    .coherences
                    .iter()
                    .filter_map(|c| late_minus_early(&c.sure));
                let falls = mean(&falls.collect::<Vec<_>>())?;
                Some((100.0 * falls, falls < 0.0))
            },
        ),
        wagers.judge(
            (
                "Fig. 3",
                "choices are more accurate where the sure bet was waived than where it was not offered",
                "more accurate",
                "difference in points, mean over coherences: 95 % bootstrap interval above 0",
            ),
            1,
            |run| {
                let found = bets(run)?;
                let above = found.interval.is_some_and(|interval| interval.low > 0.0);
                Some((100.0 * found.waived_minus_not_offered, above))
            },
        ),
    ];
    let (text, paper) = ("a linear value network does not suffice for the wager", "fails");
    let band = Band::at_most(0.5).called(format!(
        "at most half of the networks meet the criterion, in {WAGER_UPDATES} updates with the paper's settings"
    ));
    let (met, n) = (
        linear.0.iter().filter(|run| run.criterion_met).count(),
        linear.0.len(),
    );
    let ours = if n == 0 {
        Found::nothing()
    } else {
        Found::one(met as f64 / n as f64).called(format!("{met} of {n} networks meet it"))
    };
    claims.push(Claim::new("Fig. 3, supplements", text, paper, band, ours));
    claims
}
