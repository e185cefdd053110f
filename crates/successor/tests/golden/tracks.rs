//! Tracks, MATLAB files and the birds' summary data.

use super::files::{close, folder, json, number, numbers, states};
use neuropil_lab::mat::{Content, Variable, read_mat};
use neuropil_math::rng::Key;
use neuropil_successor::compare::{GammaFit, GammaLaw, number_distribution};
use neuropil_successor::track::pipeline::{Pipeline, session};
use neuropil_successor::track::{TrackOptions, read};

#[test]
fn the_published_pipeline_makes_the_published_states() {
    let want = json("track_expected.json");
    let track = read(&folder().join("track_30hz.csv"), &TrackOptions::default()).unwrap();
    let published = Pipeline {
        unexplored: 1.0,
        steps: None,
        ..Pipeline::fang2023()
    };
    let all = Pipeline {
        longest_stop: 0,
        ..published
    };
    let states_of = |pipeline: &Pipeline| session(&track, pipeline, Key::new(1)).unwrap().states;
    assert_eq!(states_of(&all), states(&want["states_before_collapse"]));
    assert_eq!(states_of(&published), states(&want["states_reference"]));
    let mended = Pipeline {
        collapse_last: true,
        ..published
    };
    assert_eq!(states_of(&mended), states(&want["states_collapse_last_run_too"]));
}

fn numbers_of(variables: &[Variable], name: &str) -> (Vec<usize>, Vec<f64>) {
    let variable = variables.iter().find(|variable| variable.name == name).unwrap();
    match &variable.content {
        Content::Numbers(values) => (variable.shape.clone(), values.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn matlab_files_of_version_5() {
    for name in ["demo_v5_plain.mat", "demo_v5_compressed.mat"] {
        let variables = read_mat(&folder().join(name)).unwrap();
        assert_eq!(
            numbers_of(&variables, "x"),
            (vec![2, 3], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]),
            "column by column"
        );
        assert_eq!(numbers_of(&variables, "n"), (vec![3, 1], vec![1.0, 2.0, 250.0]));
        assert_eq!(numbers_of(&variables, "one").1, [3.5]);
        let text = variables.iter().find(|variable| variable.name == "name").unwrap();
        assert_eq!(text.content, Content::Text("HT01".to_owned()));
        let b = variables.iter().find(|variable| variable.name == "B").unwrap();
        let Content::Structure(elements) = &b.content else {
            panic!("{b:?}")
        };
        assert_eq!(numbers_of(&elements[0], "fps").1, [30.0]);
        assert_eq!(
            numbers_of(&elements[0], "y"),
            (vec![5, 1], vec![0.0, 2.0, 4.0, 6.0, 8.0])
        );
        let track = read(&folder().join(name), &TrackOptions::default());
        let named = TrackOptions {
            columns: Some(vec!["B.x".to_owned(), "B.y".to_owned()]),
            ..TrackOptions::default()
        };
        let track = track.or_else(|_| read(&folder().join(name), &named)).unwrap();
        assert_eq!(track.frames(), 5);
        close("fps of the session", &[track.rate_hz().unwrap()], &[30.0], 1e-9);
    }
}

#[test]
fn recorded_titmice() {
    let path = folder().join("6bc_payne2021_data.mat");
    let want = json("payne2021_expected.json");
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return;
    }
    let variables = read_mat(&path).unwrap();
    let (shape, sizes) = numbers_of(&variables, "field_ratios");
    let (_, counts) = numbers_of(&variables, "field_nums");
    assert_eq!(shape, states(&want["field_ratios"]["shape"]));
    close(
        "first sizes",
        &sizes[..5],
        &numbers(&want["field_ratios"]["first5"]),
        1e-12,
    );
    close(
        "sum of sizes",
        &[sizes.iter().sum()],
        &[number(&want["field_ratios"]["sum"])],
        1e-8,
    );
    let counts: Vec<usize> = counts.iter().map(|count| *count as usize).collect();
    let tally: Vec<f64> = (1..=6)
        .map(|k| counts.iter().filter(|count| **count == k).count() as f64)
        .collect();
    close(
        "numbers of fields",
        &tally,
        &numbers(&want["field_nums"]["counts_1_to_6"]),
        0.0,
    );
    let p = number_distribution(&counts).unwrap();
    close(
        "distribution",
        &p,
        &numbers(&want["distribution_1_2_3_4_5plus"]),
        1e-8,
    );
    let law = GammaLaw::fit(&sizes, GammaFit::Location0).unwrap();
    close(
        "gamma law",
        &[law.shape, law.scale],
        &numbers(&want["gamma_loc0_shape_scale"]),
        1e-5,
    );
    let loose = GammaLaw::fit(&sizes, GammaFit::Reference).unwrap();
    close(
        "gamma law with location",
        &[loose.shape, loose.scale],
        &[0.62, 0.098],
        0.03,
    );
    let one = counts.iter().filter(|count| **count == 1).count() as f64 / counts.len() as f64;
    close("one field", &[one], &[number(&want["one_field_fraction"])], 1e-8);
}
