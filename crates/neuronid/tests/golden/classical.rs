//! Registration, assignment, body lines, colours, decisions, atlas.

use super::files::{Arrays, distance, example, file, json, number, numbers};
use neuropil_neuronid::assign::assign;
use neuropil_neuronid::atlas::{AtlasNeuron, costs};
use neuropil_neuronid::colour::kl;
use neuropil_neuronid::cpd::{Planar, Registered, Stiffness, Stop, affine, nonrigid, planar, rigid};
use neuropil_neuronid::cpd::{planar_both_ways, squared_distances};
use neuropil_neuronid::decide::{Outliers, Scores, accuracy, cumulative_top};
use neuropil_neuronid::line::BodyLine;
use serde_json::Value;
use std::collections::HashMap;

fn close(found: &Registered, arrays: &Arrays, name: &str, exact: &Value, tolerance: f64) {
    let difference = distance(found.moved.as_flattened(), &arrays.values(name));
    assert!(difference < tolerance, "{name}: {difference}");
    assert!(
        (found.variance / number(&exact["sigma2"]) - 1.0).abs() < 1e-6,
        "{name}: {}",
        found.variance
    );
}

#[test]
fn drifts_of_an_invented_pair() {
    let (Some(arrays), Some(json)) = (Arrays::open("cpd/cpd.npz"), json("cpd/cpd.json")) else {
        return;
    };
    let (x, y) = (arrays.points("X"), arrays.points("Y"));
    let found = nonrigid(&x, &y, Stiffness::default(), Stop::nonrigid()).unwrap();
    close(&found, &arrays, "nonrigid_T", &json["nonrigid"], 1e-5);
    for (lambda, beta, name) in [(3.0, 2.0, "lam3_beta2"), (2.0, 0.5, "lam2_beta0.5")] {
        let stop = Stop {
            iterations: 40,
            ..Stop::nonrigid()
        };
        let found = nonrigid(&x, &y, Stiffness { lambda, beta }, stop).unwrap();
        close(
            &found,
            &arrays,
            &format!("nonrigid_T_{name}"),
            &json[&format!("nonrigid_{name}_it40")],
            1e-5,
        );
    }
    let sixty = Stop {
        iterations: 60,
        ..Stop::default()
    };
    for (keep, name) in [(true, "rigid_fix"), (false, "rigid_scale")] {
        let found = rigid(&x, &y, keep, sixty).unwrap();
        close(&found, &arrays, &format!("{name}_T"), &json[name], 1e-7);
    }
    let found = planar(&x, &y, Planar::Published, Stop::default()).unwrap();
    close(&found, &arrays, "planar_T", &json["rigid_planar"], 1e-7);
    let stop = Stop {
        variance: 1e-8,
        ..sixty
    };
    close(
        &affine(&x, &y, stop).unwrap(),
        &arrays,
        "affine_T",
        &json["affine"],
        1e-7,
    );
}

struct Hits<'a> {
    cost: &'a [f64],
    columns: usize,
    truth: &'a [(usize, usize)],
}

impl Hits<'_> {
    fn agree(&self, exact: &Value, what: &str) {
        let given: HashMap<usize, usize> = assign(self.cost, self.columns).unwrap().into_iter().collect();
        let hits = self.truth.iter().filter(|(i, j)| given.get(i) == Some(j)).count();
        assert_eq!(
            hits as u64,
            exact["hungarian_hits"].as_u64().expect("hits"),
            "{what}"
        );
        let rank = |&(i, j): &(usize, usize)| {
            let row = &self.cost[i * self.columns..][..self.columns];
            row.iter().filter(|cost| **cost < row[j]).count()
        };
        for (k, name) in [(1, "top1"), (3, "top3"), (5, "top5")] {
            let within = self.truth.iter().map(rank).filter(|rank| *rank < k).count();
            assert_eq!(
                within as u64,
                exact[name].as_u64().expect("a count"),
                "{what} {name}"
            );
        }
    }
}

#[test]
fn baselines_on_the_real_pair() {
    let (Some(arrays), Some(json)) = (Arrays::open("cpd/cpd.npz"), json("cpd/cpd.json")) else {
        return;
    };
    let (Some(template), Some(test)) = (
        example("data/fdnc_example_template.csv"),
        example("data/fdnc_example_test.csv"),
    ) else {
        return;
    };
    let (fixed, moving) = (template.normalised(), test.normalised());
    let (real, truth, columns) = (&json["real_example"], test.truth(&template), fixed.len());
    let check = |cost: &[f64], name: &str| {
        Hits {
            cost,
            columns,
            truth: &truth,
        }
        .agree(&real[name], name);
    };
    check(&squared_distances(&moving, &fixed), "identity");
    let best = planar_both_ways(&fixed, &moving, Planar::Published).unwrap();
    check(&squared_distances(&best.moved, &fixed), "rigid_planar");
    let soft = nonrigid(&fixed, &best.moved, Stiffness::default(), Stop::nonrigid()).unwrap();
    assert!(distance(soft.moved.as_flattened(), &arrays.values("real_cpd_T")) < 1e-5);
    check(&squared_distances(&soft.moved, &fixed), "cpd_reference_recipe");
    for (lambda, beta) in [(2.0, 0.25), (3.0, 0.5), (10.0, 0.5), (100.0, 0.25)] {
        let soft = nonrigid(&fixed, &best.moved, Stiffness { lambda, beta }, Stop::nonrigid()).unwrap();
        check(
            &squared_distances(&soft.moved, &fixed),
            &format!("cpd_lam{lambda}_beta{beta}"),
        );
    }
    let (a, b) = (
        test.colours.as_ref().expect("colours"),
        template.colours.as_ref().expect("colours"),
    );
    let alike = kl(a, b);
    if let Some(colour) = Arrays::open("colour/example_colour.npz") {
        assert!(distance(&alike, &colour.values("C")) < 1e-9);
    }
    check(&alike.iter().map(|c| -c).collect::<Vec<_>>(), "colour_only");
    for weight in [1.0, 5.0, 60.0] {
        let near = squared_distances(&soft.moved, &fixed);
        let cost: Vec<f64> = near
            .iter()
            .zip(&alike)
            .map(|(d, c)| d / (2.0 * 0.05 * 0.05) - weight * c)
            .collect();
        check(&cost, &format!("cpd_plus_colour_w{weight}"));
    }
}

#[test]
fn assignments_of_least_cost() {
    let (Some(arrays), Some(json)) = (
        Arrays::open("hungarian/hungarian.npz"),
        json("hungarian/hungarian.json"),
    ) else {
        return;
    };
    for case in json["cases"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        if let Some(copies) = name.strip_prefix("outlier_copies_") {
            outlier_copies(&arrays, case, copies.parse().expect("a number"));
            continue;
        }
        let (shape, cost) = arrays.get(name);
        let pairs = assign(&cost, shape[1]).unwrap();
        let total: f64 = pairs.iter().map(|&(r, c)| cost[r * shape[1] + c]).sum();
        assert!((total - number(&case["total"])).abs() < 1e-9, "{name}");
        if case["unique"] == true {
            let column = |&(_, c): &(usize, usize)| c as f64;
            assert_eq!(
                pairs.iter().map(column).collect::<Vec<_>>(),
                numbers(&case["cols"]),
                "{name}"
            );
        }
    }
    assert!(assign(&[f64::INFINITY, 1.0, f64::INFINITY, 2.0], 2).is_err());
}

fn outlier_copies(arrays: &Arrays, case: &Value, copies: usize) {
    let (shape, values) = arrays.get("outlier_scores");
    let scores = Scores {
        values: &values,
        n_template: shape[1] - 1,
    };
    let decided = scores.decide(Outliers::Copies(copies)).unwrap();
    let total: f64 = decided.iter().map(|d| d.log_p).filter(|p| p.is_finite()).sum();
    assert!((total - number(&case["total"])).abs() < 1e-9);
}

#[test]
fn decisions_and_measures() {
    let Some(json) = json("metrics/metrics.json") else {
        return;
    };
    let rows = json["logp"].as_array().expect("rows");
    let values: Vec<f64> = rows.iter().flat_map(numbers).collect();
    let scores = Scores {
        values: &values,
        n_template: values.len() / rows.len() - 1,
    };
    let pair = |pair: &Value| (numbers(pair)[0] as usize, numbers(pair)[1] as usize);
    let truth: Vec<(usize, usize)> = json["gt"].as_array().expect("pairs").iter().map(pair).collect();
    let exact = &json["results"];
    for copies in [1, 5, 20] {
        let decided = scores.decide(Outliers::Copies(copies)).unwrap();
        for threshold in [0.0, 0.2, 0.5] {
            let exact = &exact[&format!("hung_K{copies}_thd{threshold}")];
            let found = accuracy(&decided, &truth, 25, threshold);
            assert_eq!(
                found.hits as f64,
                number(&exact["hits"]),
                "{copies} copies, threshold {threshold}"
            );
            assert!((found.accuracy - number(&exact["accuracy"])).abs() < 1e-12);
        }
    }
    let bounds = accuracy(&scores.decide(Outliers::Copies(5)).unwrap(), &truth, 25, 0.0);
    assert!((bounds.lower - number(&exact["bounds_K5"]["lower"])).abs() < 1e-12);
    assert!((bounds.upper - number(&exact["bounds_K5"]["upper"])).abs() < 1e-12);
    assert!(
        distance(
            &cumulative_top(&scores, &truth, 10),
            &numbers(&exact["topk_cumulative"])
        ) < 1e-12
    );
    let predicted = scores.decide(Outliers::None).unwrap();
    let mode = &exact["predict_mode"];
    let rows: Vec<usize> = numbers(&mode["rows"]).iter().map(|&row| row as usize).collect();
    let confidences: Vec<f64> = rows.iter().map(|&row| predicted[row].probability).collect();
    assert!(distance(&confidences, &numbers(&mode["conf"])) < 1e-9);
    let left: Vec<f64> = (0..predicted.len())
        .filter(|&i| predicted[i].template.is_none())
        .map(|i| i as f64)
        .collect();
    assert_eq!(left, numbers(&mode["unassigned"]));
}

#[test]
fn body_lines_straighten_and_bend() {
    let (Some(arrays), Some(json)) = (
        Arrays::open("straighten/straighten.npz"),
        json("straighten/straighten.json"),
    ) else {
        return;
    };
    for name in ["straight", "gentle", "bent"] {
        let centreline = arrays
            .values(&format!("{name}_centreline"))
            .as_chunks::<2>()
            .0
            .to_vec();
        let line = BodyLine::of_centreline(&centreline);
        let exact = arrays.values(&format!("{name}_body_line"));
        assert!(distance(line.points().as_flattened(), &exact) < 1e-9, "{name}");
        assert!((line.length() - number(&json[name]["length"])).abs() < 1e-9);
        let bent: Vec<_> = arrays
            .points(&format!("{name}_sn"))
            .iter()
            .map(|p| line.bend(p))
            .collect();
        let exact = arrays.points(&format!("{name}_xy"));
        assert!(
            distance(bent.as_flattened(), exact.as_flattened()) < 1e-7,
            "{name}"
        );
        let straight: Vec<_> = exact.iter().map(|p| line.straighten(p)).collect();
        let exact = arrays.points(&format!("{name}_restraightened"));
        // Where two feet are equally near, either is right.
        let apart = straight
            .iter()
            .zip(&exact)
            .filter(|(a, b)| distance(&a[..], &b[..]) > 1e-7)
            .count();
        assert!(apart <= 1, "{name}: {apart} of {} differ", exact.len());
    }
}

/// Neurons of the atlas, and of each worm its names and features.
fn atlas_and_worms() -> Option<(Vec<AtlasNeuron>, HashMap<String, (Vec<String>, Vec<[f64; 6]>)>)> {
    let mut atlas = Vec::new();
    for row in csv::Reader::from_path(file("data/wormid_atlas_shared.csv")?)
        .unwrap()
        .deserialize()
    {
        let row: HashMap<String, String> = row.unwrap();
        let value = |name: &str| row[name].parse::<f64>().unwrap();
        let mut covariance = [[0.0; 6]; 6];
        for i in 0..6 {
            for j in i..6 {
                covariance[i][j] = value(&format!("cov{i}{j}"));
                covariance[j][i] = covariance[i][j];
            }
        }
        atlas.push(AtlasNeuron {
            name: row["name"].clone(),
            mean: ["x_um", "y_um", "z_um", "r", "g", "b"].map(value),
            covariance,
        });
    }
    let mut worms: HashMap<String, (Vec<String>, Vec<[f64; 6]>)> = HashMap::new();
    for row in csv::Reader::from_path(file("data/wormid_heads.csv")?)
        .unwrap()
        .deserialize()
    {
        let row: HashMap<String, String> = row.unwrap();
        let worm = worms.entry(row["worm"].clone()).or_default();
        worm.0.push(row["name"].clone());
        worm.1
            .push(["ax_um", "ay_um", "az_um", "r", "g", "b"].map(|name| row[name].parse::<f64>().unwrap()));
    }
    Some((atlas, worms))
}

#[test]
fn worms_against_an_atlas() {
    let (Some((atlas, worms)), Some(json)) = (atlas_and_worms(), json("atlas/atlas_match.json")) else {
        return;
    };
    for (worm, (names, features)) in &worms {
        for (kind, dimensions) in [("pos", 3), ("pos_col", 6)] {
            let exact = &json["worms"][worm][kind];
            let cost = costs(&atlas, features, dimensions, false).unwrap();
            let pairs = assign(&cost, atlas.len()).unwrap();
            let total: f64 = pairs.iter().map(|&(r, c)| cost[r * atlas.len() + c]).sum();
            assert!(
                (total / number(&exact["total"]) - 1.0).abs() < 1e-6,
                "{worm} {kind}"
            );
            let hits = pairs.iter().filter(|&&(r, c)| atlas[c].name == names[r]).count();
            assert!(
                hits.abs_diff(exact["hits"].as_u64().unwrap() as usize) <= 1,
                "{worm} {kind}: {hits}"
            );
        }
    }
}
