//! Statistics of behaviour against reference values.

use crate::files::{files, numbers};
use neuropil_math::stats::bins::equal_count_bins;
use neuropil_math::stats::dprime::dprime;
use neuropil_math::stats::fit::weibull;
use neuropil_math::stats::fit::{least_squares, likelihood, likelihood_with_lapse};
use neuropil_song::analysis::state_space::{Variables, targeted_reduction};
use neuropil_song::analysis::unit_values::{Variable, classify_units};
use serde_json::Value;

fn close(what: &str, found: f64, expected: &Value, tolerance: f64) {
    let expected = expected
        .as_f64()
        .unwrap_or_else(|| panic!("{what}: no reference"));
    assert!(
        (found - expected).abs() <= tolerance,
        "{what} is {found}, not {expected}"
    );
}

fn counts(json: &Value) -> Vec<usize> {
    numbers(json).into_iter().map(|n| n as usize).collect()
}

#[test]
fn psychometric_fits_match() {
    for (name, json) in files("analysis") {
        for case in json["psychometric"].as_array().unwrap() {
            let at = format!("{name}: {}", case["name"]);
            let (x, k) = (numbers(&case["x"]), counts(&case["n_right"]));
            let n = vec![case["n_trials"].as_u64().unwrap() as usize; x.len()];
            let p: Vec<f64> = k.iter().zip(&n).map(|(&k, &n)| k as f64 / n as f64).collect();
            let (fit, expected) = (least_squares(&x, &p).unwrap(), &case["least_squares"]);
            close(&format!("{at}: μ"), fit.mu, &expected["mu"], 1e-5);
            close(&format!("{at}: σ"), fit.sigma, &expected["sigma"], 1e-5);
            let errors = fit.standard_errors.unwrap();
            close(&format!("{at}: error of μ"), errors.mu, &expected["se_mu"], 1e-5);
            let (fit, expected) = (likelihood(&x, &k, &n).unwrap(), &case["max_likelihood"]);
            close(&format!("{at}: likelihood μ"), fit.mu, &expected["mu"], 1e-4);
            close(
                &format!("{at}: likelihood σ"),
                fit.sigma,
                &expected["sigma"],
                1e-4,
            );
            let (fit, expected) = (
                likelihood_with_lapse(&x, &k, &n).unwrap(),
                &case["max_likelihood_lapse"],
            );
            close(&format!("{at}: lapse"), fit.lapse, &expected["lapse"], 1e-4);
            close(
                &format!("{at}: loss with lapse"),
                fit.loss,
                &expected["neg_log_likelihood"],
                1e-4,
            );
        }
    }
}

#[test]
fn weibull_and_indifference_points_match() {
    for (name, json) in files("analysis") {
        let case = &json["weibull"];
        let fit = weibull(&numbers(&case["x"]), &numbers(&case["p_correct"])).unwrap();
        close(&format!("{name}: Weibull α"), fit.alpha, &case["alpha"], 1e-4);
        close(&format!("{name}: Weibull β"), fit.beta, &case["beta"], 1e-4);
        for case in json["indifference"].as_array().unwrap() {
            let mut points: Vec<(f64, f64)> = case["offers_B_A"]
                .as_array()
                .unwrap()
                .iter()
                .zip(numbers(&case["p_choose_B"]))
                .map(|(offer, p)| {
                    let (b, a) = (offer[0].as_f64().unwrap(), offer[1].as_f64().unwrap());
                    ((b - a) / (b + a), p)
                })
                .collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (x, p): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            let fit = least_squares(&x, &p).unwrap();
            let point = (1.0 + fit.mu) / (1.0 - fit.mu);
            close(
                &format!("{name}: indifference point"),
                point,
                &case["indifference_point"],
                1e-4,
            );
        }
    }
}

#[test]
fn bins_and_discriminability_match() {
    for (name, json) in files("analysis") {
        let case = &json["equal_count_bins"];
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let bins = equal_count_bins(&x, case["nbins"].as_u64().unwrap() as usize).unwrap();
        for (i, bin) in bins.iter().enumerate() {
            assert_eq!(
                bin.len() as u64,
                case["sizes"][i].as_u64().unwrap(),
                "{name}: size of bin {i}"
            );
            let mean = |of: &[f64]| bin.iter().map(|&j| of[j]).sum::<f64>() / bin.len() as f64;
            close(
                &format!("{name}: x of bin {i}"),
                mean(&x),
                &case["mean_x"][i],
                1e-9,
            );
            close(
                &format!("{name}: y of bin {i}"),
                mean(&y),
                &case["mean_y"][i],
                1e-9,
            );
        }
        let case = &json["dprime"];
        let rates: Vec<Vec<Vec<f64>>> =
            serde_json::from_value(case["rates_time_trial_unit"].clone()).unwrap();
        let side = numbers(&case["side"]);
        for unit in 0..case["dprime"].as_array().unwrap().len() {
            let pick = |sign: f64| -> Vec<f64> {
                rates
                    .iter()
                    .flat_map(|trials| {
                        trials
                            .iter()
                            .zip(&side)
                            .filter(|(_, s)| **s * sign > 0.0)
                            .map(|(t, _)| t[unit])
                    })
                    .collect()
            };
            let found = dprime(&pick(-1.0), &pick(1.0)).unwrap();
            close(
                &format!("{name}: d′ of unit {unit}"),
                found,
                &case["dprime"][unit],
                1e-9,
            );
        }
    }
}

fn all_close(what: &str, found: &[f64], expected: &Value, tolerance: f64) {
    let expected = numbers(expected);
    assert!(
        found.len() == expected.len(),
        "{what}: {} values, not {}",
        found.len(),
        expected.len()
    );
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance,
            "{what}[{i}] is {found}, not {expected}"
        );
    }
}

/// (n_B − n_A)/(n_B + n_A) of each pair.
fn offers(value: &Value) -> Vec<f64> {
    numbers(value)
        .chunks(2)
        .map(|pair| (pair[0] - pair[1]) / (pair[0] + pair[1]))
        .collect()
}

#[test]
fn targeted_dimensionality_reduction_matches() {
    for (name, json) in files("analysis") {
        targeted(&name, &json["targeted_dimensionality_reduction"]);
    }
}

fn targeted(file: &str, case: &Value) {
    let column = |name: &str| numbers(&case[name]);
    let (context, motion, colour, choice) = (
        column("context"),
        column("motion_signed"),
        column("colour_signed"),
        column("choice"),
    );
    let trials: Vec<Variables> = (0..choice.len())
        .map(|i| Variables {
            choice: choice[i],
            motion: motion[i],
            colour: colour[i],
            context: context[i],
        })
        .collect();
    let rates = column("rates_time_trial_unit");
    let reduction = targeted_reduction(
        &rates,
        &trials,
        &column("preferred"),
        case["max_coherence"].as_f64().unwrap(),
    )
    .expect("a reduction");
    assert_eq!(reduction.rank, 11);
    all_close(
        &format!("{file}: beta"),
        &reduction.coefficients,
        &case["beta_regressor_time_unit"],
        1e-9,
    );
    assert_eq!(reduction.time_of_max.to_vec(), counts(&case["time_of_max"]));
    all_close(
        &format!("{file}: axes"),
        &reduction.axes,
        &case["axes_unit_by_4"],
        1e-9,
    );
}

#[test]
fn units_that_carry_value_match() {
    for (_, json) in files("analysis") {
        carrying(&json["unit_classification"]);
    }
}

fn carrying(case: &Value) {
    let x = offers(&case["offers_B_A"]);
    let chose_b: Vec<bool> = case["choice_is_B"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b.as_bool().unwrap_or_else(|| b.as_f64() == Some(1.0)))
        .collect();
    let ratio = case["indifference_point"].as_f64().unwrap();
    let rates = numbers(&case["pre_choice_rate_trial_unit"]);
    let expected = case["units"].as_array().expect("units");
    let found = classify_units(
        &rates,
        expected.len(),
        &x,
        &chose_b,
        (ratio - 1.0) / (ratio + 1.0),
    );
    let names = [
        (Variable::ChosenValue, "chosen-value"),
        (Variable::OfferValueA, "offer-value-A"),
        (Variable::OfferValueB, "offer-value-B"),
        (Variable::Choice, "choice"),
    ];
    for (unit, (found, expected)) in found.iter().zip(expected).enumerate() {
        for ((_, name), correlation) in names.iter().zip(&found.correlations) {
            let correlation = correlation.expect("a unit that varies");
            close(
                &format!("unit {unit} r {name}"),
                correlation.r,
                &expected["r"][name],
                1e-9,
            );
            let p = expected["p"][name].as_f64().unwrap();
            let what = format!("unit {unit} p {name}: found {}, expected {p}", correlation.p);
            assert!((correlation.p / p - 1.0).abs() < 1e-8, "{what}");
        }
        let carries = found.carries.map(|variable| {
            names
                .iter()
                .find(|(named, _)| *named == variable)
                .map(|(_, name)| *name)
                .expect("named")
        });
        assert_eq!(carries, expected["type"].as_str(), "unit {unit}");
    }
}
