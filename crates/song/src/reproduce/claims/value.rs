//! Figure 4: economic choice.

use super::{Claim, Runs, pattern, values};
use crate::analysis::unit_values::Variable;

pub(super) fn value(economic: &Runs, other: &Runs) -> Vec<Claim> {
    let indifference = |runs: &Runs, ratio: f64| {
        let text = format!("the indifference point is that of the juices, {ratio}");
        let (paper, band) = (format!("near {ratio}"), "within 15 %");
        runs.judge(("Fig. 4", &text, &paper, band), 2, |run| {
            let point = pattern(run)?.indifference_point?;
            Some((point, (point / ratio - 1.0).abs() <= 0.15))
        })
    };
    let mut claims = vec![indifference(economic, 2.2), indifference(other, 4.1)];
    for (variable, name) in [
        (Variable::ChosenValue, "chosen value"),
        (Variable::OfferValueA, "the value of offer A"),
        (Variable::OfferValueB, "the value of offer B"),
        (Variable::Choice, "the choice"),
    ] {
        let text = format!("units of the value network carry {name}");
        claims.push(
            economic.judge(("Fig. 4", &text, "found", "number of units: ≥ 1"), 0, |run| {
                let count = values(run)?
                    .counts
                    .iter()
                    .find(|(known, _)| *known == variable)?
                    .1;
                Some((count as f64, count > 0))
            }),
        );
    }
    claims
}
