//! `neuropil connectome` as it is typed.

use std::path::Path;
use std::process::{Command, Output};

fn neuropil(folder: &Path, args: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_neuropil"))
        .current_dir(folder)
        .args(args)
        .output();
    command.expect("the command starts")
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_generated_brain_answers_every_question() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(
        here,
        &["connectome", "simulate", "larva", "--pairs", "120"],
    ));
    for verb in [
        "stats",
        "flow",
        "edges",
        "hubs",
        "layers",
        "integration",
        "hemispheres",
        "symmetry",
        "recurrence",
        "direction",
        "feedback",
        "paths",
        "motifs",
        "nulls",
        "types",
    ] {
        let answer = text(&neuropil(here, &["connectome", verb, "larva", "--json"]));
        assert!(
            serde_json::from_str::<serde_json::Value>(&answer).is_ok(),
            "{verb}"
        );
        text(&neuropil(here, &["connectome", verb, "larva"]));
    }
    text(&neuropil(
        here,
        &[
            "connectome",
            "report",
            "larva",
            "--out",
            "page",
            "--runs",
            "200",
            "--nulls",
            "3",
            "--seeds",
            "2",
            "--excisions",
            "3",
            "--cutoff",
            "3",
        ],
    ));
    for figure in [
        "edge-types",
        "multiplexed-edges",
        "edge-direction",
        "adjacency",
        "types",
        "type-tree",
        "type-adjacency",
        "type-pairs",
        "type-worth",
        "type-stability",
        "hubs",
        "hub-classes",
        "rich-club",
        "layers",
        "cascade",
        "senses",
        "sense-combinations",
        "hemispheres",
        "one-sided-signals",
        "edge-excision",
        "bilateral-symmetry",
        "recurrence",
        "path-lengths",
        "feedforward-feedback",
        "output-feedback",
        "paths",
        "motifs",
        "null-models",
        "influence",
    ] {
        for ending in ["svg", "png", "csv"] {
            let file = format!("{figure}.{ending}");
            assert!(here.join("page").join(&file).is_file(), "{file}");
        }
    }
    assert!(here.join("page/report.html").is_file());
}

#[test]
fn a_part_of_a_brain_is_exported_with_its_controls_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(here, &["connectome", "simulate", "larva"]));
    let export = [
        "connectome",
        "export-rnn",
        "larva",
        "--select",
        "celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN",
        "--input",
        "FIXATION=all",
        "--deal",
        "A,B=celltype=PN",
        "--output",
        "GO=celltype=MBON",
        "--control",
        "degree",
        "--controls",
        "2",
        "--json",
    ];
    let told: serde_json::Value = serde_json::from_str(&text(&neuropil(here, &export))).unwrap();
    assert_eq!(told["channels"], serde_json::json!(["FIXATION", "A", "B"]));
    assert_eq!(told["files"].as_array().unwrap().len(), 3);
    let edges = told["files"][0]["n_connections"].as_u64();
    for name in ["wiring.npz", "wiring-degree-1.npz", "wiring-degree-2.npz"] {
        let net = neuropil_connectome::export::Wiring::load(&here.join(name)).unwrap();
        assert_eq!(Some(net.n_edges() as u64), edges, "{name}");
        assert_eq!(net.actions, ["GO"]);
    }
    // The same table in another form gives the same numbers.
    text(&neuropil(
        here,
        &["connectome", "import", "larva", "--out", "copy"],
    ));
    let stats = |data: &str| text(&neuropil(here, &["connectome", "stats", data, "--json"]));
    assert_eq!(stats("larva"), stats("copy"));
}

#[test]
fn threads_do_not_change_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(here, &["connectome", "simulate", "larva"]));
    let cascade = [
        "connectome",
        "cascade",
        "larva",
        "--sources",
        "annotations~olfactory",
        "--runs",
        "777",
        "--json",
    ];
    let with = |args: &[&str], n: &str| text(&neuropil(here, &[args, &["--threads", n]].concat()));
    assert_eq!(with(&cascade, "1"), with(&cascade, "3"));
    let types = ["connectome", "types", "larva", "--json"];
    assert_eq!(with(&types, "1"), with(&types, "3"));
}

#[test]
fn mistakes_exit_with_two_and_say_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("e.csv"), "pre,post,weight\n1,2,3\n2,3,x\n").unwrap();
    std::fs::write(here.join("ok.csv"), "pre,post,weight\n1,2,3\n2,3,4\n").unwrap();
    for (args, expected) in [
        (&["stats", "e.csv"][..], "e.csv:3: weight"),
        (&["stats", "absent.csv"], "absent.csv: cannot read"),
        (&["cascade", "ok.csv", "--sources", "9"], "no neuron `9`"),
        (
            &["cascade", "ok.csv", "--sources", "celltype=PN"],
            "no column `celltype`",
        ),
        (&["cascade", "ok.csv", "--sources", "1", "--runs", "0"], "0 runs"),
        (&["hubs", "ok.csv", "--layer", "ad"], "no layer `ad`"),
        (&["edges", "ok.csv", "--threshold", "much"], "threshold `much`"),
        (&["export-rnn", "ok.csv"], "no selection of neurons"),
        (
            &["hemispheres", "ok.csv"],
            "no neuron of this connectome has a side",
        ),
        (&["paths", "ok.csv"], "no column `io`"),
        (
            &["influence", "ok.csv", "--sources", "1", "--radius", "2"],
            "spectral radius 2",
        ),
        (&["nulls", "ok.csv", "--null", "block"], "column `celltype`"),
    ] {
        let output = neuropil(here, &[&["connectome"], args].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(message.contains(expected), "{args:?}: {message}");
    }
    let exact = text(&neuropil(
        here,
        &[
            "connectome",
            "cascade",
            "ok.csv",
            "--sources",
            "1",
            "--exact",
            "--json",
        ],
    ));
    let exact: serde_json::Value = serde_json::from_str(&exact).unwrap();
    let p = exact["neurons"][1]["probability"][1].as_f64().unwrap();
    assert!((p - (1.0 - 0.95_f64.powi(3))).abs() < 1e-12);
}
