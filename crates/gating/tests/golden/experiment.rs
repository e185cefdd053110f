//! `small_experiment.json`: thirty permuted tasks of real 8 × 8 digits, method by method, within the stated bands.

#![allow(clippy::print_stderr, reason = "what is slow says what it came to")]

use crate::support::golden;
use neuropil_gating::course::{Course, draw};
use neuropil_gating::data::Dataset;
use neuropil_gating::settings::Settings;

/// Mean accuracy over all tasks after the last, averaged over two seeds.
fn mean(data: &Dataset, method: &str, strength: f64) -> f64 {
    let one = |seed: u64| {
        let mut settings = Settings {
            seed,
            method: method.to_owned(),
            ..Settings::default()
        };
        settings.stabilise.strength = strength;
        let (tasks, gates) = draw(&settings, data).unwrap();
        let mut course = Course::new(&settings, data, &tasks, &gates).unwrap();
        while !course.is_over() {
            course.step().unwrap();
        }
        let last = &course.progress().learnt.last().unwrap().accuracies;
        last.iter().sum::<f64>() / last.len() as f64
    };
    f64::midpoint(one(1), one(2))
}

/// The bands are means of the reference's seeds; a mean of two of ours scatters about them.
const SCATTER: f64 = 0.02;

#[test]
fn methods_on_permuted_digits_end_within_their_bands_and_in_their_order() {
    let Some(file) = golden("small_experiment.json") else {
        return;
    };
    let data = Dataset::open("digits", &Default::default()).unwrap();
    let rows = file["digits8x8"]["runs"].as_array().unwrap();
    let of = |method: &str, gating: &str, c: f64| {
        let ours = match (method, gating) {
            ("none", "none") => "none".to_owned(),
            (method, "none") => method.to_owned(),
            ("none", gating) => gating.to_owned(),
            (method, gating) => format!("{gating}+{method}"),
        };
        let found = mean(&data, &ours, c);
        let row = rows
            .iter()
            .find(|row| row["method"] == method && row["gating"] == gating && row["c"].as_f64() == Some(c))
            .unwrap();
        let band = [0, 1].map(|end| row["final_band"][end].as_f64().unwrap());
        eprintln!("{ours} c = {c}: {found:.3}, band {band:?}");
        assert!(
            band[0] - SCATTER <= found && found <= band[1] + SCATTER,
            "{ours} c = {c}: {found}, band {band:?}"
        );
        found
    };
    let nothing = of("none", "none", 0.0);
    let si = of("si", "none", 0.5);
    let gated = of("none", "xdg", 0.0);
    let both = of("si", "xdg", 0.5);
    let with_ewc = of("ewc", "xdg", 20.0);
    assert!(nothing < 0.33 && nothing + 0.05 < si && si < gated - 0.1);
    assert!(both > gated + 0.03 && with_ewc > gated);
}
