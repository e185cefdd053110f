//! The generator of semi-synthetic worms against 4000 draws of an independent program.

use super::files::{Arrays, example, json, number};
use neuropil_math::rng::{Key, Purpose};
use neuropil_neuronid::loss::OUTLIER;
use neuropil_neuronid::synth::{Bend, Body, Made, Recipe, make};
use neuropil_neuronid::worm::{Point, Side};
use neuropil_neuronid::yu2021::CAMERA_UM;
use serde_json::Value;

/// Worms that are drawn for each case.
const DRAWS: u64 = 4000;

fn body(name: &str, arrays: &Arrays) -> Option<Body> {
    let worm = example(&format!("data/fdnc_example_{name}.csv"))?;
    let points: Vec<Point> = worm.points.iter().map(|p| p.map(|x| x / CAMERA_UM)).collect();
    let centreline = arrays
        .values(&format!("{name}_cline"))
        .as_chunks::<2>()
        .0
        .to_vec();
    Some(Body::of_centreline(&points, &centreline, Side::Left))
}

/// What is measured of a worm, by the reference's names.
fn measured(made: &Made) -> Vec<(&'static str, f64)> {
    let n = made.points.len() as f64;
    let outliers = made.labels.iter().filter(|label| **label == OUTLIER).count() as f64;
    let squares: f64 = made.points.iter().flatten().map(|x| x * x).sum();
    let z_mean = made.points.iter().map(|p| p[2]).sum::<f64>() / n;
    let z: f64 = made.points.iter().map(|p| (p[2] - z_mean).powi(2)).sum();
    vec![
        ("theta", made.amounts.roll),
        ("rho", made.amounts.share),
        ("proposed", made.amounts.added.0 as f64),
        ("added", made.amounts.added.1 as f64),
        ("kept", n),
        ("kept_real", n - outliers),
        ("kept_out", outliers),
        ("phi", made.amounts.turn),
        ("det", made.amounts.determinant),
        ("rg", (squares / n).sqrt()),
        ("zsd", (z / n).sqrt()),
    ]
}

/// Means within five standard errors of the difference, standard deviations within 5 %.
fn compare(case: &str, draws: &[Vec<(&'static str, f64)>], exact: &Value) {
    for column in 0..draws[0].len() {
        let name = draws[0][column].0;
        let values: Vec<f64> = draws.iter().map(|row| row[column].1).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (their_mean, their_sd, se) = (
            number(&exact[name]["mean"]),
            number(&exact[name]["sd"]),
            number(&exact[name]["se"]),
        );
        let error = (se * se + sd * sd / n).sqrt();
        assert!(
            (mean - their_mean).abs() <= 5.0 * error + 1e-12,
            "{case} {name}: mean {mean} for {their_mean} ± {error}"
        );
        // Two samples differ by chance as well: 4.5 standard errors of a standard deviation.
        let room =
            0.05_f64.max(4.5 * (1.0 / (2.0 * n) + se * se / (2.0 * their_sd * their_sd).max(1e-300)).sqrt());
        assert!(
            (sd - their_sd).abs() <= room * their_sd + 1e-12,
            "{case} {name}: sd {sd} for {their_sd}"
        );
    }
}

#[test]
fn moments_of_the_generator() {
    let (Some(arrays), Some(json)) = (Arrays::open("synth/synth.npz"), json("synth/synth.json")) else {
        return;
    };
    let straight = Recipe {
        bend: Bend::Straight,
        ..Recipe::YU2021
    };
    for (case, name, recipe, draws) in [
        ("self_template", "template", Recipe::YU2021, DRAWS),
        ("self_test", "test", Recipe::YU2021, DRAWS),
        ("straighten_mode", "test", straight, DRAWS / 4),
    ] {
        let Some(body) = body(name, &arrays) else { return };
        let one = |index| make(&body, &recipe, &mut Key::new(11).stream(Purpose::Test, index));
        let draws: Vec<_> = (0..draws).map(|index| measured(&one(index))).collect();
        compare(case, &draws, &json["cases"][case]);
    }
}

#[test]
fn straight_bodies_and_one_in_the_posture_of_another() {
    let (Some(arrays), Some(json)) = (Arrays::open("synth/synth.npz"), json("synth/synth.json")) else {
        return;
    };
    let (Some(source), Some(target)) = (body("template", &arrays), body("test", &arrays)) else {
        return;
    };
    let close = |found: &[Point], name: &str, tolerance: f64| {
        let exact = arrays.points(name);
        let far = found
            .iter()
            .zip(&exact)
            .filter(|(a, b)| (0..3).any(|k| (a[k] - b[k]).abs() > tolerance))
            .count();
        assert_eq!((found.len(), far), (exact.len(), 0), "{name}");
    };
    close(&source.points, "cpd_source_straight_flipped", 1e-6);
    close(&target.points, "cpd_target_straight_flipped", 1e-6);
    let deformed = source.in_posture_of(&target).unwrap();
    // 150 iterations: 1e-5 in units of the network, 200 camera units.
    close(&deformed.points, "cpd_deformed", 2e-3);
    assert_eq!(deformed.line, target.line);
    let draws: Vec<_> = (0..DRAWS / 4)
        .map(|index| {
            let made = make(
                &deformed,
                &Recipe::YU2021,
                &mut Key::new(12).stream(Purpose::Test, index),
            );
            measured(&made)
        })
        .collect();
    compare(
        "template_to_test_posture_40",
        &draws,
        &json["cases"]["template_to_test_posture_40"],
    );
}
