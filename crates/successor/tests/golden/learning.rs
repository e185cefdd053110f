//! Dynamics and learning rules.

use super::files::{close, json, matrix, number, numbers, states};
use neuropil_successor::dynamics::{Dynamics, Nonlinearity, respond, respond_all, settle, steps_for};
use neuropil_successor::error::SuccessorError;
use neuropil_successor::feature_rule::{FeatureLearner, FeatureRule, batch_fit, prediction_error};
use neuropil_successor::kernel::{KernelConfig, KernelNetwork, StdpKernel, Traces};
use neuropil_successor::matrix::Matrix;
use neuropil_successor::network::{Input, RnnS, RnnSConfig};
use neuropil_successor::rate::{Count, Rate};
use neuropil_successor::sr;
use neuropil_successor::td::{FeedForwardTd, TdConfig, td_loss};
use serde_json::Value;

#[test]
fn ideal_successor_representations() {
    for case in json("ideal_sr.json")["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (t, gamma) = (matrix(&case["T"]), number(&case["gamma"]));
        let m = sr::ideal(&t, gamma).unwrap();
        close(name, m.values(), &numbers(&case["M"]), 1e-10);
        close(
            name,
            sr::truncated(&t, gamma, 5).values(),
            &numbers(&case["M_truncated_5"]),
            1e-10,
        );
        close(
            name,
            &sr::value(&m, &numbers(&case["reward"])),
            &numbers(&case["value"]),
            1e-9,
        );
        close(name, &[m.row_sums()[0]], &[number(&case["row_sum"])], 1e-9);
        let radius = t.spectrum(gamma).unwrap().radius;
        close(name, &[radius], &[number(&case["spectral_radius_gammaT"])], 1e-8);
    }
}

fn config(params: &Value) -> RnnSConfig {
    let value = |key: &str, otherwise: f64| params[key].as_f64().unwrap_or(otherwise);
    let nonlinearity = match params["f"].as_str() {
        Some("tanh") => Nonlinearity::TANH,
        _ => Nonlinearity::Linear,
    };
    let steps = params["K"].as_u64().map(|k| k as usize);
    let dynamics = match steps {
        None => Dynamics::SteadyState,
        steps => Dynamics::Iterated {
            steps,
            nonlinearity,
            rectified: false,
            input_steps: None,
        },
    };
    let rate = match params["static_eta"].as_f64() {
        Some(rate) => Rate::Static { rate },
        None => Rate::Adaptive {
            forgetting: value("lam", 0.99999),
            least: value("floor", 1e-3),
            start: value("n0", 1e-4),
            count: if params["count"] == "presynaptic" {
                Count::Presynaptic
            } else {
                Count::Reference
            },
        },
    };
    RnnSConfig {
        gain: number(&params["g"]),
        dynamics,
        rate,
        tolerate_instability: false,
    }
}

#[test]
fn recurrent_networks_on_a_ring() {
    let file = json("rnn_s_ring.json");
    let (walk, n) = (states(&file["states"]), file["n"].as_u64().unwrap() as usize);
    let truth = matrix(&file["T_true"]);
    close(
        "T̂",
        sr::empirical(&walk, n).unwrap().values(),
        &numbers(&file["T_empirical_eps1e_5"]),
        1e-12,
    );
    for run in file["runs"].as_array().unwrap() {
        let name = run["name"].as_str().unwrap();
        let config = config(&run["params"]);
        let tolerance = if name.contains("tanh") { 1e-8 } else { 1e-9 };
        let mut network = RnnS::new(n, config).unwrap();
        let curve = run["error_curve_t_maeT_maeM_rowsumT"].as_array().unwrap();
        let mut rows = curve.iter().map(numbers).peekable();
        for (t, &state) in walk.iter().enumerate() {
            let activity = network.step(Input::State(state)).unwrap().to_vec();
            let snapshot = &run["snapshots"][t.to_string()];
            if snapshot.is_object() {
                let what = format!("{name}, step {t}");
                close(
                    &what,
                    network.transitions().transposed().values(),
                    &numbers(&snapshot["J"]),
                    tolerance,
                );
                close(&what, &activity, &numbers(&snapshot["activity"]), tolerance);
                close(
                    &what,
                    network.counts(),
                    &numbers(&snapshot["count"]),
                    tolerance * 300.0,
                );
                close(&what, &network.rates(), &numbers(&snapshot["eta"]), tolerance);
            }
            if rows.peek().is_some_and(|row| row[0] == t as f64) {
                let row = rows.next().unwrap();
                let gain = if config.gain == 0.0 { 0.4 } else { config.gain };
                let m = network.read_out(gain).unwrap();
                let t_error = network.transitions().mean_absolute_error(&truth);
                let m_error = m.mean_absolute_error(&sr::ideal(&truth, gain).unwrap());
                let sums = network.transitions().row_sums();
                let ours = [t_error, m_error, sums.iter().sum::<f64>() / n as f64];
                close(&format!("{name}, errors at {t}"), &ours, &row[1..], tolerance);
            }
        }
        assert!(rows.next().is_none());
        let m = sr::ideal(network.transitions(), 0.9).unwrap();
        close(
            name,
            m.values(),
            &numbers(&run["M_readout_gamma_0_9_linear"]),
            1e-7,
        );
        let spectrum = network.transitions().spectrum(config.gain.max(0.4)).unwrap();
        let theirs = [
            number(&run["final_spectral_radius"]),
            number(&run["final_max_real"]),
        ];
        close(name, &[spectrum.radius, spectrum.max_real], &theirs, 1e-8);
    }
}

#[test]
fn plasticity_kernels() {
    let file = json("stdp_kernel.json");
    let (walk, n) = (states(&file["states"]), file["n"].as_u64().unwrap() as usize);
    let p = |key: &str| number(&file["params"][key]);
    let kernel = StdpKernel {
        a_positive: p("A_pos"),
        tau_positive: p("tau_pos"),
        a_negative: p("A_neg"),
        tau_negative: p("tau_neg"),
    };
    let lags = numbers(&file["kernel_lag_steps"]);
    let values = file["kernel_value_excluding_zero"].as_array().unwrap();
    for (lag, value) in lags.iter().zip(values).filter(|(_, value)| !value.is_null()) {
        close("kernel", &[kernel.at(*lag)], &[number(value)], 1e-12);
    }
    for run in file["runs"].as_array().unwrap() {
        let name = run["name"].as_str().unwrap();
        let config = KernelConfig {
            kernel,
            alpha_self: p("alpha_self"),
            alpha_other: p("alpha_other"),
            count_scale: p("c"),
            gain: number(&run["gamma"]),
            traces: if run["approx"] == true {
                Traces::Recursive
            } else {
                Traces::History
            },
            normalization: run["norm"]
                .as_array()
                .map(|norm| (number(&norm[0]), number(&norm[1]))),
        };
        let mut network = KernelNetwork::new(n, config).unwrap();
        for (t, &state) in walk.iter().enumerate() {
            let activity = network.step(Matrix::identity(n).row(state)).unwrap();
            let snapshot = &run["snapshots"][t.to_string()];
            if snapshot.is_object() {
                let what = format!("{name}, step {t}");
                close(
                    &what,
                    network.transitions().transposed().values(),
                    &numbers(&snapshot["J"]),
                    1e-9,
                );
                close(&what, network.traces().0, &numbers(&snapshot["B_pos"]), 1e-9);
                close(&what, network.traces().1, &numbers(&snapshot["B_neg"]), 1e-9);
                close(&what, network.counts(), &numbers(&snapshot["count"]), 1e-9);
                close(&what, &activity, &numbers(&snapshot["activity"]), 1e-9);
            }
        }
    }
}

#[test]
fn feature_rules_and_temporal_differences() {
    let file = json("features_td.json");
    let (walk, n) = (states(&file["states"]), file["n"].as_u64().unwrap() as usize);
    let of_state = matrix(&file["feature_map_reflect"]).transposed();
    let rows: Vec<Vec<f64>> = walk.iter().map(|&state| of_state.row(state).to_vec()).collect();
    let counts = sr::counts([&walk[..]], n).unwrap();
    for run in file["runs"].as_array().unwrap() {
        let rule: FeatureRule = serde_json::from_value(run["rule"].clone()).unwrap();
        let what = format!("{rule:?}, η = {}", run["eta"]);
        let mut learner = FeatureLearner::new(n, rule, number(&run["eta"])).unwrap();
        rows.iter().for_each(|row| learner.step(row).unwrap());
        let t = learner.transitions();
        close(&what, t.transposed().values(), &numbers(&run["J"]), 1e-9);
        let spectrum = t.spectrum(1.0).unwrap();
        let theirs = [number(&run["spectral_radius_J"]), number(&run["max_real_J"])];
        close(&what, &[spectrum.radius, spectrum.max_real], &theirs, 1e-8);
        for gamma in [0.4, 0.6, 0.8] {
            let psi = respond_all(t, &of_state, gamma, Dynamics::FEATURES).unwrap();
            let loss = td_loss(&of_state, &psi, &counts, gamma);
            close(
                &what,
                &[loss],
                &[number(&run[format!("td_loss_tanh_relu_g{gamma}")])],
                1e-9,
            );
            let one = respond(t, of_state.row(3), gamma, Dynamics::FEATURES).unwrap();
            close(&what, &one, psi.row(3), 1e-13);
        }
    }
    let features = Matrix::from_rows(&rows);
    let batch = batch_fit(&features).unwrap();
    close(
        "batch",
        batch.transposed().values(),
        &numbers(&file["batch_fit_J"]),
        1e-7,
    );
    let error = prediction_error(&batch, &features).unwrap();
    close(
        "prediction error",
        &[error],
        &[number(&file["batch_prediction_error_ratio"])],
        1e-7,
    );
    for run in file["ff_td"].as_array().unwrap() {
        let of_state = if run["input"] == "onehot" {
            Matrix::identity(n)
        } else {
            of_state.clone()
        };
        let discount = number(&run["gamma"]);
        let mut td = FeedForwardTd::new(
            n,
            TdConfig {
                discount,
                rate: number(&run["eta"]),
                trace: 0.0,
            },
        )
        .unwrap();
        walk.iter().for_each(|&state| drop(td.step(of_state.row(state))));
        close("FF-TD", td.weights().values(), &numbers(&run["M"]), 1e-9);
        let loss = td_loss(&of_state, &of_state.times(td.weights()), &counts, discount);
        close("FF-TD", &[loss], &[number(&run["td_loss"])], 1e-9);
    }
}

#[test]
fn stability() {
    let file = json("stability.json");
    for (gain, steps) in file["iterations_for_gain"].as_object().unwrap() {
        assert_eq!(
            steps_for(gain.parse().unwrap()) as u64,
            steps.as_u64().unwrap(),
            "gain {gain}"
        );
    }
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (t, gain) = (matrix(&case["J"]).transposed(), number(&case["gamma"]));
        let spectrum = t.spectrum(gain).unwrap();
        let theirs = [number(&case["spectral_radius"]), number(&case["max_real"])];
        // a defective eigenvalue of size n is known to the n-th root of the rounding error only
        let tolerance = if name == "nilpotent" { 1e-3 } else { 1e-8 };
        close(name, &[spectrum.radius, spectrum.max_real], &theirs, tolerance);
        let input: Vec<f64> = (0..t.rows()).map(|i| f64::from(u8::from(i == 0))).collect();
        let settled = settle(&t, &input, gain, Nonlinearity::Linear, 1e-10, 100_000);
        if case["stable"] == true {
            let settled = settled.unwrap();
            assert_eq!(
                settled.iterations as u64,
                case["iterations_tol_1e_10"].as_u64().unwrap(),
                "{name}"
            );
            let steady = respond(&t, &input, gain, Dynamics::SteadyState).unwrap();
            close(name, &steady, &numbers(&case["steady_state_e0"]), 1e-9);
        } else {
            assert!(matches!(settled, Err(SuccessorError::Unstable { .. })), "{name}");
            let refused = respond(&t, &input, gain, Dynamics::SteadyState);
            assert!(
                matches!(refused, Err(SuccessorError::Unstable { radius, .. }) if radius >= 1.0 - 1e-9),
                "{name}"
            );
        }
    }
}
