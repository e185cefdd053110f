//! Statements of the paper, and those that a network of ours is to hold against simpler methods.

use super::Measured;
use crate::evaluate::Scored;
use neuropil_study::{Band, Claim, Found};

/// All claims; those about heads are not measured without heads.
pub(super) fn claims(measured: &Measured) -> Vec<Claim> {
    let best = |colour: bool| {
        let networks = measured
            .methods
            .iter()
            .filter(|m| m.method.starts_with("network"));
        let mut found: Vec<&Scored> = networks.filter(|m| m.colour == colour).collect();
        found.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
        found.into_iter().next()
    };
    let mut claims = vec![
        above_drift_on_made_worms(measured),
        identified(
            best(false),
            "Fig. 4",
            "positions only",
            "64.1 % (11 animals), 78.2 % (9 others)",
            (0.54, 0.88),
        ),
        identified(best(true), "Fig. 5", "with colour", "74.7 %", (0.65, 0.95)),
        Claim::new(
            "Fig. 5",
            "names right with colour against without, animal by animal",
            "better",
            Band::when("above 0, animal by animal"),
            match (best(true), best(false)) {
                (Some(with), Some(without)) => differences(with, without),
                _ => Found::nothing(),
            },
        ),
    ];
    for colour in [false, true] {
        let network = best(colour);
        for method in measured.methods.iter().filter(|m| m.colour == colour) {
            if let Some(network) = network.filter(|_| !method.method.starts_with("network")) {
                claims.push(Claim::new(
                    "Figs. 4, 6",
                    format!("{} against {}, animal by animal", network.title(), method.title()),
                    "better (against drift)",
                    Band::when("above 0, animal by animal"),
                    differences(network, method),
                ));
            }
        }
    }
    claims.push(Claim::new(
        "Table of times",
        "one pair of worms, one view each, by the network that was trained",
        "10 ms (graphics card), the published size",
        Band::at_most(10.0).called("≤ 10 ms"),
        if measured.milliseconds.is_finite() {
            Found::one(measured.milliseconds).digits(1).unit("ms")
        } else {
            Found::nothing()
        },
    ));
    claims
}

fn above_drift_on_made_worms(measured: &Measured) -> Claim {
    let pairs = match measured.made.as_slice() {
        [network, _, published] => network
            .accuracy
            .iter()
            .zip(&published.accuracy)
            .map(|(a, b)| (a - b, a > b))
            .collect(),
        _ => Vec::new(),
    };
    Claim::new(
        "Fig. 2",
        "network against published drift on made worms, pair by pair",
        "better",
        Band::when("above 0, pair by pair"),
        Found::judged(pairs).of("pairs"),
    )
}

fn identified(network: Option<&Scored>, place: &str, how: &str, paper: &str, band: (f64, f64)) -> Claim {
    let found = network.map_or_else(Found::nothing, |scored| {
        let (low, high) = scored.interval;
        Found::one(scored.accuracy).called(format!(
            "{:.3} (95 % interval {low:.3} to {high:.3}, {} animals; {})",
            scored.accuracy,
            scored.animals.len(),
            scored.method
        ))
    });
    Claim::new(
        place,
        format!("names right across animals, {how}; other animals than the paper's"),
        paper,
        Band::between(band.0, band.1),
        found,
    )
}

fn differences(a: &Scored, b: &Scored) -> Found {
    let pairs = a.animals.iter().zip(&b.animals).map(|(a, b)| {
        let difference = a.accuracy() - b.accuracy();
        (difference, difference > 0.0)
    });
    Found::judged(pairs).of("animals")
}
