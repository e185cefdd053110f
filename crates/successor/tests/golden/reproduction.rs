//! Means over random walks of an independent implementation: ours must agree within three standard errors.

use super::files::{json, number};
use neuropil_math::rng::Key;
use neuropil_math::stats::summary::mean;
use neuropil_successor::network::{Input, RnnS, RnnSConfig};
use neuropil_successor::sr;
use neuropil_successor::world::World;

const WALKS: u64 = 15;

#[test]
fn learning_curves_on_a_ring() {
    let file = json("reproduction.json");
    let all = file["fig2_rows_step_meanMAE_T_M_rowsum_then_sd"]
        .as_object()
        .unwrap();
    for (name, weights) in [
        ("left[5,1,1]", [5.0, 1.0, 1.0]),
        ("unbiased[1,1,1]", [1.0, 1.0, 1.0]),
    ] {
        let rows = all.iter().find(|(key, _)| key.contains(name)).unwrap().1["adaptive"]
            .as_array()
            .unwrap();
        let world = World::ring(25, weights[0], weights[1], weights[2]).unwrap();
        let (t, m) = (world.transitions(), sr::ideal(&world.transitions(), 0.4).unwrap());
        let mut found = vec![[Vec::new(), Vec::new()]; rows.len()];
        for walk in 0..WALKS {
            let mut network = RnnS::new(25, RnnSConfig::default()).unwrap();
            for (step, state) in world.walk(3001, Key::new(7).at(walk)).into_iter().enumerate() {
                network.step(Input::State(state)).unwrap();
                if let Some(at) = rows.iter().position(|row| number(&row[0]) == step as f64) {
                    found[at][0].push(network.transitions().mean_absolute_error(&t));
                    found[at][1].push(network.read_out(0.4).unwrap().mean_absolute_error(&m));
                }
            }
        }
        for (row, found) in rows.iter().zip(&found) {
            for (k, values) in found.iter().enumerate() {
                let (value, sd) = (number(&row[1 + k]), number(&row[4 + k]));
                let band = 3.0 * sd * (2.0 / WALKS as f64).sqrt();
                let ours = mean(values);
                assert!(
                    (ours - value).abs() < band,
                    "{name}, step {}, measure {k}: {ours}, expected {value} ± {band}",
                    row[0]
                );
            }
        }
    }
}

#[test]
fn stable_and_unstable_gains() {
    let file = json("reproduction.json");
    let rows = file["fig3a"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .as_array()
        .unwrap();
    let world = World::ring(25, 4.0, 1.0, 1.0).unwrap();
    for row in rows.iter().filter(|row| row[0] == "linear") {
        let (gain, median, theirs) = (number(&row[1]), number(&row[2]), number(&row[5]));
        let radius = |walk: u64| {
            let config = RnnSConfig {
                gain,
                tolerate_instability: true,
                ..RnnSConfig::default()
            };
            let mut network = RnnS::new(25, config).unwrap();
            for state in world.walk(1501, Key::new(8).at(walk)) {
                if network.step(Input::State(state)).is_err() {
                    return f64::INFINITY;
                }
            }
            network
                .transitions()
                .spectrum(gain)
                .map_or(f64::INFINITY, |spectrum| spectrum.radius)
        };
        let radii: Vec<f64> = (0..5).map(radius).collect();
        let stable = radii
            .iter()
            .filter(|radius| (*radius - gain).abs() < 2e-3)
            .count();
        if gain < 0.525 {
            assert!(
                (median - theirs).abs() < 2e-3 && stable == radii.len(),
                "gain {gain}: {radii:?}"
            );
        } else if gain < 0.575 {
            // single walks may explode from here on; the median does not
            assert!(2 * stable > radii.len(), "gain {gain}: {radii:?}");
        } else if gain > 0.625 {
            assert!(radii.iter().all(|radius| *radius > 1.0), "gain {gain}: {radii:?}");
        }
    }
}
